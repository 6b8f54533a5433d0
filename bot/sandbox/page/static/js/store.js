// What the page knows, and the pure rules by which events of the stream change it. Regions of the
// page subscribe to topics; many changes within one frame cost one render.

export const state = {
  boot: null, // team, app, users, commands, usergroups, suggestions
  me: null,
  channels: [],
  place: { kind: "channel", channel: null, tab: "messages" }, // or {kind: "home"}
  messages: new Map(), // channel -> [message], oldest first, top level only
  thread: null, // {channel, ts, messages}
  unreadFrom: null, // ts of the first message that was unread when the channel was opened
  views: [], // the stack of modals, the visible one last
  home: null,
  busy: new Set(),
  world: null,
  connection: "connecting",
  toasts: [],
  layout: { sidebar: false, world: true, dock: "world" },
};

const subscribers = [];
const changed = new Set();
let frame = 0;
let timer = 0;
const LONGEST_FRAME = 100; // ms

export function subscribe(topics, render) {
  subscribers.push({ topics: new Set(topics), render });
}

export function invalidate(...topics) {
  topics.forEach((topic) => changed.add(topic));
  if (frame) return;
  frame = requestAnimationFrame(flush);
  // Hidden and covered windows get no frames, but their titles still count the unread.
  timer = setTimeout(flush, LONGEST_FRAME);
}

function flush() {
  cancelAnimationFrame(frame);
  clearTimeout(timer);
  frame = 0;
  const topics = new Set(changed);
  changed.clear();
  for (const { topics: wanted, render } of subscribers) {
    if (!wanted.isDisjointFrom(topics)) render();
  }
}

/** The list with `message` put in by its ts, or put in place of the one with the same ts. */
export function withMessage(list, message) {
  const at = list.findIndex((known) => known.ts === message.ts);
  if (at >= 0) return list.with(at, message);
  const later = list.findIndex((known) => Number(known.ts) > Number(message.ts));
  return later < 0 ? [...list, message] : list.toSpliced(later, 0, message);
}

export function withoutMessage(list, ts) {
  return list.filter((known) => known.ts !== ts);
}

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;

/** Does this message stand in the channel itself? (A reply does when it was also sent there.) */
export const isTopLevel = (message) => !isReply(message) || message.subtype === "thread_broadcast";

/** The stack of modals after an event of a view. */
export function withView(views, kind, view) {
  const at = views.findIndex((known) => known.id === view.id);
  switch (kind) {
    case "view_opened":
      return [view];
    case "view_pushed":
      return at >= 0 ? views.with(at, view) : [...views, view];
    case "view_updated":
      return at >= 0 ? views.with(at, view) : views.length ? [...views.slice(0, -1), view] : [view];
    case "view_closed":
      return at >= 0 ? views.slice(0, at) : views;
    default:
      return views;
  }
}

export const channelById = (id) => state.channels.find((channel) => channel.id === id);
export const userById = (id) => state.boot?.users.find((user) => user.id === id);

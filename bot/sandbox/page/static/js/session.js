// What a person does and what the stream tells, turned into state: signing in as a user, opening
// places, saying things. Rendering happens elsewhere, from the state.

import { announce } from "./a11y.js";
import { get, post, UNREACHABLE } from "./api.js";
import {
  channelById,
  invalidate,
  isTopLevel,
  state,
  userById,
  withMessage,
  withView,
  withoutMessage,
} from "./store.js";
import { recall, remember, rememberLine } from "./memory.js";
import { openStream } from "./stream.js";
import { toast, withdraw } from "./toasts.js";
import { busyKey, forget } from "./surface.js";

let stream = null;
const arrivedWhileReading = new Map(); // channel -> events that came while its messages were read

// -- who

export async function signIn(userId, wantedChannel) {
  stream?.close();
  const boot = await get("/client/boot", { user: userId });
  state.boot = boot;
  state.me = boot.me;
  state.channels = boot.channels;
  state.messages = new Map();
  state.thread = null;
  state.views = boot.view_stack ?? [];
  state.home = null;
  state.busy.clear();
  remember("user", boot.me.id);
  const place = [wantedChannel, state.place.channel, recall("channel")].map(channelById).find(Boolean);
  const first = place ?? firstChannel(boot);
  stream = openStream(`/client/stream?user=${encodeURIComponent(boot.me.id)}`, {
    onOpen: reread,
    onEvent: hear,
    onState: connectionState,
  });
  invalidate("session", "views", "home", "thread", "place");
  await openChannel(first.id);
}

// A newcomer starts where the first suggested line is answered: an environment's cards stand in the
// channel that is named after it.
function firstChannel({ channels, suggestions }) {
  const rooms = channels.filter((channel) => channel.kind !== "im" && channel.bot_is_member);
  const words = new Set((suggestions?.[0]?.text ?? "/dynamo deploy tasks-service qa").split(/\s+/));
  return (
    rooms.find((channel) => channel.name.split("-").some((word) => words.has(word))) ??
    rooms[0] ??
    channels[0]
  );
}

function connectionState(connection) {
  state.connection = connection;
  if (connection === "open") withdraw(UNREACHABLE);
  invalidate("connection");
}

// After a reconnection nothing that is on screen is trusted: it is read again.
async function reread() {
  const boot = await get("/client/boot", { user: state.me.id });
  state.channels = boot.channels;
  invalidate("session");
  for (const channel of state.messages.keys())
    if (channel !== state.place.channel) state.messages.delete(channel);
  if (state.place.channel) {
    await readChannel(state.place.channel);
    if (state.place.kind !== "home") markRead(state.place.channel);
  }
  if (state.thread) await readThread(state.thread.channel, state.thread.ts);
  if (state.place.kind === "home") await readHome();
}

// -- where

export async function openChannel(id) {
  const channel = channelById(id);
  if (!channel) return toast("error", "You are not in that channel.");
  const app = state.boot.app.bot_user_id;
  state.place = { kind: channel.user_id === app ? "app" : "channel", channel: id, tab: "messages" };
  state.layout.sidebar = false;
  if (state.thread && state.thread.channel !== id) closeThread();
  remember("channel", id);
  history.replaceState(null, "", `/?${new URLSearchParams({ user: state.me.id, channel: id })}`);
  invalidate("place", "messages", "layout", "session");
  await readChannel(id);
  state.unreadFrom = firstUnread(channel, state.messages.get(id) ?? []);
  invalidate("messages");
  markRead(id);
}

export async function openHome() {
  const im = state.channels.find((channel) => channel.user_id === state.boot.app.bot_user_id);
  state.place = { kind: "home", channel: im?.id ?? null, tab: "home" };
  state.layout.sidebar = false;
  if (state.thread) closeThread();
  invalidate("place", "home", "layout", "session");
  await readHome();
}

async function readHome() {
  state.home = (await attempt(() => get("/client/home", { user: state.me.id }))) ?? state.home;
  invalidate("home");
}

function firstUnread(channel, messages) {
  if (!channel.unread) return null;
  const foreign = messages.filter((message) => message.user !== state.me.id && !message.command);
  return foreign.at(-channel.unread)?.ts ?? null;
}

async function readChannel(id) {
  arrivedWhileReading.set(id, []);
  const answer = await attempt(() => get("/client/messages", { user: state.me.id, channel: id }));
  const missed = arrivedWhileReading.get(id) ?? [];
  arrivedWhileReading.delete(id);
  if (answer) state.messages.set(id, answer.messages);
  missed.forEach((event) => applyToChannel(event));
  invalidate("messages");
}

export async function openThread(channel, ts) {
  const parent = state.messages.get(channel)?.find((message) => message.ts === ts);
  state.thread = { channel, ts, messages: parent ? [parent] : [] };
  state.layout.dock = "thread";
  invalidate("thread", "layout");
  await readThread(channel, ts);
}

async function readThread(channel, ts) {
  const answer = await attempt(() => get("/client/messages", { user: state.me.id, channel, thread_ts: ts }));
  if (!answer || state.thread?.ts !== ts) return;
  state.thread = answer.messages.reduce(
    (thread, message) => ({ ...thread, messages: withMessage(thread.messages, message) }),
    { ...state.thread, isRead: true },
  );
  invalidate("thread");
}

export function closeThread() {
  state.thread = null;
  state.layout.dock = "world";
  invalidate("thread", "layout");
}

function markRead(id) {
  const last = state.messages.get(id)?.at(-1);
  const channel = channelById(id);
  if (!last || !channel || document.hidden) return;
  if (channel.unread || channel.mentions) setChannel({ ...channel, unread: 0, mentions: 0 });
  post("/client/read", { user: state.me.id, channel: id, ts: last.ts }).catch(() => {});
}

function setChannel(channel) {
  const at = state.channels.findIndex((known) => known.id === channel.id);
  state.channels = at < 0 ? [...state.channels, channel] : state.channels.with(at, channel);
  invalidate("session", "place");
}

// -- doing

/** Send what was typed; resolves to whether it arrived. */
export async function say(text, { channel, thread_ts: threadTs }) {
  rememberLine(text);
  try {
    await post("/client/say", { user: state.me.id, channel, text, thread_ts: threadTs });
    return true;
  } catch (error) {
    // What the server says on the stream as a toast is not said twice.
    if (error.code !== "slash_command_in_thread") toast("error", error.message);
    return false;
  }
}

async function attempt(request) {
  try {
    return await request();
  } catch (error) {
    toast("error", error.message);
    return null;
  }
}

// -- hearing

function hear(event) {
  const handler = HANDLERS[event.event];
  handler?.(event);
}

const HANDLERS = {
  message: hearMessage,
  message_changed: hearMessage,
  message_deleted: hearMessage,
  view_opened: hearView,
  view_pushed: hearView,
  view_updated: hearView,
  view_closed: hearView,
  home: ({ view }) => {
    state.home = view;
    invalidate("home");
  },
  channel: ({ channel }) => {
    const open = channel.id === state.place.channel && state.place.kind !== "home" && !document.hidden;
    setChannel(open ? { ...channel, unread: 0, mentions: 0 } : channel);
  },
  toast: ({ level, text }) => toast(level, text),
  busy: ({ message_ts: ts, view_id: view, action_id: action, busy }) => {
    if (busy) state.busy.add(busyKey(view ?? ts, action));
    else state.busy.delete(busyKey(view ?? ts, action));
    invalidate("messages", "thread", "views");
  },
};

function hearMessage(event) {
  const { channel } = event;
  arrivedWhileReading.get(channel)?.push(event);
  applyToChannel(event);
  applyToThread(event);
  speak(event);
  const isOpen = channel === state.place.channel && state.place.kind !== "home";
  if (event.event === "message" && isOpen) markRead(channel);
}

function applyToChannel({ event, channel, message }) {
  const list = state.messages.get(channel);
  if (!list) return;
  if (event === "message_deleted") state.messages.set(channel, withoutMessage(list, message.ts));
  else {
    // A reply reaches the channel as a change of its parent.
    state.messages.set(channel, isTopLevel(message) ? withMessage(list, message) : list);
  }
  if (channel === state.place.channel) invalidate("messages");
}

function applyToThread({ event, channel, message }) {
  const { thread } = state;
  if (thread?.channel !== channel || (message.thread_ts ?? message.ts) !== thread.ts) return;
  const messages =
    event === "message_deleted"
      ? withoutMessage(thread.messages, message.ts)
      : withMessage(thread.messages, message);
  state.thread = { ...thread, messages };
  invalidate("thread");
}

function speak({ event, channel, message }) {
  if (event === "message_deleted" || channel !== state.place.channel || message.user === state.me.id) return;
  const author = userById(message.user)?.real_name ?? state.boot.app.name;
  const said = (message.text ?? "").replace(/<[^|>]*\|([^>]*)>/g, "$1").slice(0, 300);
  announce(`${author}${message.ephemeral ? ", only to you" : ""}: ${said}`, message.ts);
}

function hearView({ event, view }) {
  if (event === "view_closed") forget(view.id);
  state.views = withView(state.views, event, view);
  invalidate("views");
}

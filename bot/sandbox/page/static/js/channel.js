// The middle of the page: the head of the place, its messages, the way to the newest one.

import { post } from "./api.js";
import { h, render } from "./dom.js";
import { authorOf, names, titleOf } from "./names.js";
import { homeView } from "./home.js";
import { messageList, ROWS } from "./render/list.js";
import { ScrollKeeper } from "./scroll.js";
import { openChannel, openHome, openThread } from "./session.js";
import { mark } from "./sidebar.js";
import { channelById, invalidate, state, subscribe, userById } from "./store.js";
import { surface, versionOf } from "./surface.js";
import { toast } from "./toasts.js";
import { worldButton } from "./world.js";

const scroller = document.getElementById("messages");
const keeper = new ScrollKeeper(scroller, () => invalidate("latest"));
let shownPlace = null;
let startedAt = null; // the first unread message, once the reader was brought to it
let seen = null; // the newest message when the reader was last at the end
let rows = ROWS;

subscribe(["session", "place", "layout", "thread", "world"], () => {
  const channel = channelById(state.place.channel);
  if (!state.boot) return;
  render(
    document.getElementById("channel-header"),
    menuToggle(),
    channel && state.place.kind === "channel" ? channelHead(channel) : appHead(channel),
    worldButton(),
  );
});

function menuToggle() {
  const unread = state.channels.some((channel) => channel.unread && channel.id !== state.place.channel);
  return h(
    "button",
    {
      key: "menu",
      type: "button",
      class: "icon-btn menu-toggle",
      "aria-label": `Channels${unread ? ", some unread" : ""}`,
      "aria-expanded": String(state.layout.sidebar),
      "aria-controls": "sidebar",
      on: { click: () => ((state.layout.sidebar = !state.layout.sidebar), invalidate("layout")) },
    },
    h(
      "svg",
      { viewBox: "0 0 20 20", "aria-hidden": "true" },
      h("path", { d: "M3.4 5.6H16.6M3.4 10H16.6M3.4 14.4H16.6" }),
    ),
    unread && h("span", { class: "dot" }),
  );
}

function channelHead(channel) {
  return h(
    "div",
    { key: "head", class: "bar-text" },
    h("h1", null, mark(channel), titleOf(channel)),
    h("p", { class: "topic" }, channel.kind === "im" ? userById(channel.user_id)?.title : channel.topic),
  );
}

function appHead(channel) {
  const tab = (id, label, onClick) =>
    h(
      "button",
      {
        type: "button",
        class: "tab",
        "aria-current": state.place.tab === id ? "page" : null,
        on: { click: onClick },
      },
      label,
    );
  return [
    h("div", { key: "head", class: "bar-text" }, h("h1", null, state.boot.app.name)),
    h(
      "div",
      { key: "tabs", class: "tabs", role: "group", "aria-label": "Tabs of the app" },
      tab("home", "Home", openHome),
      channel && tab("messages", "Messages", () => openChannel(channel.id)),
    ),
  ];
}

subscribe(["place", "messages", "home", "session"], () => {
  if (!state.boot) return;
  const place = `${state.place.kind} ${state.place.channel} ${state.me.id}`;
  const moved = place !== shownPlace;
  if (moved) {
    shownPlace = place;
    rows = ROWS;
    startedAt = seen = null;
    keeper.begin(state.place.kind !== "home");
  }
  const home = state.place.kind === "home";
  scroller.setAttribute("aria-label", home ? `Home of ${state.boot.app.name}` : "Messages");
  scroller.setAttribute("role", home ? "region" : "log");
  keeper.around(() => render(scroller, home ? homeView() : listOf(state.place.channel)));
  if (!home && state.unreadFrom && startedAt !== state.unreadFrom) {
    startedAt = state.unreadFrom;
    keeper.startAt(scroller.querySelector(".list-divider.unread"));
    seen = newest();
  }
  invalidate("latest", "guide");
});

function listOf(channel) {
  const messages = state.messages.get(channel) ?? [];
  return h(
    "div",
    { key: `list-${channel}-${state.me.id}`, class: "messages" },
    state.messages.has(channel)
      ? beginning(channelById(channel), messages)
      : h("p", { class: "loading" }, "Reading messages…"),
    messageList(messages, {
      ...rowsOf(channel, "messages", false),
      unreadFrom: state.unreadFrom,
      rows,
      onEarlier: () => {
        rows += ROWS;
        keeper.following = false;
        invalidate("messages");
      },
    }),
  );
}

function beginning(channel, messages) {
  if (messages.length > rows || !channel) return null;
  const text =
    channel.kind === "im"
      ? "This is the beginning of your conversation."
      : `This is the beginning of #${channel.name}.`;
  return h(
    "div",
    { key: "beginning", class: "beginning" },
    h("p", { class: "beginning-title" }, channel.kind === "im" ? titleOf(channel) : `#${channel.name}`),
    h(
      "p",
      null,
      text,
      " ",
      channel.kind !== "im" && !channel.bot_is_member ? `${state.boot.app.name} is not in this channel.` : "",
    ),
  );
}

/** What rows of a list need, for the channel and for the thread pane. */
export function rowsOf(channel, topic, inThread) {
  return {
    inputsOf: (message) => [
      busyMarks(message.ts),
      versionOf(`${topic}-${message.ts}`),
      Math.floor(Date.now() / 60_000),
    ],
    viewOf: (message) => ({
      ctx: surface({
        id: `${topic}-${message.ts}`,
        target: { channel, message_ts: message.ts },
        topic,
        names,
        blocks: message.blocks ?? [],
        files: message.files,
      }),
      author: authorOf(message),
      names,
      inThread,
      repliers: (message.reply_users ?? []).map((id) => userById(id) ?? { is_bot: true, id }),
      reactors: (users) => ({
        own: users.includes(state.me.id),
        who: users.map((id) => (id === state.me.id ? "you" : names.user(id))).join(", "),
      }),
      onReact: (name, own) => react(channel, message.ts, name, own),
      onThread: () => openThread(channel, message.ts),
      onCopyLink: () => copyLink(channel, message.ts),
    }),
  };
}

const busyMarks = (ts) => [...state.busy].filter((key) => key.startsWith(`${ts} `)).join();

async function react(channel, ts, name, own) {
  const act = { channel, message_ts: ts, name, do: own ? "remove" : "add" };
  try {
    await post("/client/reaction", { user: state.me.id, ...act });
  } catch (error) {
    toast("error", error.message);
  }
}

async function copyLink(channel, ts) {
  const url = `${location.origin}/archives/${channel}/p${ts.replace(".", "")}`;
  try {
    await navigator.clipboard.writeText(url);
    toast("info", "Link copied.");
  } catch {
    toast("info", url);
  }
}

const WAY_DOWN = "To the newest message";
const here = () => state.messages.get(state.place.channel) ?? [];
const newest = () => here().at(-1)?.ts ?? "";

subscribe(["latest"], () => {
  const shown = !keeper.following && state.place.kind !== "home";
  if (!shown || seen === null) seen = newest();
  const fresh = shown ? here().filter(({ ts }) => ts > seen).length : 0;
  render(
    document.getElementById("latest"),
    shown &&
      h(
        "button",
        {
          type: "button",
          class: `btn latest-button${fresh ? " primary" : ""}`,
          title: fresh ? null : WAY_DOWN,
          on: { click: () => (keeper.follow(), invalidate("latest")) },
        },
        h(
          "svg",
          { viewBox: "0 0 20 20", "aria-hidden": "true" },
          h("path", { d: "M10 4.4V15.6M5.4 11 10 15.6 14.6 11" }),
        ),
        fresh
          ? h("span", { key: "new" }, `${fresh} new ${fresh === 1 ? "message" : "messages"} below`)
          : h("span", { key: "way", class: "sr-only" }, WAY_DOWN),
      ),
  );
});

/** Follow a link to a message of this workspace. */
export async function jumpTo(channel, ts) {
  if (state.place.channel !== channel || state.place.kind === "home") await openChannel(channel);
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const row = scroller.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
      if (!row) return toast("info", "That message is not among the ones shown here.");
      keeper.bring(row, "center");
      row.focus({ preventScroll: true });
      row.animate?.([{ backgroundColor: "var(--accent-soft)" }, { backgroundColor: "transparent" }], {
        duration: 1600,
      });
    }),
  );
}

export const followNewest = () => keeper.follow();

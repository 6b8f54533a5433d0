// The right pane: a message and its replies.

import { createComposer } from "./composer.js";
import { rowsOf } from "./channel.js";
import { sources } from "./sources.js";
import { h, render } from "./dom.js";
import { isPhone } from "./layout.js";
import { titleOf } from "./names.js";
import { messageList } from "./render/list.js";
import { ScrollKeeper } from "./scroll.js";
import { linesTyped } from "./memory.js";
import { closeThread, say } from "./session.js";
import { channelById, state, subscribe } from "./store.js";

const scroller = document.getElementById("thread-messages");
const keeper = new ScrollKeeper(scroller);
let composer = null;
let shown = null;
let cameFrom = null;
let started = false; // whether the reader was brought to where the thread is read from

export function startThread() {
  composer = createComposer(document.getElementById("thread-composer"), {
    id: "thread-composer",
    placeholder: () => "Reply…",
    draftKey: () => `${state.me?.id} ${state.thread?.ts}`,
    sources,
    history: linesTyped,
    onSend: (text) => {
      keeper.follow();
      return say(text, { channel: state.thread.channel, thread_ts: state.thread.ts });
    },
  });
}

subscribe(["thread", "session"], () => {
  const { thread } = state;
  if (!thread) {
    if (shown) leave();
    return;
  }
  const opened = shown !== thread.ts;
  if (opened) {
    cameFrom = document.activeElement;
    shown = thread.ts;
    started = false;
    keeper.begin(true);
  }
  const channel = channelById(thread.channel);
  render(
    document.getElementById("thread-header"),
    h(
      "div",
      { class: "bar-text" },
      h("h2", null, "Thread"),
      h(
        "p",
        { class: "topic" },
        channel ? `in ${channel.kind === "im" ? titleOf(channel) : `#${channel.name}`}` : "",
      ),
    ),
    h(
      "button",
      { type: "button", class: "icon-btn", "aria-label": "Close the thread", on: { click: closeThread } },
      h("span", { class: "cross", "aria-hidden": "true" }),
    ),
  );
  keeper.around(() =>
    render(scroller, h("div", { key: thread.ts, class: "messages" }, rowsWithCount(thread))),
  );
  composer.update();
  if (thread.isRead && !started) {
    started = true;
    keeper.startAt([...scroller.querySelectorAll(".message")].at(-1));
  }
  if (opened) requestAnimationFrame(focusThread);
});

// On a phone a focused field would bring the keyboard up, over what is to be read.
function focusThread() {
  if (isPhone()) document.querySelector("#thread-header button").focus();
  else composer.focus();
}

function rowsWithCount(thread) {
  const rows = messageList(thread.messages, { ...rowsOf(thread.channel, "thread", true), apart: thread.ts });
  const replies = thread.messages.length - 1;
  const parentAt = rows.findIndex((row) => row.key === `m-${thread.ts}`);
  const count =
    replies > 0
      ? h(
          "div",
          { key: "count", class: "list-divider count", role: "separator" },
          h("span", null, `${replies} ${replies === 1 ? "reply" : "replies"}`),
        )
      : null;
  return rows.toSpliced(parentAt + 1, 0, count);
}

function leave() {
  shown = null;
  render(scroller);
  if (cameFrom?.isConnected) cameFrom.focus();
  else document.getElementById("messages").focus();
}

// A list of messages: day dividers, the line above the unread ones, messages of one author in a row
// grouped under one head. Rows are memoised, so an edit costs one row.

import { h, memo } from "../dom.js";
import { message } from "./message.js";
import { readerLocale } from "../names.js";
import { dayName, dayOf } from "./time.js";

const GROUP_WITHIN = 300; // seconds
export const ROWS = 120; // how many of the newest messages are drawn before "Show earlier messages"

/** `viewOf(message)` gives what render/message.js asks for; `inputsOf(message)` what its look
 *  depends on besides the message itself. */
export function messageList(messages, { viewOf, inputsOf, unreadFrom, apart, rows = ROWS, onEarlier }) {
  const shown = messages.slice(-rows);
  const out = [];
  if (shown.length < messages.length) {
    out.push(
      h(
        "button",
        { key: "earlier", type: "button", class: "btn quiet earlier", on: { click: onEarlier } },
        "Show earlier messages",
      ),
    );
  }
  shown.forEach((current, index) => {
    const before = shown[index - 1];
    const newDay = !before || dayOf(before.ts) !== dayOf(current.ts);
    if (newDay) out.push(divider(`day-${dayOf(current.ts)}`, dayName(current.ts, readerLocale()), "day"));
    const firstUnread = unreadFrom && current.ts === unreadFrom;
    if (firstUnread) out.push(divider("unread", "New", "unread"));
    // What follows the parent of a thread is a reply and has its own head.
    const grouped = before?.ts !== apart && !newDay && !firstUnread && belongsTo(before, current);
    out.push(
      memo(`m-${current.ts}`, [current, grouped, readerLocale(), ...inputsOf(current)], () =>
        message(current, { ...viewOf(current), grouped }),
      ),
    );
  });
  return out;
}

const divider = (key, text, kind) =>
  h(
    "div",
    { key, class: `list-divider ${kind}`, role: "separator", "aria-label": text },
    h("span", null, text),
  );

function belongsTo(before, current) {
  return (
    before.user === current.user &&
    before.bot_id === current.bot_id &&
    Boolean(before.ephemeral) === Boolean(current.ephemeral) &&
    Boolean(before.error) === Boolean(current.error) &&
    !current.blocks?.some((block) => block.type === "header") &&
    Number(current.ts) - Number(before.ts) < GROUP_WITHIN
  );
}

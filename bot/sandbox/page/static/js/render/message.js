// One message: who, when, what, its files, its thread. The card of a rollout is one of these and is
// edited many times; it keeps its node, and what a person does in it.

import { h } from "../dom.js";
import { avatar } from "./avatar.js";
import { blocks } from "./blocks.js";
import { ownUrl, picture } from "./image.js";
import { mrkdwn } from "./mrkdwn.js";
import { sign } from "./signs.js";
import { PAGE_LOCALE, readerLocale } from "../names.js";
import { ago, clock, exact } from "./time.js";

/** `view`: {ctx, author, names, grouped, inThread, repliers, reactors, onReact, onThread, onCopyLink}. */
export function message(shown, view) {
  const { author, grouped, inThread } = view;
  const kind = [
    shown.ephemeral && "ephemeral",
    shown.error && "failed",
    grouped && "grouped",
    shown.command && "typed",
  ]
    .filter(Boolean)
    .join(" ");
  return h(
    "article",
    {
      class: `message ${kind}`,
      "data-ts": shown.ts,
      tabindex: "-1",
      "aria-label": `${author.name}, ${clock(shown.ts, readerLocale())}${shown.ephemeral ? ", only visible to you" : ""}`,
    },
    h("div", { class: "gutter" }, grouped ? time(shown, "gutter-time") : avatar(author.user)),
    h(
      "div",
      { class: "message-body" },
      grouped ? null : header(shown, author),
      shown.ephemeral &&
        h(
          "p",
          { class: "only-you" },
          h(
            "svg",
            { class: "eye", viewBox: "0 0 20 20", "aria-hidden": "true" },
            h("path", {
              d: "M2.8 10C5 6.6 7.4 5.2 10 5.2S15 6.6 17.2 10C15 13.4 12.6 14.8 10 14.8S5 13.4 2.8 10Z",
            }),
            h("circle", { cx: 10, cy: 10, r: 2.2 }),
          ),
          "Only visible to you",
        ),
      content(shown, view),
      files(shown.files ?? []),
      reactions(shown.reactions ?? [], view),
      !inThread && shown.reply_count ? replyBar(shown, view) : null,
    ),
    toolbar(shown, view),
  );
}

function header(shown, author) {
  return h(
    "div",
    { class: "message-head" },
    h("span", { class: "author" }, author.name),
    author.user?.is_bot || shown.bot_id
      ? h("span", { class: "badge-app" }, "App")
      : author.user?.title
        ? h("span", { class: "author-title" }, author.user.title)
        : null,
    time(shown, "message-time"),
  );
}

const time = (shown, className) =>
  h(
    "time",
    {
      class: className,
      lang: readerLocale(),
      datetime: new Date(shown.ts * 1000).toISOString(),
      title: exact(shown.ts, readerLocale()),
    },
    clock(shown.ts, readerLocale()),
  );

function content(shown, { ctx, names }) {
  if (shown.command) return h("p", { class: "command" }, h("code", null, shown.command));
  if (!shown.blocks?.length || isTyped(shown)) {
    if (!shown.text) return null;
    return h(
      "div",
      { class: "message-text" },
      mrkdwn(shown.text, names),
      shown.edited && !shown.bot_id ? h("span", { class: "edited" }, " (edited)") : null,
    );
  }
  const card =
    shown.bot_id &&
    shown.blocks.some((block) => /^(header|actions|table|divider)$/.test(block.type) || block.accessory);
  return h("div", { class: card ? "blocks card" : "blocks" }, blocks(ctx, shown.blocks));
}

// What a person typed says in its text what Slack's own composer would have drawn while they typed.
const isTyped = ({ bot_id: bot, text, blocks }) =>
  !bot && text && blocks.every(({ type }) => type === "rich_text");

function files(list) {
  if (!list.length) return null;
  return h(
    "div",
    { class: "files" },
    list.map((file) => (file.mimetype?.startsWith("image/") ? imageFile(file) : plainFile(file))),
  );
}

function imageFile(file) {
  const url = ownUrl(file.url ?? "");
  return h(
    "figure",
    { key: file.id, class: "figure" },
    h("figcaption", null, file.title || file.name),
    h(
      "a",
      { href: url, target: "_blank", rel: "noopener", "aria-label": `Open ${file.title || file.name}` },
      picture(file.url, file.alt_txt || file.title || file.name, "figure-image"),
    ),
  );
}

function plainFile(file) {
  return h(
    "a",
    { key: file.id, class: "file", href: ownUrl(file.url ?? ""), download: file.name },
    h(
      "svg",
      { class: "file-sign", viewBox: "0 0 20 20", "aria-hidden": "true" },
      h("path", {
        d: "M5 2.8H11.6L15.6 6.8V17.2H5ZM11.6 2.8V6.8H15.6M7.6 10.4H13M7.6 13.4H13",
      }),
    ),
    h(
      "span",
      { class: "file-text" },
      h("span", { class: "file-name" }, file.title || file.name),
      h("span", { class: "file-detail" }, `${size(file.size)} · Download`),
    ),
  );
}

function size(bytes = 0) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

// Emoji of people and apps: a press adds one's own, or takes it away.
function reactions(list, { reactors, onReact }) {
  if (!list.length) return null;
  return h(
    "ul",
    { class: "reactions", "aria-label": "Reactions" },
    list.map(({ name, users, count }) => {
      const { own, who } = reactors(users);
      return h(
        "li",
        { key: name },
        h(
          "button",
          {
            type: "button",
            class: "reaction",
            "aria-pressed": String(own),
            "aria-label": `${name.replaceAll("_", " ")}, ${count}: ${who}`,
            title: who,
            on: { click: () => onReact(name, own) },
          },
          sign(name) ?? `:${name}:`,
          h("span", { class: "reaction-count" }, count),
        ),
      );
    }),
  );
}

function replyBar(shown, { repliers, onThread }) {
  const count = shown.reply_count;
  return h(
    "button",
    { type: "button", class: "reply-bar", on: { click: onThread } },
    h(
      "span",
      { class: "reply-faces" },
      repliers.slice(0, 3).map((user) => avatar(user, "small")),
    ),
    h("span", { class: "reply-count" }, `${count} ${count === 1 ? "reply" : "replies"}`),
    shown.latest_reply &&
      h("span", { class: "reply-when" }, `Last reply ${ago(shown.latest_reply, PAGE_LOCALE)}`),
  );
}

function toolbar(shown, { inThread, onThread, onCopyLink }) {
  if (shown.ephemeral || shown.command || shown.error) return null;
  return h(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "Message" },
    inThread
      ? null
      : h(
          "button",
          { type: "button", class: "tool", on: { click: onThread } },
          shown.reply_count ? "Open thread" : "Reply in thread",
        ),
    h("button", { type: "button", class: "tool", on: { click: onCopyLink } }, "Copy link"),
  );
}

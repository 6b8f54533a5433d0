// rich_text blocks: sections, lists, quotes and preformatted text with their inline elements.
// Unlike mrkdwn their texts are shown as they are: nothing in them is markup or an escape.

import { h } from "../dom.js";
import { channelMention, groupMention, link, userMention } from "./mrkdwn.js";
import { sign, withSigns } from "./signs.js";
import { formatDate } from "./time.js";

export function richText(block, names) {
  return h(
    "div",
    { class: "rich" },
    block.elements.map((element) => part(element, names)),
  );
}

function part(element, names) {
  switch (element.type) {
    case "rich_text_section":
      return h("div", { class: "rich-section" }, inlines(element, names));
    case "rich_text_preformatted":
      return h(
        "pre",
        { class: "pre", tabindex: "0" },
        element.elements.map((inner) => inner.text ?? inner.url ?? ""),
      );
    case "rich_text_quote":
      return h("blockquote", { class: "quote" }, inlines(element, names));
    case "rich_text_list":
      return list(element, names);
    default:
      return h("p", { class: "unknown" }, `(${element.type} is not shown here)`);
  }
}

function list(element, names) {
  const tag = element.style === "ordered" ? "ol" : "ul";
  return h(
    tag,
    {
      class: `rich-list indent-${Math.min(element.indent ?? 0, 8)}`,
      start: tag === "ol" && element.offset ? element.offset + 1 : null,
    },
    element.elements.map((item) => h("li", null, inlines(item, names))),
  );
}

const inlines = (element, names) =>
  element.elements.map((inner) => withStyle(inner.style, inline(inner, names)));

function inline(element, names) {
  switch (element.type) {
    case "text":
      return element.style?.code ? element.text : lines(element.text);
    case "link":
      return link(element.url, element.text ? [element.text] : undefined);
    case "emoji":
      return sign(element.name) ?? `:${element.name}:`;
    case "user":
      return userMention(element.user_id, names);
    case "channel":
      return channelMention(element.channel_id, names);
    case "usergroup":
      return groupMention(element.usergroup_id, names);
    case "broadcast":
      return h("span", { class: "mention self" }, `@${element.range}`);
    case "date":
      return h(
        "time",
        { datetime: new Date(element.timestamp * 1000).toISOString(), title: element.fallback },
        formatDate(element.timestamp, element.format, names.locale),
      );
    case "color":
      return h(
        "span",
        null,
        h("span", {
          class: "swatch",
          vars: { "--swatch": /^#[0-9a-f]{3,8}$/i.test(element.value) ? element.value : "transparent" },
        }),
        element.value,
      );
    default:
      return element.text ?? "";
  }
}

const lines = (text) =>
  text.split("\n").flatMap((line, index) => (index ? [h("br"), withSigns(line)] : [withSigns(line)]));

function withStyle(style, content) {
  if (!style) return content;
  let node = content;
  if (style.code) node = h("code", { class: "code" }, node);
  if (style.bold) node = h("strong", null, node);
  if (style.italic) node = h("em", null, node);
  if (style.strike) node = h("s", null, node);
  if (style.underline) node = h("u", null, node);
  return node;
}

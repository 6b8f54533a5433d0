// Slack's mrkdwn as descriptions of nodes. Everything that is not a rule of the language is text,
// and text only becomes text nodes: there is no way from a message to HTML.
// Rules: bold *, italic _, strike ~, `code`, ``` fences, > quotes, <url|text>, <@U…>, <#C…>,
// <!subteam^…>, <!date^…>, <!here>, :emoji:, and the three escapes &amp; &lt; &gt;.

import { h } from "../dom.js";
import { isEmojiName, sign, withSigns } from "./signs.js";
import { formatDate } from "./time.js";

const unescape = (text) =>
  text.replace(/&(amp|lt|gt);/g, (_, name) => ({ amp: "&", lt: "<", gt: ">" })[name]);

/** Plain text with emoji: what `plain_text` objects show. */
export function plain(text, emoji = true) {
  if (!emoji) return withSigns(unescape(text));
  return splitBy(
    text,
    /:([a-z0-9_+'-]+):/g,
    (match) => (isEmojiName(match[1]) ? sign(match[1]) : null),
    (rest) => withSigns(unescape(rest)),
  );
}

/** A text object of Block Kit, or nothing. */
export function textObject(object, names) {
  if (!object) return null;
  if (object.type !== "mrkdwn") return plain(object.text, object.emoji !== false);
  return mrkdwn(object.text, object.verbatim ? { ...names, verbatim: true } : names);
}

/** `names` answers for ids: user(id), channel(id), group(id), me, locale, openChannel(id); where it says
 * `verbatim`, addresses that are not marked as links stay text, as in Slack. */
export function mrkdwn(text, names) {
  const parts = text.split(/```\n?([\s\S]*?)\n?```\n?/);
  return parts.map((part, index) =>
    index % 2 ? h("pre", { class: "pre" }, unescape(bare(part))) : paragraphs(part, names),
  );
}

// In code Slack still shows the readable half of what was escaped as a link.
const bare = (code) => code.replace(/<(https?:[^|>]+)(?:\|([^>]*))?>/g, (_, url, label) => label ?? url);

function paragraphs(text, names) {
  const out = [];
  let quote = [];
  const endQuote = () => {
    if (quote.length) out.push(h("blockquote", { class: "quote" }, quote));
    quote = [];
  };
  text.split("\n").forEach((line, index, lines) => {
    const quoted = /^(?:&gt;|>)(?!>)\s?(.*)$/.exec(line);
    if (quoted) quote.push(quote.length ? h("br") : null, inline(quoted[1], names));
    else {
      const afterQuote = quote.length > 0;
      endQuote();
      if (index > 0 && !afterQuote) out.push(h("br"));
      out.push(inline(line, names));
    }
    if (index === lines.length - 1) endQuote();
  });
  return out;
}

// Code, <…> and emoji are opaque: nothing inside them is markup. While bold, italic and strike are
// found, one private-use character each stands for them (a text's own such characters are dropped).
const OPAQUE = /`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+'-]+):/g;
const FIRST_STAND_IN = 0xe000;
const LAST_STAND_IN = 0xf8ff;

function inline(line, names) {
  const opaque = Object.assign([], { verbatim: names.verbatim });
  const text = line.replace(/[\uE000-\uF8FF]/g, "").replace(OPAQUE, (whole, code, angle, emoji) => {
    if (FIRST_STAND_IN + opaque.length > LAST_STAND_IN) return whole;
    const node =
      code !== undefined
        ? h("code", { class: "code" }, unescape(bare(code)))
        : angle !== undefined
          ? special(angle, names)
          : sign(emoji);
    if (!node) return whole;
    opaque.push(node);
    return String.fromCharCode(FIRST_STAND_IN + opaque.length - 1);
  });
  return styled(text, opaque);
}

const STYLES = { "*": "strong", _: "em", "~": "s" };
const BEFORE = /[\s\p{P}\p{S}\uE000-\uF8FF]/u;

function styled(text, opaque) {
  const out = [];
  const closed = { "*": Infinity, _: Infinity, "~": Infinity }; // from here on a mark has no closer
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (!(mark in STYLES) || at >= closed[mark] || !opens(text, at)) continue;
    const end = closer(text, at, mark);
    if (end < 0) {
      closed[mark] = at;
      continue;
    }
    out.push(
      leaf(text.slice(from, at), opaque),
      h(STYLES[mark], null, styled(text.slice(at + 1, end), opaque)),
    );
    from = end + 1;
    at = end;
  }
  out.push(leaf(text.slice(from), opaque));
  return out;
}

const opens = (text, at) =>
  (at === 0 || BEFORE.test(text[at - 1])) &&
  at + 1 < text.length &&
  !/\s/.test(text[at + 1]) &&
  text[at + 1] !== text[at];

function closer(text, start, mark) {
  for (let end = text.indexOf(mark, start + 2); end >= 0; end = text.indexOf(mark, end + 1)) {
    const next = text[end + 1];
    if (!/\s/.test(text[end - 1]) && (next === undefined || BEFORE.test(next))) return end;
  }
  return -1;
}

function leaf(text, opaque) {
  return splitBy(
    text,
    /[\uE000-\uF8FF]/g,
    (match) => opaque[match[0].charCodeAt(0) - FIRST_STAND_IN] ?? null,
    opaque.verbatim ? (rest) => withSigns(unescape(rest)) : linked,
  );
}

const BARE_URL = /\bhttps?:\/\/[^\s<>"\uE000-\uF8FF]*[^\s<>"\uE000-\uF8FF.,:;!?)\]}']/g;
const linked = (text) =>
  splitBy(
    text,
    BARE_URL,
    (match) => link(unescape(match[0])),
    (rest) => withSigns(unescape(rest)),
  );

function splitBy(text, pattern, ofMatch, ofRest) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const node = ofMatch(match);
    if (!node) continue;
    if (match.index > from) out.push(ofRest(text.slice(from, match.index)));
    out.push(node);
    from = match.index + match[0].length;
  }
  if (from < text.length) out.push(ofRest(text.slice(from)));
  return out;
}

function special(inside, names) {
  const [target, label] = cut(inside, "|");
  if (target.startsWith("@")) return userMention(target.slice(1), names, label);
  if (target.startsWith("#")) return channelMention(target.slice(1), names, label);
  if (target.startsWith("!subteam^")) return mention(names.group(target.slice(9)) ?? label ?? "group");
  if (target.startsWith("!date^")) return dateMention(target.slice(6), label, names);
  if (/^!(here|channel|everyone)$/.test(target)) return mention(target.slice(1), true);
  if (target.startsWith("!")) return [unescape(label ?? target)];
  const url = unescape(target);
  return SAFE_SCHEME.test(url) ? link(url, label ? plain(label) : undefined) : null; // null: left as typed
}

function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

const mention = (name, self = false) =>
  h("span", { class: self ? "mention self" : "mention" }, `@${unescape(name).replace(/^@/, "")}`);

export function userMention(id, names, label) {
  return mention(names.user(id) ?? label ?? id, id === names.me);
}

export const groupMention = (id, names) => mention(names.group(id) ?? "group");

export function channelMention(id, names, label) {
  const name = names.channel(id) ?? label;
  if (!name) return h("span", { class: "mention" }, "a private channel");
  return h(
    "button",
    { type: "button", class: "mention link", on: { click: () => names.openChannel(id) } },
    `#${unescape(name)}`,
  );
}

function dateMention(inside, fallback, names) {
  const [seconds, format, url] = inside.split("^");
  if (!/^-?\d{1,12}$/.test(seconds) || !format) return h("span", null, unescape(fallback ?? inside));
  const shown = h(
    "time",
    { datetime: new Date(seconds * 1000).toISOString(), title: fallback && unescape(fallback) },
    unescape(formatDate(Number(seconds), format, names.locale)),
  );
  return url ? link(unescape(url), [shown]) : shown;
}

const SAFE_SCHEME = /^(https?:|mailto:)/i;

/** A link to a web or mail address; any other scheme stays text. */
export function link(url, content) {
  const shown = content ?? [url.replace(/^mailto:/i, "")];
  if (!SAFE_SCHEME.test(url)) return h("span", null, shown);
  const permalink = /\/archives\/([A-Z0-9]+)\/p(\d{10})(\d{6})/.exec(url);
  return h(
    "a",
    {
      href: url,
      target: permalink ? null : "_blank",
      rel: "noopener noreferrer",
      "data-channel": permalink?.[1],
      "data-ts": permalink && `${permalink[2]}.${permalink[3]}`,
    },
    shown,
  );
}

// The `markdown` block: standard Markdown, as far as cards need it (headings, lists, quotes, rules,
// fences, tables are left as text; bold, italic, strike, code and links inline).

import { h } from "../dom.js";
import { link } from "./mrkdwn.js";
import { withSigns } from "./signs.js";

export function markdown(text) {
  const out = [];
  let list = null;
  const fenced = text.split(/^```[^\n]*\n([\s\S]*?)^```\s*$/m);
  fenced.forEach((part, index) => {
    if (index % 2) out.push(h("pre", { class: "pre", tabindex: "0" }, part.replace(/\n$/, "")));
    else part.split("\n").forEach(addLine);
    list = null;
  });

  function addLine(line) {
    const item = /^\s*(?:([-*+])|\d+[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/.exec(line);
    if (item) {
      const tag = item[1] ? "ul" : "ol";
      if (list?.tag !== tag) out.push((list = h(tag, { class: "rich-list" })));
      const box = item[2] === undefined ? null : h("span", { class: "box" }, item[2] === " " ? "☐ " : "☑ ");
      list.children.push(h("li", null, box, inline(item[3])));
      return;
    }
    list = null;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    if (heading) out.push(h("p", { class: "md-heading" }, inline(heading[2])));
    else if (quote) out.push(h("blockquote", { class: "quote" }, inline(quote[1])));
    else if (/^\s*([-*_])\s*(\1\s*){2,}$/.test(line)) out.push(h("hr", { class: "divider" }));
    else if (line.trim()) out.push(h("p", { class: "md-line" }, inline(line)));
  }

  return h("div", { class: "rich" }, out);
}

const INLINE =
  /`([^`]+)`|\[([^\]]+)\]\(([^\s)]+)\)|<(https?:[^>\s]+)>|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|\*(\S(?:[^*]*\S)?)\*|\b_(\S(?:[^_]*\S)?)_\b/g;

function inline(text) {
  const out = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, label, url, bareUrl, bold, boldToo, strike, italic, italicToo] = match;
    out.push(withSigns(text.slice(from, match.index)));
    if (code) out.push(h("code", { class: "code" }, code));
    else if (label) out.push(link(url, inline(label)));
    else if (bareUrl) out.push(link(bareUrl));
    else if (bold ?? boldToo) out.push(h("strong", null, inline(bold ?? boldToo)));
    else if (strike) out.push(h("s", null, inline(strike)));
    else out.push(h("em", null, inline(italic ?? italicToo)));
    from = match.index + whole.length;
  }
  out.push(withSigns(text.slice(from)));
  return out;
}

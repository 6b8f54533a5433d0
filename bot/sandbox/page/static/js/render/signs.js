// The signs of cards, drawn: emoji of state and action as small pictures in the page's own tones,
// so that they look the same on every machine (also where no emoji font is installed). Every sign
// carries its name for those who do not see it. Emoji without a drawing stay characters.

import { h } from "../dom.js";
import { ALIASES, CHARACTERS, DRAWINGS } from "./drawings.js";

const NAME_OF = new Map(Object.entries(CHARACTERS).map(([name, character]) => [character, name]));
NAME_OF.set("◽", "white_medium_square")
  .set("⬜", "white_medium_square")
  .set("☐", "white_medium_square")
  .set("✖", "x");
const DRAWN = [...NAME_OF].filter(([, name]) => DRAWINGS[name]).map(([character]) => character);
const DRAWN_CHARACTER = new RegExp(`(${DRAWN.join("|")})\\uFE0F?`, "u");

const WORD_AFTER = /^[ \u00a0][^\s\u00a0]{1,24}/;

export const isEmojiName = (name) => resolve(name) in DRAWINGS || resolve(name) in CHARACTERS;

/** The sign for a shortcode, or null when the name is unknown. */
export function sign(shortcode) {
  const name = resolve(shortcode);
  if (DRAWINGS[name]) return drawing(name);
  if (!CHARACTERS[name]) return null;
  return h(
    "span",
    { class: "emoji", role: "img", "aria-label": spoken(name), title: `:${name}:` },
    CHARACTERS[name],
  );
}

/** Text with the emoji characters that have a drawing replaced by it. */
export function withSigns(text) {
  const [first, ...parts] = text.split(DRAWN_CHARACTER);
  const shown = [first];
  for (let at = 0; at < parts.length; at += 2) {
    const [word] = WORD_AFTER.exec(parts[at + 1]) ?? [""];
    const drawn = drawing(NAME_OF.get(parts[at]));
    // A line may be broken beside a picture even where a space forbids it, but not in here.
    shown.push(word ? h("span", { class: "sign-word" }, drawn, word) : drawn);
    shown.push(parts[at + 1].slice(word.length));
  }
  return shown;
}

function resolve(name) {
  return ALIASES[name] ?? name;
}

const spoken = (name) => name.replaceAll("_", " ");

function drawing(name) {
  const [tone, shape] = DRAWINGS[name];
  return h(
    "svg",
    { class: `sign tone-${tone}`, viewBox: "0 0 20 20", role: "img", "aria-label": spoken(name) },
    figure(shape),
  );
}

function figure({ disc, box, triangle, line }) {
  if (line) return h("path", { d: line, class: "stroke" });
  const ground =
    disc !== undefined
      ? h("circle", { cx: 10, cy: 10, r: 7.6, class: "fill" })
      : box !== undefined
        ? h("rect", { x: 2.6, y: 2.6, width: 14.8, height: 14.8, rx: 3.4, class: "fill" })
        : h("path", { d: "M10 2.6 18 16.4H2Z", class: "fill round" });
  const inner = disc ?? box ?? triangle;
  return [ground, inner && h("path", { d: inner, class: "cut" })];
}

// The signs of cards, drawn: emoji of state and action as small pictures in the page's own tones,
// so that they look the same on every machine (also where no emoji font is installed). Every sign
// carries its name for those who do not see it. Emoji without a drawing stay characters.

import { h } from "../dom.js";

const CHECK = "M5.6 10.4 8.6 13.4 14.4 7";
const CROSS = "M6.6 6.6 13.4 13.4M13.4 6.6 6.6 13.4";

// name: [tone, what to draw]; "disc" and "box" fill a ground, "line" strokes a path on a 20×20 grid.
const DRAWINGS = {
  white_check_mark: ["ok", { disc: CHECK }],
  heavy_check_mark: ["ok", { line: "M3.5 10.8 8 15.2 16.5 5.2" }],
  ballot_box_with_check: ["info", { box: CHECK }],
  x: ["fail", { disc: CROSS }],
  no_entry: ["fail", { disc: "M6 10H14" }],
  no_entry_sign: ["fail", { line: "M10 2.8a7.2 7.2 0 1 0 0 14.4a7.2 7.2 0 0 0 0-14.4M4.9 4.9 15.1 15.1" }],
  octagonal_sign: ["fail", { disc: "M6.5 10H13.5" }],
  warning: ["warn", { triangle: "M10 7.6V11.6M10 13.9V14" }],
  rotating_light: ["fail", { triangle: "M10 7.6V11.6M10 13.9V14" }],
  exclamation: ["fail", { line: "M10 3V12M10 15.8V16" }],
  question: ["info", { line: "M6.8 7.2a3.2 3.2 0 1 1 4.6 2.8c-1 .5-1.4 1-1.4 2.2M10 15.8V16" }],
  information_source: ["info", { disc: "M10 9.4V13.6M10 6.4V6.5" }],
  hourglass_flowing_sand: ["warn", { line: "M5.5 3H14.5M5.5 17H14.5M6.5 3V5.6C6.5 8 10 8.6 10 10S6.5 12 6.5 14.4V17M13.5 3V5.6C13.5 8 10 8.6 10 10S13.5 12 13.5 14.4V17M8.6 15.2H11.4" }],
  hourglass: ["faint", { line: "M5.5 3H14.5M5.5 17H14.5M6.5 3V5.6C6.5 8 10 8.6 10 10S6.5 12 6.5 14.4V17M13.5 3V5.6C13.5 8 10 8.6 10 10S13.5 12 13.5 14.4V17" }],
  stopwatch: ["faint", { line: "M10 5a6 6 0 1 0 0 12a6 6 0 0 0 0-12M8 2.6H12M10 8V11.2L12 12.4" }],
  clock3: ["faint", { line: "M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14M10 6.2V10H13.4" }],
  raised_hand: ["warn", { line: "M6.4 11V5.6a1.1 1.1 0 0 1 2.2 0V9.4M8.6 9V4.1a1.1 1.1 0 0 1 2.2 0V9M10.8 9.2V4.9a1.1 1.1 0 0 1 2.2 0V10M13 10V7.2a1.1 1.1 0 0 1 2.2 0V12.4c0 3-2 4.8-4.6 4.8-2.4 0-3.6-1-4.7-3L3.6 10.900a1.1 1.1 0 0 1 1.8-1.200L6.6 11.4" }],
  clipboard: ["info", { line: "M7.4 4.2H5.2V17H14.8V4.2H12.6M7.6 2.8H12.4V5.6H7.6ZM7.8 9H12.2M7.8 12.4H12.2" }],
  memo: ["info", { line: "M13.6 3.2 16.8 6.4 7.4 15.8 3.6 16.4 4.2 12.600ZM11.6 5.2 14.8 8.4" }],
  chart_with_upwards_trend: ["ok", { line: "M3.4 3.4V16.6H16.8M5.8 13 9 9.4 11.4 11.4 16 5.6M12.6 5.4H16.2V9" }],
  chart_with_downwards_trend: ["fail", { line: "M3.4 3.4V16.6H16.8M5.8 6.6 9 10 11.4 8 16 13M12.6 13.2H16.2V9.6" }],
  bar_chart: ["info", { line: "M4 16.6H16.400M5.8 14V10M10 14V5M14.2 14V8" }],
  white_medium_square: ["faint", { line: "M4.6 4.6H15.4V15.4H4.6Z" }],
  lock: ["warn", { line: "M5 9H15V16.6H5ZM7 9V6.400a3 3 0 0 1 6 0V9M10 12V13.8" }],
  unlock: ["ok", { line: "M5 9H15V16.6H5ZM7 9V5.800a3 3 0 0 1 5.8-1.100M10 12V13.8" }],
  key: ["warn", { line: "M6.6 9.600a3.3 3.3 0 1 0 0 6.600a3.3 3.3 0 0 0 0-6.600M9 10.6 16 3.800M13.2 6.6 15.4 8.8" }],
  large_green_circle: ["ok", { disc: "" }],
  red_circle: ["fail", { disc: "" }],
  large_yellow_circle: ["warn", { disc: "" }],
  large_orange_circle: ["warn", { disc: "" }],
  large_blue_circle: ["info", { disc: "" }],
  white_circle: ["faint", { line: "M10 3.400a6.6 6.6 0 1 0 0 13.200a6.6 6.6 0 0 0 0-13.2" }],
  black_circle: ["ink", { disc: "" }],
  arrows_counterclockwise: ["info", { line: "M15.8 8A6.2 6.2 0 0 0 4.8 6.800L3.6 8.200M3.6 4.400V8.200H7.400M4.2 12A6.2 6.2 0 0 0 15.2 13.200L16.4 11.800M16.4 15.600V11.800H12.6" }],
  repeat: ["info", { line: "M4 9V8a2.6 2.6 0 0 1 2.6-2.600H15.600M13.2 3 15.8 5.4 13.2 7.800M16 11V12a2.6 2.6 0 0 1-2.6 2.600H4.400M6.8 17 4.2 14.6 6.8 12.2" }],
  rewind: ["info", { line: "M9.6 5 4 10 9.6 15ZM16 5 10.4 10 16 15Z" }],
  leftwards_arrow_with_hook: ["info", { line: "M7 4 3.6 7.4 7 10.800M3.6 7.400H12.400a4 4 0 0 1 0 8H7" }],
  arrow_right: ["faint", { line: "M3.6 10H16M11.4 5.4 16 10 11.4 14.6" }],
  arrow_up: ["faint", { line: "M10 16.400V4M5.4 8.6 10 4 14.6 8.6" }],
  arrow_down: ["faint", { line: "M10 3.600V16M5.4 11.4 10 16 14.6 11.4" }],
  double_vertical_bar: ["warn", { line: "M7 4.600V15.400M13 4.600V15.4" }],
  black_square_for_stop: ["fail", { line: "M5.4 5.400H14.600V14.600H5.400Z" }],
  arrow_forward: ["ok", { line: "M6 4.4 15.4 10 6 15.600Z" }],
  rocket: ["info", { line: "M8 12.4 7.2 9.600C8.4 5.8 11.6 3.6 16.6 3.4 16.4 8.4 14.2 11.6 10.4 12.800ZM7.2 9.6 4.2 10.2 6 7.4 8.4 7M10.4 12.8 9.8 15.8 12.6 14 13 11.600M5.8 14.2 3.8 16.2" }],
  package: ["info", { line: "M3.6 6.4 10 3.2 16.4 6.400V13.600L10 16.8 3.6 13.600ZM3.6 6.4 10 9.6 16.4 6.400M10 9.600V16.8" }],
  gear: ["faint", { line: "M10 7a3 3 0 1 0 0 6a3 3 0 0 0 0-6M10 2.800V5M10 15V17.200M2.8 10H5M15 10H17.200M4.9 4.9 6.5 6.500M13.5 13.5 15.1 15.100M15.1 4.9 13.5 6.500M6.5 13.5 4.9 15.1" }],
  wrench: ["faint", { line: "M12.8 3.400a4 4 0 0 0-3.6 5.600L3.6 14.6 5.4 16.4 11 10.800a4 4 0 0 0 5.6-3.600L14.2 9.2 11.4 8.6 10.8 5.800Z" }],
  mag: ["info", { line: "M8.6 3.400a5.2 5.2 0 1 0 0 10.400a5.2 5.2 0 0 0 0-10.400M12.4 12.4 16.6 16.6" }],
  eyes: ["info", { line: "M2.8 10C5 6.6 7.4 5.2 10 5.200S15 6.6 17.2 10C15 13.4 12.6 14.8 10 14.800S5 13.4 2.8 10ZM10 7.800a2.2 2.2 0 1 0 0 4.400a2.2 2.2 0 0 0 0-4.4" }],
  link: ["info", { line: "M8.6 11.400a3 3 0 0 0 4.4.2L15.6 9a3 3 0 0 0-4.3-4.300L10 6M11.4 8.600A3 3 0 0 0 7 8.400L4.4 11a3 3 0 0 0 4.3 4.300L10 14" }],
  bell: ["warn", { line: "M5.6 13.600V9a4.4 4.4 0 0 1 8.8 0V13.600L16 15H4ZM8.4 17.200H11.6" }],
  bulb: ["warn", { line: "M7.8 14C7.8 12 5.4 11 5.4 8a4.6 4.6 0 0 1 9.2 0C14.6 11 12.2 12 12.2 14ZM8.2 16.800H11.8" }],
  construction: ["warn", { triangle: "M7.6 13 10.6 8M10.4 13.4 12.4 10" }],
  bust_in_silhouette: ["faint", { line: "M10 3.600a3.1 3.1 0 1 0 0 6.200a3.1 3.1 0 0 0 0-6.200M4.2 16.600C4.6 13.6 6.8 12 10 12S15.4 13.6 15.8 16.6" }],
};

const ALIASES = { heavy_multiplication_x: "x", stop_sign: "octagonal_sign", white_large_square: "white_medium_square", white_square: "white_medium_square", black_square_button: "white_medium_square", hand: "raised_hand", arrows_clockwise: "arrows_counterclockwise", pause_button: "double_vertical_bar", ledger: "clipboard", pencil: "memo", green_circle: "large_green_circle", yellow_circle: "large_yellow_circle", mag_right: "mag", chart: "chart_with_upwards_trend" };

const CHARACTERS = {
  white_check_mark: "✅", heavy_check_mark: "✔", ballot_box_with_check: "☑", x: "❌", no_entry: "⛔", no_entry_sign: "🚫",
  octagonal_sign: "🛑", warning: "⚠", rotating_light: "🚨", exclamation: "❗", question: "❓", information_source: "ℹ",
  hourglass_flowing_sand: "⏳", hourglass: "⌛", stopwatch: "⏱", clock3: "🕒", raised_hand: "✋", clipboard: "📋", memo: "📝",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", bar_chart: "📊", white_medium_square: "◻", lock: "🔒",
  unlock: "🔓", key: "🔑", large_green_circle: "🟢", red_circle: "🔴", large_yellow_circle: "🟡", large_orange_circle: "🟠",
  large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", arrows_counterclockwise: "🔄", repeat: "🔁", rewind: "⏪",
  leftwards_arrow_with_hook: "↩", arrow_right: "➡", arrow_up: "⬆", arrow_down: "⬇", double_vertical_bar: "⏸",
  black_square_for_stop: "⏹", arrow_forward: "▶", rocket: "🚀", package: "📦", gear: "⚙", wrench: "🔧", mag: "🔍", eyes: "👀",
  link: "🔗", bell: "🔔", bulb: "💡", construction: "🚧", bust_in_silhouette: "👤",
  tada: "🎉", wave: "👋", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", fire: "🔥", zap: "⚡", bug: "🐛", heart: "❤",
  smile: "😄", slightly_smiling_face: "🙂", pray: "🙏", clap: "👏", muscle: "💪", ok_hand: "👌", point_right: "👉", point_up: "☝",
  robot_face: "🤖", calendar: "📅", date: "📅", speech_balloon: "💬", thought_balloon: "💭", hammer: "🔨", hammer_and_wrench: "🛠",
  scroll: "📜", books: "📚", book: "📖", page_facing_up: "📄", file_folder: "📁", closed_lock_with_key: "🔐", shield: "🛡",
  microscope: "🔬", test_tube: "🧪", satellite: "📡", globe_with_meridians: "🌐", cloud: "☁", snowflake: "❄", seedling: "🌱",
  star: "⭐", sparkles: "✨", trophy: "🏆", checkered_flag: "🏁", triangular_flag_on_post: "🚩", round_pushpin: "📍", pushpin: "📌",
  inbox_tray: "📥", outbox_tray: "📤", zzz: "💤", skull: "💀", boom: "💥", whale: "🐳", ship: "🚢", turtle: "🐢", snail: "🐌",
  busts_in_silhouette: "👥", technologist: "🧑‍💻", crossed_fingers: "🤞", hourglass_done: "⌛", fast_forward: "⏩", new: "🆕", ok: "🆗",
  recycle: "♻", battery: "🔋", electric_plug: "🔌", thermometer: "🌡", moneybag: "💰", large_blue_diamond: "🔷", small_blue_diamond: "🔹",
};

const NAME_OF = new Map(Object.entries(CHARACTERS).map(([name, character]) => [character, name]));
NAME_OF.set("◽", "white_medium_square").set("⬜", "white_medium_square").set("☐", "white_medium_square").set("✖", "x");
const DRAWN = [...NAME_OF].filter(([, name]) => DRAWINGS[name]).map(([character]) => character);
const DRAWN_CHARACTER = new RegExp(`(${DRAWN.join("|")})\\uFE0F?`, "u");

export const isEmojiName = (name) => resolve(name) in DRAWINGS || resolve(name) in CHARACTERS;

/** The sign for a shortcode, or null when the name is unknown. */
export function sign(shortcode) {
  const name = resolve(shortcode);
  if (DRAWINGS[name]) return drawing(name);
  if (!CHARACTERS[name]) return null;
  return h("span", { class: "emoji", role: "img", "aria-label": spoken(name), title: `:${name}:` }, CHARACTERS[name]);
}

/** Text with the emoji characters that have a drawing replaced by it. */
export function withSigns(text) {
  const parts = text.split(DRAWN_CHARACTER);
  return parts.map((part, index) => (index % 2 ? drawing(NAME_OF.get(part)) : part));
}

function resolve(name) {
  return ALIASES[name] ?? name;
}

const spoken = (name) => name.replaceAll("_", " ");

function drawing(name) {
  const [tone, shape] = DRAWINGS[name];
  return h("svg", { class: `sign tone-${tone}`, viewBox: "0 0 20 20", role: "img", "aria-label": spoken(name) }, figure(shape));
}

function figure({ disc, box, triangle, line }) {
  if (line) return h("path", { d: line, class: "stroke" });
  const ground =
    disc !== undefined ? h("circle", { cx: 10, cy: 10, r: 7.6, class: "fill" })
    : box !== undefined ? h("rect", { x: 2.6, y: 2.6, width: 14.8, height: 14.8, rx: 3.4, class: "fill" })
    : h("path", { d: "M10 2.6 18 16.4H2Z", class: "fill round" });
  const inner = disc ?? box ?? triangle;
  return [ground, inner && h("path", { d: inner, class: "cut" })];
}

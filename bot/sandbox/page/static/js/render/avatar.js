// Avatars, drawn: initials on the person's colour, the app with its sign.

import { h } from "../dom.js";

const HUES = ["#3f6fb5", "#8a5a9e", "#2f7f79", "#a85a3a", "#6b6f2f", "#a8476b", "#4f62b8", "#5b7040"];

function colorOf(user) {
  const given = user?.color?.replace(/^#?/, "#");
  if (/^#[0-9a-f]{6}$/i.test(given ?? "") && darkEnough(given)) return given;
  const sum = [...(user?.id ?? "")].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return HUES[sum % HUES.length];
}

// White initials need a ground of at most this luminance for a contrast of 4.5.
function darkEnough(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b <= 0.183;
}

const initials = (name) =>
  name
    .split(/[\s._-]+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => [...word][0].toLocaleUpperCase())
    .join("") || "?";

export function avatar(user, size = "") {
  if (user?.is_bot) {
    return h(
      "span",
      { class: `avatar bot ${size}`, "aria-hidden": "true" },
      h(
        "svg",
        { viewBox: "0 0 32 32" },
        h("circle", { cx: 16, cy: 16, r: 9.5, class: "ring" }),
        h("path", { d: "M17.4 8.6 11.4 17.4h4.2l-1.3 6 6-8.7h-4.3z", class: "bolt" }),
      ),
    );
  }
  return h(
    "span",
    { class: `avatar ${size}`, "aria-hidden": "true", vars: { "--avatar": colorOf(user) } },
    initials(user?.real_name || user?.name || ""),
  );
}

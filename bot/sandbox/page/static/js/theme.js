// Light and dark: as the system says, until the person chooses.

import { h } from "./dom.js";
import { invalidate } from "./store.js";

const NEXT = { system: "light", light: "dark", dark: "system" };
const WORDS = { system: "as the system", light: "light", dark: "dark" };
const SHAPES = {
  system: "M3.4 4.4H16.6V13.4H3.4ZM7 16.4H13M10 13.4V16.4",
  light:
    "M10 6.6a3.4 3.4 0 1 0 0 6.8a3.4 3.4 0 0 0 0-6.8M10 2V3.8M10 16.2V18M2 10H3.8M16.2 10H18M4.3 4.3 5.6 5.6M14.4 14.4 15.7 15.7M15.7 4.3 14.4 5.6M5.6 14.4 4.3 15.7",
  dark: "M16.4 11.6A6.8 6.8 0 0 1 8.4 3.6A6.8 6.8 0 1 0 16.4 11.6Z",
};

let theme = load();
apply();

function load() {
  try {
    return localStorage.getItem("dynamo theme") ?? "system";
  } catch {
    return "system";
  }
}

function apply() {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function choose(next) {
  theme = next;
  try {
    localStorage.setItem("dynamo theme", next);
  } catch {
    // Not kept: the next visit follows the system again.
  }
  apply();
  invalidate("theme");
}

export function themeButton() {
  const label = `Colours: ${WORDS[theme]}. Change to ${WORDS[NEXT[theme]]}`;
  return h(
    "button",
    {
      type: "button",
      class: "icon-btn theme",
      "aria-label": label,
      title: label,
      on: { click: () => choose(NEXT[theme]) },
    },
    h("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, h("path", { d: SHAPES[theme] })),
  );
}

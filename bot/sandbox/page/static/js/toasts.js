// Short notices at the edge of the page. Errors stay longer; all can be closed, and none outlives the
// place that it was said in.

import { h, render } from "./dom.js";
import { invalidate, state, subscribe } from "./store.js";

const INFO_STAYS = 6000;
const ERROR_STAYS = 15000;
let last = 0;

export function toast(level, text) {
  if (state.toasts.some((shown) => shown.text === text)) return;
  const id = (last += 1);
  state.toasts = [...state.toasts.slice(-3), { id, level, text, place: state.place }];
  invalidate("toasts");
  setTimeout(() => dismiss(id), level === "error" ? ERROR_STAYS : INFO_STAYS);
}

const dismiss = (id) => keep((shown) => shown.id !== id);

/** Take back what is no longer so. */
export const withdraw = (text) => keep((shown) => shown.text !== text);

function keep(wanted) {
  const kept = state.toasts.filter(wanted);
  if (kept.length === state.toasts.length) return;
  state.toasts = kept;
  invalidate("toasts");
}

subscribe(["place"], () => keep((shown) => shown.place === state.place));

subscribe(["toasts"], () => {
  render(
    document.getElementById("toasts"),
    state.toasts.map(({ id, level, text }) =>
      h(
        "div",
        { key: id, class: `toast ${level}`, role: level === "error" ? "alert" : "status" },
        h("span", { class: "toast-word" }, level === "error" ? "Error" : "Note"),
        h("span", { class: "toast-text" }, text),
        h(
          "button",
          {
            type: "button",
            class: "icon-btn",
            "aria-label": "Close the notice",
            on: { click: () => dismiss(id) },
          },
          h("span", { class: "cross", "aria-hidden": "true" }),
        ),
      ),
    ),
  );
});

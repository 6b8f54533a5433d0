// Short notices at the edge of the page. Errors stay until they are read; all can be closed.

import { h, render } from "./dom.js";
import { invalidate, state, subscribe } from "./store.js";

const INFO_STAYS = 6000;
const ERROR_STAYS = 15000;
let last = 0;

export function toast(level, text) {
  if (state.toasts.some((shown) => shown.text === text)) return;
  const id = (last += 1);
  state.toasts = [...state.toasts.slice(-3), { id, level, text }];
  invalidate("toasts");
  setTimeout(() => dismiss(id), level === "error" ? ERROR_STAYS : INFO_STAYS);
}

function dismiss(id) {
  state.toasts = state.toasts.filter((shown) => shown.id !== id);
  invalidate("toasts");
}

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

// The first minute: three lines to try. A click puts a line into the composer; Enter sends it.

import { h, render } from "./dom.js";
import { linesTyped, recall, remember } from "./memory.js";
import { invalidate, state, subscribe } from "./store.js";

const DEFAULTS = [
  { text: "/dynamo deploy tasks-service qa", why: "Roll a service out and watch its card to the end" },
  { text: "/dynamo status", why: "See what runs where, side by side" },
  { text: "/dynamo deploy tasks-servce qa", why: "Mistype a name and see how you are helped" },
];

let putLine = () => {};

export function startGuide(put) {
  putLine = put;
}

subscribe(["guide", "session", "place"], () => {
  if (!state.boot) return;
  const known = state.boot.commands.some(({ command }) => command === "/dynamo") ? DEFAULTS : [];
  const lines = (state.boot.suggestions?.length ? state.boot.suggestions : known).slice(0, 3);
  const tried = new Set(linesTyped());
  const messages = state.messages.get(state.place.channel);
  const wanted =
    state.place.kind === "channel" &&
    messages &&
    !recall("guided") &&
    !lines.every(({ text }) => tried.has(text));
  const fresh = wanted && !messages.length;
  render(document.getElementById("guide"), wanted && guide(lines, tried, fresh));
});

function guide(lines, tried, fresh) {
  return h(
    "section",
    { key: "guide", class: `guide${fresh ? " fresh" : ""}`, "aria-label": "Your first minute" },
    h(
      "div",
      { class: "guide-head" },
      h("h2", null, fresh ? "Your first minute" : "Try next"),
      fresh && h("p", null, "Pick a line, then send it with Enter."),
    ),
    h(
      "ul",
      { class: "guide-lines" },
      lines
        .filter((line) => fresh || !tried.has(line.text))
        .map((line) => suggestion(line, tried.has(line.text))),
    ),
    h(
      "button",
      {
        type: "button",
        class: "icon-btn guide-close",
        "aria-label": "Dismiss the suggestions",
        on: { click: dismiss },
      },
      h("span", { class: "cross", "aria-hidden": "true" }),
    ),
  );
}

function suggestion({ text, why }, done) {
  return h(
    "li",
    { key: text },
    h(
      "button",
      { type: "button", class: `guide-line${done ? " done" : ""}`, on: { click: () => putLine(text) } },
      h("code", null, text),
      h("span", { class: "guide-why" }, why),
      done && h("span", { class: "sr-only" }, " (done)"),
    ),
  );
}

function dismiss() {
  remember("guided", "yes");
  invalidate("guide");
  document.getElementById("composer-input").focus();
}

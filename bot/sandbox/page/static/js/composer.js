// The line where a person types: Enter sends, Shift+Enter breaks the line, ↑ brings back what was
// sent, Tab completes. One composer for the channel, one for the thread.

import { announce } from "./a11y.js";
import { complete, hintFor } from "./completion.js";
import { build, h, render } from "./dom.js";
import { shortcutMenu } from "./shortcuts.js";
import { plain } from "./render/mrkdwn.js";

/** `options`: {id, placeholder(), sources(), history(), draftKey(), onSend(text) -> Promise<bool>}. */
export function createComposer(slot, options) {
  const listId = `${options.id}-list`;
  const drafts = new Map();
  let offered = { from: 0, items: [], firm: false };
  let active = -1;
  let recalled = null; // position in the history while ↑ and ↓ walk through it
  let draftOf = options.draftKey();

  const input = build(
    h("textarea", {
      id: `${options.id}-input`,
      class: "composer-input",
      rows: "1",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-haspopup": "listbox",
      "aria-controls": listId,
      on: { input: onInput, keydown: onKey, blur: close, click: refresh },
    }),
  );
  const list = build(
    h("div", {
      id: listId,
      class: "completions",
      role: "listbox",
      "aria-label": "Completions",
      hidden: true,
    }),
  );
  const hint = build(h("p", { class: "composer-hint", "aria-live": "off" }));
  const send = build(
    h(
      "button",
      { type: "button", class: "btn primary send", "aria-label": "Send", on: { click: submit } },
      h(
        "svg",
        { viewBox: "0 0 20 20", "aria-hidden": "true" },
        h("path", { d: "M3.4 3.6 17 10 3.4 16.4 5.4 10.8 11 10 5.4 9.2Z" }),
      ),
    ),
  );
  slot.append(list, build(h("div", { class: "composer" })), hint);
  const shortcuts = build(h("div", { class: "composer-shortcuts" }));
  slot.querySelector(".composer").append(shortcuts, input, send);

  function update() {
    const key = options.draftKey();
    if (key !== draftOf) {
      drafts.set(draftOf, input.value);
      draftOf = key;
      setText(drafts.get(key) ?? "");
      close();
    }
    const placeholder = options.placeholder();
    input.placeholder = placeholder;
    input.setAttribute("aria-label", placeholder);
    render(shortcuts, shortcutMenu(`${options.id}-shortcuts`));
  }

  function setText(text) {
    input.value = text;
    recalled = null;
    fit();
    showHint();
  }

  function fit() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
    send.classList.toggle("ready", input.value.trim() !== "");
  }

  function onInput() {
    recalled = null;
    fit();
    refresh();
  }

  function refresh() {
    const before = input.value.slice(0, input.selectionStart);
    offered =
      input.selectionStart === input.selectionEnd
        ? complete(before, options.sources())
        : { from: 0, items: [], firm: false };
    active = offered.firm ? 0 : -1;
    draw();
    showHint();
  }

  function showHint() {
    render(hint, plain(hintFor(input.value, options.sources().commands)));
  }

  function draw() {
    const open = offered.items.length > 0;
    const wasOpen = !list.hidden;
    list.hidden = !open;
    if (open && !wasOpen)
      announce(`${offered.items.length} completions. Arrow keys choose, Tab takes one.`, listId);
    if (active >= 0) input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    else input.removeAttribute("aria-activedescendant");
    render(
      list,
      offered.items.map((item, index) =>
        h(
          "div",
          {
            id: `${listId}-${index}`,
            class: `completion${index === active ? " active" : ""}`,
            role: "option",
            "aria-selected": String(index === active),
            on: { mousedown: (event) => event.preventDefault(), click: () => accept(index) },
          },
          h("span", { class: "completion-label" }, item.label),
          item.detail && h("span", { class: "completion-detail" }, item.detail),
          index === Math.max(active, 0) &&
            h("kbd", { class: "completion-key" }, active < 0 ? "Tab" : "Enter"),
        ),
      ),
    );
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    offered = { from: 0, items: [], firm: false };
    active = -1;
    draw();
  }

  function accept(index) {
    const item = offered.items[index];
    const after = input.value.slice(input.selectionStart);
    input.value = input.value.slice(0, offered.from) + item.insert + after.replace(/^ /, "");
    const caret = offered.from + item.insert.length;
    input.setSelectionRange(caret, caret);
    fit();
    input.focus();
    refresh();
  }

  function onKey(event) {
    if (event.isComposing) return;
    const open = offered.items.length > 0;
    const handler = open ? whileOpen[event.key] : undefined;
    if (handler?.(event)) event.preventDefault();
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") walkHistory(event);
  }

  const step = (by) => () => {
    const count = offered.items.length;
    active = active < 0 && by < 0 ? count - 1 : (active + by + count) % count;
    draw();
    return true;
  };
  const take = (event) => {
    if (event.shiftKey || (event.key === "Enter" && active < 0)) return false;
    accept(Math.max(active, 0));
    return true;
  };
  const whileOpen = {
    ArrowDown: step(1),
    ArrowUp: step(-1),
    Tab: take,
    Enter: take,
    Escape: (event) => {
      event.stopPropagation();
      close();
      return true;
    },
  };

  function walkHistory(event) {
    const history = options.history();
    const atEdge =
      event.key === "ArrowUp" ? input.selectionStart === 0 || recalled !== null : recalled !== null;
    if (!atEdge || !history.length || (recalled === null && input.value.trim())) return;
    const next = (recalled ?? history.length) + (event.key === "ArrowUp" ? -1 : 1);
    if (next < 0) return;
    event.preventDefault();
    input.value = history[next] ?? "";
    recalled = next < history.length ? next : null;
    input.setSelectionRange(input.value.length, input.value.length);
    fit();
    showHint();
  }

  async function submit() {
    const text = input.value.trim();
    if (!text) return;
    setText("");
    close();
    const sent = await options.onSend(text);
    // What could not be sent comes back, unless the person has typed on.
    if (!sent && !input.value) setText(text);
  }

  update();
  fit();
  return {
    update,
    focus: () => input.focus(),
    put(text) {
      setText(text);
      input.focus();
      input.setSelectionRange(text.length, text.length);
    },
  };
}

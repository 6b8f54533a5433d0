// Menus and pickers that open above the page. They are native popovers: the browser closes them on
// Escape and on a click elsewhere, and gives focus back. They live beside their button in the
// tree, so an edited card keeps its open menu.

import { moveAmong } from "./a11y.js";
import { h } from "./dom.js";

const GAP = 6;

/** A button that opens a menu. `items`: {label, detail?, url?, checked?, on()}; `checked` makes the
 *  items radio items; `named: false` leaves the button the name that its content gives it. */
export function menuButton({ id, label, named = true, className, content, items, busy }) {
  return [
    h(
      "button",
      {
        key: `${id}-button`,
        type: "button",
        class: className,
        popovertarget: id,
        "aria-label": named ? label : null,
        "aria-haspopup": "menu",
        "aria-busy": busy ? "true" : null,
      },
      content,
    ),
    h(
      "div",
      {
        key: id,
        id,
        class: "menu",
        popover: "auto",
        role: "menu",
        "aria-label": label,
        on: { keydown: onMenuKey, toggle: onToggle },
      },
      items.map((item) => menuItem(id, item)),
    ),
  ];
}

function menuItem(id, { label, detail, url, checked, on }) {
  const attributes = {
    class: "menu-item",
    role: checked === undefined ? "menuitem" : "menuitemradio",
    "aria-checked": checked === undefined ? null : String(checked),
    on: {
      click: (event) => {
        document.getElementById(id).hidePopover();
        on(event);
      },
    },
  };
  const content = [
    h("span", { class: "menu-label" }, label),
    detail && h("span", { class: "menu-detail" }, detail),
  ];
  return url && /^https?:/i.test(url)
    ? h("a", { ...attributes, href: url, target: "_blank", rel: "noopener noreferrer" }, content)
    : h("button", { ...attributes, type: "button" }, content);
}

function onMenuKey(event) {
  const items = [...event.currentTarget.querySelectorAll(".menu-item")];
  if (!moveAmong(items, event) && event.key === "Tab") event.currentTarget.hidePopover();
}

function onToggle(event) {
  const popover = event.currentTarget;
  place(popover);
  if (event.newState !== "open") return;
  const current = popover.querySelector("[aria-checked=true], input, .menu-item");
  current?.focus();
}

/** A button that opens a searchable list: one choice, or several with `multi`. */
export function picker({
  id,
  label,
  placeholder,
  options,
  multi,
  chosen,
  max,
  onChoose,
  onSearch,
  onClose,
  busy,
}) {
  const values = new Set(chosen.map((option) => option.value));
  const shown = chosen.length ? chosen.map((option) => option.label).join(", ") : placeholder;
  const pick = (option) => {
    if (!multi) {
      onChoose([option]);
      document.getElementById(id).hidePopover();
      return;
    }
    const next = values.has(option.value)
      ? chosen.filter((other) => other.value !== option.value)
      : [...chosen, option];
    if (!max || next.length <= max) onChoose(next);
  };
  return [
    h(
      "button",
      {
        key: `${id}-button`,
        type: "button",
        class: `select picker-button${chosen.length ? "" : " empty"}`,
        popovertarget: id,
        "aria-haspopup": "listbox",
        "aria-label": `${label}: ${shown}`,
        "aria-busy": busy ? "true" : null,
      },
      h("span", { class: "picker-shown" }, shown),
    ),
    h(
      "div",
      {
        key: id,
        id,
        class: "menu picker",
        popover: "auto",
        on: {
          keydown: onPickerKey,
          toggle: (event) => {
            onToggle(event);
            if (event.newState === "closed") onClose?.();
            else onSearch?.(event.currentTarget.querySelector("input").value);
          },
        },
      },
      h("input", {
        class: "field",
        type: "search",
        autocomplete: "off",
        placeholder: "Search",
        "aria-label": `Search ${label}`,
        on: { input: (event) => (onSearch ? onSearch(event.target.value) : filterOptions(event)) },
      }),
      h(
        "div",
        {
          class: "options",
          role: "listbox",
          "aria-label": label,
          "aria-multiselectable": multi ? "true" : null,
        },
        options.map((option) =>
          option.group !== undefined
            ? h("div", { class: "option-group", role: "presentation" }, option.group)
            : h(
                "button",
                {
                  key: `o-${option.value}`,
                  type: "button",
                  class: "menu-item option",
                  role: "option",
                  "aria-selected": String(values.has(option.value)),
                  on: { click: () => pick(option) },
                },
                h("span", { class: "menu-label" }, option.label),
                option.detail && h("span", { class: "menu-detail" }, option.detail),
              ),
        ),
        options.length ? null : h("p", { class: "menu-detail nothing" }, "Nothing found"),
      ),
    ),
  ];
}

function filterOptions(event) {
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const option of event.target.parentElement.querySelectorAll(".option")) {
    option.hidden = !option.textContent.toLocaleLowerCase().includes(wanted);
  }
}

function onPickerKey(event) {
  const items = [...event.currentTarget.querySelectorAll("input, .option:not([hidden])")];
  moveAmong(items, event);
}

/** Put an open popover below its button, or above where there is no room below. */
function place(popover) {
  const anchor = document.querySelector(`[popovertarget="${CSS.escape(popover.id)}"]`);
  if (!anchor || !popover.matches(":popover-open")) return;
  const at = anchor.getBoundingClientRect();
  const width = popover.offsetWidth;
  const height = popover.offsetHeight;
  const below = at.bottom + GAP + height <= innerHeight || at.top < height + GAP;
  const left = Math.max(GAP, Math.min(at.left, innerWidth - width - GAP));
  popover.style.setProperty("--left", `${left}px`);
  popover.style.setProperty("--top", `${Math.max(GAP, below ? at.bottom + GAP : at.top - height - GAP)}px`);
  popover.style.setProperty("--placed", "1");
}

/** Keep open popovers at their buttons when what is below them moves. */
export function placeOpenPopovers() {
  document.querySelectorAll(".menu:popover-open").forEach(place);
}

// Modals: the top of the stack in a native dialog (which keeps focus inside and the page behind
// still). Errors come back by block_id, are shown at their input, and the first one gets focus.

import { post } from "./api.js";
import { h, render } from "./dom.js";
import { names } from "./names.js";
import { blocks } from "./render/blocks.js";
import { plain } from "./render/mrkdwn.js";
import { invalidate, state, subscribe, withView } from "./store.js";
import { forget, stateOf, surface } from "./surface.js";
import { toast } from "./toasts.js";

const dialog = document.getElementById("modal");
let shownView = null;
let errors = {}; // of the visible view, by block_id
let submitting = false;

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  close();
});

subscribe(["views", "session"], () => {
  const view = state.views.at(-1);
  if (!view) {
    if (dialog.open) dialog.close();
    render(dialog);
    shownView = null;
    return;
  }
  const another = view.id !== shownView;
  if (another) {
    errors = {};
    submitting = false;
    shownView = view.id;
  }
  render(dialog, form(view));
  if (!dialog.open) dialog.showModal();
  if (another) focusFirst();
});

function form(view) {
  const ctx = surface({
    id: view.id,
    target: { view_id: view.id },
    topic: "views",
    names,
    blocks: view.blocks ?? [],
    errors,
  });
  const deeper = state.views.length > 1;
  return h(
    "form",
    {
      key: view.id,
      class: "modal-form",
      novalidate: true,
      "aria-busy": submitting ? "true" : null,
      on: { submit: (event) => (event.preventDefault(), submit(view)) },
    },
    h(
      "header",
      { class: "modal-head" },
      deeper &&
        h(
          "button",
          { key: "back", type: "button", class: "icon-btn", "aria-label": "Back", on: { click: close } },
          h("span", { class: "back", "aria-hidden": "true" }),
        ),
      h("h2", { key: "title", id: "modal-title" }, plain(view.title?.text ?? "")),
      h(
        "button",
        { key: "close", type: "button", class: "icon-btn", "aria-label": "Close", on: { click: close } },
        h("span", { class: "cross", "aria-hidden": "true" }),
      ),
    ),
    h("div", { key: "body", class: "modal-body blocks", tabindex: "-1" }, blocks(ctx, view.blocks ?? [])),
    h(
      "footer",
      { key: "foot", class: "dialog-buttons" },
      h(
        "button",
        { type: "button", class: "btn", on: { click: close } },
        plain(view.close?.text ?? "Cancel"),
      ),
      view.submit &&
        h(
          "button",
          {
            type: "submit",
            class: "btn primary",
            "aria-busy": submitting ? "true" : null,
            "aria-disabled": submitting ? "true" : null,
          },
          h("span", { class: "btn-text" }, plain(view.submit.text)),
        ),
    ),
  );
}

function focusFirst() {
  const body = dialog.querySelector(".modal-body");
  (
    body.querySelector("[autofocus]") ??
    body.querySelector("input, textarea, select, button") ??
    body
  ).focus();
}

/** Inputs that must be filled and are not: the client's own check, as in Slack. */
function missing(view, values) {
  const found = {};
  for (const block of view.blocks.filter((candidate) => candidate.type === "input" && !candidate.optional)) {
    const { type, ...answer } = values[block.block_id]?.[block.element.action_id] ?? {};
    const given = Object.values(answer)
      .flat()
      .filter((part) => part !== null && part !== undefined && part !== "");
    if (!given.length) found[block.block_id] = "Please complete this required field.";
  }
  return found;
}

async function submit(view) {
  if (submitting) return;
  const values = stateOf(view.id, view.blocks);
  errors = missing(view, values);
  if (Object.keys(errors).length) return showErrors();
  submitting = true;
  invalidate("views");
  try {
    const answer = await post("/client/submit", { user: state.me.id, view_id: view.id, state: values });
    receive(view, answer ?? {});
  } catch (error) {
    toast("error", error.message);
  } finally {
    submitting = false;
    invalidate("views");
  }
}

// The stream also tells what became of the view; both ways lead to the same stack.
function receive(view, answer) {
  if (answer.ok === false && !answer.errors) return; // told of as a toast
  errors = answer.errors ?? {};
  if (Object.keys(errors).length) return showErrors();
  if (answer.response_action === "clear") state.views = [];
  else if (!answer.response_action) {
    forget(view.id);
    state.views = withView(state.views, "view_closed", view);
  }
}

function showErrors() {
  invalidate("views");
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const first = dialog.querySelector(".block:has(.input-error)");
      first?.querySelector("input, textarea, select, button")?.focus();
      first?.scrollIntoView({ block: "nearest" });
    }),
  );
}

function close() {
  const view = state.views.at(-1);
  if (!view) return;
  forget(view.id);
  state.views = withView(state.views, "view_closed", view);
  invalidate("views");
  post("/client/close", { user: state.me.id, view_id: view.id }).catch((error) =>
    toast("error", error.message),
  );
}

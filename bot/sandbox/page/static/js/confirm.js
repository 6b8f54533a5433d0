// Block Kit's confirm dialog: asked in the page, before anything is sent.

import { build, h } from "./dom.js";
import { textObject } from "./render/mrkdwn.js";

/** Resolves to whether the person agreed. Cancel is where focus starts: Enter alone harms nobody. */
export function confirm(dialog, names) {
  return new Promise((resolve) => {
    const answer = (yes) => () => {
      resolve(yes);
      node.close();
    };
    const node = build(
      h(
        "dialog",
        {
          class: "confirm",
          role: "alertdialog",
          "aria-labelledby": "confirm-title",
          "aria-describedby": "confirm-text",
        },
        h("h2", { id: "confirm-title" }, textObject(dialog.title, names)),
        h("div", { id: "confirm-text", class: "confirm-text" }, textObject(dialog.text, names)),
        h(
          "div",
          { class: "dialog-buttons" },
          h(
            "button",
            { type: "button", class: "btn", autofocus: true, on: { click: answer(false) } },
            textObject(dialog.deny, names) ?? "Cancel",
          ),
          h(
            "button",
            {
              type: "button",
              class: `btn ${dialog.style === "danger" ? "danger" : "primary"}`,
              on: { click: answer(true) },
            },
            textObject(dialog.confirm, names) ?? "Yes",
          ),
        ),
      ),
    );
    node.addEventListener("close", () => {
      node.remove();
      resolve(false);
    });
    document.body.append(node);
    node.showModal();
  });
}

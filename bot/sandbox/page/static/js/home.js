// The Home tab of the app.

import { h } from "./dom.js";
import { names } from "./names.js";
import { blocks } from "./render/blocks.js";
import { state } from "./store.js";
import { surface } from "./surface.js";

export function homeView() {
  const view = state.home;
  if (!view) {
    return h(
      "div",
      { key: "home-empty", class: "home empty" },
      h("p", { class: "beginning-title" }, "Nothing on Home yet"),
      h("p", null, `${state.boot.app.name} shows here what waits for you, once it has something to show.`),
    );
  }
  const ctx = surface({
    id: `home-${view.id}`,
    target: { view_id: view.id },
    topic: "home",
    names,
    blocks: view.blocks,
  });
  return h("div", { key: "home", class: "home blocks" }, blocks(ctx, view.blocks));
}

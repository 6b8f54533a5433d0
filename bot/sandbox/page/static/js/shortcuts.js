// The app's global shortcuts, in a menu beside the composer; nothing where the app has none.

import { post } from "./api.js";
import { h } from "./dom.js";
import { menuButton } from "./menu.js";
import { state } from "./store.js";
import { toast } from "./toasts.js";

export function shortcutMenu(id) {
  const shortcuts = (state.boot?.shortcuts ?? []).filter((shortcut) => shortcut.type === "global");
  if (!shortcuts.length) return null;
  return menuButton({
    id,
    label: "Shortcuts",
    className: "icon-btn",
    content: h(
      "svg",
      { viewBox: "0 0 20 20", "aria-hidden": "true" },
      h("path", { d: "M10 4.4V15.6M4.4 10H15.6" }),
    ),
    items: shortcuts.map(({ name, description, callback_id: callback }) => ({
      label: name,
      detail: description,
      on: () =>
        post("/client/shortcut", { user: state.me.id, callback_id: callback }).catch((error) =>
          toast("error", error.message),
        ),
    })),
  });
}

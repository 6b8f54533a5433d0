// The switch between users: everybody of the workspace, with role and language, one click away.

import { h } from "./dom.js";
import { menuButton } from "./menu.js";
import { languageOf } from "./names.js";
import { avatar } from "./render/avatar.js";
import { signIn } from "./session.js";
import { state } from "./store.js";
import { toast } from "./toasts.js";

const describe = (user) => [user.title, languageOf(user)].filter(Boolean).join(" · ");

export function userSwitch() {
  const { me } = state;
  return h(
    "div",
    { class: "user-switch" },
    menuButton({
      id: "user-menu",
      label: "Switch user",
      named: false,
      className: "user-button",
      content: [
        avatar(me),
        h("span", { class: "sr-only" }, "Switch user. You are "),
        h(
          "span",
          { class: "user-text" },
          h("span", { class: "user-name" }, me.real_name || me.name),
          h("span", { class: "user-detail" }, me.title),
        ),
        h("span", { class: "chevrons", "aria-hidden": "true" }),
      ],
      items: state.boot.users
        .filter((user) => !user.is_bot)
        .map((user) => ({
          label: [avatar(user, "small"), user.real_name || user.name],
          detail: describe(user),
          checked: user.id === me.id,
          on: () => user.id !== me.id && signIn(user.id).catch((error) => toast("error", error.message)),
        })),
    }),
  );
}

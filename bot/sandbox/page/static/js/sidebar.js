// The workspace at the left: channels, direct messages, the app, and at its foot who is using it.

import { h, render } from "./dom.js";
import { titleOf } from "./names.js";
import { openChannel, openHome } from "./session.js";
import { state, subscribe, userById } from "./store.js";
import { avatar } from "./render/avatar.js";
import { themeButton } from "./theme.js";
import { userSwitch } from "./users.js";

subscribe(["session", "place", "theme"], () => {
  if (!state.boot) return;
  const bot = state.boot.app.bot_user_id;
  const rooms = state.channels.filter((channel) => channel.kind !== "im");
  const direct = state.channels.filter((channel) => channel.kind === "im" && channel.user_id !== bot);
  render(
    document.getElementById("sidebar"),
    h(
      "div",
      { class: "workspace" },
      h("span", { class: "workspace-name" }, state.boot.team.name),
      h("span", { class: "workspace-note" }, "Offline sandbox"),
    ),
    h(
      "div",
      { class: "places" },
      section("Channels", rooms.map(channelRow)),
      direct.length ? section("Direct messages", direct.map(channelRow)) : null,
      section("Apps", [appRow(bot)]),
    ),
    h("div", { class: "sidebar-foot" }, userSwitch(), themeButton()),
  );
  const waiting = state.channels.reduce((sum, channel) => sum + (channel.mentions ?? 0), 0);
  const here = state.channels.find((channel) => channel.id === state.place.channel);
  document.title = `${waiting ? `(${waiting}) ` : ""}${here && state.place.kind === "channel" ? titleOf(here) : "Dynamo"} · ${state.boot.team.name}`;
});

function section(title, rows) {
  const id = `section-${title.toLowerCase().replace(/\W/g, "-")}`;
  return h(
    "section",
    { key: id, "aria-labelledby": id },
    h("h2", { id, class: "places-title" }, title),
    h("ul", { class: "places-list" }, rows),
  );
}

function channelRow(channel) {
  const current = state.place.channel === channel.id && state.place.kind === "channel";
  return row(channel.id, current, channel, () => openChannel(channel.id), [
    mark(channel),
    h("span", { class: "place-name" }, titleOf(channel)),
  ]);
}

function appRow(bot) {
  const im = state.channels.find((channel) => channel.user_id === bot);
  const current = state.place.kind === "home" || state.place.kind === "app";
  return row("app", current, im ?? {}, openHome, [
    avatar({ is_bot: true }, "small"),
    h("span", { class: "place-name" }, state.boot.app.name),
  ]);
}

function row(key, current, { unread, mentions }, onClick, content) {
  const quiet = current ? 0 : unread;
  return h(
    "li",
    { key },
    h(
      "button",
      {
        type: "button",
        class: `place${quiet ? " unread" : ""}`,
        "aria-current": current ? "page" : null,
        on: { click: onClick },
      },
      content,
      quiet ? h("span", { class: "sr-only" }, `, ${quiet} unread`) : null,
      mentions && !current
        ? h(
            "span",
            { class: "badge" },
            mentions,
            h("span", { class: "sr-only" }, mentions === 1 ? " mention" : " mentions"),
          )
        : null,
    ),
  );
}

export function mark(channel) {
  if (channel.kind === "im") return avatar(userById(channel.user_id), "small");
  const shape =
    channel.kind === "private"
      ? "M5 9H15V16.6H5ZM7 9V6.4a3 3 0 0 1 6 0V9"
      : "M7.6 3.6 6 16.4M14 3.6 12.4 16.4M3.8 7.6H16.6M3.4 12.4H16.2";
  return h(
    "span",
    { class: "place-mark" },
    h(
      "svg",
      {
        viewBox: "0 0 20 20",
        role: "img",
        "aria-label": channel.kind === "private" ? "private channel" : "channel",
      },
      h("path", { d: shape }),
    ),
  );
}

// The names behind ids, for texts and for the people of the page.

import { openChannel } from "./session.js";
import { channelById, state, userById } from "./store.js";

// The page's own sentences are English ("Last reply 5 minutes ago"), so the times in them are.
export const PAGE_LOCALE = navigator.language.startsWith("en") ? navigator.language : "en-GB";

export const names = {
  user: (id) => userById(id)?.display_name || userById(id)?.real_name || userById(id)?.name,
  channel: (id) => channelById(id)?.name,
  group: (id) => state.boot.usergroups?.find((group) => group.id === id)?.handle,
  openChannel,
  get me() {
    return state.me.id;
  },
  get locale() {
    return readerLocale();
  },
};

/** The reader's own way to write dates and times; their browser's variant of it, if it is one
 *  (a Briton's en-GB for a profile that says English). */
export function readerLocale() {
  const own = state.me?.locale?.replace("_", "-");
  if (!own) return navigator.language;
  return own.split("-")[0] === navigator.language.split("-")[0] ? navigator.language : own;
}

/** Who wrote a message: {name, user}. */
export function authorOf(message) {
  const user =
    userById(message.user) ??
    (message.bot_id === state.boot.app.bot_id ? userById(state.boot.app.bot_user_id) : undefined);
  if (user) return { name: user.real_name || user.name, user };
  if (message.bot_id) return { name: message.username ?? state.boot.app.name, user: { is_bot: true } };
  return { name: message.username ?? "Slackbot", user: undefined };
}

export function titleOf(channel) {
  if (channel.kind !== "im") return channel.name;
  const other = userById(channel.user_id);
  return other?.real_name || other?.name || channel.name;
}

const LANGUAGES = new Intl.DisplayNames(["en"], { type: "language" });

/** "Spanish" for es-ES: the language a user has chosen, in the page's words. */
export function languageOf(user) {
  const code = user.locale?.split(/[-_]/)[0];
  return code ? LANGUAGES.of(code) : "";
}

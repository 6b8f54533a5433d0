// Where the page starts: the composer, the keys that work everywhere, and the first reading.

import { moveAmong, moveBetweenRegions } from "./a11y.js";
import { followNewest, jumpTo } from "./channel.js";
import { createComposer } from "./composer.js";
import { h, render } from "./dom.js";
import { startGuide } from "./guide.js";
import { closeSidebar, isPhone } from "./layout.js";
import { placeOpenPopovers } from "./menu.js";
import "./modal.js";
import { titleOf } from "./names.js";
import { linesTyped, recall } from "./memory.js";
import { closeThread, openThread, say, signIn } from "./session.js";
import "./sidebar.js";
import { sources } from "./sources.js";
import { channelById, invalidate, state, subscribe } from "./store.js";
import { startThread } from "./thread.js";
import { toast } from "./toasts.js";
import { showWorld, startWorld } from "./world.js";

const composer = createComposer(document.getElementById("composer"), {
  id: "composer",
  placeholder: () => {
    const channel = channelById(state.place.channel);
    return channel ? `Message ${channel.kind === "im" ? titleOf(channel) : `#${channel.name}`}` : "Message";
  },
  draftKey: () => `${state.me?.id} ${state.place.channel}`,
  sources,
  history: linesTyped,
  onSend: (text) => {
    followNewest();
    const sent = say(text, { channel: state.place.channel });
    invalidate("guide");
    return sent;
  },
});

subscribe(["place", "session"], () => {
  document.getElementById("composer").hidden = state.place.kind === "home" || mayNotWrite() !== null;
  render(
    document.getElementById("read-only"),
    state.place.kind !== "home" && mayNotWrite() && h("p", { class: "read-only" }, mayNotWrite()),
  );
  composer.update();
});
subscribe(["connection"], () => {
  const waiting = state.connection === "waiting";
  render(
    document.getElementById("connection"),
    waiting && h("p", null, "The connection is lost. Trying again…"),
  );
});
subscribe(["messages", "thread", "world", "views", "latest"], placeOpenPopovers);

document.addEventListener("scroll", placeOpenPopovers, { capture: true, passive: true });
addEventListener("resize", placeOpenPopovers);
document.addEventListener("visibilitychange", () => !document.hidden && invalidate("messages", "session"));
setInterval(() => invalidate("messages", "thread"), 60_000); // "2 minutes ago" grows older

document.addEventListener("keydown", (event) => {
  if (event.key === "F6") {
    event.preventDefault();
    moveBetweenRegions(event.shiftKey);
  } else if (event.key === "Escape" && !document.querySelector("dialog[open], :popover-open")) onEscape();
});

function onEscape() {
  if (closeSidebar()) return;
  if (!document.getElementById("thread").hidden) closeThread();
  else if (isPhone() && state.layout.world) showWorld(false);
}

// In a list of messages ↑ and ↓ walk, Enter goes into a thread, Tab into the message's controls.
for (const id of ["messages", "thread-messages"]) {
  document.getElementById(id).addEventListener("keydown", (event) => {
    const own = event.target === event.currentTarget || event.target.matches(".message");
    if (!own) return;
    if (event.key === "Enter") event.target.querySelector?.(".reply-bar, .tool")?.click();
    else moveAmong([...event.currentTarget.querySelectorAll(".message")], event);
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-channel]");
  if (!link) return;
  event.preventDefault();
  jumpTo(link.dataset.channel, link.dataset.ts);
});

function mayNotWrite() {
  const channel = channelById(state.place.channel);
  if (channel?.is_archived) return "This channel is archived.";
  const isApp = channel?.user_id !== undefined && channel.user_id === state.boot?.app.bot_user_id;
  return isApp && state.boot.app.messages_tab_read_only
    ? "Sending messages to this app is turned off."
    : null;
}

async function start() {
  if (isPhone()) state.layout.world = false;
  startThread();
  startGuide(composer.put);
  startWorld();
  const wanted = new URLSearchParams(location.search);
  const user = wanted.get("user") ?? recall("user") ?? undefined;
  await signIn(user, wanted.get("channel")).catch(() => signIn(undefined));
  if (wanted.has("thread_ts")) await openThread(state.place.channel, wanted.get("thread_ts"));
  else if (wanted.has("ts")) await jumpTo(state.place.channel, wanted.get("ts"));
  else if (!isPhone()) composer.focus();
}

start().catch((error) => toast("error", error.message));

// Which panes are shown. Wide pages show thread and world side by side; narrower ones have one dock
// at the right for both; phones show one pane at a time.

import { focusInto } from "./a11y.js";
import { invalidate, state, subscribe } from "./store.js";

const WIDE = matchMedia("(min-width: 1560px)");
const PHONE = matchMedia("(max-width: 760px)");

export const isPhone = () => PHONE.matches;

const app = document.getElementById("app");
const sidebar = document.getElementById("sidebar");
const scrim = document.getElementById("scrim");
const thread = document.getElementById("thread");
const world = document.getElementById("world");
let sidebarWasOpen = false;

WIDE.addEventListener("change", () => invalidate("layout"));
PHONE.addEventListener("change", () => invalidate("layout"));

/** Which panes are to be seen now. */
export function panes() {
  const hasWorld = Boolean(state.world) && state.layout.world;
  const hasThread = Boolean(state.thread);
  const { dock } = state.layout;
  return {
    thread: hasThread && (WIDE.matches || !hasWorld || dock === "thread"),
    world: hasWorld && (WIDE.matches || !hasThread || dock === "world"),
  };
}

subscribe(["layout", "thread", "world"], () => {
  const { layout } = state;
  const shown = panes();
  thread.hidden = !shown.thread;
  world.hidden = !shown.world;
  app.dataset.panes = `${thread.hidden ? "" : "thread "}${world.hidden ? "" : "world"}`.trim();
  app.dataset.sidebar = layout.sidebar ? "open" : "closed";
  scrim.hidden = !layout.sidebar;
  sidebar.inert = PHONE.matches && !layout.sidebar;
  if (layout.sidebar && !sidebarWasOpen) requestAnimationFrame(() => focusInto(sidebar));
  sidebarWasOpen = layout.sidebar;
});

export function closeSidebar() {
  if (!state.layout.sidebar) return false;
  state.layout.sidebar = false;
  invalidate("layout", "place");
  requestAnimationFrame(() => document.querySelector(".menu-toggle")?.focus());
  return true;
}

scrim.addEventListener("click", closeSidebar);

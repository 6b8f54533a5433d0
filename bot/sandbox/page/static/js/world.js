// The world beside the channel: what the cluster runs at this moment, pod by pod. Every cell has a sign and a word; colour only repeats them.

import { get } from "./api.js";
import { h, memo, render } from "./dom.js";
import { panes } from "./layout.js";
import { invalidate, state, subscribe } from "./store.js";
import { openStream } from "./stream.js";
import { outages, troubleForm } from "./trouble.js";

const QUIET_ROWS = 10; // healthy services of an environment that are listed before the rest is summed up
const panel = document.getElementById("world");
let isStale = false; // what is shown is of before the connection was lost
const folded = new Set();
const opened = new Set();

/** Start following the world; without one (a real cluster, say) there is no panel. */
export async function startWorld() {
  try {
    state.world = await get("/world/state");
  } catch {
    return;
  }
  invalidate("world", "layout");
  openStream("/world/stream", {
    onEvent: (told) => {
      state.world = told.changes ? withChanges(state.world, told) : told;
      invalidate("world");
    },
    onState: (connection) => {
      isStale = connection !== "open";
      invalidate("world");
    },
  });
}

function topicOf({ speed = 1 }) {
  if (isStale) return "As it was: the connection is lost";
  return `What the cluster runs now${speed === 1 ? "" : ` (${speed}×)`}`;
}

// What did not change stays the same object, by which its row is known to be the same.
function withChanges(world, { changes, ...rest }) {
  const touched = Map.groupBy(changes, ({ environment }) => environment);
  const environments = world.environments.map((one) => {
    const changed = new Map((touched.get(one.name) ?? []).map(({ service, workload }) => [service, workload]));
    if (!changed.size) return one;
    const kept = one.workloads.filter(({ service }) => !changed.has(service));
    const workloads = [...kept, ...[...changed.values()].filter(Boolean)];
    workloads.sort((a, b) => (a.service < b.service ? -1 : 1));
    return { ...one, workloads };
  });
  return { ...world, ...rest, environments };
}

export function worldButton() {
  if (!state.world) return null;
  const shown = panes().world;
  return h(
    "button",
    {
      key: "world",
      type: "button",
      class: "btn world-button",
      "aria-expanded": String(shown),
      "aria-controls": "world",
      on: { click: () => showWorld(!shown) },
    },
    h(
      "svg",
      { viewBox: "0 0 20 20", "aria-hidden": "true" },
      h("path", {
        d: "M3.6 3.6H8.6V8.6H3.6ZM11.4 3.6H16.4V8.6H11.4ZM3.6 11.4H8.6V16.4H3.6ZM11.4 11.4H16.4V16.4H11.4Z",
      }),
    ),
    h("span", null, "World"),
  );
}

export function showWorld(shown) {
  state.layout.world = shown;
  state.layout.dock = shown || !state.thread ? "world" : "thread";
  invalidate("layout", "world");
}

subscribe(["world"], () => {
  const { world } = state;
  if (!world) return;
  render(
    panel,
    h(
      "header",
      { class: "bar" },
      h(
        "div",
        { class: "bar-text" },
        h("h2", null, "The world"),
        h("p", { class: "topic" }, topicOf(world)),
      ),
      h(
        "button",
        {
          type: "button",
          class: "icon-btn world-close",
          "aria-label": "Close the world",
          on: { click: () => showWorld(false) },
        },
        h("span", { class: "cross", "aria-hidden": "true" }),
      ),
    ),
    h(
      "div",
      { class: "scroller world-scroller", tabindex: "0", role: "region", "aria-label": "Cluster" },
      troubleForm(world),
      world.environments.map(environment),
    ),
  );
});

// -- what runs

function environment(one) {
  const { name, namespace, workloads } = one;
  const isFolded = folded.has(name);
  const loud = workloads.filter((workload) => workload.state !== "healthy");
  const quiet = workloads.filter((workload) => workload.state === "healthy");
  const many = quiet.length > QUIET_ROWS && !opened.has(name);
  const first = new Set(quiet.slice(0, QUIET_ROWS - 2));
  const shown = many
    ? workloads.filter((workload) => workload.state !== "healthy" || first.has(workload))
    : workloads;
  const id = `environment-${name}`;
  return h(
    "section",
    { key: id, class: "environment", "aria-label": name },
    h(
      "h3",
      { id },
      h(
        "button",
        {
          type: "button",
          class: "fold",
          "aria-expanded": String(!isFolded),
          on: { click: () => toggle(folded, name) },
        },
        h("span", { class: "fold-mark", "aria-hidden": "true" }),
        h("span", { class: "environment-name" }, name),
        namespace !== name && h("span", { class: "namespace" }, namespace),
        h(
          "span",
          { class: "environment-sum" },
          loud.length ? sumOf(loud) : `✓ ${workloads.length} healthy`,
        ),
      ),
    ),
    isFolded ? null : outages(one),
    isFolded
      ? null
      : h(
          "ul",
          { class: "workloads" },
          shown.map((workload) =>
            memo(workload.service, [workload, minute()], () => h("li", null, row(workload))),
          ),
        ),
    many &&
      !isFolded &&
      h(
        "button",
        { type: "button", class: "btn quiet more", on: { click: () => toggle(opened, name) } },
        `${workloads.length - shown.length} more, all healthy`,
      ),
  );
}

// The worst first: "1 failing, 2 rolling".
function sumOf(workloads) {
  const states = Map.groupBy(workloads, (workload) => workload.state);
  const order = Object.keys(STATE_SIGNS);
  return [...states]
    .sort(([one], [other]) => order.indexOf(one) - order.indexOf(other))
    .map(([state, members]) => `${members.length} ${state}`)
    .join(", ");
}

function toggle(set, name) {
  if (!set.delete(name)) set.add(name);
  invalidate("world");
}

// A row that does not change is still an hour older after an hour.
const arrivals = new WeakMap(); // workload -> when it came
const minute = () => Math.floor(Date.now() / 60_000);

function sinceArrival(workload) {
  if (!arrivals.has(workload)) arrivals.set(workload, Date.now());
  return ((Date.now() - arrivals.get(workload)) / 1000) * (state.world.speed ?? 1);
}

const STATE_SIGNS = { failing: "✕", rolling: "↻", "scaled to zero": "–" };

function row(workload) {
  const { service, version, ready, desired, state: condition, behaviour, pods } = workload;
  const groups = byVersion(pods, version);
  const older = sinceArrival(workload);
  return h(
    "div",
    { class: `workload is-${condition.replaceAll(" ", "-")}` },
    h(
      "div",
      { class: "workload-head" },
      h("span", { class: "workload-name" }, service),
      h("span", { class: "workload-version" }, version),
      behaviour
        ? h(
            "span",
            { key: "behaviour", class: "workload-behaviour", title: "How it is worse than it should be" },
            h("span", { class: "state-sign", "aria-hidden": "true" }, "!"),
            behaviour.toLowerCase(),
          )
        : null,
      h(
        "span",
        { class: "workload-state" },
        condition === "healthy"
          ? null
          : h("span", { class: "state-sign", "aria-hidden": "true" }, STATE_SIGNS[condition] ?? "•"),
        condition === "healthy" ? null : `${condition} · `,
        `${ready}/${desired}`,
        condition === "healthy" ? h("span", { class: "sr-only" }, " healthy") : " ready",
      ),
    ),
    h(
      "div",
      { class: "pods", role: "list", "aria-label": `Pods of ${service}` },
      groups.map(([podVersion, members]) => [
        groups.length > 1 &&
          h("span", { key: `v-${podVersion}`, class: "pods-version", role: "presentation" }, podVersion),
        members.map((pod) => cell(pod, older)),
      ]),
    ),
  );
}

function byVersion(pods, current) {
  const groups = Map.groupBy(pods, (pod) => pod.version);
  return [...groups].sort(([one], [other]) => (one === current) - (other === current));
}

const isWell = (pod) => pod.word === "Running" && pod.ready;

function signOf(pod) {
  if (isWell(pod)) return ["✓", "well"];
  if (pod.phase === "Terminating" || pod.word === "Terminating") return ["↓", "leaving"];
  if (/Err|Back|Fail|OOM|Invalid|Unschedulable|Evicted|Config/i.test(pod.word)) return ["!", "ill"];
  return ["…", "coming"];
}

// A pod that is well is a small ticked cell; one that is not says its word.
function cell(pod, older) {
  const [mark, kind] = signOf(pod);
  const word = pod.word === "Running" && !pod.ready ? "Not ready" : pod.word;
  const restarts = pod.restarts ? `, ${pod.restarts} ${pod.restarts === 1 ? "restart" : "restarts"}` : "";
  const title = `${pod.name}: ${word}, ${pod.version}${pod.old ? ", old" : ""}${restarts}${pod.age !== undefined ? `, ${age(pod.age + older)}` : ""}`;
  return h(
    "span",
    { key: pod.name, class: `pod ${kind}${pod.old ? " old" : ""}`, role: "listitem", title },
    h("span", { class: "pod-sign", "aria-hidden": "true" }, mark),
    h(
      "span",
      { class: isWell(pod) ? "sr-only" : "pod-word" },
      word,
      h("span", { class: "sr-only" }, `, ${pod.version}${restarts}`),
    ),
    pod.restarts ? h("span", { class: "pod-restarts", "aria-hidden": "true" }, `×${pod.restarts}`) : null,
  );
}

function age(seconds) {
  if (typeof seconds !== "number") return seconds;
  if (seconds < 120) return `${Math.round(seconds)} s old`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min old` : `${Math.round(seconds / 3600)} h old`;
}

// What goes wrong next: the form in the world's panel that sets the trouble of the next rollout.

import { get, post } from "./api.js";
import { h } from "./dom.js";
import { invalidate, state } from "./store.js";
import { toast } from "./toasts.js";

let draft = {}; // the trouble being chosen
let done = ""; // what was set and waits for no rollout

export function troubleForm({ kinds, trouble: set, environments }) {
  const services = [
    ...new Set(environments.flatMap((one) => one.workloads.map((workload) => workload.service))),
  ];
  const chosen = { kind: "", service: "tasks-service", environment: "qa", ...draft };
  const kind = kinds.find(({ id }) => id === chosen.kind);
  return h(
    "section",
    { key: "trouble", class: "trouble", "aria-labelledby": "trouble-title" },
    h("h3", { id: "trouble-title" }, "Trouble for the next rollout"),
    set && set.kind !== "none" ? setTrouble(set, kinds) : null,
    h("p", { key: "done", class: "trouble-done", role: "status" }, done),
    h(
      "form",
      { class: "trouble-form", on: { submit: (event) => (event.preventDefault(), setTroubleTo(chosen)) } },
      select(
        "What goes wrong",
        chosen.kind,
        [
          ["", "Choose a trouble…"],
          ["While it rolls out", kinds.filter(({ id, after, drift, around }) => id !== "none" && !after && !drift && !around).map(option)],
          ["Once it serves", kinds.filter(({ after }) => after).map(option)],
          ["Around the cluster, at once", kinds.filter(({ around }) => around).map(option)],
          ["Changed by hand, at once", kinds.filter(({ drift }) => drift).map(option)],
        ].filter(([, inside]) => inside.length),
        (value) => ({ kind: value }),
      ),
      chosen.kind && h("p", { key: "hint", class: "trouble-hint" }, kind?.hint),
      chosen.kind &&
        h(
          "div",
          { key: "where", class: "trouble-where" },
          select(
            "Service",
            chosen.service,
            [["", "Any service"], ...services.map((name) => [name, name])],
            (value) => ({ service: value }),
          ),
          select(
            "Environment",
            chosen.environment,
            [["", "Anywhere"], ...environments.map(({ name }) => [name, name])],
            (value) => ({ environment: value }),
          ),
        ),
      chosen.kind &&
        h(
          "div",
          { key: "set", class: "trouble-buttons" },
          h(
            "button",
            { type: "submit", class: "btn primary" },
            h("span", { class: "btn-text" }, "Set the trouble"),
          ),
          kind?.after && chosen.service && chosen.environment
            ? h(
                "button",
                {
                  key: "now",
                  type: "button",
                  class: "btn",
                  title: "What runs there already meets it at once",
                  on: { click: () => setTroubleTo({ ...chosen, now: true }) },
                },
                h("span", { class: "btn-text" }, "Now, to what runs"),
              )
            : null,
        ),
    ),
  );
}

function select(label, value, options, change) {
  return h(
    "select",
    {
      key: label,
      class: "select",
      "aria-label": label,
      live: { value },
      on: { change: (event) => choose(change(event.target.value)) },
    },
    options.map(([id, text]) =>
      Array.isArray(text)
        ? h("optgroup", { key: id, label: id }, text.map(choice))
        : choice([id, text]),
    ),
  );
}

const option = ({ id, label }) => [id, label];
const choice = ([id, text]) => h("option", { key: id, value: id }, text);

function choose(change) {
  draft = { ...draft, ...change };
  done = "";
  invalidate("world");
}

function setTrouble({ kind, service, environment: where }, kinds) {
  const label = kinds.find(({ id }) => id === kind)?.label ?? kind;
  return h(
    "div",
    { key: "is-set", class: "trouble-set" },
    h("span", { class: "trouble-mark", "aria-hidden": "true" }, "!"),
    h(
      "span",
      { class: "trouble-text" },
      h("strong", null, label),
      ` waits for ${service || "any service"} in ${where || "any environment"}`,
    ),
    h(
      "button",
      { type: "button", class: "btn", on: { click: () => setTroubleTo({ kind: "none" }) } },
      h("span", { class: "btn-text" }, "Clear"),
    ),
  );
}

// A trouble that waits for a rollout is shown as waiting; one that holds at once leaves no trace there.
function doneNow(kind, now, { trouble, kinds }) {
  if (kind === "none" || (trouble?.kind === kind && !now)) return "";
  return `Done: “${kinds.find(({ id }) => id === kind)?.label ?? kind}” is set.`;
}

/** What befell an environment's surroundings, with a way to end it. */
export function outages({ name, outages: labels = [] }) {
  if (!labels.length) return null;
  return h(
    "p",
    { key: "outages", class: "outages" },
    h("span", { class: "state-sign", "aria-hidden": "true" }, "!"),
    h(
      "span",
      { class: "outages-text" },
      labels.map((label) => h("span", { key: label, class: "outages-line" }, label)),
    ),
    h(
      "button",
      {
        type: "button",
        class: "btn",
        "aria-label": `End what befell ${name}`,
        on: { click: () => setTroubleTo({ kind: "none", environment: name }) },
      },
      h("span", { class: "btn-text" }, "End it"),
    ),
  );
}

async function setTroubleTo({ kind, service, environment: where, now }) {
  if (!kind) return;
  try {
    await post("/world/trouble", {
      kind,
      service: service || undefined,
      environment: where || undefined,
      now,
    });
    state.world = await get("/world/state");
    draft = {};
    done = doneNow(kind, now, state.world);
  } catch (error) {
    toast("error", error.message);
  }
  invalidate("world");
}

// The surfaces that carry blocks: a message, a modal, the Home tab. A surface gives elements what
// they need (names, choices made so far, errors) and sends their actions to the app. Choices are
// kept here and not in the DOM, so they outlive renders and are what a modal submits.

import { post } from "./api.js";
import { confirm } from "./confirm.js";
import { invalidate, state } from "./store.js";
import { toast } from "./toasts.js";

const choices = new Map(); // surface id -> Map("block_id action_id" -> {type, …answer})
const unsent = new Set(); // choices of a multi-select whose list is still open
const foundOptions = new Map(); // action_id -> options that the app answered to a search
const asked = new Map(); // action_id -> what was searched for last: an older answer comes too late

const versions = new Map(); // surface id -> how often its choices changed

/** Changes whenever what a person chose on the surface changed: part of what its look depends on. */
export const versionOf = (id) => versions.get(id) ?? 0;

const slot = (block, element) => `${block.block_id} ${element.action_id}`;
export const busyKey = (place, actionId, value) => `${place} ${actionId} ${value ?? ""}`;

/** `target`: {channel, message_ts} or {view_id}; `blocks`: what stands on it; `topic`: what to render again after a choice. */
export function surface({ id, target, topic, names, blocks, errors = {}, files = [] }) {
  const place = target.view_id ?? target.message_ts;
  const remembered = () => choices.get(id) ?? choices.set(id, new Map()).get(id);

  const redraw = () => {
    versions.set(id, versionOf(id) + 1);
    invalidate(topic);
  };

  const ctx = {
    id,
    names,
    users: () => state.boot.users.filter((user) => !user.is_bot),
    channels: () => state.channels.filter((channel) => channel.kind !== "im"),
    isBusy: (actionId, value) =>
      state.busy.has(busyKey(place, actionId, value)) || state.busy.has(busyKey(place, actionId)),
    errorOf: (block) => errors[block.block_id],
    describedBy: (block) =>
      block.type === "input" ? `${id}-${block.block_id}-notes`.replace(/[^\w-]/g, "_") : null,
    recall: (block, element) => remembered().get(slot(block, element)),
    found: (actionId) => foundOptions.get(actionId) ?? [],
    imageUrl: (element) => element.image_url ?? fileUrl(element.slack_file, files),

    /** Remember an answer without sending it. */
    note(block, element, answer) {
      remembered().set(slot(block, element), { type: element.type, ...answer });
      if (element.type.startsWith("multi_")) unsent.add(`${id} ${slot(block, element)}`);
      if (!element.type.endsWith("_input")) redraw();
    },

    /** Answer and send, where the block sends at all; resolves to whether the answer stands. */
    async choose(block, element, answer) {
      if (element.confirm && !(await confirm(element.confirm, names))) return false;
      ctx.note(block, element, answer);
      unsent.delete(`${id} ${slot(block, element)}`);
      if (block.type !== "input" || block.dispatch_action) ctx.send(block, element, answer);
      return true;
    },

    settle(block, element) {
      if (!unsent.delete(`${id} ${slot(block, element)}`)) return;
      const { type, ...answer } = ctx.recall(block, element);
      if (block.type !== "input" || block.dispatch_action) ctx.send(block, element, answer);
    },

    /** A click: nothing to remember, asked first where the element says so. */
    async act(block, element, answer) {
      if (element.confirm && !(await confirm(element.confirm, names))) return;
      await ctx.send(block, element, answer);
    },

    async send(block, element, answer) {
      const key = busyKey(place, element.action_id, answer.value);
      state.busy.add(key);
      invalidate(topic);
      try {
        // An app that does not answer is told of by the server, as a toast on the stream.
        await post("/client/action", {
          user: state.me.id,
          ...target,
          block_id: block.block_id,
          action_id: element.action_id,
          state: stateOf(id, blocks),
          ...answer,
        });
      } catch (error) {
        toast("error", error.message);
      } finally {
        state.busy.delete(key);
        invalidate(topic);
      }
    },

    async search(block, element, value) {
      if (value.length < (element.min_query_length ?? 3)) return;
      asked.set(element.action_id, value);
      const result = await post("/client/options", {
        user: state.me.id,
        ...target,
        block_id: block.block_id,
        action_id: element.action_id,
        value,
      });
      if (asked.get(element.action_id) !== value) return;
      foundOptions.set(
        element.action_id,
        result.options ?? result.option_groups?.flatMap((group) => group.options) ?? [],
      );
      redraw();
    },
  };
  return ctx;
}

const fileUrl = (file, files) =>
  file && (file.url ?? files.find((known) => known.id === file.id)?.url ?? `/files/${file.id}`);

export const forget = (id) => choices.delete(id);

const INITIAL = {
  plain_text_input: ["value", "initial_value"],
  email_text_input: ["value", "initial_value"],
  url_text_input: ["value", "initial_value"],
  number_input: ["value", "initial_value"],
  datepicker: ["selected_date", "initial_date"],
  timepicker: ["selected_time", "initial_time"],
  datetimepicker: ["selected_date_time", "initial_date_time"],
  checkboxes: ["selected_options", "initial_options", []],
};

function initialAnswer(element) {
  if (element.type in INITIAL) {
    const [field, initial, none = null] = INITIAL[element.type];
    return { [field]: element[initial] ?? none };
  }
  const field = Object.keys(element).find((name) => name.startsWith("initial_"));
  if (field) return { [field.replace("initial", "selected")]: element[field] };
  const [, multi, noun] = /^(multi_)?(user|channel|conversation)?/.exec(element.type);
  const name = noun ?? "option";
  return multi ? { [`selected_${name}s`]: [] } : { [`selected_${name}`]: null };
}

/** The state that Slack sends with a view: {block_id: {action_id: {type, …}}}. */
export function stateOf(id, blocks) {
  const values = {};
  const answers = choices.get(id) ?? new Map();
  for (const block of blocks) {
    for (const element of [block.element, block.accessory, ...(block.elements ?? [])]) {
      if (!element?.action_id || /^(button|overflow|image)$/.test(element.type)) continue;
      values[block.block_id] ??= {};
      values[block.block_id][element.action_id] = answers.get(slot(block, element)) ?? {
        type: element.type,
        ...initialAnswer(element),
      };
    }
  }
  return values;
}

// Interactive elements of Block Kit. `ctx` is the surface they stand on (see surface.js): it knows
// names, remembers what a person chose, and sends actions. Elements are keyed by their action_id,
// so an edit of the card leaves a focused button focused.

import { h } from "../dom.js";
import { menuButton, picker } from "../menu.js";
import { state } from "../store.js";
import { plain, textObject } from "./mrkdwn.js";
import { image } from "./image.js";

const RENDERERS = {
  button,
  icon_button: button,
  workflow_button: button,
  feedback_buttons: feedback,
  overflow,
  static_select: staticSelect,
  multi_static_select: choice,
  external_select: choice,
  multi_external_select: choice,
  users_select: choice,
  multi_users_select: choice,
  channels_select: choice,
  multi_channels_select: choice,
  conversations_select: choice,
  multi_conversations_select: choice,
  radio_buttons: options,
  checkboxes: options,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  datepicker: dateInput,
  timepicker: dateInput,
  datetimepicker: dateInput,
  image,
};

export const isInteractive = (element) => element?.type in RENDERERS && element.type !== "image";

/** `label` names the control for screen readers where it has no text of its own. */
export function element(ctx, block, described, label) {
  const readers = described.visible_to_user_ids;
  if (readers && !readers.includes(state.me.id)) return null;
  const render = RENDERERS[described.type];
  return render
    ? render(ctx, block, described, label)
    : h("span", { class: "unknown" }, `(${described.type} is not shown here)`);
}

const idOf = (ctx, block, described) =>
  `${ctx.id}-${block.block_id ?? ""}-${described.action_id ?? ""}`.replace(/[^\w-]/g, "_");

// -- buttons and menus

function button(ctx, block, described) {
  const busy = ctx.isBusy(described.action_id, described.value);
  const style = { primary: " primary", danger: " danger" }[described.style] ?? "";
  const props = {
    key: described.action_id,
    class: `btn${style}`,
    "aria-label": described.accessibility_label,
    "aria-busy": busy ? "true" : null,
    "aria-disabled": busy ? "true" : null,
    on: {
      click: () =>
        !busy && ctx.act(block, described, described.value === undefined ? {} : { value: described.value }),
    },
  };
  const content = h("span", { class: "btn-text" }, plain(described.text.text));
  return described.url && /^https?:/i.test(described.url)
    ? h("a", { ...props, href: described.url, target: "_blank", rel: "noopener noreferrer" }, content)
    : h("button", { ...props, type: "button" }, content);
}

function feedback(ctx, block, described) {
  return [described.positive_button, described.negative_button].map((each) =>
    h(
      "button",
      {
        key: `${described.action_id} ${each.value}`,
        class: "btn",
        type: "button",
        "aria-label": each.accessibility_label,
        on: { click: () => ctx.act(block, described, { value: each.value }) },
      },
      h("span", { class: "btn-text" }, plain(each.text.text)),
    ),
  );
}

function overflow(ctx, block, described) {
  return menuButton({
    id: idOf(ctx, block, described),
    label: "More actions",
    className: "btn overflow",
    content: h("span", { class: "dots", "aria-hidden": "true" }),
    busy: ctx.isBusy(described.action_id),
    items: described.options.map((option) => ({
      label: textObject(option.text, ctx.names),
      detail: option.description && plain(option.description.text),
      url: option.url,
      on: () => ctx.act(block, described, { selected_option: option }),
    })),
  });
}

// -- selects

const flatOptions = (described) =>
  described.options ?? described.option_groups?.flatMap((group) => group.options) ?? [];

function staticSelect(ctx, block, described, label) {
  const all = flatOptions(described);
  if (all.length > 20) return choice(ctx, block, described, label);
  const chosen = ctx.recall(block, described)?.selected_option ?? described.initial_option;
  const index = all.findIndex((option) => option.value === chosen?.value);
  const item = (option) => h("option", { value: all.indexOf(option) }, option.text.text);
  const chooseOption = async (event) => {
    const option = all[Number(event.target.value)];
    if (!(await ctx.choose(block, described, { selected_option: option })))
      event.target.value = index < 0 ? "" : index;
  };
  return h(
    "select",
    {
      key: described.action_id,
      class: "select",
      "aria-label": label ?? described.placeholder?.text ?? "Choose",
      "aria-busy": ctx.isBusy(described.action_id) ? "true" : null,
      autofocus: described.focus_on_load || null,
      init: { value: index < 0 ? "" : String(index) },
      on: { change: chooseOption },
    },
    h("option", { value: "", disabled: true, hidden: true }, described.placeholder?.text ?? "Choose…"),
    described.option_groups
      ? described.option_groups.map((group) =>
          h("optgroup", { label: group.label.text }, group.options.map(item)),
        )
      : all.map(item),
  );
}

const person = (user) => ({ value: user.id, label: user.real_name || user.name, detail: user.title });
const room = (channel) => ({ value: channel.id, label: `#${channel.name}` });
const known = (option) => ({
  value: option.value,
  label: option.text.text,
  detail: option.description?.text,
  option,
});

// How each kind of select lists its options and writes its answer: [field, list, ids or options].
function kindOf(ctx, described) {
  const multi = described.type.startsWith("multi_");
  const kind = described.type.replace("multi_", "").replace("_select", "");
  const noun = { users: "user", channels: "channel", conversations: "conversation" }[kind];
  const list = () => {
    if (kind === "users") return ctx.users().map(person);
    if (noun) return ctx.channels().map(room);
    if (kind === "external") return ctx.found(described.action_id).map(known);
    if (!described.option_groups) return flatOptions(described).map(known);
    return described.option_groups.flatMap((group) => [
      { group: group.label.text },
      ...group.options.map(known),
    ]);
  };
  const field = multi ? `selected_${noun ? `${noun}s` : "options"}` : `selected_${noun ?? "option"}`;
  const initial = described[field.replace("selected", "initial")];
  return { multi, external: kind === "external", noun, field, initial, list };
}

function choice(ctx, block, described, label) {
  const { multi, external, noun, field, initial, list } = kindOf(ctx, described);
  const remembered = ctx.recall(block, described);
  const answer = remembered ? remembered[field] : initial;
  const items = [answer ?? []].flat();
  const offered = list();
  const chosen = items.map((item) =>
    noun ? (offered.find((option) => option.value === item) ?? { value: item, label: item }) : known(item),
  );
  const write = (options) => {
    const values = options.map((option) => (noun ? option.value : option.option));
    return { [field]: multi ? values : values[0] };
  };
  return picker({
    id: idOf(ctx, block, described),
    label: label ?? described.placeholder?.text ?? "Choose",
    placeholder: described.placeholder?.text ?? "Choose…",
    options: offered,
    multi,
    chosen,
    max: described.max_selected_items,
    busy: ctx.isBusy(described.action_id),
    // Several choices are one answer: it is sent when the list closes.
    onChoose: (options) =>
      multi ? ctx.note(block, described, write(options)) : ctx.choose(block, described, write(options)),
    onClose: () => multi && ctx.settle(block, described),
    onSearch: external ? (text) => ctx.search(block, described, text) : undefined,
  });
}

// -- boxes

function options(ctx, block, described, label) {
  const single = described.type === "radio_buttons";
  const field = single ? "selected_option" : "selected_options";
  const remembered = ctx.recall(block, described);
  const answer = remembered ? remembered[field] : described[single ? "initial_option" : "initial_options"];
  const chosen = [answer ?? []].flat().map((option) => option.value);
  const id = idOf(ctx, block, described);
  const change = async (event, option) => {
    const next = single
      ? option
      : described.options.filter((other) =>
          other === option ? event.target.checked : chosen.includes(other.value),
        );
    if (!(await ctx.choose(block, described, { [field]: next })))
      event.target.checked = chosen.includes(option.value);
  };
  return h(
    "div",
    {
      key: described.action_id,
      class: "boxes",
      role: single ? "radiogroup" : "group",
      "aria-label": label ?? "Options",
    },
    described.options.map((option) =>
      h(
        "label",
        { key: option.value, class: "box-row" },
        h("input", {
          type: single ? "radio" : "checkbox",
          name: id,
          live: { checked: chosen.includes(option.value) },
          on: { change: (event) => change(event, option) },
        }),
        h(
          "span",
          { class: "box-text" },
          textObject(option.text, ctx.names),
          option.description && h("span", { class: "box-detail" }, textObject(option.description, ctx.names)),
        ),
      ),
    ),
  );
}

// -- typed input

const INPUT_TYPES = {
  email_text_input: "email",
  url_text_input: "url",
  number_input: "text",
  plain_text_input: "text",
};

function textInput(ctx, block, described, label) {
  const initial = ctx.recall(block, described)?.value ?? described.initial_value ?? "";
  const dispatchOn = described.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const props = {
    key: described.action_id,
    class: "field",
    "aria-label": label,
    "aria-invalid": ctx.errorOf(block) ? "true" : null,
    "aria-describedby": ctx.describedBy(block),
    placeholder: described.placeholder?.text,
    maxlength: described.max_length,
    minlength: described.min_length,
    autofocus: described.focus_on_load || null,
    init: { value: initial },
    on: {
      input: (event) => {
        ctx.note(block, described, { value: event.target.value || null });
        if (block.dispatch_action && dispatchOn.includes("on_character_entered"))
          ctx.act(block, described, { value: event.target.value });
      },
      keydown: (event) => {
        const sends =
          event.key === "Enter" &&
          !event.shiftKey &&
          block.dispatch_action &&
          dispatchOn.includes("on_enter_pressed");
        if (!sends) return;
        event.preventDefault();
        ctx.act(block, described, { value: event.target.value });
      },
    },
  };
  if (described.multiline) return h("textarea", { ...props, rows: "4" });
  const numeric =
    described.type === "number_input"
      ? { inputmode: described.is_decimal_allowed ? "decimal" : "numeric" }
      : {};
  return h("input", { ...props, ...numeric, type: INPUT_TYPES[described.type], autocomplete: "off" });
}

function dateInput(ctx, block, described, label) {
  const kind = described.type.replace("picker", "");
  const field = kind === "datetime" ? "selected_date_time" : `selected_${kind}`;
  const remembered = ctx.recall(block, described)?.[field] ?? described[field.replace("selected", "initial")];
  const toInput = (value) => (kind === "datetime" && value ? localIso(value) : (value ?? ""));
  const fromInput = (value) => (kind === "datetime" ? Math.floor(new Date(value).getTime() / 1000) : value);
  return h("input", {
    key: described.action_id,
    class: "field date",
    type: kind === "datetime" ? "datetime-local" : kind,
    "aria-label": label ?? described.placeholder?.text ?? "Date",
    init: { value: toInput(remembered) },
    on: {
      change: (event) =>
        ctx.choose(block, described, { [field]: event.target.value ? fromInput(event.target.value) : null }),
    },
  });
}

function localIso(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

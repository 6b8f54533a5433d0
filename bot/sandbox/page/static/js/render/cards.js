// What agents and services show in Block Kit: cards and carousels, containers, plans and their
// tasks, alerts, videos. A state is a sign and a word, never a colour alone.

import { h } from "../dom.js";
import { blocks } from "./blocks.js";
import { element } from "./elements.js";
import { picture } from "./image.js";
import { plain, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const STATES = {
  pending: ["○", "Waiting"],
  in_progress: ["◔", "Running"],
  complete: ["✓", "Done"],
  error: ["✗", "Failed"],
};
const LEVELS = {
  default: ["•", "Note"],
  info: ["i", "Information"],
  success: ["✓", "Success"],
  warning: ["!", "Warning"],
  error: ["✗", "Error"],
};

const titled = (ctx, name, text) => text && h("p", { class: name }, textObject(text, ctx.names));

function signed([sign, word], name) {
  return h(
    "span",
    { class: `state ${name}` },
    h("span", { class: "state-sign", "aria-hidden": "true" }, sign),
    word,
  );
}

export function card(ctx, block) {
  return h(
    "div",
    { class: "tile" },
    block.hero_image && picture(ctx.imageUrl(block.hero_image), block.hero_image.alt_text, "tile-hero"),
    h(
      "div",
      { class: "tile-head" },
      block.icon && picture(ctx.imageUrl(block.icon), block.icon.alt_text, "context-image"),
      h(
        "div",
        null,
        titled(ctx, "tile-title", block.title),
        titled(ctx, "tile-subtitle", block.subtitle),
      ),
    ),
    titled(ctx, "tile-body", block.body),
    block.actions &&
      h(
        "div",
        { class: "block-actions" },
        block.actions.map((item) => element(ctx, block, item)),
      ),
  );
}

export function carousel(ctx, block) {
  return h(
    "div",
    { class: "tiles", role: "list", tabindex: "0", "aria-label": "Cards" },
    block.elements.map((item) => h("div", { role: "listitem", key: item.block_id }, card(ctx, item))),
  );
}

export function container(ctx, block) {
  const title = block.rich_text_title
    ? richText(block.rich_text_title, ctx.names)
    : plain(block.title.text);
  const head = [
    block.icon && picture(ctx.imageUrl(block.icon), block.icon.alt_text, "context-image"),
    h("span", { class: "tile-title" }, title),
    block.subtitle && h("span", { class: "tile-subtitle" }, textObject(block.subtitle, ctx.names)),
  ];
  const inside = h("div", { class: "blocks" }, blocks(ctx, block.child_blocks));
  if (!block.is_collapsible) return h("div", { class: "tile" }, h("div", { class: "tile-head" }, head), inside);
  const opened = { open: !block.default_collapsed };
  return h("details", { class: "tile", init: opened }, h("summary", { class: "tile-head" }, head), inside);
}

export function task(ctx, block) {
  return h(
    "div",
    { class: "task" },
    h(
      "p",
      { class: "task-title" },
      block.status && signed(STATES[block.status], `state-${block.status}`),
      " ",
      plain(block.title),
    ),
    block.details && richText(block.details, ctx.names),
    block.output && richText(block.output, ctx.names),
    block.sources?.length > 0 &&
      h(
        "p",
        { class: "task-sources" },
        block.sources.map((source) => [link(source.url, source.text), " "]),
      ),
  );
}

export function plan(ctx, block) {
  return [
    h("p", { class: "tile-title" }, plain(block.title)),
    h(
      "ol",
      { class: "tasks" },
      (block.tasks ?? []).map((item) => h("li", { key: item.task_id }, task(ctx, item))),
    ),
  ];
}

export function alert(ctx, block) {
  const level = block.level ?? "default";
  return h(
    "p",
    { class: `alert alert-${level}`, role: "note" },
    signed(LEVELS[level], `state-${level}`),
    " ",
    textObject(block.text, ctx.names),
  );
}

export function video(ctx, block) {
  return h(
    "div",
    { class: "tile" },
    h("p", { class: "tile-title" }, link(block.title_url ?? block.video_url, block.title.text)),
    block.description && h("p", { class: "tile-subtitle" }, plain(block.description.text)),
    picture(null, block.alt_text, "tile-hero"),
  );
}

function link(url, text) {
  if (!/^https?:/i.test(url)) return plain(text);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, plain(text));
}

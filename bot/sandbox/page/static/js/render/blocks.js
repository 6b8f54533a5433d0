// Block Kit: one function per block type. `ctx` is the surface (surface.js). Blocks with inputs are
// keyed by their block_id (a new id means a fresh state, as in Slack), all others by place and type,
// so that an edit changes their text and nothing else.

import { h } from "../dom.js";
import { alert, card, carousel, container, plan, task, video } from "./cards.js";
import { chart } from "./chart.js";
import { element, isInteractive } from "./elements.js";
import { picture } from "./image.js";
import { markdown } from "./markdown.js";
import { plain, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const RENDERERS = {
  header,
  section,
  context,
  divider,
  actions,
  image,
  rich_text: formatted,
  table,
  data_table: table,
  data_visualization: (ctx, block) => chart(block),
  markdown: markdownBlock,
  input,
  context_actions: actions,
  file: () => null,
  card,
  carousel,
  container,
  plan,
  task_card: task,
  alert,
  video,
};

export function blocks(ctx, list) {
  return list.map((block, index) => {
    const render = RENDERERS[block.type];
    const key = holdsState(block) ? `id-${block.block_id ?? index}` : `${index}-${block.type}`;
    return h(
      "div",
      { key, class: `block block-${block.type}` },
      render ? render(ctx, block) : unknown(block),
    );
  });
}

const STATEFUL = /select|checkboxes|radio|input|picker/;
const holdsState = (block) =>
  [block.element, block.accessory, ...(block.elements ?? [])].some((inner) =>
    STATEFUL.test(inner?.type ?? ""),
  );

function unknown(block) {
  return h(
    "p",
    { class: "unknown" },
    `A “${block.type}” block stands here; this page does not draw that type.`,
  );
}

function header(ctx, block) {
  return h("h2", { class: "header-text" }, plain(block.text.text, block.text.emoji !== false));
}

function section(ctx, block) {
  const label = block.text?.text.split("\n")[0].replace(/[*_~`]/g, "");
  return [
    h(
      "div",
      { class: "section-body" },
      block.text && h("div", { class: "section-text" }, textObject(block.text, ctx.names)),
      block.fields &&
        h(
          "div",
          { class: "fields" },
          block.fields.map((field) => h("div", { class: "field-cell" }, textObject(field, ctx.names))),
        ),
    ),
    block.accessory &&
      h(
        "div",
        { class: isInteractive(block.accessory) ? "accessory" : "accessory picture" },
        element(ctx, block, block.accessory, label),
      ),
  ];
}

function context(ctx, block) {
  return block.elements.map((item) =>
    item.type === "image"
      ? element(ctx, block, item)
      : h("span", { class: "context-text" }, textObject(item, ctx.names)),
  );
}

function divider() {
  return h("hr", { class: "divider" });
}

function actions(ctx, block) {
  return block.elements.map((item) => element(ctx, block, item));
}

function image(ctx, block) {
  return h(
    "figure",
    { class: "figure" },
    block.title && h("figcaption", null, plain(block.title.text)),
    picture(ctx.imageUrl(block), block.alt_text, "figure-image"),
  );
}

function formatted(ctx, block) {
  return richText(block, ctx.names);
}

function markdownBlock(ctx, block) {
  return markdown(block.text);
}

function table(ctx, block) {
  const [head, ...body] = block.rows;
  const classOf = (column) => {
    const settings = block.column_settings?.[column];
    return [`align-${settings?.align ?? "left"}`, settings?.is_wrapped && "wrapped"]
      .filter(Boolean)
      .join(" ");
  };
  const wide = head.length > 3; // on a phone each row of such a table becomes a small list
  const cell = (tag, extra) => (value, column) =>
    h(tag, { class: classOf(column), role: tag === "th" ? "columnheader" : "cell", ...extra },
      tag === "td" && wide && column > 0
        ? h("span", { class: "cell-of", "aria-hidden": "true" }, cellContent(ctx, head[column]))
        : null,
      cellContent(ctx, value));
  return h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": block.caption ?? "Table" },
    // Roles are said aloud because a table that is shown as lists loses its own in some browsers.
    h(
      "table",
      { role: "table", class: wide ? "wide" : null },
      block.caption && h("caption", { class: "table-caption" }, plain(block.caption)),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head.map(cell("th", { scope: "col" })))),
      h(
        "tbody",
        { role: "rowgroup" },
        body.map((row) => h("tr", { role: "row" }, row.map(cell("td")))),
      ),
    ),
  );
}

function cellContent(ctx, cell) {
  if (cell.type === "rich_text") return richText(cell, ctx.names);
  return plain(String(cell.text ?? cell.value ?? ""));
}

function input(ctx, block) {
  const label = block.label.text;
  const error = ctx.errorOf(block);
  return [
    h(
      "div",
      { class: "input-label", "aria-hidden": "true" },
      plain(label),
      block.optional && h("span", { class: "optional" }, " (optional)"),
    ),
    element(ctx, block, block.element, block.optional ? `${label} (optional)` : label),
    h(
      "div",
      { class: "input-notes", id: ctx.describedBy(block) },
      error &&
        h(
          "p",
          { class: "input-error" },
          h("span", { class: "error-sign", "aria-hidden": "true" }, "!"),
          error,
        ),
      block.hint && h("p", { class: "input-hint" }, plain(block.hint.text)),
    ),
  ];
}

// Slack's data_visualization block: pie, bar, area and line charts, drawn as SVG of classes only (the
// page's policy forbids inline styles). Series differ by their line and their marks, not by colour
// alone, and a table for screen readers holds the numbers.

import { h } from "../dom.js";

const WIDTH = 600;
const HEIGHT = 220;
const LEFT = 46;
const BOTTOM = 34;
const TOP = 10;
const RIGHT = 8;
const MOST_LABELS = 8;

export function chart(block) {
  const { title, chart: drawing } = block;
  const pie = drawing.type === "pie";
  return h(
    "figure",
    { class: "figure chart" },
    h("figcaption", { class: "chart-title" }, title),
    pie ? shares(drawing.segments) : plot(drawing, title),
    pie ? null : legend(drawing.series),
    pie ? null : numbers(drawing),
  );
}

function plot(drawing, title) {
  const { categories, x_label: xLabel, y_label: yLabel } = drawing.axis_config;
  const values = drawing.series.flatMap((series) => series.data.map((point) => point.value));
  const top = ceiling(Math.max(...values, 0));
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, categories.length);
  const x = (index) => LEFT + step * (index + 0.5);
  const y = (value) => HEIGHT - BOTTOM - (Math.max(0, value) / top) * (HEIGHT - TOP - BOTTOM);
  return h(
    "svg",
    { class: "chart-drawing", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": title },
    [0, 0.25, 0.5, 0.75, 1].map((share) => gridLine(top * share, y)),
    categories.map((label, index) => tick(label, index, categories.length, x)),
    drawing.series.map((series, number) =>
      drawing.type === "bar"
        ? bars(series, number, drawing.series.length, step, x, y)
        : line(series, number, drawing.type === "area", x, y),
    ),
    xLabel && h("text", { class: "chart-axis", x: LEFT, y: HEIGHT - 3 }, xLabel),
    yLabel && h("title", null, yLabel),
  );
}

function gridLine(value, y) {
  return [
    h("line", { class: "chart-grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    h("text", { class: "chart-axis", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)),
  ];
}

function tick(label, index, count, x) {
  const every = Math.ceil(count / MOST_LABELS);
  const marked = label.startsWith("▶");
  if (!marked && index % every) return null;
  const at = x(index);
  return [
    marked && h("line", { class: "chart-mark", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }),
    h(
      "text",
      {
        class: marked ? "chart-axis marked" : "chart-axis",
        x: at,
        y: HEIGHT - BOTTOM + (marked ? 28 : 15),
        "text-anchor": "middle",
      },
      label,
    ),
  ];
}

function line(series, number, filled, x, y) {
  const points = series.data.map((point, index) => `${round(x(index))},${round(y(point.value))}`);
  const tone = `series-${number % 4}`;
  const closed = [`${round(x(0))},${y(0)}`, ...points, `${round(x(points.length - 1))},${y(0)}`];
  return h(
    "g",
    { class: tone },
    filled && h("path", { class: "chart-area", d: `M${closed.join("L")}Z` }),
    h("polyline", { class: "chart-line", points: points.join(" ") }),
    number === 0 &&
      series.data.map((point, index) =>
        h("circle", { class: "chart-dot", cx: round(x(index)), cy: round(y(point.value)), r: 3 }),
      ),
  );
}

function bars(series, number, count, step, x, y) {
  const width = (step * 0.7) / count;
  return h(
    "g",
    { class: `series-${number % 4}` },
    series.data.map((point, index) =>
      h("rect", {
        class: "chart-bar",
        x: round(x(index) - step * 0.35 + width * number),
        y: round(y(point.value)),
        width: round(width),
        height: round(y(0) - y(point.value)),
      }),
    ),
  );
}

function legend(seriesList) {
  return h(
    "ul",
    { class: "chart-legend" },
    seriesList.map((series, number) =>
      h(
        "li",
        null,
        h(
          "svg",
          { class: `series-${number % 4}`, viewBox: "0 0 28 8", "aria-hidden": "true" },
          h("line", { class: "chart-line", x1: 0, x2: 28, y1: 4, y2: 4 }),
          number === 0 && h("circle", { class: "chart-dot", cx: 14, cy: 4, r: 3 }),
        ),
        series.name,
      ),
    ),
  );
}

function numbers(drawing) {
  const { categories, x_label: xLabel } = drawing.axis_config;
  const head = [xLabel ?? "", ...drawing.series.map((series) => series.name)];
  const row = (label, index) => [
    h("th", { scope: "row" }, label),
    drawing.series.map((series) => h("td", null, short(series.data[index].value))),
  ];
  // A table takes no width or height from its style: it is its frame that is hidden.
  return h(
    "div",
    { class: "sr-only" },
    h(
      "table",
      null,
      h("thead", null, h("tr", null, head.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", null, categories.map((label, index) => h("tr", null, row(label, index)))),
    ),
  );
}

function shares(segments) {
  const whole = segments.reduce((sum, segment) => sum + segment.value, 0);
  return h(
    "ul",
    { class: "chart-legend" },
    segments.map((segment) =>
      h("li", null, `${segment.label}: ${short(segment.value)} (${Math.round((100 * segment.value) / whole)} %)`),
    ),
  );
}

/** The next round number above: 3.1 is 4, 178 is 200. */
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].map((n) => n * power).find((n) => n >= value) ?? 10 * power;
}

const round = (value) => Math.round(value * 10) / 10;
const short = (value) => String(Math.round(value * 1000) / 1000);

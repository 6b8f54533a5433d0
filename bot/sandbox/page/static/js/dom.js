// The page's way to the DOM: functions describe nodes, `render` changes what differs.
// Nodes keep their identity across renders (by key), and with it focus, selection, an open menu
// and typed text. Text only ever enters as a text node, attributes only by name from this list of
// rules: nothing here parses HTML.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "line", "polyline", "g", "title", "text"]);
const DESCRIPTION = Symbol("description");
const LISTENERS = Symbol("listeners");

/** Describe an element. Props: `key`, `class`, `on: {event: fn}`, `init: {property: value}` (set
 *  once, at creation: the person's own input wins later), `live: {property: value}` (set always),
 *  `vars: {"--name": value}`, `created(node)`; all others are attributes (null and false: absent). */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, key: props?.key, children: flatten(children) };
}

/** Describe an element whose description is only recomputed when one of `inputs` changed. */
export function memo(key, inputs, describe) {
  return { memo: inputs, key, describe };
}

/** Make the children of `root` look like the descriptions. */
export function render(root, ...children) {
  patchChildren(root, flatten(children));
}

/** A fresh node, for the few parts that are built once and not rendered again. */
export function build(description) {
  return create(description);
}

function flatten(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

function create(child) {
  if (typeof child === "string" || typeof child === "number") return document.createTextNode(String(child));
  const described = child.memo ? child.describe() : child;
  const node = SVG_TAGS.has(described.tag)
    ? document.createElementNS(SVG, described.tag)
    : document.createElement(described.tag);
  node[LISTENERS] = {};
  applyProps(node, {}, described.props);
  patchChildren(node, described.children);
  // After the children: a select only takes a value that one of its options has.
  for (const [name, value] of Object.entries(described.props.init ?? {})) node[name] = value;
  applyLive(node, described.props.live);
  node[DESCRIPTION] = { ...described, key: child.key, memo: child.memo };
  described.props.created?.(node);
  return node;
}

function patch(node, child) {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = String(child);
    if (node.data !== text) node.data = text;
    return;
  }
  const before = node[DESCRIPTION];
  if (child.memo && before.memo && sameInputs(child.memo, before.memo)) return;
  const described = child.memo ? child.describe() : child;
  applyProps(node, before.props, described.props);
  patchChildren(node, described.children);
  applyLive(node, described.props.live);
  node[DESCRIPTION] = { ...described, key: child.key, memo: child.memo };
}

function patchChildren(root, children) {
  const { byKey, inOrder } = indexChildren(root);
  const matches = children.map((child) => takeMatch(child, byKey, inOrder));
  // Leavers go first: moving a node past one would cost it its focus.
  for (const leftover of [...byKey.values(), ...inOrder]) leftover.remove();
  let cursor = root.firstChild;
  children.forEach((child, index) => {
    const node = matches[index];
    if (!node) root.insertBefore(create(child), cursor);
    else {
      patch(node, child);
      if (node === cursor) cursor = cursor.nextSibling;
      else root.insertBefore(node, cursor);
    }
  });
}

function indexChildren(root) {
  const byKey = new Map();
  const inOrder = [];
  for (const node of root.childNodes) {
    const key = node[DESCRIPTION]?.key;
    if (key !== undefined && !byKey.has(key)) byKey.set(key, node);
    else inOrder.push(node);
  }
  return { byKey, inOrder };
}

function takeMatch(child, byKey, inOrder) {
  if (child.key !== undefined) {
    const node = byKey.get(child.key);
    if (!node || !(child.memo || node[DESCRIPTION].tag === child.tag)) return null;
    byKey.delete(child.key);
    return node;
  }
  const tag = typeof child === "object" ? child.tag : undefined;
  const at = inOrder.findIndex(
    (node) => node[DESCRIPTION]?.tag === tag && node[DESCRIPTION]?.key === undefined,
  );
  return at < 0 ? null : inOrder.splice(at, 1)[0];
}

const RESERVED = new Set(["key", "on", "init", "live", "vars", "created"]);

function applyProps(node, before, after) {
  for (const name of Object.keys(before)) {
    if (!RESERVED.has(name) && !(name in after)) node.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(after)) {
    if (RESERVED.has(name) || before[name] === value) continue;
    if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [name, value] of Object.entries(after.vars ?? {})) node.style.setProperty(name, value);
  listen(node, after.on ?? {});
}

function applyLive(node, live) {
  for (const [name, value] of Object.entries(live ?? {})) if (node[name] !== value) node[name] = value;
}

// One real listener per event and node; which function it calls is replaced with each render.
function listen(node, handlers) {
  const current = node[LISTENERS];
  for (const type of Object.keys(handlers)) {
    if (!(type in current)) node.addEventListener(type, (event) => current[type]?.(event));
  }
  for (const type of Object.keys(current)) current[type] = handlers[type];
  Object.assign(current, handlers);
}

function sameInputs(one, other) {
  return one.length === other.length && one.every((value, index) => Object.is(value, other[index]));
}

// Speech and focus: what a screen reader hears of new and edited messages, and how the keyboard
// moves between the regions of the page and the items of a list.

const SPEAK_AFTER = 900; // ms: an edit that is followed by another within this time is not read
const pending = new Map();

/** Have a screen reader say `text`. Newer sentences with the same key replace unspoken ones. */
export function announce(text, key = text) {
  clearTimeout(pending.get(key));
  pending.set(
    key,
    setTimeout(() => {
      pending.delete(key);
      const region = document.getElementById("announcer");
      const line = document.createElement("p");
      line.textContent = text;
      region.append(line);
      while (region.childElementCount > 3) region.firstElementChild.remove();
    }, SPEAK_AFTER),
  );
}

const REGIONS = [
  "#sidebar",
  "#messages",
  "#composer textarea",
  "#thread-messages",
  "#thread-composer textarea",
  "#world",
];

/** F6 and Shift+F6 go from region to region, as in most workspaces and browsers. */
export function moveBetweenRegions(backwards) {
  const stops = REGIONS.map((selector) => document.querySelector(selector)).filter((node) =>
    node?.checkVisibility(),
  );
  const here = stops.findLastIndex((node) => node.contains(document.activeElement));
  const next = stops[(here + (backwards ? -1 : 1) + stops.length) % stops.length];
  focusInto(next);
}

/** Focus a region: itself when it can hold focus, otherwise its current or first control. */
export function focusInto(node) {
  if (!node) return;
  if (node.tabIndex >= 0) node.focus();
  else (node.querySelector("[aria-current=page]") ?? focusables(node)[0])?.focus();
}

function focusables(root) {
  return [...root.querySelectorAll("button, a[href], input, select, textarea, [tabindex='0']")].filter(
    (node) => !node.disabled && node.checkVisibility(),
  );
}

/** Arrow keys, Home and End among `items`; returns whether the key was used. */
export function moveAmong(items, event) {
  const here = items.indexOf(document.activeElement);
  const target = {
    ArrowDown: here + 1,
    ArrowUp: here < 0 ? items.length - 1 : here - 1,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (target === undefined || !items.length) return false;
  items[Math.max(0, Math.min(target, items.length - 1))].focus();
  event.preventDefault();
  return true;
}

/** Run `change`; if it removed the focused node, focus goes to the nearest kept ancestor. */
export function keepingFocus(change) {
  const focused = document.activeElement;
  const ancestors = [];
  for (let node = focused; node && node !== document.body; node = node.parentElement) ancestors.push(node);
  change();
  if (!focused || focused === document.body || focused.isConnected) return;
  const kept = ancestors.find((node) => node.isConnected && node.hasAttribute("tabindex"));
  kept?.focus({ preventScroll: true });
}

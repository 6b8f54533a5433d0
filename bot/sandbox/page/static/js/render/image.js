// Pictures: those that the sandbox itself serves are shown; of others only what they say, because
// the sandbox is offline and its page loads nothing from elsewhere.

import { h } from "../dom.js";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The address within the sandbox, or null for a foreign one. */
export function ownUrl(url) {
  const parsed = URL.parse(url, location.origin);
  if (!parsed || !/^https?:$/.test(parsed.protocol)) return null;
  const own =
    parsed.origin === location.origin || (LOOPBACK.test(parsed.hostname) && parsed.port === location.port);
  return own ? parsed.pathname + parsed.search : null;
}

export function picture(url, alt, className) {
  const own = url && ownUrl(url);
  if (own) return h("img", { key: own, class: className, src: own, alt, decoding: "async" });
  return h(
    "span",
    { class: `${className} absent`, role: "img", "aria-label": alt },
    h("span", { "aria-hidden": "true" }, alt || "Picture"),
  );
}

/** An image element of a context or an accessory. */
export function image(ctx, block, element) {
  return picture(
    ctx.imageUrl(element),
    element.alt_text,
    block.type === "context" ? "context-image" : "accessory-image",
  );
}

// A list that keeps its reader's place: it follows the newest message only while the reader is at
// the bottom, and otherwise holds the message that is at the top of the view, whatever is edited or
// added above or below it. What is no list (the Home tab) is read from its top and never follows.

import { keepingFocus } from "./a11y.js";

const NEAR = 60; // px from the bottom that still count as "at the bottom"

export class ScrollKeeper {
  constructor(node, onMove) {
    this.node = node;
    this.following = true;
    this.isList = true;
    node.addEventListener(
      "scroll",
      () => {
        this.following = this.isList && this.distance() < NEAR;
        onMove?.(this.following);
      },
      { passive: true },
    );
    // Pictures that arrive and panes that are resized must not push the newest message away.
    this.observer = new ResizeObserver(() => this.following && this.toEnd());
    this.observer.observe(node);
  }

  distance() {
    return this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight;
  }

  toEnd() {
    this.node.scrollTop = this.node.scrollHeight;
  }

  follow() {
    this.following = true;
    this.toEnd();
  }

  /** Another place is about to be shown in the same node. */
  begin(isList) {
    this.isList = isList;
    this.following = isList;
    if (!isList) this.node.scrollTop = 0;
  }

  /** Whoever comes to a list that ends out of sight of `row` starts reading there. */
  startAt(row) {
    if (!row || row.getBoundingClientRect().top >= this.node.getBoundingClientRect().top) return;
    this.bring(row, "start");
  }

  /** Bring a row into view. Where that is at the end all the same, the list goes on being followed: a
   *  card that grows keeps its buttons in sight. */
  bring(row, block) {
    this.following = false;
    row.scrollIntoView({ block });
    this.following = this.distance() < NEAR;
  }

  /** Run a render of the list's content without moving what the reader looks at. */
  around(render) {
    const held = this.following ? null : this.topmost();
    const before = held?.getBoundingClientRect().top;
    keepingFocus(render);
    for (const content of this.node.children) this.observer.observe(content);
    if (this.following) this.toEnd();
    else if (held?.isConnected) this.node.scrollTop += held.getBoundingClientRect().top - before;
  }

  topmost() {
    const top = this.node.getBoundingClientRect().top;
    return [...this.node.querySelectorAll(".message")].find(
      (row) => row.getBoundingClientRect().bottom > top + 1,
    );
  }
}

// What outlives a reload (where the browser lets the page keep anything): who one is, where one was,
// which lines one typed.

import { state } from "./store.js";

export function remember(key, value) {
  try {
    sessionStorage.setItem(`dynamo ${key}`, value);
  } catch {
    // A browser that keeps nothing still works; it only starts afresh.
  }
}

export function recall(key) {
  try {
    return sessionStorage.getItem(`dynamo ${key}`);
  } catch {
    return null;
  }
}

const historyKey = () => `lines ${state.me.id}`;
export const linesTyped = () => JSON.parse(recall(historyKey()) ?? "[]");

export function rememberLine(text) {
  const lines = linesTyped().filter((line) => line !== text);
  remember(historyKey(), JSON.stringify([...lines, text].slice(-50)));
}

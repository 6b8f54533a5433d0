// A WebSocket that comes back by itself: after each (re)connection `onOpen` re-reads what may have
// been missed. Waits grow from 0.3 s to 5 s, with jitter so that many tabs do not come at once.

const FIRST_WAIT = 300;
const LONGEST_WAIT = 5000;

/** Returns `{close()}`. `onState` hears "open" and "waiting". */
export function openStream(path, { onOpen, onEvent, onState }) {
  let socket = null;
  let wait = FIRST_WAIT;
  let timer = 0;
  let closed = false;

  function connect() {
    const base = location.origin.replace(/^http/, "ws");
    socket = new WebSocket(base + path);
    socket.addEventListener("open", () => {
      wait = FIRST_WAIT;
      onState?.("open");
      onOpen?.();
    });
    socket.addEventListener("message", (message) => onEvent(JSON.parse(message.data)));
    socket.addEventListener("close", () => {
      if (closed) return;
      onState?.("waiting");
      timer = setTimeout(connect, wait * (0.7 + Math.random() * 0.6));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
  }

  connect();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}

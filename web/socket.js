// A WebSocket that comes back: it is opened again when it breaks, with growing, random waits.
//
//   new ──► connecting ──► open ──► closing ──► closed
//              ▲  │         │                      │
//              │  ▼         ▼                      │
//              waiting ◄────┘        open() ◄──────┘
//
// Each wait is drawn from between nothing and a ceiling that doubles with every failure ("full
// jitter"), so that the pages of a server that was restarted do not all come back at one moment.

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
// A connection that lasted so long was a success.
const SUCCESS_MS = 10_000;

const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;

const between = (low, high) => low + (high - low) * Math.random();

export class Connection {
  // `handlers` may have onopen(), onmessage(data), onclose(event) and onerror(event). One that does
  // not `return` stays closed when it breaks.
  constructor(path, handlers, { protocols = [], returns = true } = {}) {
    this.url = address(path);
    this.handlers = handlers;
    this.protocols = protocols;
    this.returns = returns;
    this.state = "new";
    this.watchers = [];
    this.ceiling = FIRST_MS;
    // When it tries again, while it waits.
    this.due = 0;
    if (returns) addEventListener("online", () => this.state === "waiting" && this.open());
  }

  // Calls `watcher` now and whenever the state changes.
  watch(watcher) {
    this.watchers.push(watcher);
    watcher(this);
  }

  get isOpen() {
    return this.state === "open";
  }

  // What was agreed on for compression and such, and the subprotocol; empty if nothing was.
  get extensions() {
    return this.socket?.extensions ?? "";
  }

  open() {
    if (this.state !== "new" && this.state !== "waiting" && this.state !== "closed") return;
    clearTimeout(this.timer);
    const socket = new WebSocket(this.url, this.protocols);
    socket.binaryType = "arraybuffer";
    let openedAt = 0;
    socket.onopen = () => {
      openedAt = performance.now();
      this.enter("open");
      this.handlers.onopen?.();
    };
    socket.onmessage = ({ data }) => this.handlers.onmessage?.(data);
    socket.onerror = (event) => this.handlers.onerror?.(event);
    socket.onclose = (event) => {
      if (openedAt > 0 && performance.now() - openedAt >= SUCCESS_MS) this.ceiling = FIRST_MS;
      const isWanted = this.returns && this.state !== "closing";
      if (isWanted) this.wait(event.code);
      else this.enter("closed");
      this.handlers.onclose?.(event);
    };
    this.socket = socket;
    this.enter("connecting");
  }

  // Returns whether it was sent; a string as text, anything else as bytes.
  send(data) {
    if (this.isOpen) this.socket.send(data);
    return this.isOpen;
  }

  // Ends it for good, until it is opened again. Throws what the browser says about a code or reason
  // that it does not send.
  close(code = 1000, reason = "") {
    if (this.state === "waiting") {
      clearTimeout(this.timer);
      this.enter("closed");
    } else if (this.state === "connecting" || this.state === "open") {
      this.socket.close(code, reason);
      this.enter("closing");
    }
  }

  wait(code) {
    const wait = {
      [SERVICE_RESTART]: () => between(5_000, LONGEST_MS),
      [TRY_AGAIN_LATER]: () => between(LONGEST_MS / 2, LONGEST_MS),
    }[code]?.() ?? between(0, this.ceiling);
    this.ceiling = Math.min(this.ceiling * 2, LONGEST_MS);
    this.due = performance.now() + wait;
    this.timer = setTimeout(() => this.open(), wait);
    this.enter("waiting");
  }

  enter(state) {
    this.state = state;
    for (const watcher of this.watchers) watcher(this);
  }
}

// The URL of a path (decoded) of the host that the page is from.
export function address(path) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return `${scheme}://${location.host}${encoded}`;
}

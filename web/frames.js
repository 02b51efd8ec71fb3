// A log of frames, and the inspector that shows the one that is selected.

import { el } from "./dom.js";
import { bytes, clock, count, hex, milliseconds, plural } from "./format.js";
import { append } from "./log.js";

const MAX_PREVIEW = 200;
const MAX_DUMP = 1024;

// RFC 6455 section 5.2.
const OPCODES = { text: "0x1", binary: "0x2", close: "0x8" };
const ARROWS = { sent: "↑", received: "↓" };

// A frame is { direction: "sent" or "received", kind, payload: bytes, shown, trip: ms, isCompressed };
// a notice has only a direction, "notice" or "error", and what is shown. All get a time.
export class Frames {
  constructor(list, inspector) {
    this.list = list;
    this.inspector = inspector;
    this.frames = new Map();
    this.next = 0;
    list.onclick = (event) => this.select(event.target.closest("li"));
    list.onkeydown = (event) => this.move(event);
    this.inspect(undefined);
  }

  add(frame) {
    frame.time = new Date();
    const row = el("li", { className: frame.direction, role: "option", ariaSelected: "false", id: `frame-${this.next++}` });
    const cell = (name, text) => el("span", { className: name, textContent: text });
    row.append(cell("when", clock(frame.time)), cell("arrow", ARROWS[frame.direction] ?? "·"));
    if (frame.kind) {
      row.append(cell("kind", frame.kind), cell("size", `${count(frame.payload.length)} B`));
      row.append(cell("trip", frame.trip === undefined ? "" : milliseconds(frame.trip)));
    }
    row.append(cell("what", shorten(frame.shown)));
    this.frames.set(row, frame);
    const forgotten = append(this.list, row);
    this.frames.delete(forgotten);
    if (forgotten !== undefined && forgotten === this.selected) this.select(null);
  }

  select(row) {
    this.selected?.setAttribute("aria-selected", false);
    this.selected = row;
    row?.setAttribute("aria-selected", true);
    row?.scrollIntoView({ block: "nearest" });
    if (row) this.list.setAttribute("aria-activedescendant", row.id);
    else this.list.removeAttribute("aria-activedescendant");
    this.inspect(this.frames.get(row));
  }

  // Arrows, Home and End select, as in any list.
  move(event) {
    const { firstElementChild: first, lastElementChild: last } = this.list;
    const next = {
      ArrowDown: () => this.selected?.nextElementSibling ?? last,
      ArrowUp: () => (this.selected ? this.selected.previousElementSibling ?? first : last),
      Home: () => first,
      End: () => last,
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    this.select(next);
  }

  inspect(frame) {
    const head = el("h3", { textContent: "Frame" });
    if (!frame?.kind) {
      const hint = frame ? "A notice of this page, not a frame." : "Select a frame to see what it is made of.";
      this.inspector.replaceChildren(head, el("p", { className: "hint", textContent: hint }));
      return;
    }
    const isText = frame.kind !== "binary";
    const rows = {
      Direction: frame.direction,
      Opcode: `${OPCODES[frame.kind]} ${frame.kind}`,
      Length: plural(frame.payload.length, "byte"),
      Header: header(frame),
      Time: clock(frame.time),
      "Round trip": frame.trip === undefined ? "–" : milliseconds(frame.trip),
    };
    const list = el("dl", { className: "facts" });
    for (const [name, value] of Object.entries(rows)) {
      list.append(el("dt", { textContent: name }), el("dd", { textContent: value }));
    }
    this.inspector.replaceChildren(head, list);
    if (isText && frame.payload.length > 0) {
      this.inspector.append(el("h4", { textContent: "Text" }), block(frame.text ?? frame.shown));
    }
    this.inspector.append(el("h4", { textContent: "Bytes" }), block(dump(frame.payload)));
  }
}

const block = (text) => el("pre", { tabIndex: 0, textContent: text.length > MAX_DUMP * 4 ? `${text.slice(0, MAX_DUMP * 4)}…` : text });

const shorten = (text) => (text.length > MAX_PREVIEW ? `${text.slice(0, MAX_PREVIEW)}…` : text);

// How long the header of a frame is: two bytes, a longer length, and a mask from clients.
function header({ payload, direction, isCompressed }) {
  if (isCompressed) return "sent compressed";
  const length = payload.length;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const parts = ["2", ...(extended > 0 ? [`${extended} length`] : []), ...(direction === "sent" ? ["4 mask"] : [])];
  return `${parts.join(" + ")} bytes`;
}

// Eight bytes a line: where, what, and what of it is ASCII.
function dump(payload) {
  if (payload.length === 0) return "(none)";
  const lines = [];
  for (let at = 0; at < Math.min(payload.length, MAX_DUMP); at += 8) {
    const part = payload.subarray(at, at + 8);
    const letters = Array.from(part, (byte) => (byte > 32 && byte < 127 ? String.fromCharCode(byte) : "·"));
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex(part).padEnd(23)}  ${letters.join("")}`);
  }
  if (payload.length > MAX_DUMP) lines.push(`… and ${bytes(payload.length - MAX_DUMP)} more`);
  return lines.join("\n");
}

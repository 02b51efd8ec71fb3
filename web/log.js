// Lists that grow at their ends, and forget their beginnings.

import { el } from "./dom.js";
import { clock } from "./format.js";

const MAX_ROWS = 500;

// Appends a row to a list in a box that scrolls. Returns the row that is forgotten for it, if one is.
export function append(list, row) {
  const box = list.parentElement;
  const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  list.append(row);
  const forgotten = list.childElementCount > MAX_ROWS ? list.firstElementChild : undefined;
  forgotten?.remove();
  // Somebody who scrolled up to read is left there.
  if (isAtEnd) box.scrollTop = box.scrollHeight;
  return forgotten;
}

// `list` is a list in a box that scrolls.
export class Log {
  constructor(list) {
    this.list = list;
  }

  // Adds a row of cells, each with its class: [["who", "ada"], ["what", "hi"]].
  add(kind, cells) {
    const row = el("li", { className: kind });
    for (const [className, textContent] of [["when", clock(new Date()).slice(0, 8)], ...cells]) {
      row.append(el("span", { className, textContent }));
    }
    append(this.list, row);
  }
}

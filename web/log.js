// A list that grows at its end, and forgets its beginning.

import { el } from "./dom.js";
import { clock } from "./format.js";

const MAX_ROWS = 500;

// `list` is a list in a box that scrolls.
export class Log {
  constructor(list) {
    this.list = list;
  }

  // Adds a row of cells, each with its class: [["who", "ada"], ["what", "hi"]].
  add(kind, cells) {
    const box = this.list.parentElement;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    const row = el("li", { className: kind });
    for (const [className, textContent] of [["when", clock(new Date()).slice(0, 8)], ...cells]) {
      row.append(el("span", { className, textContent }));
    }
    this.list.append(row);
    if (this.list.childElementCount > MAX_ROWS) this.list.firstElementChild.remove();
    // Somebody who scrolled up to read is left there.
    if (isAtEnd) box.scrollTop = box.scrollHeight;
    return row;
  }
}

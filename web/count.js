// How many clients there have been: one connection that asks, and others that make the number rise.

import { el, onSubmit, show } from "./dom.js";
import { enableWhileOpen } from "./panel.js";
import { Connection } from "./socket.js";

// Connections beside the first, at a time.
const MOST = 8;

export function count(panel, { path }) {
  const { another } = panel.querySelector("form").elements;
  const table = panel.querySelector("tbody");

  const connection = new Connection(path, {
    onopen: () => connection.send("How many?"),
    onmessage: (text) => show(panel, { number: text.split(": ")[1] ?? text, answer: text }),
  });
  onSubmit(panel, "ask", () => connection.send("How many?"));
  enableWhileOpen(connection, panel.querySelectorAll("[type=submit]"));

  let made = 1;
  const update = () => {
    panel.querySelector("table").hidden = table.childElementCount === 0;
    panel.querySelector("[data-value=none]").hidden = table.childElementCount > 0;
    another.disabled = !connection.isOpen || table.childElementCount >= MOST;
  };
  another.onclick = () => {
    made += 1;
    table.append(row(made, path, () => connection.send("How many?"), update));
    update();
  };
  connection.watch(update);
  connection.open();
  return connection;
}

// Another client, with what it was told.
function row(number, path, isHere, isGone) {
  const state = el("td");
  const told = el("td", { className: "mono", textContent: "–" });
  const other = new Connection(path, {
    onopen() {
      other.send("How many?");
      // The first one is told anew.
      isHere();
    },
    onmessage: (text) => (told.textContent = text.split(": ")[1] ?? text),
  }, { returns: false });
  const ask = el("button", { type: "button", textContent: "Ask", onclick: () => other.send("How many?") });
  const close = el("button", { type: "button", textContent: "Close" });
  const line = el("tr", {}, el("th", { scope: "row", textContent: `#${number}` }), state, told, el("td", {}, ask, close));
  close.onclick = () => {
    other.close();
    line.remove();
    isGone();
  };
  other.watch(() => {
    state.textContent = other.state;
    ask.disabled = !other.isOpen;
  });
  other.open();
  return line;
}

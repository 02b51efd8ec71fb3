// What every panel has: the state of its connection, or how to get the service that it lacks.

import { el } from "./dom.js";
import { address } from "./socket.js";

const WORDS = {
  new: "Not connected",
  connecting: "Connecting",
  open: "Connected",
  closing: "Closing",
  waiting: "Connection lost",
  closed: "Closed",
};

// Shows the state of a connection in the panel and at its tab.
export function showLink(panel, tab, connection) {
  const state = el("span", { role: "status" });
  const countdown = el("span", { ariaHidden: "true" });
  const button = el("button", { type: "button", onclick: () => connection.open() });
  const place = panel.querySelector(".link");
  const url = el("code", { textContent: connection.url });
  place.replaceChildren(el("span", { className: "dot" }), state, countdown, url, button);

  const mark = el("span", { className: "dot" });
  const spoken = el("span", { className: "hidden" });
  tab.append(mark, spoken);

  let ticking;
  connection.watch(() => {
    place.dataset.state = mark.dataset.state = connection.state;
    state.textContent = WORDS[connection.state];
    spoken.textContent = ` (${WORDS[connection.state].toLowerCase()})`;
    const isWaiting = connection.state === "waiting";
    button.hidden = !isWaiting && !(connection.state === "closed" && connection.returns);
    button.textContent = isWaiting ? "Try now" : "Connect";
    clearInterval(ticking);
    const tick = () => {
      const seconds = Math.max(0, Math.ceil((connection.due - performance.now()) / 1000));
      countdown.textContent = isWaiting ? `trying again in ${seconds} s` : "";
    };
    tick();
    if (isWaiting) ticking = setInterval(tick, 250);
  });
}

// Says that this listener does not serve what the panel needs, and which command would.
export function showMissing(panel, tab, needed, served) {
  tab.append(el("span", { className: "off", ariaHidden: "true", textContent: "off" }),
    el("span", { className: "hidden", textContent: " (not served here)" }));
  const bindings = [...served, needed].map(binding);
  const command = `readily serve ${bindings.map((text) => `'${text}'`).join(" \\\n  ")}`;
  const copy = el("button", { type: "button", textContent: "Copy" });
  copy.onclick = async () => {
    // Only a page from this machine, or one that came over TLS, may.
    await navigator.clipboard?.writeText(command);
    copy.textContent = navigator.clipboard ? "Copied" : "Select it and copy";
  };
  panel.querySelector(".link").remove();
  panel.querySelector(".body").replaceWith(
    el(
      "div",
      { className: "missing" },
      el("h3", { textContent: "Not served here" }),
      el("p", {}, "This listener has no binding of ", el("code", { textContent: needed.service }),
        " that this tab can use. Started like this, the server has one:"),
      el("pre", { tabIndex: 0 }, el("code", { textContent: command })),
      copy,
    ),
  );
}

// A binding of this listener as it stood on the command line.
function binding({ service, path, parameters }) {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${service}=${address(path)}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}

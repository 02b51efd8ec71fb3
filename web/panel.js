// What every panel has: the state of its connection, or how to get the service that it lacks.

import { el } from "./dom.js";

// What `readily serve` has.
const SERVICES = ["echo", "time", "count", "random", "discard", "chat", "notify", "stream", "stats"];

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

// Lets what asks something of the server be pressed only while it is there.
export function enableWhileOpen(connection, buttons) {
  connection.watch(({ isOpen }) => {
    for (const button of buttons) button.disabled = !isOpen;
  });
}

// Says that this listener does not serve what the panel needs, and which command would.
export function showMissing(panel, tab, needed, served) {
  tab.append(el("span", { className: "off", ariaHidden: "true", textContent: "off" }),
    el("span", { className: "hidden", textContent: " (not served here)" }));
  // Services that a program of its own has added are not to be had on the command line.
  const known = served.filter(({ service }) => SERVICES.includes(service));
  const bindings = [...known, needed].map(binding);
  const command = `readily serve ${bindings.map((text) => `'${text}'`).join(" \\\n  ")}`;
  const copy = el("button", { type: "button", textContent: "Copy" });
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(command);
      copy.textContent = "Copied";
    } catch {
      // Only a page from this machine, or one that came over TLS, may; and nobody has to allow it.
      copy.textContent = "Select it and copy";
    }
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

// A binding of this listener as it stands on a command line, between single quotes. Whoever ended TLS in
// front of the server is not part of it.
function binding({ service, path, parameters }) {
  const encode = (text) => encodeURIComponent(text).replaceAll("'", "%27");
  const port = location.port || (location.protocol === "https:" ? 443 : 80);
  const place = `ws://${location.hostname}:${port}${path.split("/").map(encode).join("/")}`;
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encode(value)}`);
  return `${service}=${place}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}

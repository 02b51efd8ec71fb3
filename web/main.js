// Begins: the theme, the greeting, what this listener serves, and a tab for each service.

import { chat } from "./chat.js";
import { count } from "./count.js";
import { echo } from "./echo.js";
import { notify } from "./notify.js";
import { showLink, showMissing } from "./panel.js";
import { random } from "./random.js";
import { server } from "./server.js";
import { stream } from "./stream.js";
import { startTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { time } from "./time.js";

// What each tab talks to: a service, wherever it is, and an example of it if it is nowhere. Where more
// is needed of a binding than its service, `suits` says what. `start` returns the connection it makes.
const TABS = {
  echo: { start: echo, example: { service: "echo", path: "/ws", parameters: {} } },
  random: {
    start: random,
    example: { service: "random", path: "/random", parameters: { burst: "true" } },
    suits: ({ parameters }) => parameters.burst === "true",
  },
  time: { start: time, example: { service: "time", path: "/time", parameters: {} } },
  count: { start: count, example: { service: "count", path: "/count", parameters: {} } },
  chat: {
    start: chat,
    example: { service: "chat", path: "/chat", parameters: {} },
    suits: ({ subprotocols }) => subprotocols.includes("chat.v1"),
  },
  notify: {
    start: notify,
    example: { service: "notify", path: "/notify", parameters: { history: "100" } },
    suits: ({ parameters }) => parameters.topic === undefined,
  },
  stream: { start: stream, example: { service: "stream", path: "/stream", parameters: { source: "walk" } } },
  server: { start: server, example: { service: "stats", path: "/stats", parameters: {} } },
};

const panelOf = (name) => document.getElementById(name);
const tabOf = (name) => document.getElementById(`tab-${name}`);

document.getElementById("host").textContent = location.host;
startTheme(document.getElementById("theme"));

const served = await servedHere();
const waiting = new Map();
for (const [name, { start, example, suits = () => true }] of Object.entries(TABS)) {
  const [panel, tab] = [panelOf(name), tabOf(name)];
  const places = served.filter((there) => there.service === example.service && suits(there));
  const place = places.find(({ path }) => path === example.path) ?? places[0];
  if (place === undefined) showMissing(panel, tab, example, served);
  else waiting.set(name, () => showLink(panel, tab, start(panel, place)));
}
// A tab connects when it is first shown. Whichever that is, the page says hello to the echo.
const connect = (name) => {
  waiting.get(name)?.();
  waiting.delete(name);
};
connect("echo");
startTabs(document.querySelector("[role=tablist]"), connect);

// The WebSocket paths of this listener. Where that cannot be learned, something may be at the usual
// ones.
async function servedHere() {
  try {
    const response = await fetch("/services.json");
    return (await response.json()).services;
  } catch {
    return Object.values(TABS).map(({ example }) => ({ ...example, subprotocols: ["chat.v1"] }));
  }
}

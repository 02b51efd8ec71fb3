// Begins: the theme, the greeting, what this listener serves, and a tab for each service.

import { count } from "./count.js";
import { echo } from "./echo.js";
import { showLink, showMissing } from "./panel.js";
import { random } from "./random.js";
import { startTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { time } from "./time.js";

// What each tab talks to: a service with certain parameters, wherever it is, and a path for it if it
// is nowhere. `start` returns the connection that it makes.
const TABS = {
  random: { start: random, service: "random", path: "/random", parameters: { burst: "true" } },
  time: { start: time, service: "time", path: "/time", parameters: {} },
  count: { start: count, service: "count", path: "/count", parameters: {} },
};

const panelOf = (name) => document.getElementById(name);
const tabOf = (name) => document.getElementById(`tab-${name}`);

document.getElementById("host").textContent = location.host;
startTheme(document.getElementById("theme"));

// Whatever tab is shown and whatever is served, the page says hello at /ws.
const greeting = echo(panelOf("echo"), { path: "/ws" });
showLink(panelOf("echo"), tabOf("echo"), greeting);

const served = await servedHere();
if (!served.some(({ path }) => path === "/ws")) {
  greeting.close();
  showMissing(panelOf("echo"), tabOf("echo"), { service: "echo", path: "/ws", parameters: {} }, served);
}
const waiting = new Map();
for (const [name, wanted] of Object.entries(TABS)) {
  const place = served.find((there) => suits(there, wanted));
  if (place === undefined) showMissing(panelOf(name), tabOf(name), wanted, served);
  else waiting.set(name, () => showLink(panelOf(name), tabOf(name), wanted.start(panelOf(name), place)));
}
// A tab connects when it is first shown.
startTabs(document.querySelector("[role=tablist]"), (name) => {
  waiting.get(name)?.();
  waiting.delete(name);
});

// The WebSocket paths of this listener. A server that does not say gets asked at the usual ones.
async function servedHere() {
  try {
    const response = await fetch("/services.json");
    return (await response.json()).services;
  } catch {
    return [{ service: "echo", path: "/ws", parameters: {} }, ...Object.values(TABS)];
  }
}

// Whether a binding is of the service that is wanted, and has its parameters. Some are lists.
function suits(there, wanted) {
  return there.service === wanted.service && Object.entries(wanted.parameters)
    .every(([name, value]) => there.parameters[name]?.split(",").includes(value));
}

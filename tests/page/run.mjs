// The page in Chromium: every tab does its job, is to be used by keyboard alone and on a phone, in
// light and dark, and finds back to a server that was restarted.
// usage: [PERFETTO=FOLDER-OF-ITS-PAGE] node tests/page/run.mjs READILY [FOLDER-FOR-PICTURES]

import { tabs as bases } from "./checks/bases.mjs";
import { everywhere } from "./checks/everywhere.mjs";
import { meetings } from "./checks/meetings.mjs";
import { pictures } from "./checks/pictures.mjs";
import { restart } from "./checks/restart.mjs";
import { timeline } from "./checks/timeline.mjs";
import { conclude, freePort, is, Server, startBrowser } from "./world.mjs";

const [readily, folder] = process.argv.slice(2);
const TABS = ["echo", "random", "time", "count", "chat", "notify", "stream", "server"];
const BINDINGS = ["echo=/ws", "random=/random?burst=true", "time=/time", "count=/count", "chat=/chat", "notify=/notify?history=3",
  "stream=/stream?source=walk", "stats=/stats", "chat=tcp:", "notify=tcp:?history=3"];

const server = new Server(readily, await freePort());
const browser = await startBrowser();
const world = { server, browser, bindings: BINDINGS, tabs: TABS, folder, perfettos: process.env.PERFETTO };
// Whatever happens, it ends.
setTimeout(() => {
  console.log("FAIL out of time");
  server.process?.kill("SIGKILL");
  process.exit(1);
}, 180_000).unref();
try {
  for (const check of [bases, meetings, everywhere, restart, pictures, timeline]) {
    await server.start(BINDINGS);
    await check(world).catch((error) => is(`${check.name} came to its end`, "", error.stack));
    // Pages that a failure has left open would come back to the next server, with names that others want.
    for (const context of browser.contexts()) await context.close();
    await server.stop();
  }
} finally {
  await browser.close();
  await server.stop();
}
process.exit(conclude());

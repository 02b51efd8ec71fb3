// A server that goes and comes back.

import { eventually, is, open, state } from "../world.mjs";

export async function restart({ browser, server, bindings }) {
  const page = await open(browser, server);
  await page.waitForSelector("#echo li.received");
  await page.click("#tab-time");
  await page.waitForSelector("#time .link[data-state=open]");
  await server.stop();
  await page.waitForSelector("#time .link:not([data-state=open])");
  await eventually("restart: the page says that it waits", page,
    () => /Connection losttrying again in \d+ s/.test(document.querySelector("#time .link").textContent));
  is("restart: what cannot be done is not offered", true, await page.isDisabled("#time [type=submit]"));
  await server.start(bindings);
  await page.waitForSelector("#time .link[data-state=open]");
  is("restart: it is back by itself", "Connected", await state(page, "time"));
  await page.click("#tab-echo");
  await page.waitForSelector("#echo .link[data-state=open]");
  await eventually("restart: and says hello again", page,
    () => document.querySelectorAll("#echo li.received").length === 2);
  // Chromium itself reports each attempt that fails.
  const own = page.complaints.filter((text) => !/WebSocket connection to .* failed/.test(text));
  is("restart: no other error", [], own);
  await page.context().close();
}

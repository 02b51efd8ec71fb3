// A server that goes and comes back.

import net from "node:net";

import { connected, eventually, is, open, state } from "../world.mjs";

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
  await broken(browser, server, bindings);
  // Chromium itself reports each attempt that fails.
  const own = page.complaints.filter((text) => !/WebSocket connection to .* failed/.test(text));
  is("restart: no other error", [], own);
  await page.context().close();
}

// What the server has refused is not asked for again, and what it has agreed to is; and nothing that was
// published during the break is lost without a word.
async function broken(browser, server, bindings) {
  const [page, other] = [await open(browser, server), await open(browser, server)];
  await connected(page, "chat");
  await connected(other, "chat");
  const choose = async (page, field, text) => {
    await page.fill(`#chat [name=${field}]`, text);
    await page.press(`#chat [name=${field}]`, "Enter");
  };
  await choose(other, "name", "bob");
  await other.waitForSelector("#chat .members >> text=bob (you)");
  await choose(page, "name", "ada");
  await page.waitForSelector("#chat .members >> text=ada (you)");
  await choose(page, "name", "bob");
  await eventually("break: a name is taken", page, () => /taken/.test(document.querySelector("#chat .problem").textContent));
  await choose(page, "room", "no room");
  await eventually("break: a room is none", page, () => !/taken|^$/.test(document.querySelector("#chat .problem").textContent));
  await connected(page, "notify");
  await page.fill("#notify [data-form=subscribe] [name=topic]", "news");
  await page.click("#notify button >> text=Subscribe");
  await page.waitForSelector("#notify .chips >> text=news");
  await server.stop();
  await page.waitForSelector("#notify .link:not([data-state=open])");
  await server.start(bindings);
  const terminal = net.connect(server.lines.notify, "127.0.0.1");
  terminal.write("PUB news one\n");
  await tryNow(page, "notify");
  await eventually("break: what came meanwhile comes now", page, () => document.querySelector("#notify .rows").innerText.includes("#1"));
  terminal.destroy();
  await connected(page, "chat");
  await page.waitForSelector("#chat .members >> text=ada (you)");
  await eventually("break: the name is had again, and the room", page, () =>
    document.querySelector("#chat [name=name]").value === "ada" && document.querySelector("#chat aside").innerText.startsWith("lobby"));
  is("break: and nothing else was asked for", "", await page.textContent("#chat .problem"));
  for (const each of [page, other]) await each.context().close();
}

// Presses the button, if the page has not come back by itself before: looked at and pressed in one go,
// because a wait may be over at any moment, and then the button is gone.
const tryNow = (page, tab) => page.evaluate((tab) => document.querySelector(`#${tab} .link button:not([hidden])`)?.click(), tab);

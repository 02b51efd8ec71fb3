// A server that goes and comes back.

import net from "node:net";

import { connected, eventually, is, open, PATIENCE_MS, state } from "../world.mjs";

// Ends a page that has seen a server go. Chromium itself reports each attempt that fails.
async function closeAfterBreak(name, page) {
  const own = page.complaints.filter((text) => !/WebSocket connection to .* failed/.test(text));
  is(`${name}: no other error`, [], own);
  await page.context().close();
}

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
  await closeAfterBreak("restart", page);
  await broken(browser, server, bindings);
  await backOff(browser, server, bindings);
}

// Each wait is drawn from between nothing and twice as much as the one before: here it is always the most.
async function backOff(browser, server, bindings) {
  const page = await open(browser, server);
  await page.waitForSelector("#echo li.received");
  await page.evaluate(() => {
    const later = window.setTimeout;
    window.waits = [];
    Math.random = () => 1 - 1e-9;
    window.setTimeout = (act, ms, ...rest) => {
      if (/\.open\(\)/.test(act)) window.waits.push(Math.round(ms));
      return later(act, ms, ...rest);
    };
  });
  await server.stop();
  await page.waitForFunction(() => window.waits.length >= 4, null, { timeout: PATIENCE_MS });
  is("restart: each wait may be twice the one before", [500, 1000, 2000, 4000], await page.evaluate(() => window.waits.slice(0, 4)));
  await server.start(bindings);
  await closeAfterBreak("restart, the waits", page);
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
  await closeAfterBreak("break", page);
  await closeAfterBreak("break, the other", other);
}

// Presses the button, if the page has not come back by itself before: looked at and pressed in one go,
// because a wait may be over at any moment, and then the button is gone.
const tryNow = (page, tab) => page.evaluate((tab) => document.querySelector(`#${tab} .link button:not([hidden])`)?.click(), tab);

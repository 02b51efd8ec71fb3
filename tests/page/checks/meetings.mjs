// Chat, Notifications, Streams and Server: what pages do together, and with somebody at a terminal.

import net from "node:net";

import { close, connected, drawing, EVIL, eventually, harmless, is, isDrawn, like, open, settled, state, value } from "../world.mjs";

export async function meetings(world) {
  await chat(world);
  await notify(world);
  await stream(world);
  await stats(world);
}

// Somebody with nc: says lines, and remembers what he hears.
class Terminal {
  static async connect(port) {
    const terminal = new Terminal();
    terminal.heard = "";
    terminal.socket = net.connect(port, "127.0.0.1");
    terminal.socket.on("data", (text) => (terminal.heard += text));
    await new Promise((there) => terminal.socket.once("connect", there));
    return terminal;
  }

  say(line) {
    this.socket.write(`${line}\n`);
  }

  // Waits until a line was heard, for as long as the test may take.
  async hears(name, line) {
    for (let tries = 0; tries < 500 && !this.heard.split("\n").includes(line); tries += 1) {
      await new Promise((later) => setTimeout(later, 10));
    }
    is(name, true, this.heard.split("\n").includes(line) || this.heard);
  }
}

const lines = (page, tab, kind) =>
  page.$$eval(`#${tab} .rows .${kind}`, (rows) => rows.map((row) => [...row.children].slice(1).map((cell) => cell.textContent).join(" ")));

// Waits for a row of a log that ends like this.
const logged = (name, page, tab, text) => eventually(name, page, ([tab, text]) =>
  [...document.querySelectorAll(`#${tab} .rows li`)].some((row) => row.textContent.endsWith(text)), [tab, text]);

async function chat({ browser, server }) {
  const ada = await open(browser, server);
  await connected(ada, "chat");
  await eventually("chat: a guest gets a name", ada, () => /^guest-\d+$/.test(document.querySelector("#chat [name=name]").value));
  const bob = await open(browser, server, {}, "#chat");
  await bob.waitForSelector("#chat .link[data-state=open]");
  await eventually("chat: they see each other", ada, () => document.querySelectorAll("#chat .members li").length === 2);
  for (const [page, name] of [[ada, "ada"], [bob, "bob"]]) {
    await page.fill("#chat [name=name]", name);
    await page.press("#chat [name=name]", "Enter");
    await page.waitForSelector(`#chat .members >> text=${name} (you)`);
  }
  await ada.fill("#chat [name=message]", EVIL);
  await ada.keyboard.press("Enter");
  await logged("chat: one hears the other", bob, "chat", EVIL);
  await harmless("chat", bob, "chat");
  await ada.fill("#chat [name=message]", "\u00e4".repeat(8193));
  await ada.keyboard.press("Enter");
  like("chat: what is too long is not sent", /16,384 bytes, and this one has 16,386/, await ada.textContent("#chat .problem"));
  is("chat: and can be made shorter", 8193, (await ada.inputValue("#chat [name=message]")).length);
  is("chat: what was said is there once", [[`ada ${EVIL}`], [`ada ${EVIL}`]], [await lines(ada, "chat", "own"), await lines(bob, "chat", "other")]);

  const terminal = await Terminal.connect(server.lines.chat);
  terminal.say("/name tom");
  await logged("chat: somebody comes by TCP", ada, "chat", "is now tom");
  terminal.say("hello from a terminal");
  await logged("chat: and is heard", ada, "chat", "hello from a terminal");
  await bob.fill("#chat [name=message]", "hello back");
  await bob.keyboard.press("Enter");
  await terminal.hears("chat: and hears", "bob: hello back");

  await bob.fill("#chat [name=room]", "tea");
  await bob.press("#chat [name=room]", "Enter");
  await logged("chat: another room", ada, "chat", "bob left");
  await eventually("chat: in which nobody else is", bob, () => document.querySelector("#chat aside").innerText.startsWith("tea, 1 member"));
  await bob.fill("#chat [name=name]", "ada");
  await bob.press("#chat [name=name]", "Enter");
  await eventually("chat: a name is nobody else's", bob, () => document.querySelector("#chat .problem").textContent === "the name is taken");
  await bob.fill("#chat [name=room]", "no room");
  await bob.press("#chat [name=room]", "Enter");
  await eventually("chat: nor is every name one of a room", bob, () => /^a name is/.test(document.querySelector("#chat .problem").textContent));
  await bob.focus("#chat .rooms >> text=lobby");
  await bob.keyboard.press("Enter");
  await eventually("chat: and back", bob, () => document.querySelectorAll("#chat .members li").length === 3);
  is("chat: the button has kept the focus", "lobby", await bob.evaluate(() => document.activeElement.textContent));
  terminal.socket.end();
  await logged("chat: who leaves is gone", bob, "chat", "tom left");
  await close("chat, one", ada);
  await close("chat, the other", bob);
}

async function notify({ browser, server }) {
  const page = await open(browser, server);
  await connected(page, "notify");
  const subscribe = async (topic) => {
    await page.fill("#notify [data-form=subscribe] [name=topic]", topic);
    await page.click("#notify button >> text=Subscribe");
  };
  const terminal = await Terminal.connect(server.lines.notify);
  for (const number of [1, 2, 3, 4, 5]) terminal.say(`PUB news/tech number ${number}`);
  terminal.say("SUB news/tech");
  terminal.say("PUB news/tech the last");
  await terminal.hears("notify: by TCP", "news/tech 6 the last");
  await subscribe("news/tech");
  await logged("notify: what is kept comes", page, "notify", "the last");
  is("notify: behind a notice of what is not", ["news/tech Missed #1 to #3 (3): the server keeps them no more."], await lines(page, "notify", "gap"));
  is("notify: with its numbers", ["news/tech #4 number 4", "news/tech #5 number 5", "news/tech #6 the last"], await lines(page, "notify", "delivery"));

  await subscribe("sport/*");
  await page.fill("#notify [data-form=publish] [name=topic]", "sport/ball");
  await page.fill("#notify [name=text]", EVIL);
  await page.press("#notify [name=text]", "Enter");
  await logged("notify: a pattern matches", page, "notify", EVIL);
  await harmless("notify", page, "notify");
  is("notify: two subscriptions", ["news/tech", "sport/*"], await page.$$eval("#notify .chips code", (all) => all.map((one) => one.textContent)));
  await page.click("[aria-label='Unsubscribe from sport/*']");
  await page.fill("#notify [name=text]", "unheard");
  await page.press("#notify [name=text]", "Enter");
  await subscribe("no*where");
  await subscribe("some/where");
  await page.click("[aria-label='Unsubscribe from some/where']");
  await subscribe("no*where");
  await eventually("notify: what is no pattern", page, () => document.querySelector("#notify .problem").textContent.includes("*"));
  is("notify: and no subscription", ["news/tech"], await page.$$eval("#notify .chips code", (all) => all.map((one) => one.textContent)));
  is("notify: nothing comes of what is over", false, (await page.innerText("#notify .rows")).includes("unheard"));
  terminal.socket.end();
  await close("notify", page);
}

async function stream({ browser, server }) {
  const page = await open(browser, server);
  await connected(page, "stream");
  await page.fill("#stream [name=rate]", "500");
  await page.fill("#stream [name=count]", "250");
  await page.press("#stream [name=rate]", "Enter");
  await eventually("stream: so many, and no more", page, () => document.querySelector("#stream [data-value=received]").textContent === "250");
  is("stream: no gap, no repeat", "0", await value(page, "stream", "gaps"));
  like("stream: the chart says it, too", /^Chart: last -?\d+/, await page.getAttribute("#stream canvas", "aria-label"));
  await isDrawn("stream: and is drawn", page, "stream");
  const before = (await drawing(page, "stream")).sum;
  await page.fill("#stream [name=count]", "");
  await page.fill("#stream [name=rate]", "1000");
  await page.click("#stream button >> text=Start");
  await page.waitForFunction(() => Number(document.querySelector("#stream [data-value=received]").textContent.replace(",", "")) > 300);
  await page.click("#stream button >> text=Stop");
  await settled(page, () => value(page, "stream", "received"));
  is("stream: the chart is another one then", true, before !== (await drawing(page, "stream")).sum);
  is("stream: it stops, and nothing else does", "Connected", await state(page, "stream"));
  await page.fill("#stream [name=rate]", "-1");
  await page.click("#stream button >> text=Start");
  await eventually("stream: no rate", page, () => /^RATE is a number/.test(document.querySelector("#stream .problem").textContent));
  await close("stream", page);
}

// One looks on, and others come, talk and go.
async function stats({ browser, server }) {
  const page = await open(browser, server);
  await connected(page, "server");
  const written = (name) => page.textContent(`#server .gauges div:has-text("${name}") dd`);
  await shows("server: a rate, as soon as there are two snapshots", page, "Messages out, a second", 1, 0.5, Infinity);
  for (const name of ["Loop lag", "Longest turn"]) like(`server: ${name}`, /^[\d.]+ (\u00b5s|m?s)$/, await written(name));
  for (const name of ["Waiting to be written", "Memory of buffers"]) like(`server: ${name}`, /^[\d.]+ (B|[KM]iB)$/, await written(name));
  like("server: for how long it is up", /^(\d+m )?\d+s$/, await value(page, "server", "uptime"));

  await shows("server: two WebSockets, the greeting and this one", page, "ws", 1, 2);
  await shows("server: nobody by TCP", page, "tcp", 1, 0);
  const terminal = await Terminal.connect(server.lines.chat);
  await page.evaluate(() => (window.another = new WebSocket(`ws://${location.host}/ws`)));
  await shows("server: another WebSocket makes their number rise", page, "ws", 1, 3);
  await shows("server: and who comes by TCP that of his transport", page, "tcp", 1, 1);
  await shows("server: nobody has said anything", page, "Messages in, a second", 1, 0);
  await page.evaluate(() => {
    window.another.onmessage = () => setTimeout(() => window.another.readyState === WebSocket.OPEN && window.another.send("again"), 5);
    window.another.send("once");
  });
  await shows("server: an echo at work", page, "Messages in, a second", 1, 2, Infinity);
  await shows("server: which comes by a WebSocket", page, "ws", 2, 2, Infinity);
  await shows("server: and goes back by it", page, "ws", 3, 3, Infinity);
  await shows("server: and by no other", page, "tcp", 2, 0);
  await page.evaluate(() => window.another.close());
  terminal.socket.end();
  await shows("server: when it is over, nobody says anything", page, "Messages in, a second", 1, 0);
  await shows("server: and who has left is not counted", page, "ws", 1, 2);
  await shows("server: by no transport", page, "tcp", 1, 0);
  is("server: each gauge has drawn its line", true, await page.$$eval("#server canvas", (all) => all.length === 8 && all.every((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part > 0))));
  await close("server", page);
}

// Waits until a gauge, or a cell of the table, shows a number from `low` to `high`.
const shows = (name, page, row, cell, low, high = low) => eventually(name, page, ([row, cell, low, high]) => {
  const found = [...document.querySelectorAll("#server .gauges div, #server tbody tr")].find(({ firstChild }) => firstChild.textContent === row);
  const number = Number.parseFloat(found?.children[cell].textContent.replaceAll(",", ""));
  return number >= low && number <= high;
}, [row, cell, low, high]);

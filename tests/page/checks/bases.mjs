// Echo, Random, Time and Count.

import { close, connected, EVIL, eventually, harmless, is, like, open, state, value } from "../world.mjs";

export async function tabs(world) {
  await echo(world);
  await random(world);
  await time(world);
  await count(world);
}

const rows = (page) => page.$$eval("#echo .what", (cells) => cells.map((cell) => cell.textContent));

async function echo({ browser, server }) {
  const page = await open(browser, server);
  const logged = [];
  page.on("console", (message) => logged.push(message.text()));
  await page.waitForSelector("#echo li.received");
  const words = [
    "Trying to connect to server.",
    "Connected!",
    "Hello From the Client!",
    "[message] Data received from server: Hello From the Client!",
  ];
  is("echo: the words of the chapter", words, await rows(page));
  is("echo: it is connected", "Connected", await state(page, "echo"));

  await page.fill("#echo [name=message]", "h\u00e9llo \u20ac");
  await page.click("#echo >> text=Send");
  await page.waitForSelector("text=[message] Data received from server: h\u00e9llo \u20ac");
  is("echo: the field is empty again", "", await page.inputValue("#echo [name=message]"));
  await page.click("#echo li.received >> nth=-1");
  const inspector = await page.innerText("#echo .inspector");
  like("echo: the inspector", /received[^]*0x1 text[^]*10 bytes[^]*2 bytes[^]*[\d.]+ (\u00b5s|ms)[^]*68 c3 a9 6c/, inspector);

  await page.fill("#echo [name=message]", EVIL);
  await page.keyboard.press("Enter");
  await eventually("echo: markup comes back as text", page,
    (evil) => document.querySelector("#echo li.received:last-child .what")?.textContent.endsWith(`server: ${evil}`), EVIL);
  await page.click("#echo li.received >> nth=-1");
  await harmless("echo", page, "echo");

  await page.click("#echo label >> text=Hex");
  await page.fill("#echo [name=message]", "de ad beef 0");
  await page.keyboard.press("Enter");
  like("echo: half a byte is refused", /pairs of digits/, await page.textContent("#echo .problem"));
  await page.fill("#echo [name=message]", "de ad beef 00");
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=[message] Data received from server: (5 bytes)");
  await page.click("#echo li.received >> nth=-1");
  like("echo: bytes are bytes", /0x2 binary[^]*de ad be ef 00/, await page.innerText("#echo .inspector"));

  await page.fill("#echo [name=code]", "1002");
  await page.click("#echo button >> text=Close");
  like("echo: a code that no page may send", /1000 or 3000 to 4999/, await page.textContent("#echo .problem"));
  logged.length = 0;
  await page.fill("#echo [name=code]", "1000");
  await page.click("#echo button >> text=Close");
  await page.waitForSelector("#echo .link[data-state=closed]");
  const last = ["[close] Connection closed cleanly, code=1000 reason=", "Socket Closed Connection: "];
  is("echo: the words of the end", last, (await rows(page)).slice(-2));
  is("echo: in the console, too", true, logged[0] === last[0] && logged[1].startsWith(last[1]));
  is("echo: it stays closed", true, await page.isDisabled("#echo >> text=Send"));
  await page.click("#echo .link >> text=Connect");
  await page.waitForSelector("#echo .link[data-state=open]");
  await close("echo", page);
}

async function random({ browser, server }) {
  const page = await open(browser, server, {}, "#random");
  await page.fill("#random [name=count]", "50000");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#random [data-value=said]").textContent.includes("then Close"));
  is("random: all have come", "50,000", await value(page, "random", "received"));
  like("random: in words", /^50,000 integers in .*code 1000.*256 KiB/, (await value(page, "random", "said")).replace(/\s+/g, " "));
  like("random: a rate", /^[\d,]+$/, await value(page, "random", "rate"));
  like("random: the mean", /^(49|50)\d(\.\d+)?$/, await value(page, "random", "mean"));
  like("random: the histogram in words", /^Histogram: 50,000 values from 1 to 1000, at most 1,\d\d\d in one of 50 bins$/,
    await page.getAttribute("#random canvas", "aria-label"));
  await page.fill("#random [name=count]", "many");
  await page.keyboard.press("Enter");
  await eventually("random: no count", page,
    () => /code 1008: the first message must be a count/.test(document.querySelector("#random [data-value=said]").textContent));
  await close("random", page);
}

async function time({ browser, server }) {
  const page = await open(browser, server, {}, "#time");
  await eventually("time: an answer, and more of them", page,
    () => Number(document.querySelector("#time [data-value=answers]").textContent) >= 2);
  like("time: as RFC 3339 writes it", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/, await value(page, "time", "answer"));
  like("time: the clock", /^\d\d:\d\d:\d\d$/, await value(page, "time", "time"));
  like("time: the round trip", /^[\d.]+ (\u00b5s|m?s)$/, await value(page, "time", "trip"));
  like("time: this machine has one clock", /^(the same|1 s (ahead|behind))$/, await value(page, "time", "skew"));
  await close("time", page);
}

async function count({ browser, server }) {
  const page = await open(browser, server);
  await connected(page, "count");
  await eventually("count: a number", page, () => /^\d+$/.test(document.querySelector("#count [data-value=number]").textContent));
  const first = Number(await value(page, "count", "number"));
  is("count: as the server says it", `Client number: ${first}`, await value(page, "count", "answer"));
  await page.click("#count >> text=Connect another");
  await eventually("count: another client makes it rise", page,
    (wanted) => document.querySelector("#count [data-value=number]").textContent === String(wanted), first + 1);
  await page.click("#count tbody >> text=Close");
  // The next answer is another one, and says the same.
  await page.evaluate(() => (document.querySelector("#count [data-value=answer]").textContent = ""));
  await page.click("#count [type=submit]");
  await page.waitForFunction(() => document.querySelector("#count [data-value=answer]").textContent !== "");
  is("count: it never goes down", String(first + 1), await value(page, "count", "number"));
  for (let made = 0; made < 8; made += 1) await page.click("#count >> text=Connect another");
  is("count: so many beside the first, and no more", true, await page.isDisabled("#count >> text=Connect another"));
  await close("count", page);
}

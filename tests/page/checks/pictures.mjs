// A picture of each tab while it is used, always of the same size.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { close, connected, is, open } from "../world.mjs";

const SIZE = { width: 1000, height: 640 };

// What happens in a tab before its picture is taken.
const SCENES = {
  async echo(page) {
    await page.fill("#echo [name=message]", "na\u00efve caf\u00e9 \u2615");
    await page.keyboard.press("Enter");
    await page.click("#echo label >> text=Hex");
    await page.fill("#echo [name=message]", "de ad be ef 00 01 02 03 04 05 06 07");
    await page.keyboard.press("Enter");
    await page.click("#echo label >> text=Text");
    await page.waitForSelector("text=(12 bytes) >> nth=1");
    await page.click("#echo li.received >> nth=1");
  },
  async random(page) {
    await page.fill("#random [name=count]", "200000");
    await page.click("#random >> text=Start");
    await page.waitForFunction(() => document.querySelector("#random [data-value=said]").textContent.includes("then Close"), null, { timeout: 60_000 });
  },
  async time(page) {
    for (let times = 0; times < 40; times += 1) {
      await page.click("#time [type=submit]");
      await page.waitForTimeout(20);
    }
  },
  async count(page) {
    for (const _ of "123") await page.click("#count >> text=Connect another");
    await page.waitForFunction(() => document.querySelector("#count [data-value=number]").textContent >= "4");
  },
  async chat(page, browser, server) {
    const other = await open(browser, server, {}, "#chat");
    await other.waitForSelector("#chat .link[data-state=open]");
    for (const [one, name] of [[page, "ada"], [other, "grace"]]) {
      await one.fill("#chat [name=name]", name);
      await one.press("#chat [name=name]", "Enter");
      await one.waitForSelector(`#chat .members >> text=${name} (you)`);
    }
    for (const [one, text] of [[other, "Is anybody here?"], [page, "Yes, and somebody is here with nc."], [other, "One thread, and nobody waits for anybody."]]) {
      await one.fill("#chat [name=message]", text);
      await one.keyboard.press("Enter");
      await page.waitForSelector(`#chat .rows >> text=${text}`);
    }
    return other;
  },
  async notify(page) {
    const publish = async (topic, text) => {
      await page.fill("#notify [data-form=publish] [name=topic]", topic);
      await page.fill("#notify [name=text]", text);
      await page.press("#notify [name=text]", "Enter");
    };
    const subscribe = async (topic) => {
      await page.fill("#notify [data-form=subscribe] [name=topic]", topic);
      await page.press("#notify [data-form=subscribe] [name=topic]", "Enter");
    };
    for (const number of [1, 2, 3, 4, 5]) await publish("build/main", `build ${number} is green`);
    await subscribe("build/main");
    await subscribe("news/*");
    await publish("news/weather", "Sun, and a light wind from the west");
    await publish("news/rail/delays", "None");
    await page.waitForSelector("#notify .rows >> text=None");
  },
  async stream(page) {
    await page.fill("#stream [name=rate]", "240");
    await page.click("#stream button >> text=Start");
    await page.waitForFunction(() => Number(document.querySelector("#stream [data-value=received]").textContent) > 620);
  },
  // The longer, the more there is to see.
  async server(page, browser, server, isKept) {
    const busy = await open(browser, server, {}, "#stream");
    await busy.waitForSelector("#stream .link[data-state=open]");
    for (let second = 0; second < (isKept ? 40 : 2); second += 1) {
      await busy.fill("#stream [name=rate]", String(Math.round(1500 + 1000 * Math.sin(second))));
      await busy.press("#stream [name=rate]", "Enter");
      await page.waitForTimeout(1000);
    }
    return busy;
  },
};

export async function pictures({ browser, server, tabs, folder }) {
  const to = folder ?? fs.mkdtempSync(path.join(os.tmpdir(), "readily-page-"));
  fs.mkdirSync(to, { recursive: true });
  for (const tab of tabs) {
    const page = await open(browser, server, { viewport: SIZE });
    if (tab === "random") await page.click("#tab-random");
    else await connected(page, tab);
    const other = await SCENES[tab](page, browser, server, folder !== undefined);
    await page.screenshot({ path: path.join(to, `${tab}.png`), animations: "disabled", caret: "hide" });
    const png = fs.readFileSync(path.join(to, `${tab}.png`));
    is(`picture, ${tab}: it is small`, true, png.length < 100_000 || png.length);
    if (other) await close(`picture, ${tab}, the other page`, other);
    await close(`picture, ${tab}`, page);
  }
  if (folder === undefined) fs.rmSync(to, { recursive: true });
}

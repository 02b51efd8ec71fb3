// The page that `replay --html` writes, and the trace of `--trace`: a run with several clients, looked at turn
// by turn.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { close, freePort, is, like, open, PATIENCE_MS, Server } from "../world.mjs";
import { perfetto } from "./perfetto.mjs";

const SIZE = { width: 1100, height: 760 };
const EVIL = "</script><img src=x onerror='window.caught = 1'>";

// A client that says lines, each when the answer to the one before is there.
function talk(port, lines) {
  return new Promise((done, failed) => {
    const left = [...lines];
    const socket = net.connect(port, "127.0.0.1");
    const next = () => (left.length > 0 ? socket.write(`${left.shift()}\n`) : socket.end());
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error("no answer")));
    socket.on("connect", next).on("data", next).on("close", done).on("error", failed);
  });
}

// Records a run, and returns the page and the trace of its replay.
async function replayOf(readily, folder) {
  const recording = path.join(folder, "run.rec");
  const [html, trace] = ["run.html", "run.json"].map((name) => path.join(folder, name));
  const server = new Server(readily, await freePort());
  await server.start(["--record", recording, "echo=tcp:", "time=tcp:", "random=/random"]);
  await Promise.all([
    talk(server.lines.echo, ["hello", "from one", EVIL]),
    talk(server.lines.echo, ["hello", "from another"]),
    talk(server.lines.time, ["what time is it?", "and by now?"]),
    fetch(server.url).then((answer) => answer.text()),
  ]);
  await server.end();
  execFileSync(readily, ["replay", "--html", html, "--trace", trace, recording], { stdio: "ignore" });
  return { html, trace };
}

const heading = (page) => page.textContent("#turn h2");
const words = (page, lane) => page.$$eval("#turn article", (all, lane) =>
  all.filter((one) => one.querySelector("h3").textContent.includes(lane)).map((one) => one.querySelector("dl").innerText).join("\n"), lane);

export async function timeline({ browser, server, folder, perfettos }) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), "readily-timeline-"));
  const { html, trace } = await replayOf(server.readily, work);
  const target = { url: pathToFileURL(html).href };
  const page = await open(browser, target, { viewport: SIZE });
  const run = JSON.parse(await page.textContent("#data"));
  like("timeline: it says how the replay has ended", /turns in .*, the same to the last byte$/, await page.textContent("#outcome"));
  await walk(page, run);
  await look(page, run);
  await choose(page, run);
  await close("timeline", page);
  await link(browser, target, run);
  await colours(browser, target);
  await phone(browser, target);
  await picture(browser, target, run, folder ?? work);
  if (perfettos) await perfetto(browser, perfettos, trace, run);
  else console.log("left out: the trace in Perfetto, because PERFETTO does not say where that is");
  fs.rmSync(folder ? work : path.join(work, "run.rec"), { recursive: true, force: true });
}

// By keyboard and by buttons, forward and back.
async function walk(page, run) {
  const seen = [await heading(page)];
  for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home", "ArrowLeft"]) {
    await page.keyboard.press(key);
    seen.push(await heading(page));
  }
  const last = `Turn ${run.turns.length}`;
  is("timeline: keys step forward and back, and not out of the run", ["Turn 1", "Turn 2", "Turn 3", "Turn 2", last, last, "Turn 1", "Turn 1"], seen);
  is("timeline: there is nothing in front of the first", [true, false], await page.$$eval("#back, #next", (all) => all.map((one) => one.disabled)));
  await page.click("#last");
  await page.click("#back");
  is("timeline: buttons do the same", `Turn ${run.turns.length - 1}`, await heading(page));
  await page.fill("#at", "4");
  is("timeline: and so does the slider", "Turn 5", await heading(page));
  await page.click("#axis thead button >> text=/^7$/");
  is("timeline: and a click at the axis", "Turn 7", await heading(page));
  is("timeline: which shows where that is", "7", await page.textContent("#axis thead .chosen"));
}

// What is said of the turn in which something happens.
async function look(page, run) {
  const turnOf = (text) => run.turns.findIndex((turn) => turn.e.some(([, , said]) => said.includes(text)));
  const index = turnOf("from another");
  await page.fill("#at", String(index));
  const [lane] = run.turns[index].e.find(([, , said]) => said.includes("from another"));
  const said = await words(page, run.lanes[lane]);
  for (const [what, pattern] of [
    ["who was ready", /ready\s+to read/], ["what was read", /read\s+"from another\\n" \(13 bytes/], ["the message", /message\s+"from another"/],
    ["the service", /service\s+echo: on_message/], ["what was written", /wrote\s+"from another\\n" \(all 13 bytes\)/], ["why it stopped", /stops\s+a short read/],
  ]) like(`timeline: a turn shows ${what}`, pattern, said);
  // A state machine that moves on.
  const moved = run.turns.findIndex((turn) => turn.e.some(([, title, said]) => title === "state" && !/Open/.test(said)));
  const [whose, , state] = run.turns[moved].e.find(([, title, said]) => title === "state" && !/Open/.test(said));
  await page.fill("#at", String(moved));
  is("timeline: a turn shows how a state machine moved", true, (await words(page, run.lanes[whose])).includes(`state\n${state}`) || state);
  await page.fill("#at", String(turnOf("onerror")));
  like("timeline: what was said is text", /onerror/, await page.textContent("#turn"));
  is("timeline: and no markup", [0, "undefined"], await page.evaluate(() => [document.querySelectorAll("img").length, typeof window.caught]));
}

// One source alone.
async function choose(page, run) {
  const lane = run.lanes.findIndex((name) => / tcp /.test(name));
  const turns = run.turns.filter((turn) => turn.e.some(([of]) => of === lane)).map((turn) => `Turn ${turn.n}`);
  await page.selectOption("#lane", String(lane));
  await page.click("#first");
  const seen = [await heading(page)];
  for (const _ of turns.slice(1)) {
    await page.click("#next");
    seen.push(await heading(page));
  }
  is("timeline: a filter shows the turns of one connection, all of them", turns, seen);
  is("timeline: and nobody else", [run.lanes[lane]], await page.$$eval("#axis tbody th, #turn h3", (all) => [...new Set(all.map((one) => one.textContent))]));
  await page.selectOption("#lane", "");
}

async function link(browser, target, run) {
  const page = await open(browser, target, {}, `#${run.turns[4].n}`);
  is("timeline: a link leads to a turn", "Turn 5", await heading(page));
  await close("timeline, by a link", page);
}

async function colours(browser, target) {
  const shades = [];
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, target, { colorScheme });
    const sum = (colour) => colour.match(/\d+/g).slice(0, 3).reduce((all, part) => all + Number(part), 0);
    const [back, text] = await page.evaluate(() => ["backgroundColor", "color"].map((name) => getComputedStyle(document.body)[name]));
    shades.push(sum(back) > sum(text));
    await close(`timeline, ${colorScheme}`, page);
  }
  is("timeline: light and dark", [true, false], shades);
}

async function phone(browser, target) {
  const page = await open(browser, target, { viewport: { width: 320, height: 640 }, hasTouch: true });
  is("timeline, 320 px: nothing at the side", true, await page.evaluate(() => document.documentElement.scrollWidth <= 320));
  await page.tap("#next");
  is("timeline, 320 px: a tap steps", "Turn 2", await heading(page));
  await close("timeline, 320 px", page);
}

async function picture(browser, target, run, folder) {
  const busy = run.turns.findIndex((turn) => turn.e.some(([, , said]) => said.includes("from one")));
  const page = await open(browser, target, { viewport: SIZE }, `#${run.turns[busy].n}`);
  await page.screenshot({ path: path.join(folder, "timeline.png") });
  is("timeline: a picture", true, fs.statSync(path.join(folder, "timeline.png")).size > 10_000);
  await close("timeline, the picture", page);
}

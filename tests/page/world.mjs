// A server on a free port, Chromium, and pages that may not complain.

import { spawn } from "node:child_process";
import net from "node:net";

import { chromium } from "playwright-core";

export const PATIENCE_MS = 10_000;

// A readily server that is to be looked at. Its bindings are paths of one listener, as in "echo=/ws",
// and ports of their own for lines, as in "chat=tcp:"; `lines` has those by their services.
export class Server {
  constructor(readily, port) {
    Object.assign(this, { readily, port });
  }

  binding(text) {
    return text.replace("=/", `=ws://127.0.0.1:${this.port}/`).replace("=tcp:", "=tcp://127.0.0.1:0");
  }

  async start(bindings) {
    const args = ["serve", ...bindings.map((text) => this.binding(text))];
    const env = { ...process.env, RUST_LOG: "info" };
    this.process = spawn(this.readily, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    await new Promise((ready, failed) => {
      this.process.stderr.on("data", (text) => {
        said += text;
        if (said.includes(" ready: ")) ready();
      });
      this.process.on("exit", () => failed(new Error(`the server does not start:\n${said}`)));
    });
    const rows = said.matchAll(/^tcp:\/\/127\.0\.0\.1:(\d+)\S* +(\w+)/gm);
    this.lines = Object.fromEntries([...rows].map(([, port, service]) => [service, Number(port)]));
  }

  async stop() {
    const server = this.process;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const gone = new Promise((done) => server.once("exit", done));
    server.kill("SIGKILL");
    await gone;
  }

  // Tells the server to end, and waits for it.
  async end() {
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.kill("SIGTERM");
    await gone;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }
}

export function freePort() {
  return new Promise((found) => {
    const socket = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => found(port));
    });
  });
}

export const startBrowser = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });

// A page in a window of its own, with everything that it complains of in `page.complaints`.
export async function open(browser, server, options = {}, hash = "") {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(`threw ${error.stack}`));
  page.on("requestfailed", (request) => page.complaints.push(`could not load ${request.url()}`));
  page.on("response", (response) => {
    if (response.status() >= 400) page.complaints.push(`${response.status()} for ${response.url()}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(`said ${message.text()}`);
  });
  await page.goto(server.url + hash);
  return page;
}

let passed = 0;
let failed = 0;

// Says how something is, beside how it should be.
export function is(name, expected, actual) {
  const [one, two] = [JSON.stringify(expected), JSON.stringify(actual)];
  if (one === two) {
    passed += 1;
    console.log(`ok   ${name}`);
  } else {
    failed += 1;
    console.log(`FAIL ${name}\n  expected: ${one}\n  got:      ${two}`);
  }
}

// The same for a text that has to match.
export function like(name, pattern, text) {
  is(name, true, pattern.test(text) || `${JSON.stringify(text)} does not match ${pattern}`);
}

// Waits until something in the page is so, to a deadline.
export async function eventually(name, page, isSo, argument) {
  const outcome = await page.waitForFunction(isSo, argument, { timeout: PATIENCE_MS }).then(() => true, () => "not in time");
  is(name, true, outcome);
}

// What is in a tab's canvas: a number that is another one for another picture, and whether there is a pixel
// that has the colour of the line and next to nothing of the ground.
export const drawing = (page, tab) => page.evaluate((tab) => {
  const canvas = document.querySelector(`#${tab} canvas`);
  // Read from a copy: Chromium complains of pictures that are drawn and read by turns.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--accent)";
  const accent = getComputedStyle(probe).color.match(/\d+/g).map(Number);
  probe.remove();
  const isLine = (_, at) => at % 4 === 0 && data[at + 3] > 239 && accent.every((part, index) => Math.abs(data[at + index] - part) < 16);
  return { sum: data.reduce((sum, part) => (sum * 31 + part) % 1_000_003, 0), hasLine: data.some(isLine) };
}, tab);

// Waits until there is a line in a tab's canvas.
export async function isDrawn(name, page, tab) {
  const deadline = Date.now() + PATIENCE_MS;
  let { hasLine } = await drawing(page, tab);
  while (!hasLine && Date.now() < deadline) {
    await page.waitForTimeout(50);
    ({ hasLine } = await drawing(page, tab));
  }
  is(name, true, hasLine);
}

// Ends a page, which is not to have complained.
export async function close(name, page) {
  is(`${name}: no error, no failed request`, [], page.complaints);
  await page.context().close();
}

// The last line, and the exit code.
export function conclude() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

// What would do something if it were ever taken for markup.
export const EVIL = "<img src=x onerror='window.caught = 1'><b>bold</b>";

export async function harmless(name, page, tab) {
  const found = await page.evaluate((tab) => [document.querySelectorAll(`#${tab} img, #${tab} b`).length, typeof window.caught], tab);
  is(`${name}: markup stays text`, [0, "undefined"], found);
}

// Waits until something that changes by itself has been the same for a while, to a deadline.
export async function settled(page, look) {
  const deadline = Date.now() + PATIENCE_MS;
  for (let before = await look(), same = 0; same < 3; ) {
    if (Date.now() > deadline) throw new Error(`it goes on changing: ${before}`);
    await page.waitForTimeout(100);
    const now = await look();
    same = now === before ? same + 1 : 0;
    before = now;
  }
}

// The text of a place that `data-value` names.
export const value = (page, tab, name) => page.textContent(`#${tab} [data-value="${name}"]`);

export const state = (page, tab) => page.textContent(`#${tab} .link [role=status]`);

export async function connected(page, tab) {
  await page.click(`#tab-${tab}`);
  await page.waitForSelector(`#${tab} .link[data-state=open]`);
}

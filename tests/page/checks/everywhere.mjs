// What holds for every tab: a phone, the keyboard, light and dark, and what is not served.

import { close, connected, eventually, is, isDrawn, like, open } from "../world.mjs";

export async function everywhere(world) {
  await phone(world);
  await keyboard(world);
  await colours(world);
  await still(world);
  await missing(world);
}

// As much as the longest names take.
const fill = {
  async chat(page) {
    const [name, room] = ["n".repeat(32), "r".repeat(32)];
    await page.fill("#chat [name=name]", name);
    await page.press("#chat [name=name]", "Enter");
    await page.fill("#chat [name=room]", room);
    await page.press("#chat [name=room]", "Enter");
    await page.waitForSelector(`#chat .rooms >> text=${room}`);
    await page.waitForSelector(`#chat .members >> text=${name}`);
    await page.fill("#chat [name=message]", "m".repeat(200));
    await page.keyboard.press("Enter");
    await page.waitForSelector("#chat .rows .own");
  },
  async notify(page) {
    const topic = "t".repeat(128);
    await page.fill("#notify [data-form=subscribe] [name=topic]", topic);
    await page.press("#notify [data-form=subscribe] [name=topic]", "Enter");
    await page.fill("#notify [data-form=publish] [name=topic]", topic);
    await page.fill("#notify [name=text]", "w".repeat(200));
    await page.press("#notify [name=text]", "Enter");
    await page.waitForSelector("#notify .rows .delivery");
    is("320 px, notify: there is room for what was said", true,
      await page.evaluate(() => document.querySelector("#notify .delivery .what").getBoundingClientRect().width > 100));
  },
  // Every number is there.
  async server(page) {
    await page.waitForFunction(() => {
      const cells = [...document.querySelectorAll("#server dd, #server td")];
      return document.querySelector("#server td") && cells.every((cell) => cell.textContent !== "\u2013");
    });
  },
};

async function phone({ browser, server, tabs }) {
  const page = await open(browser, server, { viewport: { width: 320, height: 640 }, hasTouch: true });
  for (const tab of tabs) {
    // All but one connect when they are shown.
    if (tab === "random") await page.click("#tab-random");
    else await connected(page, tab);
    await fill[tab]?.(page);
    is(`320 px, ${tab}: nothing at the side`, [], await page.evaluate(() => {
      const isScrolled = (element) => element.closest(".tabs, pre") !== null;
      const outside = [...document.querySelectorAll("body *")].filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 1 && (left < 0 || right > 320.5) && !isScrolled(element);
      });
      const wide = document.documentElement.scrollWidth > 320 ? ["the page"] : [];
      return [...wide, ...outside.map((element) => element.outerHTML.slice(0, 80))];
    }));
    is(`320 px, ${tab}: everything to press is large enough`, [], await page.evaluate((tab) => {
      const buttons = [...document.querySelectorAll(`#${tab} button, [role=tab], .top button`)];
      const small = buttons.filter((button) => button.checkVisibility() && button.getBoundingClientRect().height < 30);
      return small.map((button) => button.textContent);
    }, tab));
  }
  await close("320 px", page);
}

async function keyboard({ browser, server, tabs }) {
  const page = await open(browser, server);
  await page.waitForSelector("#echo li.received");
  const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.className);
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await press("Tab", "Tab");
  is("keyboard: the second stop is the tab that is shown", "tab-echo", await focus());
  is("keyboard: the focus is to be seen", "solid", await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle));
  for (const tab of tabs.slice(1)) {
    await press("ArrowDown");
    is(`keyboard: an arrow goes on to ${tab}`, [`tab-${tab}`, true, true],
      [await focus(), await page.isVisible(`#${tab}`), (await page.getAttribute(`#tab-${tab}`, "aria-selected")) === "true"]);
  }
  await press("ArrowRight");
  is("keyboard: behind the last is the first", "tab-echo", await focus());
  await press("End", "ArrowLeft", "Home");
  is("keyboard: Home is the first", "tab-echo", await focus());
  is("keyboard: one tab is in the order of Tab", 1, await page.$$eval("[role=tab]", (all) => all.filter((tab) => tab.tabIndex === 0).length));
  is("keyboard: every panel is named by its tab", tabs.map((tab) => `tab-${tab}`),
    await page.$$eval("[role=tabpanel]", (panels) => panels.map((panel) => panel.getAttribute("aria-labelledby"))));
  // Frames, then the message: Tab and typing alone.
  await press("Tab", "Home", "ArrowDown", "ArrowDown");
  is("keyboard: arrows select a frame", "Hello From the Client!", await page.textContent("#echo [aria-selected=true] .what"));
  like("keyboard: which the inspector shows", /sent[^]*0x1 text/, await page.innerText("#echo .inspector"));
  for (let stop = 0; stop < 6 && (await focus()) !== "echo-message"; stop += 1) await press("Tab");
  await page.keyboard.type("typed");
  await press("Enter");
  await page.waitForSelector("text=[message] Data received from server: typed");
  is("keyboard: a message is sent and the next can be typed", "echo-message", await focus());
  await close("keyboard", page);
}

// Each pair of a text and what it stands on (WCAG 2.1, 1.4.3 asks for 4.5).
const PAIRS = [["ink", "page"], ["ink", "card"], ["quiet", "page"], ["quiet", "card"], ["ink", "wash"], ["accent", "wash"],
  ["on-accent", "accent"], ["bad", "card"], ["bad", "page"], ["accent", "card"], ["good", "card"], ["warn", "card"], ["quiet", "sunk"]];

async function colours({ browser, server }) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(browser, server, { colorScheme }, "#server");
    is(`${colorScheme}: every text stands out`, [], await page.evaluate((pairs) => {
      const probe = document.body.appendChild(document.createElement("i"));
      const channels = (name) => {
        probe.style.color = `var(--${name})`;
        return getComputedStyle(probe).color.match(/[\d.]+/g).map(Number);
      };
      const luminance = (name) => {
        const linear = channels(name).slice(0, 3).map((value) => value / 255)
          .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
      };
      const contrast = ([text, ground]) => {
        const [low, high] = [luminance(text), luminance(ground)].sort((one, two) => one - two);
        return (high + 0.05) / (low + 0.05);
      };
      return pairs.filter((pair) => contrast(pair) < 4.5).map((pair) => `${pair.join(" on ")}: ${contrast(pair).toFixed(2)}`);
    }, PAIRS));
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const isDark = async () => Number(/\d+/.exec(await ground())[0]) < 128;
    is(`${colorScheme}: as the system has it`, colorScheme === "dark", await isDark());
    await isDrawn(`${colorScheme}: a picture has the accent of the theme`, page, "server");
    await page.click("#theme");
    is(`${colorScheme}: the switch, light`, false, await isDark());
    await isDrawn(`${colorScheme}: and at once that of the other, light`, page, "server");
    await page.click("#theme");
    is(`${colorScheme}: the switch, dark`, true, await isDark());
    await isDrawn(`${colorScheme}: and of the other, dark`, page, "server");
    await page.reload();
    is(`${colorScheme}: it is remembered`, [true, "Theme: dark"], [await isDark(), await page.textContent("#theme")]);
    await close(colorScheme, page);
  }
}

// Whoever wants less motion gets none.
async function still({ browser, server }) {
  const page = await open(browser, server, { reducedMotion: "reduce" });
  await page.waitForSelector("#echo li.received");
  is("reduced motion: nothing moves", [], await page.evaluate(() => [...document.querySelectorAll("body *")]
    .filter((element) => {
      const { animationName, transitionDuration } = getComputedStyle(element);
      return animationName !== "none" || transitionDuration !== "0s";
    }).map((element) => element.outerHTML.slice(0, 60))));
  await close("reduced motion", page);
}

async function missing({ browser, server }) {
  await server.stop();
  await server.start(["echo=/ws", "random=/random"]);
  const page = await open(browser, server);
  await connected(page, "echo");
  await page.click("#tab-random");
  const command = await page.innerText("#random pre");
  const origin = `ws://127.0.0.1:${server.port}`;
  is("not served: the command that would",
    `readily serve 'echo=${origin}/ws' \\\n  'random=${origin}/random' \\\n  'random=${origin}/random?burst=true'`, command);
  is("not served: nothing to press that does nothing", ["Copy"], await page.$$eval("#random button", (all) => all.map((button) => button.textContent)));
  await close("not served", page);

  await server.stop();
  await server.start(["time=/time", "echo=/it's%20an%20echo"]);
  const other = await open(browser, server);
  await connected(other, "echo");
  like("not at /ws: the echo is where it is", /\/it's%20an%20echo$/, await other.textContent("#echo .link code"));
  await other.click("#tab-random");
  const quoted = await other.innerText("#random pre");
  is("not at /ws: the command is one for a shell", true, quoted.includes(`'echo=${origin}/it%27s%20an%20echo'`) || quoted);
  await close("not at /ws", other);

  await server.stop();
  await server.start(["time=/ws"]);
  const last = await open(browser, server);
  await connected(last, "time");
  like("no echo: it is said to be missing", /off \(not served here\)$/, await last.textContent("#tab-echo"));
  await close("no echo", last);
}

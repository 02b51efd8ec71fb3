// The trace that `replay --trace` writes, in Perfetto itself: opened by hand, as anybody opens a file there.

import fs from "node:fs";
import path from "node:path";

import { eventually, is, PATIENCE_MS } from "../world.mjs";

// Where it seems to come from. Nobody listens there: what it asks for is answered from its folder, and
// whatever else it would load is not to be had.
const ORIGIN = "http://127.0.0.1:10000";

const SIZE = { width: 1200, height: 1000 };

// `run` is the same run as the page of the timeline has it: what is to be found.
export async function perfetto(browser, folder, trace, run) {
  const context = await browser.newContext({ viewport: SIZE, serviceWorkers: "block" });
  context.setDefaultTimeout(PATIENCE_MS);
  await context.route("**/*", (route) => {
    const { origin, pathname } = new URL(route.request().url());
    const file = path.join(folder, pathname === "/" ? "index.html" : pathname);
    return origin === ORIGIN && fs.existsSync(file) ? route.fulfill({ path: file }) : route.abort();
  });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(ORIGIN);
  await page.setInputFiles("input.trace_file", trace);
  await eventually("perfetto: the trace opens", page, () => window.app?.trace !== undefined);
  is("perfetto: no error is shown", [[], false], [errors, (await page.innerText("body")).includes("went wrong")]);
  const problems = await ask(page, "select name as text, value as number from stats where severity in ('error', 'data_loss') and value > 0");
  is("perfetto: none is counted while it is imported", [], problems);

  await eventually("perfetto: each lane is a track, under its name", page,
    (lanes) => lanes.every((lane, index) => document.body.innerText.includes(`${lane} ${index + 1}`)), run.lanes);
  is("perfetto: the loop is the main thread", [["the loop", 1]],
    await ask(page, "select thread.name as text, tid as number from thread join process using (upid) where pid = 1 and is_main_thread"));
  const happened = (lane) => run.turns.flatMap((turn) => turn.e).filter(([of]) => of === lane).length;
  is("perfetto: each track has what has happened there, and the loop its turns and polls, too",
    run.lanes.map((lane, index) => [lane, happened(index) + (index === 0 ? 2 * run.turns.length : 0)]),
    await ask(page, `select thread.name as text, count(slice.id) as number from thread join thread_track using (utid)
      join slice on slice.track_id = thread_track.id group by utid order by tid`));
  const [lane, , said] = run.turns.flatMap((turn) => turn.e).find(([, title, said]) => title === "read" && said.includes("from another"));
  is("perfetto: a slice says what was read, on the track of whom", [[run.lanes[lane], 1]],
    await ask(page, `select thread.name as text, count(*) as number from slice join thread_track on slice.track_id = thread_track.id
      join thread using (utid) where slice.name = 'read' and extract_arg(arg_set_id, 'args.what') = '${said.replaceAll("'", "''")}' group by utid`));
  is("perfetto: what happens in a turn is within its slice", [["outside", 0]],
    await ask(page, `select 'outside' as text, count(*) as number from slice as part where part.category not in ('turn', 'poll') and not exists
      (select 1 from slice as turn where turn.category = 'turn' and turn.ts < part.ts and part.ts + part.dur <= turn.ts + turn.dur)`));
  await context.close();
}

// The rows of a query: a text and a number each.
const ask = (page, query) => page.evaluate(async (query) => {
  const rows = [];
  const answer = await window.app.trace.engine.query(query);
  for (const row = answer.iter({ text: "str", number: 0 }); row.valid(); row.next()) rows.push([row.text, row.number]);
  return rows;
}, query);

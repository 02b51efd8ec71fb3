// Samples at a rate, as a line that moves.

import { Line } from "./chart.js";
import { complain, controls, eachFrame, onSubmit, show } from "./dom.js";
import { count, digits } from "./format.js";
import { enableWhileOpen } from "./panel.js";
import { Connection } from "./socket.js";

// Samples that are shown.
const KEPT = 600;

export function stream(panel, { path }) {
  const chart = new Line(panel.querySelector("canvas"), { most: KEPT });
  const { stop } = controls(panel, "start");
  let run = begin();

  const connection = new Connection(path, {
    onopen: () => (run = begin()),
    onmessage(text) {
      if (text.startsWith("ERR ")) {
        complain(panel, text.slice(4));
        return;
      }
      const [number, value] = text.split(" ").map(Number);
      // Samples that were on their way when the stream was started anew are of the one before.
      if (number === 1) run = begin();
      if (number !== run.received + 1) run.gaps += 1;
      run.received = number;
      run.values.push(value);
      if (run.values.length > 2 * KEPT) run.values = run.values.slice(-KEPT);
      draw();
    },
  });

  const draw = eachFrame(() => {
    const last = run.values.at(-1);
    show(panel, {
      received: count(run.received),
      last: last === undefined ? "–" : count(last),
      gaps: count(run.gaps),
    });
    chart.draw(run.values);
  });

  // How many came since the last look.
  let seen = { run, received: 0, at: performance.now() };
  setInterval(() => {
    const now = performance.now();
    const received = seen.run === run ? run.received - seen.received : run.received;
    show(panel, { rate: digits((received * 1000) / (now - seen.at)) });
    seen = { run, received: run.received, at: now };
  }, 1000);

  onSubmit(panel, "start", ({ rate, count: number }) => {
    complain(panel, "");
    connection.send(`START ${rate.value.trim()} ${number.value.trim()}`.trim());
  });
  stop.onclick = () => connection.send("STOP");
  enableWhileOpen(connection, panel.querySelectorAll("form button"));
  draw();
  connection.open();
  return connection;
}

const begin = () => ({ received: 0, gaps: 0, values: [] });

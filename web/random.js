// A burst of random integers: how fast they come, and how often which.

import { Histogram } from "./chart.js";
import { controls, eachFrame, onSubmit, show } from "./dom.js";
import { bytes, count, digits, milliseconds, plural } from "./format.js";
import { Connection } from "./socket.js";

const BINS = 50;

export function random(panel, { path, parameters }) {
  const [min, max] = [Number(parameters.min ?? 1), Number(parameters.max ?? 1000)];
  const chart = new Histogram(panel.querySelector("canvas"), min, max);
  const progress = panel.querySelector("progress");
  const { stop } = controls(panel, "burst");
  let run = begin("0");

  const connection = new Connection(path, {
    onopen() {
      run.begun = performance.now();
      connection.send(run.asked);
    },
    onmessage(text) {
      const value = Number(text);
      const bin = Math.floor(((value - min) / (max - min + 1)) * BINS);
      run.bins[bin] += 1;
      run.sum += value;
      run.bytes += text.length;
      run.received += 1;
      draw();
    },
    onclose({ code, reason, wasClean }) {
      run.ended = performance.now();
      const took = milliseconds(run.ended - (run.begun || run.ended));
      const came = `${plural(run.received, "integer")} in ${took}`;
      const how = wasClean ? `code ${code}${reason ? `: ${reason}` : ""}` : "the connection broke";
      show(panel, { said: `${came}, then Close (${how}).${code === 1000 ? held(run) : ""}` });
      draw();
    },
  }, { returns: false });

  const draw = eachFrame(() => {
    const seconds = ((run.ended || performance.now()) - run.begun) / 1000;
    progress.value = run.received;
    progress.max = Number(run.asked) || 1;
    show(panel, {
      received: count(run.received),
      rate: run.received > 0 ? count(run.received / seconds) : "–",
      bytes: bytes(run.bytes),
      mean: run.received > 0 ? digits(run.sum / run.received) : "–",
    });
    chart.draw(run.bins, run.received);
  });

  onSubmit(panel, "burst", (form) => {
    run = begin(form.count.value.trim());
    draw();
    connection.open();
  });
  stop.onclick = () => connection.close(1000, "Enough");
  connection.watch(({ state }) => {
    const isRunning = state !== "new" && state !== "closed";
    stop.disabled = !isRunning;
    panel.querySelector("[type=submit]").disabled = isRunning;
  });
  draw();
  return connection;
}

const begin = (asked) =>
  ({ asked, begun: 0, ended: 0, received: 0, sum: 0, bytes: 0, bins: new Uint32Array(BINS) });

// What back-pressure has meant for this burst.
function held({ received, bytes: length }) {
  // A frame of at most 125 bytes has a header of two.
  const wire = length + 2 * received;
  const KEPT = 256 * 1024;
  if (wire <= KEPT) {
    return ` All of it is ${bytes(wire)} with its headers, which fits into the 256 KiB that may wait for
      one client. Ask for a million to see more than that.`;
  }
  return ` That is ${bytes(wire)} with its headers, ${digits(wire / KEPT)} times what the server lets wait for one
    client. It stopped at 256 KiB, went on when this page had read them down to 64 KiB, and so on: back-pressure.`;
}

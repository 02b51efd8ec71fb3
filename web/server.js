// How the server is: a snapshot a second.

import { Sparkline } from "./chart.js";
import { el, show } from "./dom.js";
import { age, bytes, count, digits, milliseconds } from "./format.js";
import { Connection } from "./socket.js";

// A rate; snapshots are not a second apart to the millisecond.
const perSecond = (rate) => (Number.isNaN(rate) ? "–" : digits(Math.round(10 * rate) / 10));

// Snapshots that are shown.
const KEPT = 60;

// What has a picture: its name, its value and how that is written. The value is of the snapshot, of all
// transports together, and of what these did in a second.
const GAUGES = [
  ["Connections", (_, all) => all.connections, count],
  ["Messages in, a second", (_, all, rates) => rates.messages_received, perSecond],
  ["Messages out, a second", (_, all, rates) => rates.messages_sent, perSecond],
  ["Bytes in and out, a second", (_, all, rates) => rates.bytes_received + rates.bytes_sent, bytes],
  ["Loop lag", (now) => now.lag_us / 1000, milliseconds],
  ["Longest turn of the loop", (now) => now.longest_turn_us / 1000, milliseconds],
  ["Waiting to be written", (now) => now.queued_bytes, bytes],
  ["Memory of buffers", (now) => now.memory_bytes, bytes],
];

export function server(panel, { path }) {
  const gauges = GAUGES.map(([name, read, write]) => {
    const value = el("dd", { textContent: "–" });
    const canvas = el("canvas", { className: "spark", ariaHidden: "true" });
    panel.querySelector(".gauges").append(el("div", {}, el("dt", { textContent: name }), value, canvas));
    return { read, write, value, line: new Sparkline(canvas, { most: KEPT }), values: [] };
  });
  let before;

  const connection = new Connection(path, {
    onopen: () => (before = undefined),
    onmessage(text) {
      const now = JSON.parse(text);
      const seconds = before === undefined ? NaN : (now.uptime_ms - before.uptime_ms) / 1000;
      // Who has just come may be told twice in a moment, and what happens in a moment is no rate.
      if (seconds < 0.5) return;
      update(now, seconds);
      before = now;
    },
  });

  const update = (now, seconds) => {
    const transports = Object.entries(now.transports).map(([name, totals]) =>
      [name, totals, rates(totals, before?.transports[name], seconds)]);
    const all = sum(transports.map(([, totals]) => totals));
    const allRates = sum(transports.map(([, , rates]) => rates));
    for (const gauge of gauges) {
      const value = gauge.read(now, all, allRates);
      if (Number.isNaN(value)) continue;
      gauge.values.push(value);
      if (gauge.values.length > KEPT) gauge.values.shift();
      gauge.value.textContent = gauge.write(value);
      gauge.line.draw(gauge.values);
    }
    show(panel, { uptime: age(now.uptime_ms / 1000) });
    panel.querySelector("tbody").replaceChildren(...transports.map(([name, { connections }, rates]) =>
      el("tr", {}, el("th", { scope: "row", className: "mono", textContent: name }),
        ...[count(connections), perSecond(rates.messages_received), perSecond(rates.messages_sent)].map((textContent) =>
          el("td", { textContent })))));
  };

  connection.open();
  return connection;
}

// What has become more, in each second; not a number where there is nothing to compare with.
const rates = (now, before, seconds) =>
  Object.fromEntries(Object.entries(now).map(([name, value]) => [name, (value - (before?.[name] ?? NaN)) / seconds]));

// Objects with the same names, added up.
function sum(objects) {
  const total = {};
  for (const object of objects) {
    for (const [name, value] of Object.entries(object)) total[name] = (total[name] ?? 0) + value;
  }
  return total;
}

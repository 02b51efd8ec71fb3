// The time of the server, asked for once a second or by hand.

import { Line } from "./chart.js";
import { controls, onSubmit, show } from "./dom.js";
import { count, milliseconds } from "./format.js";
import { enableWhileOpen } from "./panel.js";
import { Connection } from "./socket.js";

const KEPT = 120;

export function time(panel, { path }) {
  const chart = new Line(panel.querySelector("canvas"), { unit: "ms", most: KEPT });
  const { every } = controls(panel, "ask");
  const trips = [];
  let answers = 0;
  // When each question was asked that is not answered, oldest first.
  let asked = [];

  const connection = new Connection(path, {
    onopen() {
      asked = [];
      ask();
    },
    onmessage(text) {
      const trip = performance.now() - asked.shift();
      trips.push(trip);
      if (trips.length > KEPT) trips.shift();
      answers += 1;
      // 2026-11-22T00:36:12+02:00
      show(panel, {
        time: text.slice(11, 19),
        answer: text,
        trip: milliseconds(trip),
        least: milliseconds(Math.min(...trips)),
        skew: skew(text),
        answers: count(answers),
      });
      chart.draw(trips);
    },
  });

  const ask = () => {
    if (connection.send("What time is it?")) asked.push(performance.now());
  };
  onSubmit(panel, "ask", ask);
  setInterval(() => every.checked && !panel.hidden && ask(), 1000);
  enableWhileOpen(connection, panel.querySelectorAll("[type=submit]"));
  connection.open();
  return connection;
}

// How far the clock of the server is from this one. It says whole seconds, so less is nothing.
function skew(text) {
  const seconds = Math.round((Date.now() - Date.parse(text) - 500) / 1000);
  if (seconds === 0) return "the same";
  return `${count(Math.abs(seconds))} s ${seconds > 0 ? "behind" : "ahead"}`;
}

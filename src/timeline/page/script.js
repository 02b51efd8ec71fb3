"use strict";

// Each turn is { n, slept, at, after, polls, wait, e: [[lane, title, words], …] }, each lane a name. `slept` is when
// it began to wait, where that is known, which is when the turn before it ended.
const run = JSON.parse(document.querySelector("#data").textContent);
const $ = (selector) => document.querySelector(selector);

// What a mark is coloured as; whatever else happens has one colour.
const KINDS = ["ready", "read", "message", "service", "state", "wrote", "stops", "other"];
const ALIAS = { received: "read", sent: "wrote", deadline: "state", opened: "message" };
const COLUMN_PX = 40;
const NAMES_PX = 220;
const MOST_ROWS = 40;
const MOST_MARKS = 8;

// The turns that are shown, by their index in the run, and which of them is looked at.
let shown = [];
let at = 0;

const kindOf = (title) => (KINDS.includes(title) ? title : ALIAS[title] ?? "other");

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const seconds = (nanos) => `${(nanos / 1e9).toFixed(6)} s`;

function span(nanos) {
  const units = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];
  const [unit, size] = units.find(([, size]) => nanos >= size) ?? units[3];
  return `${Number((nanos / size).toPrecision(3))} ${unit}`;
}

const chosenLane = () => ($("#lane").value === "" ? null : Number($("#lane").value));

// Shows those turns only in which the chosen source takes part, and stays as near as can be.
function filter() {
  const lane = chosenLane();
  const before = shown[at] ?? 0;
  shown = [];
  run.turns.forEach((turn, index) => {
    if (lane === null || turn.e.some(([of]) => of === lane)) shown.push(index);
  });
  const near = shown.findIndex((index) => index >= before);
  $("#at").max = Math.max(shown.length - 1, 0);
  go(near === -1 ? shown.length - 1 : near);
}

function go(to) {
  at = Math.min(Math.max(to, 0), Math.max(shown.length - 1, 0));
  $("#at").value = at;
  const turn = run.turns[shown[at]];
  if (turn) history.replaceState(null, "", `#${turn.n}`);
  for (const id of ["first", "back"]) $(`#${id}`).disabled = at === 0;
  for (const id of ["next", "last"]) $(`#${id}`).disabled = at >= shown.length - 1;
  drawAxis();
  drawTurn(turn);
}

// What happened in a turn, [title, words] each, by lane: first who was first.
function byLane(turn) {
  const by = new Map();
  for (const [lane, ...said] of turn.e) {
    if (!by.has(lane)) by.set(lane, []);
    by.get(lane).push(said);
  }
  return by;
}

// As many columns as there is room for, with the chosen one among them.
function drawAxis() {
  const columns = Math.max(Math.floor((document.documentElement.clientWidth - NAMES_PX - 40) / COLUMN_PX), 3);
  const first = Math.max(Math.min(at - (columns >> 1), shown.length - columns), 0);
  const turns = shown.slice(first, first + columns).map((index) => run.turns[index]);
  const marks = turns.map(byLane);
  const only = chosenLane();
  const lanes = only === null ? [...new Set(marks.flatMap((by) => [...by.keys()]))].sort((a, b) => a - b) : [only];
  const isChosen = (column) => first + column === at;
  const head = turns.map((turn, column) => {
    const button = make("button", { type: "button", textContent: turn.n, title: seconds(turn.at), tabIndex: -1 });
    button.onclick = () => go(first + column);
    return make("th", { scope: "col", className: isChosen(column) ? "chosen" : "", style: `width: ${COLUMN_PX}px` }, button);
  });
  $("#axis thead").replaceChildren(make("tr", {}, make("th", { textContent: "turn" }), ...head));
  const rows = lanes.slice(0, MOST_ROWS).map((lane) => {
    const name = run.lanes[lane];
    const cells = marks.map((by, column) => {
      const all = by.get(lane) ?? [];
      const some = all.slice(0, MOST_MARKS).map(([title]) => make("span", { className: `mark ${kindOf(title)}` }));
      const cell = make("td", { className: isChosen(column) ? "chosen" : "" }, make("div", { className: "marks" }, ...some));
      cell.title = all.map(([title, words]) => `${title}: ${words}`).join("\n").slice(0, 1000);
      cell.onclick = () => go(first + column);
      return cell;
    });
    return make("tr", {}, make("th", { scope: "row", textContent: name, title: name }), ...cells);
  });
  if (lanes.length > MOST_ROWS) {
    rows.push(make("tr", {}, make("th", { textContent: `and ${lanes.length - MOST_ROWS} more` })));
  }
  $("#axis tbody").replaceChildren(...rows);
}

// Who was ready, what was read, how it moved, what was written, and why it stopped.
function drawTurn(turn) {
  const section = $("#turn");
  if (!turn) return section.replaceChildren(make("p", { textContent: "There is no such turn." }));
  const end = run.turns[shown[at] + 1]?.slept ?? null;
  const took = end === null ? "" : `, and took ${span(end - turn.at)}`;
  const looked = turn.polls > 1 ? `, and looks ${turn.polls} times` : "";
  section.replaceChildren(
    make("h2", { textContent: `Turn ${turn.n}` }),
    make("p", { textContent: `at ${seconds(turn.at)}, ${span(turn.after)} after the one before; ${turn.wait}${looked}${took}` }),
  );
  const only = chosenLane();
  const by = byLane(turn);
  const lanes = only === null ? [...by.keys()] : by.has(only) ? [only] : [];
  for (const lane of lanes) {
    const list = make("dl");
    for (const [title, words] of by.get(lane)) {
      const mark = make("span", { className: `mark ${kindOf(title)}` });
      list.append(make("dt", {}, mark, title), make("dd", { textContent: words }));
    }
    section.append(make("article", {}, make("h3", { textContent: run.lanes[lane] }), list));
  }
  const others = by.size - lanes.length;
  if (others > 0) section.append(make("p", { textContent: `${others} others take part in this turn.` }));
  if (by.size === 0) section.append(make("p", { textContent: "Nothing happens in it." }));
}

const KEYS = {
  ArrowLeft: () => at - 1, ArrowRight: () => at + 1, PageUp: () => at - 10, PageDown: () => at + 10,
  Home: () => 0, End: () => shown.length - 1,
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("select, input");
  if (!(event.key in KEYS) || isTyping || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  go(KEYS[event.key]());
});
$("#first").onclick = () => go(0);
$("#back").onclick = () => go(at - 1);
$("#next").onclick = () => go(at + 1);
$("#last").onclick = () => go(shown.length - 1);
$("#at").oninput = () => go(Number($("#at").value));
$("#lane").onchange = filter;
window.addEventListener("resize", () => drawAxis());

const leftOut = run.leftOut > 0 ? `; ${run.leftOut} later turns are left out` : "";
$("h1").textContent = run.title;
$("#outcome").textContent = `${run.outcome}${leftOut}`;
run.lanes.forEach((name, lane) => $("#lane").append(make("option", { value: lane, textContent: name })));
$("#legend").append(...KINDS.flatMap((kind) => [make("span", { className: `mark ${kind}` }), kind]));
// A link may name a turn.
const wanted = run.turns.findIndex((turn) => `#${turn.n}` === location.hash);
filter();
if (wanted !== -1) go(wanted);

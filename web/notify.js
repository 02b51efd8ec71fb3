// Topics: subscribe, publish, and what was missed.

import { complain, controls, el, onSubmit } from "./dom.js";
import { count } from "./format.js";
import { Log } from "./log.js";
import { enableWhileOpen } from "./panel.js";
import { Connection } from "./socket.js";

// Words with slashes between them; `*` for all that may follow.
const PATTERN = /^(\*|[^\s*/]+(\/[^\s*/]+)*(\/\*)?)$/;

export function notify(panel, { path, parameters }) {
  const log = new Log(panel.querySelector(".rows"));
  const hasHistory = Number(parameters.history ?? 0) > 0;
  controls(panel, "subscribe").kept.closest("label").hidden = !hasHistory;
  const subscriptions = new Set();
  // The last number of each topic, to go on from after a break.
  const last = new Map();
  // A subscription that the server may refuse: it answers nothing else. One that is no pattern is not sent,
  // so that a refusal is about the newest, above which there may be no more.
  let newest;

  const connection = new Connection(path, {
    onopen() {
      newest = undefined;
      for (const topic of subscriptions) subscribe(topic, last.get(topic));
    },
    onmessage(text) {
      const words = text.split(" ");
      if (words[0] === "ERR") {
        complain(panel, text.slice(4));
        if (newest !== undefined) remove(newest);
      } else if (words[0] === "GAP") {
        gap(words[1], Number(words[2]), Number(words[3]));
      } else {
        deliver(words[0], hasHistory ? Number(words[1]) : undefined, words.slice(hasHistory ? 2 : 1).join(" "));
      }
    },
  });

  const deliver = (topic, number, text) => {
    if (number !== undefined) last.set(topic, number);
    log.add("delivery", [["topic", topic], ["number", number === undefined ? "" : `#${number}`], ["what", text]]);
  };
  const gap = (topic, from, to) => {
    last.set(topic, to);
    const what = to < from ? "The numbers begin anew: the server was started again." :
      `Missed ${from === to ? `#${from}` : `#${from} to #${to}`} (${count(to - from + 1)}): the server keeps them no more.`;
    log.add("gap", [["topic", topic], ["what", what]]);
  };

  const subscribe = (topic, since) => connection.send(`SUB ${topic}${since === undefined ? "" : ` SINCE ${since}`}`);
  const remove = (topic) => {
    subscriptions.delete(topic);
    last.delete(topic);
    newest = undefined;
    update();
  };
  const update = () => {
    const chips = [...subscriptions].map((topic) => {
      const button = el("button", { type: "button", ariaLabel: `Unsubscribe from ${topic}`, textContent: "×" });
      button.onclick = () => {
        connection.send(`UNSUB ${topic}`);
        remove(topic);
      };
      return el("li", {}, el("code", { textContent: topic }), button);
    });
    panel.querySelector(".chips").replaceChildren(...chips);
    panel.querySelector("[data-value=none]").hidden = chips.length > 0;
  };

  onSubmit(panel, "subscribe", ({ topic, kept }) => {
    const name = topic.value.trim();
    const isPattern = PATTERN.test(name);
    complain(panel, isPattern ? "" : "A topic is words with slashes between them; * stands alone or behind the last slash.");
    if (!isPattern) return;
    // All that is kept comes behind message 0; a pattern has no numbers of its own.
    const since = hasHistory && kept.checked && !name.endsWith("*") ? 0 : undefined;
    if (!subscribe(name, since) || subscriptions.has(name)) return;
    if (since !== undefined) last.set(name, since);
    subscriptions.add(name);
    newest = name;
    update();
  });
  onSubmit(panel, "publish", ({ topic, text }) => {
    complain(panel, "");
    newest = undefined;
    if (connection.send(`PUB ${topic.value.trim()} ${text.value}`)) text.value = "";
    text.focus();
  });
  enableWhileOpen(connection, panel.querySelectorAll("[type=submit]"));
  update();
  connection.open();
  return connection;
}

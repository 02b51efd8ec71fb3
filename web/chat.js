// Rooms, in the subprotocol chat.v1: an object a message.

import { complain, controls, el, onSubmit, show } from "./dom.js";
import { plural } from "./format.js";
import { Log } from "./log.js";
import { Connection } from "./socket.js";

export function chat(panel, { path }) {
  const log = new Log(panel.querySelector(".rows"));
  // Who and where we are; rooms that we have been to; who is here.
  let name = "";
  let room = "";
  let rooms = ["lobby"];
  let here = new Set();
  // What was asked for, to be asked for again after a break.
  const wish = { name: "", room: "" };

  const notice = (text) => log.add("notice", [["what", text]]);
  const say = (who, text) => log.add(who === name ? "own" : "other", [["who", who], ["what", text]]);

  // What the server says, by its type.
  const events = {
    welcome(event) {
      ({ name, room } = event);
      here = new Set([name]);
      if (wish.name) ask({ type: "name", name: wish.name });
      ask(wish.room ? { type: "join", room: wish.room } : { type: "who" });
    },
    message: ({ from, text }) => say(from, text),
    joined(event) {
      here.add(event.name);
      notice(`${event.name} joined`);
    },
    left(event) {
      here.delete(event.name);
      notice(`${event.name} left`);
    },
    renamed(event) {
      here.delete(event.name);
      here.add(event.to);
      if (event.name === name) name = event.to;
      notice(`${event.name} is now ${event.to}`);
    },
    who(event) {
      if (event.room !== room) notice(`You are in ${event.room}`);
      room = event.room;
      if (!rooms.includes(room)) rooms = [...rooms, room];
      here = new Set(event.names);
    },
    error({ reason }) {
      complain(panel, reason);
    },
  };

  const connection = new Connection(path, {
    onmessage(text) {
      const event = JSON.parse(text);
      if (Object.hasOwn(events, event.type)) events[event.type](event);
      update();
    },
    onclose() {
      here = new Set();
      notice("The connection is closed.");
      update();
    },
  }, { protocols: ["chat.v1"] });

  const ask = (request) => {
    complain(panel, "");
    return connection.send(JSON.stringify(request));
  };
  const join = (wanted) => {
    wish.room = wanted;
    ask({ type: "join", room: wanted });
  };

  const update = () => {
    const names = [...here].sort((one, two) => one.localeCompare(two));
    show(panel, { room: room || "–", here: plural(here.size, "member") });
    panel.querySelector(".members").replaceChildren(...names.map((member) =>
      el("li", { className: member === name ? "own" : "", textContent: member === name ? `${member} (you)` : member })));
    panel.querySelector(".rooms").replaceChildren(...rooms.map((each) =>
      el("button", { type: "button", textContent: each, ariaPressed: String(each === room), onclick: () => join(each) })));
    const field = controls(panel, "name").name;
    if (document.activeElement !== field) field.value = name;
  };

  onSubmit(panel, "say", ({ message }) => {
    if (message.value === "" || !ask({ type: "message", text: message.value })) return;
    // To everybody else; what we say ourselves we know.
    say(name, message.value);
    message.value = "";
  });
  onSubmit(panel, "name", (form) => {
    wish.name = form.name.value.trim();
    ask({ type: "name", name: wish.name });
  });
  onSubmit(panel, "join", (form) => {
    join(form.room.value.trim());
    form.room.value = "";
  });
  connection.watch(({ isOpen }) => {
    for (const button of panel.querySelectorAll("[type=submit]")) button.disabled = !isOpen;
  });
  connection.open();
  return connection;
}

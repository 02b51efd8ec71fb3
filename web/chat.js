// Rooms, in the subprotocol chat.v1: an object a message.

import { complain, controls, el, onSubmit, show } from "./dom.js";
import { count, plural } from "./format.js";
import { Log } from "./log.js";
import { enableWhileOpen } from "./panel.js";
import { Connection } from "./socket.js";

// The longest message that the server takes, in bytes.
const MAX_TEXT = 16 * 1024;

export function chat(panel, { path }) {
  const log = new Log(panel.querySelector(".rows"));
  // Who and where we are; rooms that we have been to; who is here.
  let name = "";
  let room = "";
  let rooms = ["lobby"];
  let here = new Set();
  // How many that are: of many, not all are named.
  let members = 0;
  // What the server has agreed to, to be asked for again after a break.
  const wish = { name: "", room: "" };

  const notice = (text) => log.add("notice", [["what", text]]);
  const say = (who, text) => log.add(who === name ? "own" : "other", [["who", who], ["what", text]]);

  // What the server says, by its type.
  const events = {
    welcome(event) {
      ({ name, room } = event);
      here = new Set([name]);
      members = 1;
      if (wish.name) ask({ type: "name", name: wish.name });
      ask(wish.room ? { type: "join", room: wish.room } : { type: "who" });
    },
    message: ({ from, text }) => say(from, text),
    joined(event) {
      here.add(event.name);
      members += 1;
      notice(`${event.name} joined`);
    },
    left(event) {
      here.delete(event.name);
      members -= 1;
      notice(`${event.name} left`);
    },
    renamed(event) {
      here.delete(event.name);
      here.add(event.to);
      if (event.name === name) name = wish.name = event.to;
      notice(`${event.name} is now ${event.to}`);
    },
    who(event) {
      if (event.room !== room) notice(`You are in ${event.room}`);
      room = wish.room = event.room;
      if (!rooms.includes(room)) rooms = [...rooms, room];
      here = new Set(event.names);
      members = event.count;
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
      members = 0;
      notice("The connection is closed.");
      update();
    },
  }, { protocols: ["chat.v1"] });

  const ask = (request) => {
    complain(panel, "");
    return connection.send(JSON.stringify(request));
  };
  const join = (wanted) => ask({ type: "join", room: wanted });

  const update = () => {
    const names = [...here].sort((one, two) => one.localeCompare(two));
    show(panel, { room: room || "–", here: plural(members, "member") });
    panel.querySelector(".members").replaceChildren(...names.map((member) =>
      el("li", { className: member === name ? "own" : "", textContent: member === name ? `${member} (you)` : member })));
    // A button that has the focus keeps it.
    const doors = panel.querySelector(".rooms");
    for (const each of rooms.slice(doors.childElementCount)) {
      doors.append(el("button", { type: "button", textContent: each, onclick: () => join(each) }));
    }
    for (const door of doors.children) door.ariaPressed = String(door.textContent === room);
    const field = controls(panel, "name").name;
    if (document.activeElement !== field) field.value = name;
  };

  onSubmit(panel, "say", ({ message }) => {
    const length = new TextEncoder().encode(message.value).length;
    if (length > MAX_TEXT) {
      complain(panel, `A message has at most ${count(MAX_TEXT)} bytes, and this one has ${count(length)}.`);
      return;
    }
    if (length === 0 || !ask({ type: "message", text: message.value })) return;
    // To everybody else; what we say ourselves we know.
    say(name, message.value);
    message.value = "";
  });
  onSubmit(panel, "name", (form) => ask({ type: "name", name: form.name.value.trim() }));
  onSubmit(panel, "join", (form) => {
    join(form.room.value.trim());
    form.room.value = "";
  });
  enableWhileOpen(connection, panel.querySelectorAll("[type=submit]"));
  connection.open();
  return connection;
}

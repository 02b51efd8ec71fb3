// The echo of /ws, with the words of the chapter's page, here and in the console.

import { complain, controls, onSubmit } from "./dom.js";
import { hex, plural } from "./format.js";
import { Frames } from "./frames.js";
import { enableWhileOpen } from "./panel.js";
import { Connection } from "./socket.js";

const encoder = new TextEncoder();

export function echo(panel, { path }) {
  const frames = new Frames(panel.querySelector(".rows"), panel.querySelector(".inspector"));
  // What was sent and has not come back, oldest first.
  let underway = [];

  const connection = new Connection(path, {
    onopen() {
      underway = [];
      say("notice", "Connected!");
      send("Hello From the Client!");
    },
    onmessage(data) {
      const isText = typeof data === "string";
      const payload = isText ? encoder.encode(data) : new Uint8Array(data);
      const text = isText ? data : `(${plural(payload.length, "byte")})`;
      const shown = `[message] Data received from server: ${text}`;
      console.log(shown);
      record({ direction: "received", kind: isText ? "text" : "binary", payload, shown, text, trip: trip(payload) });
    },
    onclose(event) {
      if (event.wasClean) {
        const shown = `[close] Connection closed cleanly, code=${event.code} reason=${event.reason}`;
        console.log(shown);
        record({ direction: "received", kind: "close", payload: closePayload(event), shown });
      }
      say("notice", "Socket Closed Connection: ", event);
    },
    onerror: (error) => say("error", "Socket Error: ", error),
  });

  const say = (direction, shown, ...details) => {
    console.log(shown, ...details);
    frames.add({ direction, shown });
  };

  const record = (frame) => {
    const isCompressed = frame.kind !== "close" && connection.extensions.includes("permessage-deflate");
    frames.add({ ...frame, isCompressed });
  };

  const send = (data) => {
    const isText = typeof data === "string";
    const payload = isText ? encoder.encode(data) : data;
    if (!connection.send(data)) return;
    underway.push({ payload, at: performance.now() });
    const shown = isText ? data : `(${plural(payload.length, "byte")}) ${hex(payload.subarray(0, 24))}`;
    record({ direction: "sent", kind: isText ? "text" : "binary", payload, shown });
  };

  // How long the oldest message took that is not back, if this is it: a service at this path may be
  // one that says other things.
  const trip = (payload) => {
    if (underway.length === 0 || !isSame(underway[0].payload, payload)) return undefined;
    return performance.now() - underway.shift().at;
  };

  onSubmit(panel, "send", ({ message, kind }) => {
    const data = kind.value === "hex" ? parseHex(message.value) : message.value;
    complain(panel, data === undefined ? "Hex is pairs of digits, such as: de ad be ef" : "");
    if (data === undefined || !connection.isOpen) return;
    send(data);
    message.value = "";
    message.focus();
  });
  onSubmit(panel, "close", ({ code, reason }) => {
    try {
      connection.close(Number(code.value), reason.value);
      complain(panel, "");
    } catch {
      complain(panel, "A page may close with 1000 or 3000 to 4999, and a reason of at most 123 bytes.");
    }
  });

  for (const input of controls(panel, "send").kind) {
    input.onchange = () => {
      controls(panel, "send").message.placeholder = input.value === "hex" ? "de ad be ef" : "A message";
    };
  }
  connection.watch(({ state }) => {
    if (state === "connecting") say("notice", "Trying to connect to server.");
  });
  enableWhileOpen(connection, panel.querySelectorAll("[type=submit]"));
  connection.open();
  return connection;
}

const isSame = (one, two) => one.length === two.length && one.every((byte, index) => byte === two[index]);

// The bytes that "de ad be ef" says, or undefined.
function parseHex(text) {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

// A Close frame holds its code in two bytes, and the reason (RFC 6455 section 5.5.1).
function closePayload({ code, reason }) {
  const hasCode = code !== 1005;
  return Uint8Array.of(...(hasCode ? [code >> 8, code & 255] : []), ...encoder.encode(reason));
}

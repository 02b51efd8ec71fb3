//! Connections that a service asks for: made, given up, held, half-closed, and left to the service
//! when everybody else is sent away.

mod ending;
mod making;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::world::{Socket, World};
use crate::address::ConnectAddress;
use crate::codec::websocket as frames;
use crate::codec::websocket::deflate::Policy;
use crate::engine::{
    BindingId, ConnId, Context, Dial, Endpoint, EndpointId, Limits, ServiceId, Speaks, StopScope,
};
use crate::protocol::{CloseReason, Message, OpeningRequest};
use crate::service::{Echo, Service};

/// Does to a connection what the lines of a controller say, and notes what it is told.
#[derive(Default)]
struct Caller {
    server: Option<ConnId>,
    told: Vec<String>,
}

const CONTROLLER: BindingId = BindingId::nth(0);
const SERVER: BindingId = BindingId::nth(1);

impl Service for Caller {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if cx.binding(peer) == Some(SERVER) {
            self.server = Some(peer);
            self.told.push("open".to_owned());
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let text = String::from_utf8_lossy(message.as_bytes()).into_owned();
        if cx.binding(from) == Some(SERVER) {
            self.told.push(format!("message {text}"));
            return;
        }
        let address = "127.0.0.1:1".parse().expect("an address");
        let address = ConnectAddress::Tcp { to: address, from: None };
        let dial = |speaks| Dial { binding: SERVER, address: address.clone(), speaks };
        match (text.as_str(), self.server) {
            ("dial", _) => cx.dial(dial(Speaks::Bytes)),
            ("dial packets", _) => cx.dial(dial(Speaks::Packets)),
            ("dial web", _) => cx.dial(dial(Speaks::WebSocket(Arc::new(OpeningRequest {
                host: "h:1".to_owned(),
                path: "/ws".to_owned(),
                fields: Vec::new(),
                deflate: Policy::Off,
            })))),
            ("hold", Some(server)) => cx.hold(server),
            ("resume", Some(server)) => cx.resume(server),
            ("silence", Some(server)) => {
                let silence = cx.silence(server).map(|silence| silence.as_secs_f64());
                self.told.push(format!("{silence:.0?}"));
            }
            ("half", Some(server)) => cx.half_close(server),
            ("close", Some(server)) => cx.close(server, 1000, "bye"),
            (text, Some(server)) => {
                let sent = cx.send(server, Message::text(text));
                self.told.push(format!("sent {sent}"));
            }
            other => panic!("{other:?}"),
        }
    }

    fn on_drained(&mut self, _: &mut Context<'_>, _: ConnId) {
        self.told.push("drained".to_owned());
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        if cx.binding(peer) == Some(SERVER) {
            assert!(!cx.send(peer, Message::text("too late")));
            self.told.push(format!("close: {reason}"));
        }
    }

    fn on_close_over(&mut self, _: &mut Context<'_>, _: ConnId, reason: CloseReason) {
        self.told.push(format!("answered: {reason}"));
    }

    fn on_drain(&mut self, _: &mut Context<'_>) {
        self.told.push("drain".to_owned());
    }
}

/// A world with a caller, and somebody who tells it what to do.
pub(super) struct Call {
    pub(super) world: World,
    service: ServiceId,
    endpoint: EndpointId,
    controller: ConnId,
    seen: usize,
}

impl Call {
    fn new(limits: Limits) -> Call {
        let mut world = World::with(limits);
        let service = world.engine.add_service(Box::<Caller>::default());
        assert_eq!(world.engine.add_binding(service, StopScope::Connection), CONTROLLER);
        assert_eq!(world.engine.add_binding(service, StopScope::Connection), SERVER);
        let endpoint = world.engine.add_endpoint(Endpoint::Line(CONTROLLER));
        let controller = world.open(endpoint);
        Call { world, service, endpoint, controller, seen: 0 }
    }

    pub(super) fn tell(&mut self, command: &str) {
        self.world.receive(self.controller, format!("{command}\n").as_bytes());
    }

    /// What the service has been told since this was asked last.
    fn told(&mut self) -> Vec<String> {
        let caller: &Caller = self.world.engine.service(self.service).expect("a caller");
        let new = caller.told[self.seen..].to_vec();
        self.seen = caller.told.len();
        new
    }

    /// Has a connection asked for; the shell begins to make it.
    fn dial(&mut self, command: &str) -> ConnId {
        self.tell(command);
        let dial = self.world.engine.next_dial().expect("it was asked for");
        assert_eq!(dial.binding, SERVER);
        assert!(self.world.engine.next_dial().is_none());
        let id = ConnId { index: self.world.next, generation: self.world.next + 100 };
        self.world.next += 1;
        self.world.engine.dialing(id, dial.binding, dial.speaks, self.world.now);
        id
    }

    /// The same, and it is there.
    fn connect(&mut self, command: &str) -> ConnId {
        let id = self.dial(command);
        self.world.engine.connected(id, self.world.now);
        id
    }

    /// The same, and the server has agreed to a WebSocket.
    pub(super) fn websocket(&mut self) -> ConnId {
        let id = self.connect("dial web");
        let request = self.world.take(id);
        self.world.receive(id, &accept(&request));
        assert_eq!(self.told(), ["open"]);
        id
    }

    /// A frame of ours, as its server reads it: first byte and payload. It must be masked.
    fn frame(&mut self, id: ConnId) -> (u8, Vec<u8>) {
        let frame = self.world.take(id);
        assert_eq!(usize::from(frame[1]), 0x80 | (frame.len() - 6), "masked, and one frame");
        let payload = frame[6..].iter().zip(frame[2..6].iter().cycle());
        (frame[0], payload.map(|(byte, mask)| byte ^ mask).collect())
    }
}

/// What a server answers to a request.
fn accept(request: &[u8]) -> Vec<u8> {
    let request = std::str::from_utf8(request).expect("text");
    let key = request.split("Sec-WebSocket-Key: ").nth(1).expect("a key");
    let key = key.split("\r\n").next().expect("a line");
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// A frame of a server.
pub(super) fn unmasked(encode: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

fn text(message: &str) -> Vec<u8> {
    unmasked(|out| frames::encode_text(out, message.as_bytes(), None))
}

fn close(code: u16) -> Vec<u8> {
    unmasked(|out| frames::encode_close(out, Some(code.into()), "", None))
}

pub(super) fn call() -> Call {
    Call::new(Limits::default())
}

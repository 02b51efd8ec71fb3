//! One service, and clients of it that speak lines, WebSocket, and a subprotocol over WebSocket.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::world::{REQUEST, World, text};
use crate::codec::websocket::handshake::Subprotocols;
use crate::engine::{ConnId, Endpoint, EndpointId, Limits, ServiceId, StopScope};
use crate::protocol::{Route, Site};
use crate::service::Service;
use crate::time::Time;

/// A world with one service in it.
pub(super) struct Meeting {
    pub(super) world: World,
    pub(super) service: ServiceId,
    lines: EndpointId,
    web: EndpointId,
    /// What has been written to each client, as far as it is no whole message.
    written: BTreeMap<ConnId, Vec<u8>>,
    is_web: BTreeMap<ConnId, bool>,
}

impl Meeting {
    pub(super) fn new(service: impl Service) -> Meeting {
        Meeting::with(Limits::default(), service)
    }

    /// The service is at the binding 0, of lines, and 1, of WebSocket with the subprotocol `chat.v1`.
    pub(super) fn with(limits: Limits, service: impl Service) -> Meeting {
        let mut world = World::with(limits);
        let service = world.engine.add_service(Box::new(service));
        let binding = world.engine.add_binding(service, StopScope::Connection);
        let lines = world.engine.add_endpoint(Endpoint::Line(binding));
        let binding = world.engine.add_binding(service, StopScope::Connection).index();
        let subprotocols = Subprotocols::parse("chat.v1").expect("a token");
        let path = "/ws".to_owned();
        let routes = vec![Route { path, binding, subprotocols, ..Route::default() }];
        let web = world.engine.add_endpoint(Endpoint::Web(Site { routes, ..Site::default() }));
        let (written, is_web) = (BTreeMap::new(), BTreeMap::new());
        Meeting { world, service, lines, web, written, is_web }
    }

    pub(super) fn line_client(&mut self) -> ConnId {
        let id = self.world.open(self.lines);
        self.is_web.insert(id, false);
        id
    }

    pub(super) fn web_client(&mut self, subprotocol: Option<&str>) -> ConnId {
        let id = self.world.open(self.web);
        let request = str::from_utf8(REQUEST).expect("ASCII").trim_end();
        let field =
            subprotocol.map_or(String::new(), |name| format!("\r\nSec-WebSocket-Protocol: {name}"));
        let answer = self.world.send(id, format!("{request}{field}\r\n\r\n").as_bytes());
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        self.written.insert(id, answer[head..].to_vec());
        self.is_web.insert(id, true);
        id
    }

    /// A client sends a message, in its own way.
    pub(super) fn say(&mut self, id: ConnId, message: &str) {
        match self.is_web[&id] {
            false => self.world.receive(id, format!("{message}\n").as_bytes()),
            true => self.world.receive(id, &text(message)),
        }
    }

    /// The messages that are on their way to a client, which reads them.
    pub(super) fn heard(&mut self, id: ConnId) -> Vec<String> {
        let is_web = self.is_web[&id];
        let mut written = self.written.remove(&id).unwrap_or_default();
        written.extend(self.world.take(id));
        let mut rest = &written[..];
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let message;
            (message, rest) = if is_web { take_frame(rest) } else { take_line(rest) };
            messages.push(String::from_utf8(message.to_vec()).expect("text"));
        }
        messages
    }

    /// A connection breaks.
    pub(super) fn lose(&mut self, id: ConnId) {
        self.world.engine.lost(id, io::ErrorKind::ConnectionReset, self.world.now);
        self.world.engine.remove(id);
        self.written.remove(&id);
    }

    /// Lets time pass as the loop does: whenever something is due.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.world.now.time + time;
        let mut due = self.next(end);
        while let Some(at) = due {
            self.world.now.time = at;
            self.world.engine.handle_timeout(self.world.now);
            let mut dirty = Vec::new();
            self.world.engine.take_dirty(&mut dirty);
            for id in dirty {
                self.world.engine.clear_dirty(id);
            }
            due = self.next(end);
        }
        self.world.now.time = end;
    }

    fn next(&self, end: Time) -> Option<Time> {
        let due = self.world.engine.poll_timeout()?.max(self.world.now.time);
        (due <= end).then_some(due)
    }

    pub(super) fn service<S: Service>(&self) -> &S {
        self.world.engine.service(self.service).expect("it is of this type")
    }
}

fn take_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| byte == b'\n').expect("a whole line");
    (&bytes[..end], &bytes[end + 1..])
}

fn take_frame(bytes: &[u8]) -> (&[u8], &[u8]) {
    assert_eq!(bytes[0], 0x81, "a text message: {}", bytes.escape_ascii());
    let (length, start) = match bytes[1] {
        126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
        127 => (usize::try_from(u64::from_be_bytes(bytes[2..10].try_into().unwrap())).unwrap(), 10),
        length => (usize::from(length), 2),
    };
    (&bytes[start..start + length], &bytes[start + length..])
}

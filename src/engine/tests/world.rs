//! An engine, a clock that the test turns, and a shell that writes everything at once.

use std::time::Duration;

use crate::codec::websocket as frames;
use crate::codec::websocket::deflate::Policy;
use crate::engine::{
    BindingId, CloseStep, ConnId, Endpoint, EndpointId, Engine, Limits, StopScope,
};
use crate::protocol::{Route, Site};
use crate::service::Service;
use crate::time::{Now, Time, WallClock};

/// An engine and a shell that writes everything at once, or nothing.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) now: Now,
    pub(super) next: u32,
}

/// What a shell has seen of one connection.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) enum Socket {
    Open,
    WriteEnded,
    Closed,
}

impl World {
    pub(super) fn new() -> World {
        World::with(Limits::default())
    }

    pub(super) fn with(limits: Limits) -> World {
        let wall = WallClock { unix_seconds: 1_795_300_572, offset_seconds: 3_600 };
        let now = Now { time: Time::from_nanos(1_000_000_000), wall };
        World { engine: Engine::new(limits, 7, ()), now, next: 0 }
    }

    pub(super) fn bind(&mut self, service: impl Service + 'static) -> BindingId {
        let service = self.engine.add_service(Box::new(service));
        self.engine.add_binding(service, StopScope::Connection)
    }

    pub(super) fn lines(&mut self, service: impl Service + 'static) -> EndpointId {
        let binding = self.bind(service);
        self.engine.add_endpoint(Endpoint::Line(binding))
    }

    pub(super) fn web(&mut self, service: impl Service + 'static) -> EndpointId {
        let bound = self.bind(service);
        let (binding, resources) = (bound.index(), self.engine.resources(bound, "/desk"));
        let route = |path: &str, deflate| Route {
            path: path.to_owned(),
            binding,
            deflate,
            ..Route::default()
        };
        let routes = vec![
            route("/ws", Policy::Off),
            route("/deflate", Policy::NoTakeover),
            route("/takeover", Policy::Takeover),
        ];
        self.engine.add_endpoint(Endpoint::Web(Site { routes, resources, ..Site::default() }))
    }

    pub(super) fn open(&mut self, endpoint: EndpointId) -> ConnId {
        let id = ConnId { index: self.next, generation: self.next + 100 };
        self.next += 1;
        self.engine.open(id, endpoint, self.now);
        id
    }

    pub(super) fn websocket(&mut self, endpoint: EndpointId) -> ConnId {
        let id = self.open(endpoint);
        let answer = self.send(id, REQUEST);
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
        id
    }

    /// A client with these offers, and the extensions that it was answered with.
    pub(super) fn offering(
        &mut self,
        endpoint: EndpointId,
        path: &str,
        offers: &str,
    ) -> (ConnId, String) {
        let id = self.open(endpoint);
        let request = String::from_utf8(REQUEST.to_vec()).unwrap();
        let offers = format!("\r\nSec-WebSocket-Extensions: {offers}\r\n\r\n");
        let request = request.replace("/ws", path).replace("\r\n\r\n", &offers);
        let answer = String::from_utf8(self.send(id, request.as_bytes())).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        let chosen = answer.split("Sec-WebSocket-Extensions: ").nth(1).unwrap_or_default();
        (id, chosen.trim_end().to_owned())
    }

    /// The peer sends; what is written to it at once.
    pub(super) fn send(&mut self, id: ConnId, bytes: &[u8]) -> Vec<u8> {
        self.receive(id, bytes);
        self.take(id)
    }

    pub(super) fn receive(&mut self, id: ConnId, bytes: &[u8]) {
        self.engine.receive(id, &mut bytes.to_vec(), self.now);
    }

    /// Everything that is queued for a peer.
    pub(super) fn take(&mut self, id: ConnId) -> Vec<u8> {
        let output = self.engine.output(id).unwrap_or_default().to_vec();
        if !output.is_empty() {
            self.engine.wrote(id, output.len(), self.now);
        }
        output
    }

    /// The first bytes of what is queued for a peer: there is no room for more.
    pub(super) fn take_part(&mut self, id: ConnId, count: usize) -> Vec<u8> {
        let output = self.engine.output(id).expect("there is output")[..count].to_vec();
        self.engine.wrote(id, count, self.now);
        self.engine.check_invariants();
        output
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.time = self.now.time + time;
        self.engine.handle_timeout(self.now);
    }

    /// Takes the steps that are due for a socket.
    pub(super) fn socket(&mut self, id: ConnId) -> Socket {
        match self.engine.poll_close(id) {
            None => Socket::Open,
            Some(CloseStep::ShutdownWrite) => Socket::WriteEnded,
            Some(CloseStep::Close) => {
                self.engine.remove(id);
                Socket::Closed
            }
        }
    }
}

/// However a test ends, everything is as it must be between two calls.
impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.engine.check_invariants();
        }
    }
}

pub(super) const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(super) fn masked(encode: impl Fn(&mut Vec<u8>, Option<[u8; 4]>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Some([1, 2, 3, 4]));
    out
}

pub(super) fn text(message: &str) -> Vec<u8> {
    masked(|out, mask| frames::encode_text(out, message.as_bytes(), mask))
}

pub(super) fn close(code: u16, reason: &str) -> Vec<u8> {
    masked(|out, mask| frames::encode_close(out, Some(code.into()), reason, mask))
}

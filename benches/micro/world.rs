//! An engine without sockets, with a clock that the bench turns.

use std::time::Duration;

use readily::codec::websocket::encode_pong;
use readily::engine::{
    BindingId, CloseStep, ConnId, Endpoint, EndpointId, Engine, Limits, StopScope,
};
use readily::protocol::{Route, Site};
use readily::service::Service;
use readily::time::Now;

const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The engine and its clock.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) now: Now,
    binding: BindingId,
    /// The names of all that was opened.
    opened: u32,
    dirty: Vec<ConnId>,
}

impl World {
    pub(crate) fn new(service: impl Service + 'static) -> World {
        let mut engine = Engine::new(Limits::default(), 0, ());
        let service = engine.add_service(Box::new(service));
        let binding = engine.add_binding(service, StopScope::Connection);
        World { engine, now: Now::default(), binding, opened: 0, dirty: Vec::new() }
    }

    pub(crate) fn lines(&mut self) -> EndpointId {
        self.engine.add_endpoint(Endpoint::Line(self.binding))
    }

    pub(crate) fn web(&mut self) -> EndpointId {
        let routes = vec![Route {
            path: "/ws".to_owned(),
            binding: self.binding.index(),
            ..Route::default()
        }];
        self.engine.add_endpoint(Endpoint::Web(Site { routes, ..Site::default() }))
    }

    /// Opens a connection at a place of its own.
    pub(crate) fn open(&mut self, endpoint: EndpointId) -> ConnId {
        let id = ConnId { index: self.opened, generation: self.opened };
        self.opened += 1;
        self.engine.open(id, endpoint, self.now);
        id
    }

    /// Opens a connection to a web endpoint, and makes it a WebSocket client.
    pub(crate) fn websocket(&mut self, endpoint: EndpointId) -> ConnId {
        let id = self.open(endpoint);
        self.receive(id, &mut REQUEST.to_vec());
        self.write_all();
        id
    }

    pub(crate) fn receive(&mut self, id: ConnId, bytes: &mut [u8]) {
        self.engine.receive(id, bytes, self.now);
    }

    /// Lets `time` pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.time = self.now.time + time;
        self.engine.handle_timeout(self.now);
    }

    /// "Writes" the output of all that have some, as the last steps of a turn do; returns how many
    /// bytes that was.
    pub(crate) fn write_all(&mut self) -> usize {
        let mut bytes = 0;
        self.each_dirty(|world, id| {
            let length = world.engine.output(id).map_or(0, <[u8]>::len);
            if length > 0 {
                world.engine.wrote(id, length, world.now);
            }
            bytes += length;
        });
        bytes
    }

    /// Writes the output of all that have some, and has them answer: what is sent to who says
    /// nothing is a Ping.
    pub(crate) fn answer_pings(&mut self) -> usize {
        let mut pong = Vec::new();
        encode_pong(&mut pong, b"", Some([1, 2, 3, 4]));
        let mut count = 0;
        self.each_dirty(|world, id| {
            let length = world.engine.output(id).map_or(0, <[u8]>::len);
            if length > 0 {
                world.engine.wrote(id, length, world.now);
                world.receive(id, &mut pong.clone());
                count += 1;
            }
        });
        count
    }

    /// Sees to each connection that the engine lists.
    fn each_dirty(&mut self, mut see_to: impl FnMut(&mut World, ConnId)) {
        let mut dirty = std::mem::take(&mut self.dirty);
        self.engine.take_dirty(&mut dirty);
        for id in dirty.drain(..) {
            if self.engine.needs_shell(id) {
                self.engine.clear_dirty(id);
                see_to(self, id);
                assert_ne!(self.engine.poll_close(id), Some(CloseStep::Close), "{id} has ended");
            }
        }
        self.dirty = dirty;
    }
}

//! What the reactor is in the server, without sockets.

use std::time::Duration;

use readily::address::PeerAddr;
use readily::codec::websocket::deflate::{Policy, Pool, WindowBits, encode_deflated};
use readily::codec::websocket::{Opcode, encode_frame};
use readily::engine::{
    BindingId, CloseStep, ConnId, Endpoint, EndpointId, Engine, Limits, ServiceId, Speaks,
    StopScope,
};
use readily::protocol::{Route, Site};
use readily::service::{Burst, Count, Echo, Number, Random};
use readily::time::{Now, Time};

use super::mischief::Mischief;
use super::script::{Act, Door, Path};

/// A connection, as the shell knows it.
struct Peer {
    id: ConnId,
    /// It is not there yet.
    is_connecting: bool,
    /// We have dialed it.
    is_server: bool,
    is_packets: bool,
    has_our_end: bool,
}

pub(crate) struct Shell {
    engine: Engine,
    now: Now,
    peers: Vec<Peer>,
    generation: u32,
    doors: [EndpointId; 5],
    datagrams: EndpointId,
    dirty: Vec<ConnId>,
    opened: u64,
}

/// Small, so that a short script comes to them.
fn limits() -> Limits {
    let mut limits = Limits {
        high_water_bytes: 2_000,
        low_water_bytes: 500,
        max_queued_bytes: 4_000,
        linger_bytes: 1_000,
        ..Limits::default()
    }
    .with_max_message(1_000);
    limits.protocol.max_line = 1_000;
    limits
}

/// The most that one read brings here, and what it may be answered with: `Mischief` says 500 bytes 255
/// times for a message of two bytes.
const MOST_OUTPUT: usize = 64 << 20;

impl Shell {
    pub(crate) fn new() -> Shell {
        let mut engine = Engine::new(limits(), 7, ());
        let bind = |service: ServiceId, engine: &mut Engine| {
            engine.add_binding(service, StopScope::Connection)
        };
        let echo = engine.add_service(Box::new(Echo));
        let echo = bind(echo, &mut engine);
        let random = engine.add_service(Box::new(Random::new(1..=6, None)));
        let random = bind(random, &mut engine);
        let burst = Random::new(1..=1000, Some(Burst { limit: 5_000 }));
        let burst = engine.add_service(Box::new(burst));
        let burst = bind(burst, &mut engine);
        let count = engine.add_service(Box::new(Count::new(Number::Own)));
        let count = bind(count, &mut engine);
        let own = BindingId::nth(5);
        let mischief = Mischief { binding: own, peers: Vec::new(), due: None };
        let mischief = engine.add_service(Box::new(mischief));
        let mischief_came = bind(mischief, &mut engine);
        assert_eq!(bind(mischief, &mut engine), own);
        let site = Site {
            routes: [
                (Path::Echo, echo, Policy::NoTakeover),
                (Path::Burst, burst, Policy::Off),
                (Path::Mischief, mischief_came, Policy::Takeover),
            ]
            .map(|(path, binding, deflate)| Route {
                path: path.text().to_owned(),
                binding: binding.index(),
                deflate,
                ..Route::default()
            })
            .into(),
            ..Site::default()
        };
        let doors = [
            Endpoint::Line(echo),
            Endpoint::Raw(mischief_came),
            Endpoint::Packet(random),
            Endpoint::Line(count),
            Endpoint::Web(site),
        ]
        .map(|endpoint| engine.add_endpoint(endpoint));
        let datagrams = engine.add_endpoint(Endpoint::Datagram(random));
        Shell {
            engine,
            now: Now { time: Time::from_nanos(1_000_000_000), ..Now::default() },
            peers: Vec::new(),
            generation: 0,
            doors,
            datagrams,
            dirty: Vec::new(),
            opened: 0,
        }
    }

    pub(crate) fn act(&mut self, act: Act) {
        match act {
            Act::Open(door) => {
                let id = self.name();
                self.engine.open(id, self.doors[door as usize], self.now);
                self.came(id, false, matches!(door, Door::PacketRandom));
            }
            Act::Receive(who, bytes) => self.receive(who, bytes),
            Act::Line(who, mut line) => {
                line.push(b'\n');
                self.receive(who, line);
            }
            Act::Upgrade(who, path) => {
                let path = path.text();
                let request = format!(
                    "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
                );
                self.receive(who, request.into_bytes());
            }
            Act::Frame(who, first, payload, cut) => {
                let Some(peer) = self.pick(who) else { return };
                let opcodes = [
                    Opcode::Text,
                    Opcode::Binary,
                    Opcode::Continuation,
                    Opcode::Ping,
                    Opcode::Pong,
                    Opcode::Close,
                ];
                let opcode = opcodes[usize::from(first & 0x0f) % opcodes.len()];
                let mask = (!self.peers[peer].is_server).then_some([1, 2, 3, first]);
                let mut frame = Vec::new();
                // Compressed, or said to be.
                if first & 0x60 == 0x60 {
                    let (window, mut pool) = (WindowBits::MAX, Pool::new(0));
                    encode_deflated(&mut frame, opcode, &payload, mask, window, &mut pool);
                } else {
                    encode_frame(&mut frame, first & 0x80 == 0, opcode, &payload, mask);
                    frame[0] |= first & 0x40;
                }
                frame.truncate(cut.map_or(usize::MAX, usize::from));
                self.receive(who, frame);
            }
            Act::Agree(who) => self.agree(who),
            Act::End(who) => {
                let Some(peer) = self.readable(who) else { return };
                self.engine.receive_eof(self.peers[peer].id, self.now);
            }
            Act::Lose(who) => {
                let Some(peer) = self.pick(who) else { return };
                let id = self.peers[peer].id;
                self.engine.lost(id, std::io::ErrorKind::ConnectionReset, self.now);
            }
            Act::WriteFails(who) => {
                let Some(peer) = self.pick(who) else { return };
                let id = self.peers[peer].id;
                if self.engine.output(id).is_some() {
                    self.engine.write_failed(id, std::io::ErrorKind::BrokenPipe, self.now);
                }
            }
            Act::Take(who, count) => {
                let Some(peer) = self.pick(who) else { return };
                self.take(self.peers[peer].id, usize::from(count));
            }
            Act::Connect(who) => {
                let Some(peer) = self.pick(who) else { return };
                if std::mem::take(&mut self.peers[peer].is_connecting) {
                    self.engine.connected(self.peers[peer].id, self.now);
                }
            }
            Act::Pass(millis) => self.pass(Duration::from_millis(millis.into())),
            Act::PassLong(seconds) => self.pass(Duration::from_secs(seconds.into())),
            Act::Datagram(bytes) => {
                let remote = "127.0.0.1:7".parse().expect("an address");
                let from = PeerAddr::Inet { remote, local: None };
                let reply = self.engine.receive_datagram(self.datagrams, &from, &bytes, self.now);
                assert!(reply.is_none_or(|reply| reply.len() < 100));
            }
            Act::Drain => self.engine.begin_drain(self.now),
        }
        self.see_to_it();
    }

    /// What every shell relies on.
    pub(crate) fn audit(&mut self) {
        let stats = *self.engine.stats();
        assert_eq!(self.engine.connections(), self.peers.len());
        assert_eq!(stats.opened, self.opened);
        assert_eq!(stats.opened - stats.closed, self.peers.len() as u64);
        for peer in &self.peers {
            let Some(output) = self.engine.output(peer.id) else { continue };
            assert!(output.len() < MOST_OUTPUT, "{} bytes wait", output.len());
        }
        // A turn may leave work for the next, but it comes to an end.
        for turn in 0.. {
            assert!(turn < 10_000, "something is due for ever");
            let is_due = self.engine.poll_timeout().is_some_and(|due| due <= self.now.time);
            // The loop ends with a drain that has ended.
            if !is_due || self.engine.is_drained(self.now) {
                break;
            }
            self.engine.handle_timeout(self.now);
            self.see_to_it();
        }
    }

    /// The server is told to end and peers behave: everybody has gone when the deadlines have come.
    pub(crate) fn wind_up(mut self) {
        self.engine.begin_drain(self.now);
        for _ in 0..100 {
            self.see_to_it();
            for id in self.ids() {
                self.take(id, usize::MAX);
            }
            for id in self.ids() {
                if self.engine.wants_read(id) {
                    self.engine.receive_eof(id, self.now);
                }
            }
            self.pass(Duration::from_secs(1));
            self.audit();
        }
        // A connection that its service holds or has half closed is the service's to end; here it is
        // cut off, as the loop does when the time of the drain is over.
        for id in self.ids() {
            self.engine.lost(id, std::io::ErrorKind::ConnectionReset, self.now);
        }
        self.see_to_it();
        assert!(self.peers.is_empty(), "{} are left", self.peers.len());
        assert_eq!(self.engine.connections(), 0);
        assert!(self.engine.is_drained(self.now));
    }
}

impl Shell {
    fn ids(&self) -> Vec<ConnId> {
        self.peers.iter().map(|peer| peer.id).collect()
    }

    /// A name for a connection, at the lowest place that is free.
    fn name(&mut self) -> ConnId {
        let is_free = |index: &u32| self.peers.iter().all(|peer| peer.id.index != *index);
        let index = (0..).find(is_free).expect("not all places are taken");
        self.generation += 1;
        ConnId { index, generation: self.generation }
    }

    fn came(&mut self, id: ConnId, is_server: bool, is_packets: bool) {
        self.opened += 1;
        let (is_connecting, has_our_end) = (is_server, false);
        self.peers.push(Peer { id, is_connecting, is_server, is_packets, has_our_end });
    }

    fn pick(&self, who: u8) -> Option<usize> {
        (!self.peers.is_empty()).then(|| usize::from(who) % self.peers.len())
    }

    fn readable(&self, who: u8) -> Option<usize> {
        self.pick(who).filter(|peer| self.engine.wants_read(self.peers[*peer].id))
    }

    fn receive(&mut self, who: u8, mut bytes: Vec<u8>) {
        if let Some(peer) = self.readable(who)
            && !bytes.is_empty()
        {
            self.engine.receive(self.peers[peer].id, &mut bytes, self.now);
        }
    }

    /// Answers the request that waits in the output.
    fn agree(&mut self, who: u8) {
        let Some(peer) = self.readable(who) else { return };
        let output = self.engine.output(self.peers[peer].id).unwrap_or_default();
        let text = String::from_utf8_lossy(output).into_owned();
        let Some((_, key)) = text.split_once("Sec-WebSocket-Key: ") else { return };
        let key = key.lines().next().unwrap_or_default();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        let extensions = match who & 1 {
            0 => "",
            _ => "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        };
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
        );
        self.receive(who, answer.into_bytes());
    }

    /// The peer takes output: of packets, whole ones.
    fn take(&mut self, id: ConnId, mut count: usize) {
        let is_packets = self.peers.iter().any(|peer| peer.id == id && peer.is_packets);
        for _ in 0..10_000 {
            let Some(length) = self.engine.output(id).map(<[u8]>::len) else { break };
            let taken = if is_packets { length } else { length.min(count) };
            if taken > count || count == 0 {
                self.engine.blocked(id);
                break;
            }
            count -= taken.max(1);
            self.engine.wrote(id, taken, self.now);
        }
        self.close_step(id);
    }

    fn pass(&mut self, time: Duration) {
        self.now.time = self.now.time + time;
        self.engine.handle_timeout(self.now);
        self.see_to_it();
    }

    /// Does what the engine asks for.
    fn see_to_it(&mut self) {
        loop {
            while let Some(dial) = self.engine.next_dial() {
                let id = self.name();
                let is_packets = matches!(dial.speaks, Speaks::Packets);
                self.engine.dialing(id, dial.binding, dial.speaks, self.now);
                self.came(id, true, is_packets);
            }
            if self.engine.stop_requested() && !self.engine.is_draining() {
                self.engine.begin_drain(self.now);
            }
            let mut dirty = std::mem::take(&mut self.dirty);
            self.engine.take_dirty(&mut dirty);
            if dirty.is_empty() {
                break;
            }
            for id in dirty.drain(..) {
                self.engine.clear_dirty(id);
                self.close_step(id);
            }
            self.dirty = dirty;
        }
        for id in self.ids() {
            self.close_step(id);
        }
    }

    fn close_step(&mut self, id: ConnId) {
        let Some(place) = self.peers.iter().position(|peer| peer.id == id) else { return };
        match self.engine.poll_close(id) {
            None => {}
            Some(CloseStep::ShutdownWrite) => {
                assert!(!self.peers[place].has_our_end, "ended twice");
                assert!(self.engine.output(id).is_none(), "ended in front of what is queued");
                self.peers[place].has_our_end = true;
            }
            Some(CloseStep::Close) => {
                self.engine.remove(id);
                self.peers.remove(place);
            }
        }
    }
}

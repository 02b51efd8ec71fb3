//! What the reactor is in the server, without sockets.
//!
//! It looks at a connection when it has touched it and when the engine lists it, and not otherwise: so
//! what the engine forgets to say is not done, and [`audit`](Shell::audit) finds it.

use std::io::ErrorKind;
use std::time::Duration;

use readily::address::PeerAddr;
use readily::engine::{CloseStep, ConnId, Engine};
use readily::time::{Now, Time, WallClock};

use super::echo::Echo;
use super::peer::Peer;
use super::rooms::{Rooms, furnish, limits};
use super::script::{Act, Door, Path, Sender};
use super::words;

pub(crate) struct Shell {
    pub(crate) engine: Engine,
    pub(crate) rooms: Rooms,
    pub(crate) now: Now,
    pub(crate) peers: Vec<Peer>,
    /// Who has gone.
    gone: Vec<ConnId>,
    dirty: Vec<ConnId>,
    pub(crate) counted: Counted,
}

/// What must be in the counters of the engine, too.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) opened: u32,
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) datagrams: u64,
}

impl Shell {
    pub(crate) fn new(choice: u8) -> Shell {
        let (mut engine, rooms) = furnish(limits(choice));
        engine.add_own_address("127.0.0.1:8".parse().expect("an address"));
        let wall = WallClock { unix_seconds: 1_795_300_572, offset_seconds: 3_600 };
        let now = Now { time: Time::from_nanos(1_000_000_000), wall };
        let (peers, gone, dirty) = (Vec::new(), Vec::new(), Vec::new());
        Shell { engine, rooms, now, peers, gone, dirty, counted: Counted::default() }
    }

    /// Does one thing, and what comes of it.
    pub(crate) fn act(&mut self, act: Act) {
        if self.engine.is_drained(self.now) {
            // The loop has ended.
            return;
        }
        match act {
            // A loop that drains takes nobody on.
            Act::Open(_) | Act::Adopt if self.engine.is_draining() => {}
            Act::Open(door) => self.open(door),
            Act::Receive(who, bytes) => self.receive(who, bytes),
            Act::Line(who, line) => self.receive(who, [&line[..], b"\n"].concat()),
            Act::Request(who, which) => {
                let request = words::REQUESTS[usize::from(which) % words::REQUESTS.len()];
                self.receive(who, request.to_vec());
            }
            Act::Upgrade(who, path, compresses) => self.upgrade(who, path, compresses),
            Act::Frame { who, first, payload, cut } => {
                let Some(peer) = self.pick(who) else { return };
                let mut frame = words::frame(first, &payload, !self.peers[peer].is_our_own);
                frame.truncate(cut.map_or(usize::MAX, usize::from));
                self.receive(who, frame);
            }
            Act::Agree(who, compresses) => {
                let Some(peer) = self.pick(who) else { return };
                let output = self.engine.output(self.peers[peer].id).unwrap_or_default();
                if let Some(answer) = words::agreement(output, compresses) {
                    self.receive(who, answer);
                }
            }
            Act::End(who) => {
                let Some(peer) = self.readable(who) else { return };
                self.end(self.peers[peer].id);
            }
            Act::Lose(who) => {
                let Some(peer) = self.pick(who) else { return };
                self.lose(self.peers[peer].id);
            }
            Act::WriteFails(who) => self.fail_to_write(who),
            Act::Take(who, count) => {
                let Some(peer) = self.pick(who) else { return };
                self.take(self.peers[peer].id, usize::from(count));
            }
            Act::TakeAll => self.take_all(),
            Act::Connect(who) => {
                let Some(peer) = self.pick(who) else { return };
                let peer = &mut self.peers[peer];
                if std::mem::take(&mut peer.is_connecting) {
                    let id = peer.id;
                    self.engine.connected(id, self.now);
                    self.see_to(id);
                }
            }
            Act::Adopt => {
                let id = self.name();
                self.peers.push(Peer::adopted(id));
                self.engine.adopt(id, self.rooms.own, self.now);
                self.see_to(id);
            }
            Act::Ghost(who) => self.hear_of_a_ghost(who),
            Act::Pass(millis) => self.pass(Duration::from_millis(millis.into())),
            Act::PassLong(seconds) => self.pass(Duration::from_secs(seconds.into())),
            Act::Datagram(which, from, payload) => self.receive_datagram(which, from, &payload),
            Act::Drain => self.engine.begin_drain(self.now),
        }
        self.see_to_all();
    }
}

/// What happens.
impl Shell {
    fn open(&mut self, door: Door) {
        let id = self.name();
        self.peers.push(Peer::guest(id, door));
        self.engine.open(id, self.rooms.door(door), self.now);
        self.see_to(id);
    }

    fn receive(&mut self, who: u8, mut bytes: Vec<u8>) {
        let Some(peer) = self.readable(who).filter(|_| !bytes.is_empty()) else { return };
        let peer = &mut self.peers[peer];
        peer.is_fresh_web = false;
        if let Some(echo) = &mut peer.echo {
            echo.sent(&bytes);
        }
        let id = peer.id;
        self.counted.bytes_received += bytes.len() as u64;
        self.engine.receive(id, &mut bytes, self.now);
        self.see_to(id);
    }

    fn upgrade(&mut self, who: u8, path: Path, compresses: bool) {
        let Some(peer) = self.readable(who) else { return };
        let is_fresh = self.peers[peer].is_fresh_web && !self.peers[peer].has_our_end;
        let id = self.peers[peer].id;
        self.receive(who, words::upgrade(path, compresses));
        let takeover = match path {
            Path::Echo => None,
            Path::EchoAlone => compresses.then_some(false),
            Path::EchoTakeover => compresses.then_some(true),
            _ => return,
        };
        if is_fresh && let Some(peer) = self.find(id) {
            self.peers[peer].echo = Some(Echo::frames(takeover));
            self.peers[peer].is_flooded = false;
        }
    }

    pub(crate) fn end(&mut self, id: ConnId) {
        let Some(peer) = self.find(id) else { return };
        self.peers[peer].has_ended = true;
        self.engine.receive_eof(id, self.now);
        self.see_to(id);
    }

    pub(crate) fn lose(&mut self, id: ConnId) {
        let Some(peer) = self.find(id) else { return };
        self.peers[peer].is_broken = true;
        self.engine.lost(id, ErrorKind::ConnectionReset, self.now);
        self.see_to(id);
    }

    fn fail_to_write(&mut self, who: u8) {
        let Some(peer) = self.pick(who) else { return };
        let peer = &mut self.peers[peer];
        let id = peer.id;
        if self.engine.output(id).is_some() {
            peer.is_broken = true;
            let is_read = self.engine.write_failed(id, ErrorKind::BrokenPipe, self.now);
            assert!(!is_read || self.engine.output(id).is_none(), "it is to be written again");
            self.see_to(id);
        }
    }

    pub(crate) fn take_all(&mut self) {
        for id in self.ids() {
            self.take(id, usize::MAX);
        }
    }

    /// The peer takes output: of packets, whole ones.
    fn take(&mut self, id: ConnId, mut count: usize) {
        let Some(peer) = self.find(id) else { return };
        let peer = &mut self.peers[peer];
        while let Some(output) = self.engine.output(id) {
            let taken = if peer.is_packets { output.len() } else { output.len().min(count) };
            if taken > count || count == 0 {
                self.engine.blocked(id);
                break;
            }
            if let Some(echo) = &mut peer.echo {
                echo.took(&output[..taken]);
            }
            count -= taken;
            self.counted.bytes_sent += taken as u64;
            self.engine.wrote(id, taken, self.now);
        }
        self.see_to(id);
    }

    fn hear_of_a_ghost(&mut self, who: u8) {
        if self.gone.is_empty() {
            return;
        }
        let id = self.gone[usize::from(who) % self.gone.len()];
        let before = *self.engine.stats();
        self.engine.receive(id, &mut b"ghost\n".to_vec(), self.now);
        self.engine.wrote(id, 1, self.now);
        self.engine.connected(id, self.now);
        self.engine.receive_eof(id, self.now);
        self.engine.mark_dirty(id);
        assert!(!self.engine.write_failed(id, ErrorKind::BrokenPipe, self.now));
        self.engine.lost(id, ErrorKind::ConnectionReset, self.now);
        self.engine.remove(id);
        assert!(self.engine.output(id).is_none() && self.engine.poll_close(id).is_none());
        assert!(!self.engine.wants_read(id) && !self.engine.needs_shell(id));
        assert_eq!(before, *self.engine.stats(), "who is gone has no effect");
    }

    fn receive_datagram(&mut self, which: u8, from: Sender, payload: &[u8]) {
        let inet = |remote: &str| PeerAddr::Inet {
            remote: remote.parse().expect("an address"),
            local: None,
        };
        let peer = match from {
            Sender::Stranger => inet("127.0.0.1:7"),
            Sender::Ourselves => inet("127.0.0.1:8"),
            Sender::Nobody => PeerAddr::Unix(None),
        };
        let which = usize::from(which) % self.rooms.datagrams.len();
        let endpoint = self.rooms.datagrams[which];
        self.counted.datagrams += 1;
        let reply = self.engine.receive_datagram(endpoint, &peer, payload, self.now);
        assert!(reply.is_none() || from == Sender::Stranger, "nobody is there to take it");
        assert!(reply.is_none_or(|reply| which != 0 || reply == payload), "it is an echo");
        assert!(reply.is_none_or(|reply| reply.len() <= payload.len().max(100)));
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        self.now.time = self.now.time + time;
        self.now.wall.unix_seconds += i64::try_from(time.as_secs()).expect("a short time");
        self.engine.handle_timeout(self.now);
        self.see_to_all();
    }
}

/// What comes of it.
impl Shell {
    /// Does what the engine asks for.
    pub(crate) fn see_to_all(&mut self) {
        loop {
            while let Some(dial) = self.engine.next_dial() {
                let id = self.name();
                self.peers.push(Peer::dialed(id, &dial.speaks));
                self.engine.dialing(id, dial.binding, dial.speaks, self.now);
            }
            if self.engine.stop_requested() && !self.engine.is_draining() {
                self.engine.begin_drain(self.now);
            }
            let mut dirty = std::mem::take(&mut self.dirty);
            self.engine.take_dirty(&mut dirty);
            if dirty.is_empty() {
                return;
            }
            for id in dirty.drain(..) {
                if self.engine.needs_shell(id) {
                    self.see_to(id);
                }
            }
            self.dirty = dirty;
        }
    }

    /// Looks at a connection: takes the steps to its end, and sees whether it is to be read from.
    fn see_to(&mut self, id: ConnId) {
        self.engine.clear_dirty(id);
        let Some(place) = self.find(id) else { return };
        match self.engine.poll_close(id) {
            None => {}
            Some(CloseStep::ShutdownWrite) => {
                let peer = &mut self.peers[place];
                assert!(!peer.has_our_end, "our side ends twice");
                assert!(!peer.has_ended, "both sides have ended, so it is to be closed");
                assert!(self.engine.output(id).is_none(), "the end overtakes what is queued");
                peer.has_our_end = true;
            }
            Some(CloseStep::Close) => {
                let peer = self.peers.remove(place);
                peer.check_echo(&self.engine, false);
                self.engine.remove(id);
                self.gone.push(id);
                return;
            }
        }
        self.peers[place].seen = self.look(id);
    }

    /// How much waits for a peer, and whether it is to be read from.
    pub(crate) fn look(&self, id: ConnId) -> (usize, bool) {
        (self.engine.output(id).unwrap_or_default().len(), self.engine.wants_read(id))
    }
}

/// Who is who.
impl Shell {
    pub(crate) fn ids(&self) -> Vec<ConnId> {
        self.peers.iter().map(|peer| peer.id).collect()
    }

    pub(crate) fn find(&self, id: ConnId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == id)
    }

    fn pick(&self, who: u8) -> Option<usize> {
        (!self.peers.is_empty()).then(|| usize::from(who) % self.peers.len())
    }

    /// Somebody who has something to say, if he is listened to.
    fn readable(&mut self, who: u8) -> Option<usize> {
        let place = self.pick(who).filter(|place| !self.peers[*place].has_ended)?;
        let peer = &mut self.peers[place];
        let is_read = self.engine.wants_read(peer.id);
        // Else it waits, until somebody says that it is to be read.
        peer.seen.1 &= is_read;
        is_read.then_some(place)
    }

    /// A name for a connection, at the lowest place that is free.
    fn name(&mut self) -> ConnId {
        let is_free = |index: &u32| self.peers.iter().all(|peer| peer.id.index != *index);
        let index = (0..).find(is_free).expect("not all places are taken");
        self.counted.opened += 1;
        ConnId { index, generation: self.counted.opened }
    }
}

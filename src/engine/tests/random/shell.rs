//! A shell that drives the engine as the reactor does, but with moods.
//!
//! It keeps to the contract of the [engine](crate::engine): a peer is read from while
//! `wants_read` says so; once it is not, nothing but the list of dirty connections brings it back.
//! Output that could not be written waits for room. Steps to the end are asked for when output has
//! been written as far as it goes, and sockets are closed at the end of the round. Where the
//! contract leaves a choice, the seed makes it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::audit::{Audit, Manner, Note};
use super::counters::{self, Seen};
use super::mood::{Mood, narrow_limits};
use super::peer::Peer;
use super::script::{Kind, Script};
use crate::engine::connection::{Flags, Phase};
use crate::engine::tests::world::{Socket, World};
use crate::engine::{CloseStep, ConnId, Endpoint, EndpointId};
use crate::protocol::{Route, Site};

/// A shell is difficult for at most this many rounds: three seconds, so that no deadline is missed
/// for it.
const DIFFICULT_ROUNDS: usize = 200;

/// In this time all is over once nobody is difficult: closing may take five seconds and an idle
/// HTTP client ten. It is less than the time after which a silent client is pinged.
const PATIENCE: Duration = Duration::from_secs(20);

/// And in this many rounds, of which most are for peers that take turns.
const PATIENT_ROUNDS: usize = 3_000;

/// One engine, its peers, and who drives it.
pub(super) struct Shell {
    pub(super) world: World,
    rng: StdRng,
    pub(super) mood: Mood,
    pub(super) manner: Manner,
    endpoints: [EndpointId; 4],
    /// Those who have not come yet.
    scripts: Vec<Script>,
    /// Those who have, in this order.
    pub(super) peers: Vec<Peer>,
    /// Who has each place that is taken, as an index into `peers`.
    places: BTreeMap<u32, usize>,
    notes: Receiver<Note>,
    dirty: Vec<ConnId>,
    drain_round: Option<usize>,
    round: usize,
    seen: Seen,
}

/// Setting up.
impl Shell {
    pub(super) fn new(seed: u64) -> Shell {
        let mut rng = StdRng::seed_from_u64(seed);
        let limits = narrow_limits(&mut rng);
        let manner = Manner::random(&mut rng);
        let (sender, notes) = mpsc::channel();
        let mut world = World::with(limits);
        let binding = world.bind(Audit::new(manner, sender));
        let routes =
            vec![Route { path: "/ws".to_owned(), binding: binding.index(), ..Route::default() }];
        let endpoints = [
            Endpoint::Line(binding),
            Endpoint::Raw(binding),
            Endpoint::Packet(binding),
            Endpoint::Web(Site { routes, ..Site::default() }),
        ]
        .map(|endpoint| world.engine.add_endpoint(endpoint));
        let count = rng.random_range(1..10);
        let scripts = (0..count).map(|peer| Script::random(peer, &limits, &mut rng)).collect();
        let drains = rng.random_bool(0.4);
        Shell {
            world,
            mood: Mood::difficult(&mut rng),
            manner,
            endpoints,
            scripts,
            peers: Vec::new(),
            places: BTreeMap::new(),
            notes,
            dirty: Vec::new(),
            drain_round: drains.then(|| rng.random_range(0..DIFFICULT_ROUNDS / 2)),
            round: 0,
            seen: Seen::default(),
            rng,
        }
    }
}

/// What a test does with it.
impl Shell {
    /// Takes rounds in a bad mood, until all is over or it has been enough.
    pub(super) fn be_difficult(&mut self) {
        for _ in 0..DIFFICULT_ROUNDS {
            let drains_later = self.drain_round.is_some_and(|round| round >= self.round);
            if self.is_over() && !drains_later {
                break;
            }
            self.take_round();
            let pause = Duration::from_millis(self.rng.random_range(0..15));
            self.world.now.time = self.world.now.time + pause;
        }
    }

    /// Takes rounds in a good mood until all is over: liveness. While nobody is ready time moves
    /// only to where the engine asks to be woken, so a peer that waits for something that the
    /// engine has forgotten waits until the test fails.
    pub(super) fn settle(&mut self) {
        self.mood = Mood::GOOD;
        let deadline = self.world.now.time + PATIENCE;
        for _ in 0..PATIENT_ROUNDS {
            self.take_round();
            if self.is_over() {
                return;
            }
            let is_busy = self.peers.iter().any(|peer| peer.is_ready || peer.is_blocked);
            if !is_busy && self.scripts.is_empty() {
                let Some(wake) = self.world.engine.poll_timeout() else { break };
                self.world.now.time = self.world.now.time.max(wake);
            }
            if self.world.now.time > deadline {
                break;
            }
        }
        let waiting: Vec<_> = self.peers.iter().filter(|peer| !self.is_done(peer)).collect();
        for peer in &waiting {
            let state = self.world.engine.core.connections.get(peer.id);
            eprintln!("{peer} waits, {:?}: {state:?}", peer.socket);
        }
        panic!("{} peers wait for something that does not come", waiting.len());
    }

    /// Holds what has come of it all against the model, and returns how many pongs went ahead.
    pub(super) fn check_outcome(&self) -> usize {
        for peer in &self.peers {
            peer.check(self.manner, self.seen.drain);
        }
        let found = self.world.engine.stats();
        assert_eq!(*found, counters::expected(&self.peers, self.seen, found));
        let open = self.peers.iter().filter(|peer| peer.socket == Socket::Open).count();
        assert_eq!(self.world.engine.connections(), open);
        assert_eq!(self.world.engine.is_drained(self.world.now), self.seen.drain);
        self.peers.iter().map(|peer| peer.overtaking_pongs(self.manner)).sum()
    }

    /// Whether nothing is going to happen any more.
    fn is_over(&self) -> bool {
        self.scripts.is_empty() && self.peers.iter().all(|peer| self.is_done(peer))
    }

    fn is_done(&self, peer: &Peer) -> bool {
        peer.socket == Socket::Closed
            || !self.seen.drain
                && peer.is_at_rest(self.manner)
                && self.world.engine.wants_read(peer.id)
    }
}

/// One round.
impl Shell {
    fn take_round(&mut self) {
        self.disturb();
        self.accept();
        for index in 0..self.peers.len() {
            let chance =
                if self.peers[index].is_blocked { self.mood.room } else { self.mood.serve };
            let peer = &mut self.peers[index];
            if (peer.is_ready || peer.is_blocked) && self.rng.random_bool(chance) {
                peer.is_blocked = false;
                self.serve(index);
            }
        }
        self.world.engine.handle_timeout(self.world.now);
        self.flush_dirty();
        self.reap();
        self.round += 1;
        self.read_notes();
        self.check_invariants();
    }

    /// The next peer comes, to the first place that is free: perhaps one that somebody had before.
    fn accept(&mut self) {
        let may_come = !self.seen.drain && !self.world.engine.is_full();
        if !may_come || self.scripts.is_empty() || !self.rng.random_bool(0.4) {
            return;
        }
        let script = self.scripts.remove(0);
        let place = (0..).find(|place| !self.places.contains_key(place)).expect("many are free");
        let [line, raw, packet, web] = self.endpoints;
        let endpoint = match script.kind {
            Kind::Line => line,
            Kind::Raw => raw,
            Kind::Packet => packet,
            Kind::WebSocket | Kind::Http => web,
        };
        let id = ConnId { index: place, generation: generation_of(self.peers.len()) };
        self.places.insert(place, self.peers.len());
        self.peers.push(Peer::new(id, script));
        self.world.engine.open(id, endpoint, self.world.now);
    }

    /// Reads once from a peer that is ready, writes what came of it, and sees whether to go on.
    fn serve(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.is_ready = false;
        let (engine, now) = (&mut self.world.engine, self.world.now);
        if engine.wants_read(peer.id) && engine.is_full() {
            engine.read_waits(peer.id, now);
        } else if engine.wants_read(peer.id) {
            let most = self.rng.random_range(1..=self.mood.most);
            if let Some(mut bytes) = peer.next_read(most) {
                engine.receive(peer.id, &mut bytes, now);
                let state = engine.core.connections.get(peer.id).expect("it is not closed");
                self.seen.parked += u64::from(state.flags.has(Flags::PARKED));
            } else if peer.has_more() {
                peer.has_ended = true;
                engine.receive_eof(peer.id, now);
            }
        }
        self.flush(index);
        self.queue_if_readable(index);
    }

    /// Puts a peer on the list of those to be served if there is more to read and it is wanted.
    fn queue_if_readable(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        peer.is_ready |= peer.has_more() && self.world.engine.wants_read(peer.id);
    }

    /// Writes as much as there happens to be room for, and takes the step that is due.
    fn flush(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let (engine, now) = (&mut self.world.engine, self.world.now);
        engine.clear_dirty(peer.id);
        while let Some(output) = engine.output(peer.id)
            && !peer.is_blocked
        {
            // A packet is written whole or not at all.
            let is_whole = self.rng.random_bool(self.mood.whole);
            let count = match peer.script.kind {
                _ if is_whole => output.len(),
                Kind::Packet => 0,
                _ => self.rng.random_range(0..output.len()),
            };
            peer.is_blocked = !is_whole;
            if is_whole || count > 0 {
                peer.take(&output[..count]);
                engine.wrote(peer.id, count, now);
            } else {
                engine.blocked(peer.id);
            }
        }
        match engine.poll_close(peer.id) {
            None => {}
            Some(CloseStep::ShutdownWrite) => {
                assert_eq!(peer.socket, Socket::Open, "{peer}: our side ends once");
                assert!(engine.output(peer.id).is_none(), "{peer}: FIN overtakes data");
                assert!(!peer.has_ended, "{peer}: both sides have ended, so it is to be closed");
                peer.socket = Socket::WriteEnded;
            }
            Some(CloseStep::Close) => {
                // Seen to at the end of the round.
                peer.socket = Socket::Closed;
                peer.is_blocked = false;
            }
        }
    }

    /// Breaks a connection, or reports something of a peer that is gone, or begins to drain.
    fn disturb(&mut self) {
        let (engine, now) = (&mut self.world.engine, self.world.now);
        if self.drain_round == Some(self.round) {
            self.seen.drain = true;
            self.scripts.clear();
            engine.begin_drain(now);
        }
        if self.peers.is_empty() {
            return;
        }
        let choice = self.rng.random_range(0..self.peers.len());
        let peer = &mut self.peers[choice];
        if peer.socket != Socket::Closed && self.rng.random_bool(self.mood.lose) {
            let state = engine.core.connections.get(peer.id).expect("it is not closed");
            let is_orderly = state.flags.has(Flags::ORDERLY);
            let has_left = match state.phase {
                Phase::Open => true,
                Phase::AwaitClose => is_orderly,
                Phase::Flushing => is_orderly && state.output.is_some(),
                _ => false,
            };
            self.seen.lost += u64::from(has_left);
            peer.was_lost = true;
            engine.lost(peer.id, ErrorKind::ConnectionReset, now);
        }
        if peer.socket == Socket::Closed && self.rng.random_bool(self.mood.ghost) {
            let before = *engine.stats();
            engine.receive(peer.id, &mut b"ghost\n".to_vec(), now);
            engine.wrote(peer.id, 1, now);
            engine.receive_eof(peer.id, now);
            engine.lost(peer.id, ErrorKind::ConnectionReset, now);
            assert!(engine.output(peer.id).is_none() && !engine.wants_read(peer.id));
            assert_eq!(before, *engine.stats(), "who is gone has no effect");
        }
    }

    /// Looks at those of whom the engine says that something is to be done.
    fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        self.world.engine.take_dirty(&mut dirty);
        for id in dirty.drain(..) {
            if self.world.engine.needs_shell(id) {
                let index = self.places[&id.index];
                self.flush(index);
                self.queue_if_readable(index);
            }
        }
        self.dirty = dirty;
    }

    /// Closes what is to be closed, and frees the places.
    fn reap(&mut self) {
        let (engine, peers) = (&mut self.world.engine, &self.peers);
        self.places.retain(|_, index| {
            let is_closed = peers[*index].socket == Socket::Closed;
            if is_closed {
                engine.remove(peers[*index].id);
            }
            !is_closed
        });
    }

    /// Reads what the service has reported in this round.
    fn read_notes(&mut self) {
        for id in self.world.engine.core.shed.drain(..) {
            self.peers[id.generation as usize].was_shed = true;
        }
        while let Ok(note) = self.notes.try_recv() {
            let (Note::Opened(id) | Note::Heard(id, _) | Note::Said(id, _) | Note::Closed(id, _)) =
                note;
            self.peers[id.generation as usize].note(note);
        }
    }
}

/// The generation of the peer that comes next: its index, so that notes find it.
fn generation_of(number: usize) -> u32 {
    u32::try_from(number).expect("a few peers")
}

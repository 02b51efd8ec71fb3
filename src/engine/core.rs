//! What services may touch while they run: connections, and what belongs to them.
//!
//! The engine owns the services and this, side by side, so that a service can be called with a
//! [`Context`](super::Context) that reaches every connection. Nothing here calls a service; what
//! a service has to be told is written down and told when the call that caused it has returned.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use log::debug;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::connection::{Connection, Flags, Phase};
use super::connections::{ConnId, Connections};
use super::dial::Dial;
use super::drain::Drain;
use super::endpoint::{Binding, BindingId, Endpoint, EndpointId};
use super::limits::Limits;
use super::pace::Pace;
use super::stats::Stats;
use super::timers::{Tick, Timers};
use super::traffic::Books;
use crate::buffer::{Buffer, BufferPool};
use crate::codec::websocket::Role;
use crate::codec::websocket::deflate::{self, Agreement};
use crate::protocol::{CloseReason, Closing, Event, Protocol, Wire};
use crate::time::{Now, Time, Warning};

/// The state of the engine without the services.
#[derive(Debug)]
pub(super) struct Core {
    /// As they are [in force](Limits::in_force).
    pub(super) limits: Limits,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) bindings: Vec<Binding>,
    pub(super) connections: Connections,
    /// Input that was read and is not decoded: see [`input`](super::input). It is rare, so it stands
    /// here and not in every connection.
    pub(super) parked: HashMap<ConnId, Box<Buffer>>,
    pub(super) pool: BufferPool,
    pub(super) deflate: deflate::Pool,
    pub(super) timers: Timers,
    pub(super) stats: Stats,
    /// What goes through each binding.
    pub(super) books: Books,
    /// How long the loop takes.
    pub(super) pace: Pace,
    pub(super) rng: StdRng,
    /// The clocks when the shell had made itself ready.
    pub(super) started: Now,
    /// The clocks of this turn.
    pub(super) now: Now,
    /// Connections that the shell has to look at: output, an end, or reading to be resumed.
    pub(super) dirty: Vec<ConnId>,
    /// Connections whose output has fallen below the low-water mark, or whose turn has come again.
    pub(super) drained: VecDeque<ConnId>,
    /// Connections whose service has to be told that they are closed.
    pub(super) closed: VecDeque<Closed>,
    /// Connections that services ask for.
    pub(super) dials: VecDeque<Dial>,
    /// That connections are shed.
    pub(super) shedding_warning: Warning,
    /// When buffers that nobody needs are given back, if there are any.
    pub(super) trim_at: Time,
    /// Who was shed, for tests that have to know it of everybody.
    #[cfg(test)]
    pub(super) shed: Vec<ConnId>,
    /// The drain, if one has begun.
    pub(super) drain: Option<Drain>,
    /// How many connections there are at endpoints that [outlast](Core::outlasts) it.
    pub(super) onlookers: usize,
    /// Somebody with the right to do so has asked the server to stop, and to give everybody so much
    /// time for it.
    pub(super) stop_requested: Option<Duration>,
}

/// Something a service has to be told about the end of a connection.
#[derive(Debug)]
pub(super) struct Closed {
    pub(super) id: ConnId,
    pub(super) binding: BindingId,
    pub(super) reason: CloseReason,
    pub(super) stage: CloseStage,
}

/// How far the end has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CloseStage {
    /// No message comes or goes any more.
    Begun,
    /// What there was to wait for behind that has come, or never will.
    Over,
}

impl Core {
    pub(super) fn new(limits: Limits, seed: u64) -> Core {
        let limits = limits.in_force();
        Core {
            deflate: deflate::Pool::new(limits.protocol.deflate_from),
            limits,
            endpoints: Vec::new(),
            bindings: Vec::new(),
            connections: Connections::default(),
            parked: HashMap::new(),
            pool: BufferPool::new(),
            timers: Timers::new(),
            stats: Stats::default(),
            books: Books::new(),
            pace: Pace::default(),
            rng: StdRng::seed_from_u64(seed),
            started: Now::default(),
            now: Now::default(),
            dirty: Vec::new(),
            drained: VecDeque::new(),
            closed: VecDeque::new(),
            dials: VecDeque::new(),
            shedding_warning: Warning::default(),
            trim_at: Time::ZERO,
            #[cfg(test)]
            shed: Vec::new(),
            drain: None,
            onlookers: 0,
            stop_requested: None,
        }
    }

    pub(super) fn tick(&self) -> Tick {
        Tick::at(self.now.time)
    }

    /// Adds a connection, which has come to `endpoint` or is made by ourselves.
    pub(super) fn open(
        &mut self,
        id: ConnId,
        endpoint: Option<EndpointId>,
        binding: Option<BindingId>,
        protocol: Protocol,
        phase: Phase,
    ) {
        let now = self.tick();
        let mut connection =
            Connection::new(protocol, id.generation, endpoint, binding, now, &self.limits);
        connection.phase = phase;
        let line = self.books.of_connection(&connection);
        line.connections += 1;
        line.arrivals += 1;
        self.connections.insert(id, connection);
        self.stats.opened += 1;
        if let Some(endpoint) = endpoint
            && self.outlasts(endpoint.0)
        {
            self.onlookers += 1;
        }
        self.rearm(id);
    }

    /// A connection has become a WebSocket, whose peer is one of `binding`.
    pub(super) fn upgrade(
        &mut self,
        id: ConnId,
        binding: BindingId,
        role: Role,
        agreement: Option<Agreement>,
    ) {
        let now = self.tick();
        if let Some(connection) = self.connections.get_mut(id) {
            self.books.of_connection(connection).connections -= 1;
            connection.upgrade(binding, role, agreement, now);
            let line = self.books.of_connection(connection);
            line.connections += 1;
            // One that we have made was there before.
            line.arrivals += u64::from(role == Role::Server);
            self.stats.upgraded += 1;
            self.rearm(id);
        }
    }

    /// Closes from our side: with a Close frame to WebSocket peers.
    pub(super) fn close(&mut self, id: ConnId, code: u16, text: &str, reason: CloseReason) {
        if self.connections.get(id).is_none_or(|connection| !connection.phase.is_served()) {
            return;
        }
        let Some((protocol, mut wire)) = self.wire(id) else { return };
        let phase = match protocol.close(code, text, &mut wire) {
            Closing::AwaitPeer => Phase::AwaitClose,
            Closing::Finish => Phase::Flushing,
        };
        self.end(id, reason, phase);
    }

    /// Ends our side of a connection once its output is written, and goes on receiving.
    pub(super) fn half_close(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.phase == Phase::Open
            && connection.protocol.has_halves()
        {
            connection.phase = Phase::Ending;
            self.mark_dirty(id);
        }
    }

    /// Stops, or goes on, reading from a peer because a service wants it so.
    pub(super) fn hold(&mut self, id: ConnId, is_held: bool) {
        let now = self.tick();
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.flags.has(Flags::HELD) == is_held {
            return;
        }
        if is_held {
            connection.flags.set(Flags::HELD);
        } else {
            connection.flags.clear(Flags::HELD);
            // It was not asked for a sign of life.
            connection.note_life(now);
            self.mark_dirty(id);
            self.resume_parked(id);
        }
        self.rearm(id);
    }

    /// Moves a connection on towards its end. The service is told once: when it has messages no
    /// more. It is told again when a Close frame of ours has had its effect.
    pub(super) fn end(&mut self, id: ConnId, reason: CloseReason, phase: Phase) {
        let now = self.tick();
        let Some(connection) = self.connections.get_mut(id) else { return };
        let (before, binding) = (connection.phase, connection.binding());
        if before.is_served() {
            debug!("{id}: {reason}");
            self.stats.count_close(&reason);
            if reason.is_orderly() {
                connection.flags.set(Flags::ORDERLY);
            }
            if let Some(binding) = binding {
                self.closed.push_back(Closed { id, binding, reason, stage: CloseStage::Begun });
            }
        } else {
            let is_cut_off =
                before == Phase::Flushing && phase == Phase::Dead && connection.output.is_some();
            // What was an orderly end so far is none.
            let is_lost = matches!(reason, CloseReason::Lost(_))
                && connection.flags.has(Flags::ORDERLY)
                && (before == Phase::AwaitClose || is_cut_off);
            if is_lost || matches!(reason, CloseReason::TimedOut(_) | CloseReason::Shed) {
                debug!("{id}: {reason}");
                self.stats.count_close(&reason);
            }
            if let Some(binding) = binding
                && (before == Phase::AwaitClose || is_cut_off && connection.is_our_own())
                && !connection.flags.has(Flags::OVER)
            {
                connection.flags.set(Flags::OVER);
                self.closed.push_back(Closed { id, binding, reason, stage: CloseStage::Over });
            }
        }
        connection.phase = phase;
        connection.since = now;
        // What the protocol has said last.
        connection.settle_output(&mut self.pool);
        // Until then, what is parked may hold the peer's Close frame or the start of what is read
        // next, and what is incomplete may be completed.
        if !connection.is_decoding() {
            connection.protocol.release(&mut self.pool, &mut self.deflate);
        }
        if phase == Phase::Dead {
            connection.release(&mut self.pool, &mut self.deflate);
        }
        if !connection.is_decoding()
            && let Some(parked) = self.unpark(id)
        {
            self.pool.give(parked);
        }
        self.mark_dirty(id);
        self.rearm(id);
        // A service that holds the peer has no say any more.
        self.resume_parked(id);
    }

    /// Has what is parked of a connection decoded soon, if it means anything and nobody holds it.
    fn resume_parked(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get(id)
            && connection.flags.has(Flags::PARKED)
            && !connection.is_held()
        {
            self.list_drained(id);
        }
    }

    /// Keeps input of a connection for later.
    pub(super) fn park(&mut self, id: ConnId, input: Box<Buffer>) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags.set(Flags::PARKED);
            self.parked.insert(id, input);
        }
    }

    /// Takes the input that was kept.
    pub(super) fn unpark(&mut self, id: ConnId) -> Option<Box<Buffer>> {
        let connection = self.connections.get_mut(id)?;
        if !connection.flags.has(Flags::PARKED) {
            return None;
        }
        connection.flags.clear(Flags::PARKED);
        self.parked.remove(&id)
    }

    /// Sees to it that the timer wheel comes up no later than the connection's deadline.
    pub(super) fn rearm(&mut self, id: ConnId) {
        let now = self.tick();
        let Some(connection) = self.connections.get_mut(id) else { return };
        let Some((deadline, _)) = connection.deadline(&self.limits) else { return };
        let armed = connection.armed();
        if armed.is_none_or(|armed| !armed.is_due(deadline)) {
            if let Some(armed) = armed {
                self.timers.disarm(id.index, armed);
            }
            connection.set_armed(Some(self.timers.arm(id.index, deadline, now)));
        }
    }

    /// Takes the next event from the front of `input`. One look at the connection for each: this is
    /// the way of every message.
    #[inline]
    pub(super) fn decode<'a>(&mut self, id: ConnId, input: &mut &'a mut [u8]) -> Step<'a> {
        let Some(connection) = self.connections.get_mut(id) else { return Step::Done };
        if !connection.is_decoding() {
            return Step::Done;
        }
        if connection.queued_bytes() > self.limits.max_queued_bytes {
            return Step::Blocked;
        }
        let mut wire = Wire {
            output: &mut connection.output,
            pool: &mut self.pool,
            deflate: &mut self.deflate,
            limits: &self.limits.protocol,
            site: self.endpoints.get(usize::from(connection.endpoint)).and_then(Endpoint::site),
            unix_seconds: self.now.wall.unix_seconds,
            rng: &mut self.rng,
        };
        match connection.protocol.next(input, &mut wire) {
            Some(event) => Step::Event(event, connection.binding()),
            None => Step::Done,
        }
    }

    /// The protocol of a connection, with what it works with, for what it says unasked.
    pub(super) fn wire(&mut self, id: ConnId) -> Option<(&mut Protocol, Wire<'_>)> {
        let connection = self.connections.get_mut(id)?;
        let wire = Wire {
            output: &mut connection.output,
            pool: &mut self.pool,
            deflate: &mut self.deflate,
            limits: &self.limits.protocol,
            site: None,
            unix_seconds: self.now.wall.unix_seconds,
            rng: &mut self.rng,
        };
        Some((&mut connection.protocol, wire))
    }
}

/// What one step of decoding comes to.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// An event, and the binding whose client the peer is.
    Event(Event<'a>, Option<BindingId>),
    /// All of the input is taken, or it means nothing any more.
    Done,
    /// The peer does not read its replies, and nothing is decoded for now.
    Blocked,
}

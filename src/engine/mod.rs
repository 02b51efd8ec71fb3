//! The server as a pure state machine: bytes, ends and times go in; bytes to write and deadlines
//! come out.
//!
//! ```text
//!    open(id)  receive(id, bytes)  receive_eof(id)  lost(id)  receive_datagram  handle_timeout
//!        │            │                  │             │             │                │
//!        ▼            ▼                  ▼             ▼             ▼                ▼
//!   ┌──────────────────────────────────────────────────────────────────────────────────────┐
//!   │ Engine:   Connections { Protocol + output }    services    timers    counters         │
//!   └──────────────────────────────────────────────────────────────────────────────────────┘
//!        │            │                  │             │             │                │
//!        ▼            ▼                  ▼             ▼             ▼                ▼
//!    take_dirty   output(id)/wrote   wants_read    poll_close    the reply     poll_timeout
//! ```
//!
//! It mentions no socket, no clock and no source of randomness but the seed it is given, so it can
//! be driven by the [`Reactor`](crate::reactor::Reactor), by a test, or by any other shell. The
//! shell names the connections: a [`ConnId`] stands for the same peer on both sides.
//!
//! What a shell does with a connection, each time it has touched it and for each that
//! [`take_dirty`](Engine::take_dirty) lists: write what [`output`](Engine::output) holds and say
//! how much that was ([`wrote`](Engine::wrote)); do what [`poll_close`](Engine::poll_close) asks;
//! read on as long as [`wants_read`](Engine::wants_read) says so.

mod connection;
mod connections;
mod context;
mod core;
mod endpoint;
mod limits;
mod observer;
mod shared_frame;
mod shell;
mod stats;
#[cfg(test)]
mod tests;
mod timers;

pub use self::connections::ConnId;
pub use self::context::Context;
pub use self::endpoint::{BindingId, Endpoint, EndpointId, ServiceId, StopScope};
pub use self::limits::Limits;
pub use self::observer::{Observer, Sighting};
pub use self::shell::CloseStep;
pub use self::stats::Stats;

use std::io;
use std::net::SocketAddr;

use log::debug;

use self::connection::{Flags, Phase};
use self::core::Core;
use self::endpoint::Binding;
use self::timers::Tick;
use crate::address::PeerAddr;
use crate::codec::Payload;
use crate::codec::line::is_stop;
use crate::protocol::{CloseReason, Deadline, Event, Message, MessageKind, Protocol};
use crate::service::Service;
use crate::time::{Now, Time};

/// The most connections whose timers one turn looks at, so that a million deadlines that come up
/// together do not hold up the loop; the rest follows in the next turns.
const TIMERS_PER_TURN: usize = 4_096;

/// The server without sockets. See the [module](self) for how it is driven.
pub struct Engine<O: Observer = ()> {
    services: Vec<Box<dyn Service>>,
    bindings: Vec<Binding>,
    core: Core,
    observer: O,
    /// What a datagram is answered with; lent to the shell until the next call.
    reply: Vec<u8>,
    /// Timer entries that have come up.
    due: Vec<(u32, Tick)>,
    drain_deadline: Option<Time>,
    /// Where our own datagram sockets are.
    own_addresses: Vec<SocketAddr>,
}

impl<O: Observer> std::fmt::Debug for Engine<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("connections", &self.core.connections.len())
            .field("stats", &self.core.stats)
            .finish_non_exhaustive()
    }
}

/// Setting up.
impl<O: Observer> Engine<O> {
    /// An engine that serves nothing yet. `seed` determines every random number it will use.
    pub fn new(limits: Limits, seed: u64, observer: O) -> Engine<O> {
        Engine {
            services: Vec::new(),
            bindings: Vec::new(),
            core: Core::new(limits, seed),
            observer,
            reply: Vec::new(),
            due: Vec::new(),
            drain_deadline: None,
            own_addresses: Vec::new(),
        }
    }

    /// Adds a service. It may be bound to several endpoints, whose clients then meet in it.
    pub fn add_service(&mut self, service: Box<dyn Service>) -> ServiceId {
        self.services.push(service);
        ServiceId(small_index(self.services.len()))
    }

    /// Binds a service.
    pub fn add_binding(&mut self, service: ServiceId, stop: StopScope) -> BindingId {
        self.bindings.push(Binding { service, stop });
        BindingId(small_index(self.bindings.len()))
    }

    /// Adds something that connections or datagrams come to.
    pub fn add_endpoint(&mut self, endpoint: Endpoint) -> EndpointId {
        self.core.endpoints.push(endpoint);
        EndpointId(small_index(self.core.endpoints.len()))
    }

    /// Names the address of a datagram socket of this server. What seems to come from it is not
    /// answered: a datagram with a forged sender would have two services talk to each other for
    /// ever.
    pub fn add_own_address(&mut self, address: SocketAddr) {
        self.own_addresses.push(address);
    }
}

/// The index of the last of `length` services, bindings or endpoints.
fn small_index(length: usize) -> u16 {
    // The largest number is left free to mean "none".
    u16::try_from(length).expect("a server has fewer than 65,536 bindings") - 1
}

/// What comes in.
impl<O: Observer> Engine<O> {
    /// A peer has connected to `endpoint`.
    ///
    /// # Panics
    /// If the endpoint is for datagrams, or the place of `id` is taken.
    pub fn open(&mut self, id: ConnId, endpoint: EndpointId, now: Now) {
        self.core.now = now;
        let protocol = self.core.endpoints[usize::from(endpoint.0)].protocol();
        self.core.open(id, endpoint.0, protocol.expect("connections come to a listener"));
        let binding = self.core.endpoints[usize::from(endpoint.0)].binding();
        if let Some(binding) = binding {
            self.observer.see(binding, Some(id), Sighting::Opened { head: &[] });
            self.call(binding, id, |service, cx| service.on_open(cx, id));
        }
    }

    /// Bytes have come from a peer (of a packet connection: one packet). They are changed in
    /// place, and nothing of them is kept but the incomplete rest of a message.
    pub fn receive(&mut self, id: ConnId, bytes: &mut [u8], now: Now) {
        self.core.now = now;
        let tick = self.core.tick();
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        self.core.stats.bytes_received += bytes.len() as u64;
        match connection.phase {
            Phase::Open | Phase::AwaitClose => {
                if let Protocol::WebSocket(_) = connection.protocol
                    && connection.phase == Phase::Open
                {
                    // Any byte is a sign of life.
                    connection.note_life(tick);
                }
                let left = self.decode(id, bytes);
                if left > 0 {
                    self.park(id, &bytes[bytes.len() - left..]);
                }
            }
            Phase::Lingering => {
                let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                connection.linger_left = connection.linger_left.saturating_sub(count);
                if connection.linger_left == 0 {
                    connection.phase = Phase::Dead;
                }
            }
            Phase::Flushing | Phase::Dead => {}
        }
    }

    /// A peer has ended its side; everything it sent has been received.
    pub fn receive_eof(&mut self, id: ConnId, now: Now) {
        self.core.now = now;
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        connection.flags.set(Flags::INPUT_ENDED);
        match connection.phase {
            Phase::Open | Phase::AwaitClose => {
                let reason = connection.protocol.end();
                self.core.end(id, reason, Phase::Flushing);
                self.tell_closed();
            }
            Phase::Lingering => connection.phase = Phase::Dead,
            Phase::Flushing | Phase::Dead => {}
        }
    }

    /// Reading or writing has failed: the connection is broken.
    pub fn lost(&mut self, id: ConnId, error: io::ErrorKind, now: Now) {
        self.core.now = now;
        self.core.end(id, CloseReason::Lost(error), Phase::Dead);
        self.tell_closed();
    }

    /// A datagram has come to `endpoint`; returns what it is to be answered with. The answer may
    /// be empty and is one all the same.
    pub fn receive_datagram(
        &mut self,
        endpoint: EndpointId,
        from: &PeerAddr,
        payload: &[u8],
        now: Now,
    ) -> Option<&[u8]> {
        self.core.now = now;
        self.core.stats.datagrams += 1;
        if self.is_ourselves(from) {
            self.core.stats.datagrams_from_ourselves += 1;
            return None;
        }
        let binding = self.core.endpoints[usize::from(endpoint.0)].binding()?;
        let Binding { service, stop } = self.bindings[usize::from(binding.0)];
        self.reply.clear();
        let is_answered = if is_stop(payload) {
            self.core.stop_requested |= stop == StopScope::Server;
            false
        } else {
            let mut context = Context::new(&mut self.core, None);
            let service = &mut self.services[usize::from(service.0)];
            service.on_datagram(&mut context, from, payload, &mut self.reply)
        };
        let reply = is_answered.then_some(self.reply.as_slice());
        self.observer.see(binding, None, Sighting::Datagram { payload, reply });
        self.tell_closed();
        if is_answered && *from == PeerAddr::Unix(None) {
            self.core.stats.datagrams_unanswerable += 1;
            return None;
        }
        is_answered.then_some(self.reply.as_slice())
    }

    /// Time has passed: deadlines, services' timers, and peers that have room again. Does a
    /// bounded amount of work; what is left is due at once.
    pub fn handle_timeout(&mut self, now: Now) {
        self.core.now = now;
        self.expire_timers();
        for index in 0..self.services.len() {
            if self.services[index].poll_timeout().is_some_and(|due| due <= now.time) {
                let mut context = Context::new(&mut self.core, None);
                self.services[index].handle_timeout(&mut context);
            }
        }
        self.tell_closed();
        for id in std::mem::take(&mut self.core.drained) {
            self.resume(id);
        }
    }

    /// Stops taking on work: WebSocket peers get Close 1001, all others the end of the stream once
    /// their output is written.
    pub fn begin_drain(&mut self, now: Now) {
        self.core.now = now;
        if self.drain_deadline.is_some() {
            return;
        }
        self.drain_deadline = Some(now.time + self.core.limits.drain_timeout);
        for id in self.core.connections.ids() {
            self.core.close(id, 1001, "", CloseReason::Draining);
        }
        self.tell_closed();
    }
}

/// What goes on inside.
impl<O: Observer> Engine<O> {
    /// Decodes `input` and serves every message in it. Returns how many bytes at its end are left
    /// undecoded because the peer does not read its replies.
    fn decode(&mut self, id: ConnId, input: &mut [u8]) -> usize {
        let mut rest = input;
        let mut left = 0;
        loop {
            let core = &mut self.core;
            let Some(connection) = core.connections.get_mut(id) else { break };
            if !connection.is_decoding() {
                break;
            }
            if connection.queued_bytes() > core.limits.queue_cap() {
                left = rest.len();
                break;
            }
            let site = Core::site(&core.endpoints, connection.endpoint);
            let unix_seconds = core.now.wall.unix_seconds;
            let (protocol, mut wire) =
                connection.with_wire(&mut core.pool, &core.limits, site, unix_seconds);
            let Some(event) = protocol.next(&mut rest, &mut wire) else { break };
            self.handle(id, event);
            if rest.is_empty() {
                break;
            }
        }
        self.after_decode(id);
        left
    }

    /// Serves one event.
    fn handle(&mut self, id: ConnId, event: Event<'_>) {
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        match event {
            Event::Message(kind, payload) => {
                let binding = connection.binding().expect("only services get messages");
                self.deliver(binding, id, kind, payload);
            }
            Event::Stop => {
                let binding = connection.binding().expect("lines have a binding");
                self.observer.see(binding, Some(id), Sighting::Stop);
                if self.bindings[usize::from(binding.0)].stop == StopScope::Server {
                    self.core.stop_requested = true;
                }
                self.core.end(id, CloseReason::Stopped, Phase::Flushing);
                self.tell_closed();
            }
            Event::Upgraded { binding, head } => {
                let binding = BindingId(binding);
                connection.upgrade(binding, Tick::at(self.core.now.time));
                self.core.stats.upgraded += 1;
                self.core.rearm(id);
                self.observer.see(binding, Some(id), Sighting::Opened { head: head.as_slice() });
                head.recycle(&mut self.core.pool);
                self.call(binding, id, |service, cx| service.on_open(cx, id));
            }
            // An HTTP response: the queue is looked at before the next one.
            Event::Answered(None) => {}
            Event::Answered(Some(refusal)) => {
                debug!("connection {}: {refusal}", id.index);
                self.core.stats.requests_refused += 1;
            }
            Event::Finished(reason) => {
                self.core.end(id, reason, Phase::Flushing);
                self.tell_closed();
            }
        }
    }

    /// Hands a message to its service.
    fn deliver(&mut self, binding: BindingId, id: ConnId, kind: MessageKind, payload: Payload<'_>) {
        let bytes = payload.as_slice();
        self.core.stats.messages += 1;
        self.observer.see(binding, Some(id), Sighting::Message(bytes));
        self.call(binding, id, |service, cx| {
            service.on_message(cx, id, Message::decoded(kind, bytes));
        });
        payload.recycle(&mut self.core.pool);
    }

    /// What follows from decoding in all: HTTP deadlines start anew with each stage of a request.
    fn after_decode(&mut self, id: ConnId) {
        let tick = self.core.tick();
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        connection.note_growth(&self.core.limits);
        if let Protocol::Http(http) = &mut connection.protocol {
            if http.take_deadline_restart() && connection.phase == Phase::Open {
                connection.since = tick;
            }
            self.core.rearm(id);
        }
    }

    /// Keeps input for later.
    fn park(&mut self, id: ConnId, rest: &[u8]) {
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        let mut parked = self.core.pool.take();
        parked.extend(rest);
        connection.parked = Some(parked);
        self.core.stats.parked += 1;
    }

    /// The output of a peer has fallen below the low-water mark: what was parked is decoded, and
    /// its service may go on.
    fn resume(&mut self, id: ConnId) {
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        let binding = connection.binding();
        if let Some(mut parked) = connection.parked.take() {
            let length = parked.len();
            let left = self.decode(id, parked.as_mut_slice());
            parked.consume(length - left);
            match self.core.connections.get_mut(id) {
                Some(connection) if left > 0 => connection.parked = Some(parked),
                _ => self.core.pool.give(parked),
            }
        }
        if let Some(binding) = binding
            && self
                .core
                .connections
                .get(id)
                .is_some_and(|connection| connection.phase == Phase::Open)
        {
            self.call(binding, id, |service, cx| service.on_drained(cx, id));
        }
        // Also without new output: reading may go on.
        self.core.mark_dirty(id);
    }

    /// Whether a datagram seems to come from one of our own sockets. One that listens on every
    /// address has them all: the one that was asked, and loopback.
    fn is_ourselves(&self, from: &PeerAddr) -> bool {
        let PeerAddr::Inet { remote, local } = from else { return false };
        self.own_addresses.iter().any(|own| {
            own.port() == remote.port()
                && (own.ip() == remote.ip()
                    || own.ip().is_unspecified()
                        && (remote.ip().is_loopback() || *local == Some(remote.ip())))
        })
    }

    /// Looks at the connections whose timers have come up.
    fn expire_timers(&mut self) {
        let now = self.core.tick();
        let mut due = std::mem::take(&mut self.due);
        self.core.timers.expire(now, TIMERS_PER_TURN, &mut due);
        for (index, tick) in due.drain(..) {
            let Some(id) = self.core.connections.at(index) else { continue };
            let connection = self.core.connections.get_mut(id).expect("it is there");
            if connection.armed() != Some(tick) {
                continue;
            }
            connection.set_armed(None);
            match connection.deadline(&self.core.limits) {
                Some((deadline, what)) if deadline.is_due(now) => self.missed(id, what),
                _ => {}
            }
            self.core.rearm(id);
        }
        self.due = due;
    }

    /// A deadline has come.
    fn missed(&mut self, id: ConnId, deadline: Deadline) {
        let now = self.core.tick();
        let core = &mut self.core;
        let Some(connection) = core.connections.get_mut(id) else { return };
        let reason = CloseReason::TimedOut(deadline);
        match (connection.phase, deadline) {
            (Phase::Open, Deadline::Pong) if !connection.flags.has(Flags::PINGED) => {
                connection.flags.set(Flags::PINGED);
                connection.since = now;
                let (protocol, mut wire) =
                    connection.with_wire(&mut core.pool, &core.limits, None, 0);
                if let Protocol::WebSocket(websocket) = protocol {
                    websocket.ping(&mut wire);
                }
                core.mark_dirty(id);
            }
            (Phase::Open, Deadline::Handshake) => {
                let unix_seconds = core.now.wall.unix_seconds;
                let (protocol, mut wire) =
                    connection.with_wire(&mut core.pool, &core.limits, None, unix_seconds);
                if let Protocol::Http(http) = protocol {
                    http.time_out(&mut wire);
                }
                core.end(id, reason, Phase::Flushing);
            }
            (Phase::Open, Deadline::KeepAlive) => core.end(id, reason, Phase::Flushing),
            (Phase::AwaitClose, _) if connection.output.is_none() => {
                core.end(id, reason, Phase::Flushing);
            }
            (Phase::Lingering, _) => {
                connection.phase = Phase::Dead;
                core.mark_dirty(id);
            }
            _ => core.end(id, reason, Phase::Dead),
        }
        self.tell_closed();
    }

    /// Calls the service behind a binding about a peer.
    fn call(
        &mut self,
        binding: BindingId,
        id: ConnId,
        call: impl FnOnce(&mut dyn Service, &mut Context<'_>),
    ) {
        let service = self.bindings[usize::from(binding.0)].service;
        let mut context = Context::new(&mut self.core, Some(id));
        call(self.services[usize::from(service.0)].as_mut(), &mut context);
        self.tell_closed();
    }

    /// Tells services of the connections that were closed by the last call. Bounded: a service may
    /// close others when it is told, but each connection is closed once.
    fn tell_closed(&mut self) {
        while let Some((id, binding, reason)) = self.core.closed.pop() {
            self.observer.see(binding, Some(id), Sighting::Closed(&reason));
            let service = self.bindings[usize::from(binding.0)].service;
            let mut context = Context::new(&mut self.core, None);
            self.services[usize::from(service.0)].on_close(&mut context, id, reason);
        }
    }

    /// Logs the counters.
    pub fn log_stats(&self) {
        log::info!("open={} {}", self.core.connections.len(), self.core.stats);
    }
}

impl<O: Observer> Drop for Engine<O> {
    fn drop(&mut self) {
        debug!("counters: {}", self.core.stats);
    }
}

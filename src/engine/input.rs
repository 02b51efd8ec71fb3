//! What peers send: bytes become messages, and messages are handed to services.
//!
//! A read is decoded to its end at once, with two exceptions: of a peer that does not read its replies,
//! and of one whose messages have become very long when inflated, the rest of the input is parked, and
//! [`resume`](Engine::resume) goes on with it later.

use std::io;

use log::debug;

use super::connection::{Flags, Phase};
use super::core::Step;
use super::observer::{Observer, Sighting};
use super::{BindingId, ConnId, EndpointId, Engine, StopScope};
use crate::address::Escaped;
use crate::codec::Payload;
use crate::codec::websocket::Role;
use crate::protocol::{CloseReason, Event, Message, MessageKind, Protocol};
use crate::time::Now;

/// A read is bounded, and what it is when inflated may be a thousand times as much. Behind a message
/// that makes it more than this, what is left waits for the next turn.
const INFLATED_PER_TURN: u64 = 1024 * 1024;

/// What the shell reports.
impl<O: Observer> Engine<O> {
    /// A peer has connected to `endpoint`.
    ///
    /// # Panics
    /// If the endpoint is for datagrams, or the place of `id` is taken.
    pub fn open(&mut self, id: ConnId, endpoint: EndpointId, now: Now) {
        self.core.now = now;
        let spoken = &self.core.endpoints[usize::from(endpoint.0)];
        let protocol = spoken.protocol().expect("connections come to a listener");
        let binding = spoken.binding();
        self.core.open(id, Some(endpoint), binding, protocol, Phase::Open);
        self.show_state(id);
        if let Some(binding) = binding {
            self.opened(binding, id, &[]);
        }
    }

    /// Bytes have come from a peer (of a packet connection: one packet). They are changed in
    /// place, and nothing of them is kept but the incomplete rest of a message.
    pub fn receive(&mut self, id: ConnId, bytes: &mut [u8], now: Now) {
        self.core.now = now;
        let tick = self.core.tick();
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        self.core.stats.bytes_received += bytes.len() as u64;
        self.core.books.of_connection(connection).bytes_received += bytes.len() as u64;
        match connection.phase {
            Phase::Open | Phase::Ending | Phase::HalfClosed | Phase::AwaitClose => {
                if connection.hear(tick) {
                    // The next ping may be due before the answer to this one was.
                    self.core.rearm(id);
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
            Phase::Connecting | Phase::Flushing | Phase::Dead => {}
        }
        self.show_state(id);
    }

    /// There is something to read from a peer, which waits because the engine is
    /// [full](Engine::is_full). That it has come is a sign of life, whatever it is: else a peer would
    /// be closed for an answer that nobody looks at.
    pub fn read_waits(&mut self, id: ConnId, now: Now) {
        self.core.now = now;
        let tick = self.core.tick();
        if self.core.connections.get_mut(id).is_some_and(|connection| connection.hear(tick)) {
            self.core.rearm(id);
        }
    }

    /// A peer has ended its side; everything it sent has been received.
    pub fn receive_eof(&mut self, id: ConnId, now: Now) {
        self.core.now = now;
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        connection.flags.set(Flags::INPUT_ENDED);
        match connection.phase {
            Phase::Open | Phase::Ending | Phase::HalfClosed | Phase::AwaitClose => {
                let is_cut_off = connection.flags.has(Flags::CUT_OFF);
                let reason = match connection.protocol.end() {
                    CloseReason::Ended if is_cut_off => {
                        CloseReason::Lost(io::ErrorKind::ConnectionReset)
                    }
                    reason => reason,
                };
                self.core.end(id, reason, Phase::Flushing);
                self.tell_closed();
            }
            Phase::Lingering => connection.phase = Phase::Dead,
            Phase::Connecting | Phase::Flushing | Phase::Dead => {}
        }
        self.show_state(id);
    }

    /// Writing has failed. A client reads on if it may: what the server said before it went is there
    /// still, and so is the reason for it. Returns whether it is to be read from.
    pub fn write_failed(&mut self, id: ConnId, error: io::ErrorKind, now: Now) -> bool {
        let Some(connection) = self.core.connections.get_mut(id) else { return false };
        let has_gone = matches!(
            error,
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::NotConnected
        );
        let is_read = has_gone && connection.is_our_own() && connection.is_decoding();
        if !is_read {
            self.lost(id, error, now);
            return false;
        }
        if let Some(output) = connection.output.take() {
            self.core.pool.give(output);
        }
        connection.flags.set(Flags::CUT_OFF);
        if connection.phase != Phase::AwaitClose {
            connection.phase = Phase::HalfClosed;
        }
        if connection.note_shrinking(&self.core.limits) {
            // What was parked waits for output to be written, of which there is none any more.
            self.core.list_drained(id);
        }
        true
    }

    /// Reading has failed, or what else cannot be done without: the connection is broken.
    pub fn lost(&mut self, id: ConnId, error: io::ErrorKind, now: Now) {
        self.core.now = now;
        self.core.end(id, CloseReason::Lost(error), Phase::Dead);
        self.tell_closed();
    }
}

/// What comes of it.
impl<O: Observer> Engine<O> {
    /// Decodes `input` and serves every message in it. Returns how many bytes at its end are left
    /// undecoded because the peer does not read its replies, or because what came before them has
    /// become so much when inflated that it is somebody else's turn.
    fn decode(&mut self, id: ConnId, input: &mut [u8]) -> usize {
        let messages_before = self.core.stats.messages;
        let most_inflated = self.core.deflate.inflated_bytes() + INFLATED_PER_TURN;
        let mut rest = input;
        let left = loop {
            match self.core.decode(id, &mut rest) {
                Step::Event(event, binding) => self.handle(id, event, binding),
                Step::Done => break 0,
                Step::Blocked => break rest.len(),
            }
            if rest.is_empty() {
                break 0;
            }
            if self.core.deflate.inflated_bytes() > most_inflated {
                break rest.len();
            }
        };
        self.after_decode(id, self.core.stats.messages - messages_before, left)
    }

    /// Serves one event of a client of `binding`.
    fn handle(&mut self, id: ConnId, event: Event<'_>, binding: Option<BindingId>) {
        match event {
            Event::Message(kind, payload) => {
                let binding = binding.expect("only services get messages");
                self.deliver(binding, id, kind, payload);
            }
            Event::Stop => {
                let binding = binding.expect("lines have a binding");
                self.observer.see(binding, Some(id), Sighting::Stop);
                if self.core.bindings[usize::from(binding.0)].stop == StopScope::Server {
                    self.core.stop_requested = Some(self.core.limits.drain_timeout);
                }
                self.core.end(id, CloseReason::Stopped, Phase::Flushing);
                self.tell_closed();
            }
            Event::Upgraded { binding, head, deflate } => {
                let binding = BindingId(binding);
                self.core.upgrade(id, binding, Role::Server, deflate);
                self.opened(binding, id, head.as_slice());
                head.recycle(&mut self.core.pool);
            }
            Event::Responded { head, checked } => {
                let binding = binding.expect("who is dialed is of a binding");
                log_head(id, head.as_slice());
                match checked {
                    Ok(deflate) => {
                        self.core.upgrade(id, binding, Role::Client, deflate);
                        self.opened(binding, id, head.as_slice());
                    }
                    Err(error) => {
                        self.core.end(id, CloseReason::BadHandshake(error), Phase::Dead);
                        self.tell_closed();
                    }
                }
                head.recycle(&mut self.core.pool);
            }
            Event::Asked(binding, asked) => {
                if let Some(event) = self.ask(id, BindingId(binding), *asked) {
                    self.handle(id, event, None);
                }
            }
            // An HTTP response: the queue is looked at before the next one.
            Event::Answered(None) => {}
            Event::Answered(Some(refusal)) => {
                debug!("{id}: {refusal}");
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
        self.call(binding, id, "on_message", |service, cx| {
            service.on_message(cx, id, Message::decoded(kind, bytes));
        });
        payload.recycle(&mut self.core.pool);
    }

    /// What follows from decoding in all: the messages that came of it are entered in the books, HTTP
    /// deadlines start anew with each stage of a request, and what is left gets its turn. Returns how many
    /// bytes that is.
    fn after_decode(&mut self, id: ConnId, messages: u64, left: usize) -> usize {
        let tick = self.core.tick();
        let Some(connection) = self.core.connections.get_mut(id) else { return 0 };
        self.core.books.of_connection(connection).messages_received += messages;
        let has_fallen = connection.weigh_output(&mut self.core.pool, &self.core.limits);
        // What follows the end of a connection means nothing.
        let left = if connection.is_decoding() { left } else { 0 };
        // What stood in the way is gone already, or it was only the time.
        let has_turn = left > 0 && !connection.flags.has(Flags::FULL);
        if let Protocol::Http(http) = &mut connection.protocol {
            if http.take_deadline_restart() && connection.phase == Phase::Open {
                connection.since = tick;
            }
            self.core.rearm(id);
        }
        if has_fallen || has_turn {
            self.core.list_drained(id);
        }
        left
    }

    /// Keeps input for later.
    fn park(&mut self, id: ConnId, rest: &[u8]) {
        let mut parked = self.core.pool.take_for(rest.len());
        parked.extend(rest);
        self.core.pool.settle(&mut parked);
        self.core.park(id, parked);
        self.core.stats.parked += 1;
    }

    /// The output of a peer has fallen below the low-water mark, or its turn has come again: what was
    /// parked is decoded, unless its service does not want anything of it, and its service may go on.
    pub(super) fn resume(&mut self, id: ConnId) {
        let Some(connection) = self.core.connections.get(id) else { return };
        let binding = connection.binding();
        if !connection.is_held()
            && let Some(mut parked) = self.core.unpark(id)
        {
            let length = parked.len();
            let left = self.decode(id, parked.as_mut_slice());
            parked.consume(length - left);
            if left > 0 {
                self.core.park(id, parked);
            } else {
                self.core.pool.give(parked);
            }
        }
        if let Some(binding) = binding
            && self.core.connections.get(id).is_some_and(|connection| {
                connection.phase == Phase::Open && !connection.is_being_made()
            })
        {
            self.call(binding, id, "on_drained", |service, cx| service.on_drained(cx, id));
        }
        // Also without new output: reading may go on.
        self.core.mark_dirty(id);
    }
}

/// Shows what a server has answered to our request, a line each.
fn log_head(id: ConnId, head: &[u8]) {
    for line in head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if !line.is_empty() {
            debug!("{id}: < {}", Escaped(line));
        }
    }
}

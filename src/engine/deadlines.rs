//! What happens because time has passed: missed deadlines and services' timers.

use super::connection::{Flags, Phase};
use super::context::Context;
use super::observer::Observer;
use super::{ConnId, Engine};
use crate::protocol::{CloseReason, Deadline, Protocol};
use crate::time::{Now, Time};

/// The most connections whose timers one turn looks at, so that a million deadlines that come up
/// together do not hold up the loop; the rest follows in the next turns.
const TIMERS_PER_TURN: usize = 4_096;

/// The most peers that are served again in one turn because they have room, or because they had to
/// wait for it. Each may be sent as much as fits below the high-water mark, which takes longer than
/// anything else a turn does for one connection.
const RESUMES_PER_TURN: usize = 8;

impl<O: Observer> Engine<O> {
    /// Time has passed: deadlines, services' timers, and peers that have room again; and if the
    /// buffers hold more than they may, whoever holds most is closed. Does a bounded amount of work;
    /// what is left is due at once.
    pub fn handle_timeout(&mut self, now: Now) {
        self.core.now = now;
        self.expire_timers();
        for index in 0..self.services.len() {
            if let Some(due) = self.services[index].poll_timeout()
                && due <= now.time
            {
                // What is due at once was not named in advance.
                if due > Time::ZERO {
                    self.core.pace.lag.note(now.time - due, now.time);
                }
                let binding = self.binding_of(index);
                self.show_call(binding, None, "handle_timeout");
                let mut context = Context::new(&mut self.core, None);
                self.services[index].handle_timeout(&mut context);
            }
        }
        self.tell_closed();
        // Who is put on the list again has to wait for the next turn.
        for _ in 0..self.core.drained.len().min(RESUMES_PER_TURN) {
            if self.core.is_full() {
                break;
            }
            let Some(id) = self.core.next_drained() else { break };
            self.resume(id);
        }
        // Who is told that somebody was closed may have something to say to others.
        while self.core.is_full() {
            self.core.make_room();
            self.tell_closed();
        }
        self.core.trim();
    }

    /// Looks at the connections whose timers have come up.
    fn expire_timers(&mut self) {
        let now = self.core.tick();
        for _ in 0..TIMERS_PER_TURN {
            let Some(index) = self.core.timers.expire(now) else { break };
            let id = self.core.connections.at(index).expect("who leaves takes its entry along");
            let connection = self.core.connections.get_mut(id).expect("it is there");
            connection.set_armed(None);
            match connection.deadline(&self.core.limits) {
                Some((deadline, what)) if deadline.is_due(now) => {
                    let time = self.core.now.time;
                    self.core.pace.lag.note(deadline.passed_at(time), time);
                    self.missed(id, what);
                }
                _ => {}
            }
            self.core.rearm(id);
        }
    }

    /// A deadline has come.
    fn missed(&mut self, id: ConnId, deadline: Deadline) {
        self.show_deadline(id, deadline);
        let now = self.core.tick();
        let core = &mut self.core;
        let Some(connection) = core.connections.get_mut(id) else { return };
        let reason = CloseReason::TimedOut(deadline);
        match (connection.phase, deadline) {
            (Phase::Open, Deadline::Pong) if !connection.flags.has(Flags::PINGED) => {
                connection.flags.set(Flags::PINGED);
                connection.since = now;
                if let Some((protocol, mut wire)) = core.wire(id)
                    && let Some(websocket) = protocol.websocket()
                {
                    websocket.ping(&mut wire);
                }
                core.note_output(id);
            }
            (Phase::Open, Deadline::Handshake) => {
                let phase = match core.wire(id) {
                    Some((Protocol::Http(http), mut wire)) => {
                        http.time_out(&mut wire);
                        Phase::Flushing
                    }
                    _ => Phase::Dead,
                };
                core.end(id, reason, phase);
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
        self.show_state(id);
        self.tell_closed();
    }
}

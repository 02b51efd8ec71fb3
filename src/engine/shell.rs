//! What the shell asks the engine: what to write, whether to read, when to close, how long to
//! wait.

use std::time::Duration;

use super::connection::{Flags, Phase};
use super::connections::ConnId;
use super::memory::Memory;
use super::observer::Observer;
use super::pace::Pace;
use super::stats::Stats;
use super::traffic::Traffic;
use super::{BindingId, Engine, Limits};
use crate::protocol::{Format, Protocol, ahead};
use crate::time::{Now, Time};

/// What a shell has to do with a socket on its way to the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CloseStep {
    /// End our side (FIN), and read on.
    ShutdownWrite,
    /// Close the socket, at the end of the turn, and [`remove`](Engine::remove) the connection.
    Close,
}

impl<O: Observer> Engine<O> {
    /// What waits to be written to a peer, all of it; of a packet connection, the next packet.
    pub fn output(&self, id: ConnId) -> Option<&[u8]> {
        let connection = self.core.connections.get(id)?;
        let queued = connection.output.as_ref()?.as_slice();
        match connection.protocol {
            Protocol::Packet(_) => Some(&queued[Format::PACKET_PREFIX..][..packet_length(queued)]),
            _ => Some(queued),
        }
    }

    /// `count` bytes of the output have been written; of a packet connection, the next packet.
    pub fn wrote(&mut self, id: ConnId, count: usize, now: Now) {
        self.core.now = now;
        let tick = self.core.tick();
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        let line = self.core.books.of_connection(connection);
        let Some(output) = connection.output.as_mut() else { return };
        self.core.stats.bytes_sent += count as u64;
        line.bytes_sent += count as u64;
        let taken = match connection.protocol {
            Protocol::Packet(_) => Format::PACKET_PREFIX + count,
            _ => count,
        };
        if taken == output.len() {
            if let Some(output) = connection.output.take() {
                self.core.pool.give(output);
            }
        } else {
            if connection.protocol.websocket().is_some() {
                ahead::take(output, taken);
            } else {
                output.consume(taken);
            }
            output.marks.is_blocked = true;
        }
        let mut is_answer = false;
        if connection.is_paused() || matches!(connection.phase, Phase::AwaitClose | Phase::Flushing)
        {
            // Nothing is read from this peer, or nothing but an answer to a Close frame that it
            // has yet to come to; so what it takes is its sign of life.
            is_answer = connection.flags.has(Flags::PINGED);
            connection.note_life(tick);
        }
        if connection.weigh_output(&mut self.core.pool, &self.core.limits) {
            self.core.list_drained(id);
        }
        if is_answer {
            self.core.rearm(id);
        }
        self.show_state(id);
    }

    /// There was no room for the output of a peer, not even for a byte of it.
    pub fn blocked(&mut self, id: ConnId) {
        if let Some(connection) = self.core.connections.get_mut(id)
            && let Some(output) = &mut connection.output
        {
            output.marks.is_blocked = true;
            self.core.weigh_output(id);
        }
    }

    /// Whether the peer may be read from. If not, the connection comes up in
    /// [`take_dirty`](Engine::take_dirty) when that changes.
    pub fn wants_read(&self, id: ConnId) -> bool {
        self.core.connections.get(id).is_some_and(|connection| match connection.phase {
            Phase::Open | Phase::Ending | Phase::HalfClosed | Phase::AwaitClose => {
                !connection.is_paused()
                    && !connection.is_held()
                    && !connection.flags.has(Flags::PARKED)
            }
            Phase::Lingering => true,
            Phase::Connecting | Phase::Flushing | Phase::Dead => false,
        })
    }

    /// Whether all buffers together hold as much as they may. Then nothing is read, and nobody is
    /// accepted; the next [`handle_timeout`](Engine::handle_timeout) makes room.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.core.is_full()
    }

    /// What closing asks for at this moment, to be called when the output has been written as far
    /// as it goes. Each step is named once, but for `Close`, which stays until the connection is
    /// removed.
    pub fn poll_close(&mut self, id: ConnId) -> Option<CloseStep> {
        let now = self.core.tick();
        let connection = self.core.connections.get_mut(id)?;
        let step = match connection.phase {
            Phase::Ending if connection.output.is_none() => {
                connection.phase = Phase::HalfClosed;
                connection.flags.set(Flags::WRITE_ENDED);
                Some(CloseStep::ShutdownWrite)
            }
            Phase::Flushing if connection.output.is_some() => None,
            // The peer has sent everything it had, so nothing can arrive that would be answered
            // with an RST.
            Phase::Flushing if connection.flags.has(Flags::INPUT_ENDED) => {
                connection.phase = Phase::Dead;
                Some(CloseStep::Close)
            }
            Phase::Flushing => {
                connection.phase = Phase::Lingering;
                connection.since = now;
                let is_ended = connection.flags.has(Flags::WRITE_ENDED)
                    || connection.protocol.leaves_end_to_peer();
                self.core.rearm(id);
                (!is_ended).then_some(CloseStep::ShutdownWrite)
            }
            Phase::Dead => Some(CloseStep::Close),
            Phase::Connecting
            | Phase::Open
            | Phase::Ending
            | Phase::HalfClosed
            | Phase::AwaitClose
            | Phase::Lingering => None,
        };
        self.show_state(id);
        step
    }

    /// The socket is closed: forgets the connection.
    pub fn remove(&mut self, id: ConnId) {
        if let Some(parked) = self.core.unpark(id) {
            self.core.pool.give(parked);
        }
        if let Some(mut connection) = self.core.connections.remove(id) {
            connection.release(&mut self.core.pool, &mut self.core.deflate);
            if let Some(tick) = connection.armed() {
                self.core.timers.disarm(id.index, tick);
            }
            self.core.stats.closed += 1;
            self.core.books.of_connection(&connection).connections -= 1;
            if self.core.outlasts(connection.endpoint) {
                self.core.onlookers -= 1;
            }
            if self.core.connections.len() == 0 {
                self.core.pool.trim();
                self.core.deflate.trim();
                self.core.timers.trim();
            }
        }
    }

    /// Takes the list of connections that have something for the shell to do, in the order in which
    /// they came to have it, and leaves `list` (emptied) for the next ones. Those of which
    /// [`needs_shell`](Self::needs_shell) says otherwise were seen to since.
    pub fn take_dirty(&mut self, list: &mut Vec<ConnId>) {
        list.clear();
        std::mem::swap(&mut self.core.dirty, list);
    }

    /// Whether a connection has something for the shell to do.
    pub fn needs_shell(&self, id: ConnId) -> bool {
        self.core.connections.get(id).is_some_and(|connection| connection.flags.has(Flags::DIRTY))
    }

    /// The shell looks at a connection, so it need not be listed as dirty.
    pub fn clear_dirty(&mut self, id: ConnId) {
        if let Some(connection) = self.core.connections.get_mut(id) {
            connection.flags.clear(Flags::DIRTY);
        }
    }

    /// Has the shell look at a connection again, because it could not do all there was to do.
    pub fn mark_dirty(&mut self, id: ConnId) {
        self.core.mark_dirty(id);
    }

    /// When [`handle_timeout`](Engine::handle_timeout) is to be called next, at the latest.
    pub fn poll_timeout(&self) -> Option<Time> {
        let now = self.core.now.time;
        if !self.core.drained.is_empty()
            || !self.core.dirty.is_empty()
            || !self.core.dials.is_empty()
            || self.core.is_full()
            || self.is_left_to_onlookers()
        {
            return Some(now);
        }
        let services = self.services.iter().filter_map(|service| service.poll_timeout());
        let drain = self.core.drain.filter(|_| self.core.connections.len() > 0).map(|d| d.deadline);
        let own = [self.core.timers.next_due(now), self.core.next_trim(), drain];
        services.chain(own.into_iter().flatten()).min()
    }

    /// Whether somebody with the right to do so has asked the server to stop.
    pub fn stop_requested(&self) -> bool {
        self.core.stop_requested.is_some()
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.core.connections.len()
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// What all of its buffers take at this moment.
    pub fn memory(&self) -> Memory {
        self.core.memory()
    }

    /// The counters.
    pub fn stats(&self) -> &Stats {
        &self.core.stats
    }

    /// The counters, for what only the shell sees.
    pub fn stats_mut(&mut self) -> &mut Stats {
        &mut self.core.stats
    }

    /// What has gone through a binding; or (`None`) through web connections that are of none.
    pub fn traffic(&self, binding: Option<BindingId>) -> Traffic {
        self.core.books.read(binding)
    }

    /// How long the loop takes.
    pub fn pace(&self) -> &Pace {
        &self.core.pace
    }

    /// A turn has ended, which took so long.
    pub fn end_turn(&mut self, length: Duration, now: Time) {
        self.core.pace.turns.note(length, now);
    }

    /// Whoever looks on.
    pub fn observer(&self) -> &O {
        &self.observer
    }

    /// Whoever looks on.
    pub fn observer_mut(&mut self) -> &mut O {
        &mut self.observer
    }
}

/// The length in front of the next packet.
fn packet_length(queued: &[u8]) -> usize {
    let prefix = queued.first_chunk::<{ Format::PACKET_PREFIX }>();
    u32::from_le_bytes(*prefix.expect("every packet has its length in front")) as usize
}

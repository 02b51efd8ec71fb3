//! What happens when the buffers of all connections together hold more than they may.
//!
//! ```text
//!   full: nothing is read, nobody is accepted ──► handle_timeout, in the same turn: what waits to be
//!     ▲      │                                    used again is freed, then connections are closed,
//!     │      └─ a service pushes: the same,       until a sixteenth is free
//!     │         before it is queued                            │
//!     └────────────────── replies, incomplete messages ◄───────┘ the next turn reads again
//! ```
//!
//! **Who is closed.** First the slow consumers: whoever was pushed something that it does not take, the
//! longest queue first. If that is not enough, whoever holds most, whatever it is: replies that are not
//! read, half a message or request, input that is parked.
//!
//! **Why nobody waits for room for longer than a turn.** Because it may never come. Where all of the memory
//! is messages that are half there, none of them can be completed while nothing is read, and those who have
//! sent them may like it so; where it is output, its readers may take a byte a minute. To wait would make
//! all others wait, who hold little. They are served all along, because those go first who hold most.
//!
//! **How much more there can be** than the limit follows from what grows between two looks at it: the
//! messages of one read and the replies to them, or one message that is pushed. That is
//! [`Limits::memory_slack`](super::Limits::memory_slack), and gone at the end of the turn; what is pushed
//! when connections are closed, later than that, is looked at in the next.

use std::cmp::Reverse;

use log::warn;

use super::connection::Phase;
use super::connections::ConnId;
use super::core::Core;
use crate::protocol::CloseReason;

impl Core {
    /// Whether the buffers hold more than they may.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.pool.held_bytes() + self.deflate.held_bytes() > self.limits.max_memory_bytes
    }

    /// Sees to it that there is room for more.
    #[inline]
    pub(super) fn make_room(&mut self) {
        if self.is_full() {
            self.shed();
        }
    }

    /// Frees what nobody has, and then closes one connection after the other, until a sixteenth of the
    /// memory is free. That much has to come before anybody is looked at again.
    #[cold]
    fn shed(&mut self) {
        self.free_kept();
        if !self.is_full() {
            return;
        }
        let enough = self.limits.max_memory_bytes - self.limits.max_memory_bytes / 16;
        let holders = self.connections.ids().into_iter().map(|id| (Reverse(self.claim(id)), id));
        let mut holders: Vec<_> = holders.filter(|(Reverse(claim), _)| claim.1 > 0).collect();
        holders.sort_unstable();
        for (_, id) in holders {
            if self.memory().total_bytes() <= enough {
                break;
            }
            #[cfg(test)]
            self.shed.push(id);
            self.end(id, CloseReason::Shed, Phase::Dead);
            self.free_kept();
        }
        if self.shedding_warning.is_due(self.now.time) {
            let (shed, limit) = (self.stats.shed, self.limits.max_memory_bytes);
            warn!("the buffers held more than {limit} bytes: {shed} connections closed so far");
        }
    }

    /// How much a connection has to do with it; who has the greatest claim goes first. Whether it is a
    /// slow consumer, and what it holds: buffers, and what it remembers to compress.
    fn claim(&self, id: ConnId) -> (bool, usize) {
        let Some(connection) = self.connections.get(id) else { return (false, 0) };
        let parked = self.parked.get(&id).map_or(0, |parked| parked.capacity());
        let held = connection.buffered_bytes() + connection.protocol.context_bytes() + parked;
        (connection.is_slow_consumer(&self.limits), held)
    }

    fn free_kept(&mut self) {
        self.pool.trim();
        self.deflate.trim();
    }
}

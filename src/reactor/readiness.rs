//! What is known of a socket, as bits.
//!
//! Events are edge-triggered: the kernel says once that something is ready, and not again until
//! it has been used up. So readiness is *sticky*: an event sets it, and only an operation that
//! proves there is nothing left clears it.

use crate::kernel::Ready;

/// A set of facts about one socket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Readiness(u8);

impl Readiness {
    /// There may be something to read.
    pub(super) const READABLE: Readiness = Readiness(1);
    /// There may be room to write.
    pub(super) const WRITABLE: Readiness = Readiness(1 << 1);
    /// The peer has ended its side: reading goes on until the end is found.
    pub(super) const READ_CLOSED: Readiness = Readiness(1 << 2);
    /// Urgent data is on the way: a read may stop short in front of it.
    pub(super) const URGENT: Readiness = Readiness(1 << 3);
    /// The source is in the ready queue.
    pub(super) const QUEUED: Readiness = Readiness(1 << 4);
    /// The socket is registered for writability, too.
    pub(super) const WATCHES_WRITE: Readiness = Readiness(1 << 5);
    /// The source is to be closed at the end of the turn.
    pub(super) const CLOSING: Readiness = Readiness(1 << 6);
    /// The connection is being made.
    pub(super) const CONNECTING: Readiness = Readiness(1 << 7);

    /// Whether any of `facts` is known.
    pub(super) fn has(self, facts: Readiness) -> bool {
        self.0 & facts.0 != 0
    }

    pub(super) fn set(&mut self, facts: Readiness) {
        self.0 |= facts.0;
    }

    pub(super) fn clear(&mut self, facts: Readiness) {
        self.0 &= !facts.0;
    }

    /// Adds what an event says.
    pub(super) fn mark(&mut self, event: &Ready) {
        for (said, fact) in [
            (event.readable, Readiness::READABLE),
            (event.writable, Readiness::WRITABLE),
            (event.read_closed, Readiness::READ_CLOSED),
            (event.urgent, Readiness::URGENT),
        ] {
            if said {
                self.set(fact);
            }
        }
    }

    /// Nothing is left to be read, whatever events had said before.
    pub(super) fn read_dry(&mut self) {
        self.clear(Readiness(Readiness::READABLE.0 | Readiness::URGENT.0));
    }

    /// Whether a read that returned less than was asked for proves that nothing is left.
    ///
    /// epoll(7) says so of streams. What arrives after the event raises another event; what had
    /// arrived before it, the event describes. Two things can hide behind a short read, and the
    /// event names both: the end of the stream, and urgent data, in front of which TCP stops. (A
    /// third, descriptors passed over a UNIX socket, is told by the read itself.)
    pub(super) fn short_read_is_dry(self) -> bool {
        !self.has(Readiness(Readiness::READ_CLOSED.0 | Readiness::URGENT.0))
    }
}

//! What a kernel can see of who uses it, held against how a readiness loop must behave.
//!
//! A loop that reads without having been told that there is something to read, or that reads from
//! one connection until it is empty while others wait, still answers everybody correctly. Only
//! whoever is asked sees it, so it is here that it is found out:
//!
//! - nothing is read, accepted or received that no event of that very socket has announced;
//! - a connection is read from once a turn (packets, one by one, a bounded number of times), and a
//!   bounded number of connections is accepted;
//! - sockets are closed at the end of a turn, when all events of it are seen to;
//! - a loop to which nothing happens sleeps.

use std::time::Duration;

use crate::time::Time;

/// More turns than this in a row that neither sleep nor get anything done are a loop that spins, if
/// they also take longer than [`IDLE_TIME`].
const IDLE_TURNS: u32 = 300;

/// A loop that was asked to spin does so for some tens of microseconds after each event.
const IDLE_TIME: Duration = Duration::from_millis(1);

/// The most connections that may be accepted in a turn.
const ACCEPTS: u32 = 64;

/// What was done in this turn, and in how many turns before nothing was.
#[derive(Debug, Default)]
pub(super) struct Conduct {
    /// A call has had an effect.
    progress: bool,
    idle_turns: u32,
    /// When the first of them began.
    idle_since: Time,
    accepts: u32,
    /// A socket that was watched was closed.
    has_closed: bool,
    /// Nothing is demanded of the loop.
    pub(super) is_overlooked: bool,
}

impl Conduct {
    /// Something must hold, or the loop behaves as it must not.
    pub(super) fn demand(&self, holds: bool, misconduct: &str) {
        assert!(holds || self.is_overlooked, "{misconduct}");
    }

    /// A turn begins with a wait, which may be one that does not sleep.
    pub(super) fn begin_turn(&mut self, sleeps: bool, now: Time) {
        if self.progress || sleeps {
            (self.idle_turns, self.idle_since) = (0, now);
        } else {
            self.idle_turns += 1;
        }
        let is_idle = self.idle_turns >= IDLE_TURNS && now - self.idle_since >= IDLE_TIME;
        self.demand(!is_idle, "the loop spins: it neither sleeps nor does anything");
        self.progress = false;
        self.accepts = 0;
        self.has_closed = false;
    }

    /// A call that is no closing.
    pub(super) fn call(&mut self) {
        self.demand(!self.has_closed, "a socket was freed while the turn went on");
    }

    /// A call has had an effect.
    pub(super) fn progress(&mut self) {
        self.progress = true;
    }

    pub(super) fn accepted(&mut self) {
        self.progress = true;
        self.accepts += 1;
        self.demand(self.accepts <= ACCEPTS, "a turn accepts without end");
    }

    pub(super) fn closed(&mut self, was_watched: bool) {
        self.progress = true;
        self.has_closed |= was_watched;
    }
}

//! Signals as one more source of readiness.
//!
//! A signal handler may do almost nothing (signal-safety(7)), so signal-hook's handler sets a flag
//! and writes a byte to a socket pair: the self-pipe trick. The poll watches the other end, and
//! the reactor asks for the signals when it is readable. Several signals of one kind between two
//! turns are one, as they are in signal(7).
//!
//! SIGPIPE needs no handler: every write to a socket asks for `MSG_NOSIGNAL` and gets `EPIPE`.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook_mio::v1_0::Signals;

use super::Signal;

/// SIGINT, SIGTERM and SIGUSR1, caught from the moment this exists.
pub struct MioSignals {
    pub(super) source: Signals,
}

impl MioSignals {
    pub(super) fn new() -> io::Result<MioSignals> {
        Ok(MioSignals { source: Signals::new([SIGINT, SIGTERM, SIGUSR1])? })
    }

    /// The next signal that arrived. Empties the socket pair first, so the source is ready again
    /// only for signals that arrive later; what is left to be asked for stays flagged.
    pub(super) fn next(&mut self) -> Option<Signal> {
        self.source.pending().find_map(|number| match number {
            SIGINT => Some(Signal::Interrupt),
            SIGTERM => Some(Signal::Terminate),
            SIGUSR1 => Some(Signal::User1),
            _ => None,
        })
    }
}

impl std::fmt::Debug for MioSignals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MioSignals")
    }
}

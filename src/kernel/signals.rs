//! Signals as one more source of readiness.
//!
//! A signal handler may do almost nothing (signal-safety(7)), so signal-hook's handler sets a flag
//! and writes a byte to a socket pair: the self-pipe trick. The poll watches the other end, and
//! the reactor asks for the signals when it is readable. Several signals of one kind between two
//! turns are one, as they are in signal(7).
//!
//! SIGHUP is caught unless the process was started with it ignored: that is what nohup(1) does, and
//! what it is asked for.
//!
//! SIGPIPE needs no handler: every write to a socket asks for `MSG_NOSIGNAL` and gets `EPIPE`.

use std::{fs, io};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook_mio::v1_0::Signals;

use super::Signal;

/// SIGINT, SIGTERM, SIGHUP and SIGUSR1, caught from the moment this exists.
pub struct MioSignals {
    pub(super) source: Signals,
}

impl MioSignals {
    pub(super) fn new() -> io::Result<MioSignals> {
        let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
        let caught = [SIGINT, SIGTERM, SIGUSR1].into_iter().chain(hangup);
        Ok(MioSignals { source: Signals::new(caught)? })
    }

    /// The next signal that arrived. Empties the socket pair first, so the source is ready again
    /// only for signals that arrive later; what is left to be asked for stays flagged.
    pub(super) fn next(&mut self) -> Option<Signal> {
        self.source.pending().find_map(|number| match number {
            SIGINT => Some(Signal::Interrupt),
            SIGTERM => Some(Signal::Terminate),
            SIGHUP => Some(Signal::Hangup),
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

/// Whether the process ignores a signal, as far as the system says (proc_pid_status(5), `SigIgn`).
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

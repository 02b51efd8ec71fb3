//! Output that never makes the loop wait.
//!
//! Whoever reads our stdout may stall: a terminal that was stopped, a full pipe. The descriptor is
//! shared with other processes, so it cannot be made non-blocking; instead poll(2) is asked first,
//! and at most as much is written as a pipe that is ready takes without blocking (pipe(7):
//! `PIPE_BUF`, 4096 bytes). What does not go is kept, up to a limit, and beyond it dropped.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How much is kept for a reader that stalls.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// What a ready pipe takes without blocking.
const PIPE_BUF: usize = 4096;

/// The most that is written in one turn.
const WRITES_PER_TURN: usize = 64;

/// A bounded queue in front of a descriptor.
#[derive(Debug)]
pub(super) struct Sink<W> {
    target: W,
    queue: Vec<u8>,
    start: usize,
    dropped: u64,
    /// The reader is gone for good.
    is_closed: bool,
}

impl<W: Write + AsFd> Sink<W> {
    pub(super) fn new(target: W) -> Sink<W> {
        Sink { target, queue: Vec::new(), start: 0, dropped: 0, is_closed: false }
    }

    /// How many entries were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Appends an entry, or drops all of it.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        if self.is_closed {
            return;
        }
        let before = self.queue.len();
        write(&mut self.queue).expect("a Vec takes everything");
        if self.queue.len() - self.start > MAX_KEPT_BYTES {
            self.queue.truncate(before);
            self.dropped += 1;
        }
    }

    /// Writes what goes without waiting. Returns whether something is left.
    pub(super) fn flush(&mut self) -> bool {
        for _ in 0..WRITES_PER_TURN {
            if self.start == self.queue.len() || !self.is_ready(PollTimeout::ZERO) {
                break;
            }
            let end = self.queue.len().min(self.start + PIPE_BUF);
            let chunk = &self.queue[self.start..end];
            match self.target.write_all(chunk).and_then(|()| self.target.flush()) {
                Ok(()) => self.start = end,
                Err(_) => {
                    // Nobody reads any more; serving goes on.
                    self.is_closed = true;
                    self.start = self.queue.len();
                }
            }
        }
        if self.start > 0 {
            self.queue.drain(..self.start);
            self.start = 0;
        }
        !self.queue.is_empty()
    }

    /// Writes what goes within `time`.
    pub(super) fn flush_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while self.flush() && Instant::now() < deadline {
            self.is_ready(PollTimeout::from(10u8));
        }
    }

    /// Whether a line that goes to the same descriptor by another way is written without waiting,
    /// and not into the middle of an entry.
    pub(super) fn takes_a_line(&self) -> bool {
        self.queue.is_empty() && self.is_ready(PollTimeout::ZERO)
    }

    fn is_ready(&self, timeout: PollTimeout) -> bool {
        let mut fds = [PollFd::new(self.target.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
    }
}

//! Output that never makes the loop wait.
//!
//! Whoever reads our stdout may stall: a terminal that was stopped, a full pipe. A
//! [`StandardStream`] takes what goes without waiting. What does not go is kept, up to a limit, and
//! beyond it dropped.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use readily::kernel::StandardStream;

/// How much is kept for a reader that stalls.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// The most that is written in one turn.
const BYTES_PER_TURN: usize = 256 * 1024;

/// A bounded queue in front of a descriptor.
#[derive(Debug)]
pub(super) struct Sink {
    /// `None`: the reader is gone for good.
    target: Option<StandardStream>,
    queue: Vec<u8>,
    start: usize,
    dropped: u64,
}

impl Sink {
    /// A queue in front of a standard stream, whose own buffer is gone around.
    pub(super) fn new(stream: &(impl AsFd + IsTerminal)) -> Sink {
        Sink {
            target: StandardStream::output(stream).ok(),
            queue: Vec::new(),
            start: 0,
            dropped: 0,
        }
    }

    /// How many entries were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Appends an entry, or drops all of it.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
        if self.target.is_none() {
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
        let end = self.queue.len().min(BYTES_PER_TURN);
        while let Some(target) = &mut self.target
            && self.start < end
        {
            match target.write(&self.queue[self.start..end]) {
                Ok(written) => self.start += written,
                Err(error) if is_for_later(&error) => break,
                Err(_) => {
                    // Nobody reads any more; serving goes on.
                    self.target = None;
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
            self.has_room_within(Duration::from_millis(10));
        }
    }

    /// Whether a line that goes to the same descriptor by another way is written without waiting,
    /// and not into the middle of an entry.
    pub(super) fn takes_a_line(&self) -> bool {
        self.queue.is_empty() && self.has_room_within(Duration::ZERO)
    }

    fn has_room_within(&self, timeout: Duration) -> bool {
        self.target.as_ref().is_some_and(|target| target.wait_for_room(timeout))
    }
}

/// Whether the same write may succeed at another time.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

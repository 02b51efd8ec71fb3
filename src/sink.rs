//! Output that never makes the loop wait.
//!
//! Whoever reads our stdout or stderr may stall: a terminal that was stopped, a full pipe. A
//! [`StandardStream`] takes what goes without waiting. What does not go is kept, up to a limit, and
//! beyond it dropped. What a full disk does not take is dropped at once: there is no telling when to
//! try again.

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
pub(crate) struct Sink {
    /// `None`: the reader is gone for good.
    target: Option<StandardStream>,
    queue: Vec<u8>,
    start: usize,
    dropped: u64,
}

impl Sink {
    /// A queue in front of a standard stream, whose own buffer is gone around.
    pub(crate) fn new(stream: &(impl AsFd + IsTerminal)) -> Sink {
        Sink {
            target: StandardStream::output(stream).ok(),
            queue: Vec::new(),
            start: 0,
            dropped: 0,
        }
    }

    /// How many entries were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether everything was passed on.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Drops an entry.
    pub(crate) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    /// Appends an entry, or drops all of it.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
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
    pub(crate) fn flush(&mut self) -> bool {
        let end = self.queue.len().min(BYTES_PER_TURN);
        while let Some(target) = &mut self.target
            && self.start < end
        {
            match target.write(&self.queue[self.start..end]) {
                Ok(written) => self.start += written,
                Err(error) if is_for_later(&error) => break,
                Err(error) if is_full(&error) => {
                    let lines = self.queue[self.start..].iter().filter(|byte| **byte == b'\n');
                    self.dropped += lines.count() as u64;
                    self.start = self.queue.len();
                    break;
                }
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
    pub(crate) fn flush_for(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while self.flush() && Instant::now() < deadline {
            self.has_room_within(Duration::from_millis(10));
        }
    }

    fn has_room_within(&self, timeout: Duration) -> bool {
        self.target.as_ref().is_some_and(|target| target.wait_for_room(timeout))
    }
}

/// Whether there is no room on the disk.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether the same write may succeed at another time.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

//! Output that never makes the loop wait.
//!
//! Whoever reads our stdout may stall: a terminal that was stopped, a full pipe. The descriptor is
//! shared with other processes, so it cannot be made non-blocking. A terminal is opened once more
//! instead, which gives us a descriptor to do that with; it says that it is ready as soon as there
//! is room for a byte, and a blocking write would wait for the rest. Of anything else poll(2) is
//! asked first, and at most as much is written as a pipe that is ready takes without blocking
//! (pipe(7): `PIPE_BUF`, 4096 bytes). What does not go is kept, up to a limit, and beyond it
//! dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write as _};
use std::os::fd::{AsFd, AsRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How much is kept for a reader that stalls.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// What a ready pipe takes without blocking.
const PIPE_BUF: usize = 4096;

/// The most that is written in one turn.
const WRITES_PER_TURN: usize = 64;

/// A bounded queue in front of a descriptor.
#[derive(Debug)]
pub(super) struct Sink {
    /// `None`: the reader is gone for good.
    target: Option<File>,
    queue: Vec<u8>,
    start: usize,
    dropped: u64,
}

impl Sink {
    /// A queue in front of a standard stream, whose own buffer is gone around.
    pub(super) fn new(stream: &(impl AsFd + IsTerminal)) -> Sink {
        Sink { target: open(stream).ok(), queue: Vec::new(), start: 0, dropped: 0 }
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
        for _ in 0..WRITES_PER_TURN {
            if self.start == self.queue.len() || !self.is_ready(PollTimeout::ZERO) {
                break;
            }
            let Some(target) = &mut self.target else { break };
            let end = self.queue.len().min(self.start + PIPE_BUF);
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
            self.is_ready(PollTimeout::from(10u8));
        }
    }

    /// Whether a line that goes to the same descriptor by another way is written without waiting,
    /// and not into the middle of an entry.
    pub(super) fn takes_a_line(&self) -> bool {
        self.queue.is_empty() && self.is_ready(PollTimeout::ZERO)
    }

    fn is_ready(&self, timeout: PollTimeout) -> bool {
        let Some(target) = &self.target else { return false };
        let mut fds = [PollFd::new(target.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
    }
}

/// A descriptor to write to `stream` with: of a terminal one that does not block, if it lets
/// itself be opened (it may belong to another user).
fn open(stream: &(impl AsFd + IsTerminal)) -> io::Result<File> {
    let stream_fd = stream.as_fd();
    if stream.is_terminal() {
        let path = format!("/dev/fd/{}", stream_fd.as_raw_fd());
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        if let Ok(terminal) = OpenOptions::new().write(true).custom_flags(flags).open(path) {
            return Ok(terminal);
        }
    }
    Ok(File::from(stream_fd.try_clone_to_owned()?))
}

/// Whether the same write may succeed at another time.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

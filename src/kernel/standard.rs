//! The standard streams of the process as streams of the loop.
//!
//! They are somebody else's: the shell and other programs have the same descriptor and see every
//! flag that is set on it, so it cannot simply be made non-blocking. What is done instead depends
//! on what it is:
//!
//! | what it is | how it is read and written | how it is watched |
//! |---|---|---|
//! | a terminal | opened once more, which gives us a descriptor to make non-blocking | epoll |
//! | a pipe, a socket | poll(2) is asked first, and a write is at most `PIPE_BUF` long | epoll |
//! | a file, `/dev/null` | the same; poll(2) says that it is always ready | not at all: epoll(7) refuses it |
//!
//! A terminal says that there is room as soon as there is some for a byte, and a blocking write
//! would wait for the rest: that is why poll(2) will not do for it. What a pipe has room for when
//! it says so is in pipe(7).

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd;

use super::Read;

/// What a pipe that has room takes without blocking (pipe(7)). A stream socket that has room takes
/// it as well: Linux says so when a good part of its buffer is free.
const PIPE_BUF: usize = 4096;

/// One standard stream: to be read from, or to be written to.
#[derive(Debug)]
pub struct StandardStream {
    fd: OwnedFd,
    mode: Mode,
}

/// Which of the two, and whether the descriptor is one that does not block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Input,
    InputOfOurOwn,
    Output,
    OutputOfOurOwn,
}

impl StandardStream {
    /// What the process reads.
    ///
    /// # Errors
    /// If the descriptor is closed, or there are no more.
    pub fn input() -> io::Result<StandardStream> {
        Ok(match open(&io::stdin(), OpenOptions::new().read(true))? {
            (fd, true) => StandardStream { fd, mode: Mode::InputOfOurOwn },
            (fd, false) => StandardStream { fd, mode: Mode::Input },
        })
    }

    /// Where the process writes to: its stdout or stderr, whose own buffer is gone around.
    ///
    /// # Errors
    /// As [`input`](StandardStream::input).
    pub fn output(stream: &(impl AsFd + IsTerminal)) -> io::Result<StandardStream> {
        Ok(match open(stream, OpenOptions::new().write(true))? {
            (fd, true) => StandardStream { fd, mode: Mode::OutputOfOurOwn },
            (fd, false) => StandardStream { fd, mode: Mode::Output },
        })
    }

    /// Reads what there is. Never says that this was all: a terminal gives a line at a time.
    ///
    /// An output is read from only to find out that nobody is there to take it any more.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Read> {
        match self.mode {
            Mode::Input if !self.is_ready(PollFlags::POLLIN)? => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Mode::Input | Mode::InputOfOurOwn => {}
            Mode::Output | Mode::OutputOfOurOwn => {
                let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
                let is_gone = self.poll(PollFlags::empty())?.intersects(gone);
                let kind =
                    if is_gone { io::ErrorKind::BrokenPipe } else { io::ErrorKind::WouldBlock };
                return Err(kind.into());
            }
        }
        Ok(match unistd::read(&self.fd, buffer)? {
            0 => Read::End,
            length => Read::Part(length),
        })
    }

    /// Writes what goes without waiting.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.mode == Mode::OutputOfOurOwn {
            return Ok(unistd::write(&self.fd, bytes)?);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write_piece(&rest[..rest.len().min(PIPE_BUF)]) {
                Ok(written) => rest = &rest[written..],
                // What has been written counts; the next write meets the same again.
                Err(_) if rest.len() < bytes.len() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Writes at most `PIPE_BUF` bytes, if that can be done without waiting.
    fn write_piece(&self, piece: &[u8]) -> io::Result<usize> {
        if !self.is_ready(PollFlags::POLLOUT)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(unistd::write(&self.fd, piece)?)
    }

    /// Waits until there is room to write, or nobody is there to read; returns whether that came
    /// within `timeout`.
    pub fn wait_for_room(&self, timeout: Duration) -> bool {
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut fds = [PollFd::new(self.fd.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
    }

    /// Whether what is asked for can be done without waiting; an end or an error can be found
    /// without waiting, too.
    fn is_ready(&self, wanted: PollFlags) -> io::Result<bool> {
        Ok(!self.poll(wanted)?.is_empty())
    }

    fn poll(&self, wanted: PollFlags) -> io::Result<PollFlags> {
        let mut fds = [PollFd::new(self.fd.as_fd(), wanted)];
        poll(&mut fds, PollTimeout::ZERO)?;
        Ok(fds[0].revents().unwrap_or(PollFlags::empty()))
    }
}

/// A descriptor for `stream`, and whether it is one that does not block: of a terminal, if that
/// lets itself be opened (it may belong to another user).
fn open(
    stream: &(impl AsFd + IsTerminal),
    options: &mut OpenOptions,
) -> io::Result<(OwnedFd, bool)> {
    let stream_fd = stream.as_fd();
    if stream.is_terminal() {
        let path = format!("/dev/fd/{}", stream_fd.as_raw_fd());
        let options = options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
        if let Ok(terminal) = options.open(path) {
            return Ok((terminal.into(), true));
        }
    }
    Ok((stream_fd.try_clone_to_owned()?, false))
}

impl Source for StandardStream {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.fd.as_raw_fd()).register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.fd.as_raw_fd()).reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.fd.as_raw_fd()).deregister(registry)
    }
}

//! The loop for connections.
//!
//! Edge-triggered, which costs about 2 % less than level-triggered (64 bytes at depth 1 and 16, lower
//! in six rounds of six). A short read empties a stream, so that most events are one read; behind the
//! last bytes a peer's end may be hidden, of which the event tells. A peer whose answer did not fit
//! into its socket is not read from until it did.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use slab::Slab;
use socket2::Socket;

use super::listener::Listener;
use super::{Answer, READ_BUFFER_BYTES, Speaker};
use crate::door::Door;

/// Names the listener; no slab is so long.
const LISTENER: u64 = u64::MAX;

/// What is watched while nothing waits to be written.
const READABLE: EpollFlags =
    EpollFlags::EPOLLIN.union(EpollFlags::EPOLLRDHUP).union(EpollFlags::EPOLLET);

/// What is watched while something does. Changing over looks at the socket anew (epoll_ctl(2)), so
/// that nothing that happened before is missed.
const WRITABLE: EpollFlags = EpollFlags::EPOLLOUT.union(EpollFlags::EPOLLET);

/// A connection.
pub(crate) struct Connection<P> {
    pub(super) socket: Socket,
    pub(super) peer: P,
    /// What did not fit into the socket.
    pub(super) unsent: Vec<u8>,
    /// Nothing comes behind `unsent`.
    pub(super) is_last: bool,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Ends,
}

/// Serves whoever comes, until the loop itself fails.
pub(crate) fn serve<S: Speaker>(door: Door, mut speaker: S) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&door.socket, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let listener = Listener::new(door);
    let mut connections = Slab::new();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    let mut events = vec![EpollEvent::empty(); 1024];
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(count) => count,
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            if event.data() == LISTENER {
                accept(&epoll, &listener, &mut connections)?;
                continue;
            }
            let key = usize::try_from(event.data()).expect("it was a key of the slab");
            let connection: &mut Connection<S::Peer> = &mut connections[key];
            let fate = if connection.unsent.is_empty() {
                answer(&epoll, event, connection, &mut speaker, &mut buffer)
            } else {
                flush(&epoll, event, connection)
            };
            if fate.is_err() || fate.is_ok_and(|fate| fate == Fate::Ends) {
                // Closing a descriptor takes it out of the epoll set, too. A set reports each
                // descriptor once, so nothing more is said of this one before the next wait.
                connections.remove(key);
            }
        }
        speaker.after_turn(&epoll, &mut connections);
    }
}

/// Accepts everybody who waits.
fn accept<P: Default>(
    epoll: &Epoll,
    listener: &Listener,
    connections: &mut Slab<Connection<P>>,
) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok(socket) => {
                let entry = connections.vacant_entry();
                epoll.add(&socket, EpollEvent::new(READABLE, entry.key() as u64))?;
                let peer = P::default();
                entry.insert(Connection { socket, peer, unsent: Vec::new(), is_last: false });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

/// One read, and one write of what came of it; and again only if there may be more. An error is
/// the peer's.
#[inline]
fn answer<S: Speaker>(
    epoll: &Epoll,
    event: &EpollEvent,
    connection: &mut Connection<S::Peer>,
    speaker: &mut S,
    buffer: &mut [u8],
) -> io::Result<Fate> {
    let has_ended = event.events().contains(EpollFlags::EPOLLRDHUP);
    loop {
        let count = match connection.socket.read(buffer) {
            Ok(0) => return Ok(Fate::Ends),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Fate::Stays),
            Err(error) => return Err(error),
        };
        let is_dry = count < buffer.len() && !has_ended;
        let Answer { bytes, is_last } = speaker.answer(&mut connection.peer, &mut buffer[..count]);
        if !send(epoll, event.data(), connection, bytes)? {
            connection.is_last = is_last;
            return Ok(Fate::Stays);
        }
        if is_last {
            return Ok(Fate::Ends);
        }
        if is_dry {
            return Ok(Fate::Stays);
        }
    }
}

/// Writes to a peer to whom nothing is unsent, and keeps what does not fit. Returns whether all did.
#[inline]
pub(super) fn send<P>(
    epoll: &Epoll,
    name: u64,
    connection: &mut Connection<P>,
    bytes: &[u8],
) -> io::Result<bool> {
    let written = write(&mut connection.socket, bytes)?;
    let is_whole = written == bytes.len();
    if !is_whole {
        connection.unsent.extend_from_slice(&bytes[written..]);
        watch(epoll, name, connection, WRITABLE)?;
    }
    Ok(is_whole)
}

/// Writes what did not fit.
#[cold]
fn flush<P>(epoll: &Epoll, event: &EpollEvent, connection: &mut Connection<P>) -> io::Result<Fate> {
    let written = write(&mut connection.socket, &connection.unsent)?;
    connection.unsent.drain(..written);
    if !connection.unsent.is_empty() {
        return Ok(Fate::Stays);
    }
    connection.unsent = Vec::new();
    if connection.is_last {
        return Ok(Fate::Ends);
    }
    watch(epoll, event.data(), connection, READABLE)?;
    Ok(Fate::Stays)
}

/// How much of `bytes` fits into the socket.
#[inline]
fn write(socket: &mut Socket, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match socket.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

fn watch<P>(
    epoll: &Epoll,
    name: u64,
    connection: &Connection<P>,
    interest: EpollFlags,
) -> io::Result<()> {
    epoll.modify(connection.socket.as_fd(), &mut EpollEvent::new(interest, name))?;
    Ok(())
}

//! Frames that everybody gets: all that came in one turn, in one write to each peer.
//!
//! ```text
//!   epoll_wait ──► read, from each that is ready ──► write the same bytes, to everybody ──► the next
//! ```

use std::io::{self, ErrorKind, Read as _};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use slab::Slab;

use super::listener::Listener;
use super::streams::{Connection, Fate, LISTENER, accept, flush, send};
use super::websocket::{Peer, WebSocket};
use super::{Answer, READ_BUFFER_BYTES, Speaker as _};
use crate::door::Door;

/// Serves whoever comes, until the loop itself fails.
pub(crate) fn serve_fanout(door: Door) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&door.socket, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let listener = Listener::new(door);
    let mut connections: Slab<Connection<Peer>> = Slab::new();
    let mut speaker = WebSocket::default();
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    let mut events = vec![EpollEvent::empty(); 1024];
    let mut frames = Vec::new();
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
            let connection = &mut connections[key];
            let fate = if connection.unsent.is_empty() {
                receive(&epoll, event, connection, &mut speaker, &mut buffer, &mut frames)
            } else {
                flush(&epoll, event, connection)
            };
            if fate.is_err() || fate.is_ok_and(|fate| fate == Fate::Ends) {
                connections.remove(key);
            }
        }
        if !frames.is_empty() {
            hand_on(&epoll, &mut connections, &frames);
            frames.clear();
        }
    }
}

/// Reads until there is no more, and collects the frames for everybody. What is no frame, or the last
/// one, is for the peer alone.
fn receive(
    epoll: &Epoll,
    event: &EpollEvent,
    connection: &mut Connection<Peer>,
    speaker: &mut WebSocket,
    buffer: &mut [u8],
    frames: &mut Vec<u8>,
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
        let is_open = matches!(connection.peer, Peer::Frames(_));
        let Answer { bytes, is_last } = speaker.answer(&mut connection.peer, &mut buffer[..count]);
        if is_open && !is_last {
            frames.extend_from_slice(bytes);
        } else if !send(epoll, event.data(), connection, bytes)? {
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

/// One write to each peer.
fn hand_on(epoll: &Epoll, connections: &mut Slab<Connection<Peer>>, frames: &[u8]) {
    for (key, connection) in connections.iter_mut() {
        if !matches!(connection.peer, Peer::Frames(_)) {
            continue;
        }
        if connection.unsent.is_empty() {
            // Whoever cannot be written to is told of by an event, too.
            let _ = send(epoll, key as u64, connection, frames);
        } else {
            connection.unsent.extend_from_slice(frames);
        }
    }
}

//! Frames that everybody gets: all that came in one turn, in one write to each peer.
//!
//! ```text
//!   epoll_wait ──► read, from each that is ready ──► write the same bytes, to everybody ──► the next
//! ```

use nix::sys::epoll::Epoll;
use slab::Slab;

use super::streams::{Connection, send};
use super::websocket::{Peer, WebSocket};
use super::{Answer, Speaker};

/// Keeps frames until the end of a turn, and hands them on to everybody.
#[derive(Debug, Default)]
pub(crate) struct Broadcast {
    web: WebSocket,
    frames: Vec<u8>,
}

impl Speaker for Broadcast {
    type Peer = Peer;

    /// What is no frame, or the last one, is for the peer alone.
    fn answer<'a>(&'a mut self, peer: &mut Peer, input: &'a mut [u8]) -> Answer<'a> {
        let is_open = matches!(peer, Peer::Frames(_));
        let answer = self.web.answer(peer, input);
        if !is_open || answer.is_last {
            return answer;
        }
        self.frames.extend_from_slice(answer.bytes);
        Answer { bytes: &[], is_last: false }
    }

    /// One write to each peer.
    fn after_turn(&mut self, epoll: &Epoll, connections: &mut Slab<Connection<Peer>>) {
        if self.frames.is_empty() {
            return;
        }
        for (key, connection) in connections.iter_mut() {
            if !matches!(connection.peer, Peer::Frames(_)) {
                continue;
            }
            if connection.unsent.is_empty() {
                // Whoever cannot be written to is told of by an event, too.
                let _ = send(epoll, key as u64, connection, &self.frames);
            } else {
                connection.unsent.extend_from_slice(&self.frames);
            }
        }
        self.frames.clear();
    }
}

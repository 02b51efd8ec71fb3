//! The floor: the least that a server on readiness can do. What others cost is told as a ratio to
//! it.
//!
//! A peer that is ready is read from once, into one buffer of 512 KiB for all, and what comes of it
//! is written at once. There are no timers, no limits, no services and no fairness. What does not
//! go the common way, a write that is cut short or a frame that is, goes into a `Vec` of the peer.
//!
//! ```text
//!   epoll_wait ──► read ──► answer ──► write ──► the next
//! ```

mod datagram;
mod fanout;
mod line;
mod listener;
mod streams;
mod websocket;

use nix::sys::epoll::Epoll;
use slab::Slab;

pub(crate) use self::datagram::serve_datagrams;
pub(crate) use self::fanout::Broadcast;
pub(crate) use self::line::Line;
use self::streams::Connection;
pub(crate) use self::streams::serve;
pub(crate) use self::websocket::WebSocket;

/// The length of the one buffer to read into, the same as readily's.
const READ_BUFFER_BYTES: usize = 512 * 1024;

/// What is spoken.
pub(crate) trait Speaker {
    /// What is kept of a peer.
    type Peer: Default;

    /// Answers what was read from a peer, in a piece that is written at once.
    fn answer<'a>(&'a mut self, peer: &mut Self::Peer, input: &'a mut [u8]) -> Answer<'a>;

    /// What there is to do once everybody who was ready is served.
    fn after_turn(&mut self, _: &Epoll, _: &mut Slab<Connection<Self::Peer>>) {}
}

/// What came of one read.
pub(crate) struct Answer<'a> {
    bytes: &'a [u8],
    /// The connection is to be closed when they are written.
    is_last: bool,
}

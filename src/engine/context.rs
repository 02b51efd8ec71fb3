//! What a service can do while it is called.

use std::time::Duration;

use rand::rngs::StdRng;

use super::connection::{Connection, Phase};
use super::connections::ConnId;
use super::core::Core;
use super::dial::Dial;
use super::endpoint::BindingId;
use super::report::Report;
use super::sending::Why;
use crate::protocol::{CloseReason, Format, Message};
use crate::time::{Time, WallClock};

/// The server, as a service sees it during one call: other peers, clocks, randomness.
///
/// It is concrete and pure. Sending only queues; the loop writes at the end of what it is doing,
/// one write a peer however many messages were queued for it.
#[derive(Debug)]
pub struct Context<'a> {
    core: &'a mut Core,
    /// The peer whose message, or whose room, this call is about.
    current: Option<ConnId>,
    /// The head of the request that it came with, while it is opened.
    head: &'a [u8],
}

impl<'a> Context<'a> {
    pub(super) fn new(core: &'a mut Core, current: Option<ConnId>) -> Context<'a> {
        Context { core, current, head: &[] }
    }

    /// A peer has come with this request; empty where there was none.
    pub(super) fn opened(core: &'a mut Core, peer: ConnId, head: &'a [u8]) -> Context<'a> {
        Context { core, current: Some(peer), head }
    }

    /// Queues a message for `peer` and returns whether it was queued; a peer that is gone or
    /// closing takes none.
    ///
    /// A line peer gets the bytes and `\n` (a `\n` among them makes two lines), a raw peer the
    /// bytes, a packet peer a packet, and a WebSocket peer a text or binary message by its
    /// [`kind`](Message::kind).
    ///
    /// To the peer that this call is about, the message is a reply and always admitted: a peer
    /// that does not read its replies is not read from. To anybody else it is a push, which must
    /// fit into [`Limits::max_queued_bytes`](super::Limits::max_queued_bytes): a peer that does
    /// not read what is pushed to it is closed or misses the message, as its binding
    /// [says](super::SlowConsumers), and is counted; nobody waits for it.
    pub fn send(&mut self, peer: ConnId, message: Message<'_>) -> bool {
        let why = if self.current == Some(peer) { Why::Reply } else { Why::Push };
        self.core.queue(peer, message, why)
    }

    /// Pushes a message to a peer, be it the one that this call is about, as [`send`](Context::send) does
    /// to others. Returns whether it was queued; if not, the peer has missed it, or is not
    /// [there](Context::is_open) any more.
    pub fn push(&mut self, peer: ConnId, message: Message<'_>) -> bool {
        self.core.queue(peer, message, Why::Push)
    }

    /// Queues a message for a peer that has [`room`](Context::room), and for others not:
    /// [`on_drained`](crate::service::Service::on_drained) tells when there is room again. Nobody is
    /// closed for being slow. Returns whether it was queued.
    pub fn try_send(&mut self, peer: ConnId, message: Message<'_>) -> bool {
        let why = if self.current == Some(peer) { Why::Share } else { Why::Offer };
        self.core.queue(peer, message, why)
    }

    /// Pushes one message to many peers, encoding it once for each format on the wire; returns for
    /// how many it was queued. It is a push to the peer of this call, too.
    pub fn broadcast(
        &mut self,
        peers: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
    ) -> usize {
        self.core.broadcast(peers, message)
    }

    /// Like [`broadcast`](Context::broadcast), but nobody is closed: a peer that has no
    /// [`room`](Context::room) is not sent the message, and put on the list `without_room` unless it is
    /// closing or gone. Its [`on_drained`](crate::service::Service::on_drained) follows when it has. Whoever has room gets
    /// the message whole, so that at most one is queued above the high-water mark.
    pub fn offer(
        &mut self,
        peers: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
        without_room: &mut Vec<ConnId>,
    ) -> usize {
        self.core.offer(peers, message, without_room)
    }

    /// How long a message may be that is pushed to a peer for which nothing else is queued. A longer
    /// one would make every peer a slow consumer.
    pub fn longest_push(&self) -> usize {
        self.core.limits.max_queued_bytes - Format::OVERHEAD
    }

    /// Closes a peer once what is queued for it has been written. WebSocket peers get a Close
    /// frame with `code` and `reason` (RFC 6455 section 7.4; at most 123 bytes of the reason are
    /// sent; a code that must not travel, such as 1006, leaves the frame empty); others see the end
    /// of the stream. Its `on_close` follows.
    pub fn close(&mut self, peer: ConnId, code: u16, reason: &str) {
        self.core.close(peer, code, reason, CloseReason::Closed(code));
    }

    /// Ends our side of a connection once what is queued has been written, and goes on receiving
    /// until the peer ends its own. Nothing can be sent any more. A WebSocket has no such half;
    /// there nothing happens.
    pub fn half_close(&mut self, peer: ConnId) {
        self.core.half_close(peer);
    }

    /// Closes a peer at once: what is queued for it is lost.
    pub fn abort(&mut self, peer: ConnId) {
        self.core.end(peer, CloseReason::Closed(1006), Phase::Dead);
    }

    /// Does not read from a peer any more, until [`resume`](Context::resume). What is being decoded
    /// still comes: at most as much as one read takes, or if that was compressed a mebibyte and a
    /// message. Closing a client resumes it; a connection that was [dialed](Context::dial) may have
    /// more to say, and stays held, without a deadline.
    pub fn hold(&mut self, peer: ConnId) {
        self.core.hold(peer, true);
    }

    /// Reads from a peer again.
    pub fn resume(&mut self, peer: ConnId) {
        self.core.hold(peer, false);
    }

    /// Has a connection made. When it is there, its binding's service hears
    /// [`on_open`](crate::service::Service::on_open); when it cannot be made or ends, it hears
    /// [`on_close`](crate::service::Service::on_close). A loop that drains makes none.
    pub fn dial(&mut self, dial: Dial) {
        self.core.dials.push_back(dial);
    }

    /// Has the loop drain and end. Whoever is not gone by then is cut off after `timeout`.
    pub fn stop(&mut self, timeout: Duration) {
        self.core.stop_requested = Some(timeout);
    }

    /// The binding that a peer is one of; `None` where it is gone.
    pub fn binding(&self, peer: ConnId) -> Option<BindingId> {
        self.core.connections.get(peer)?.binding()
    }

    /// What the messages of a WebSocket client are to be written in: the first of the subprotocols it
    /// wants that its binding has, too (`?subprotocol=`; RFC 6455 section 1.9). `None` where they have
    /// none in common, and in every call but [`on_open`](crate::service::Service::on_open): a service
    /// that has to know it later remembers it.
    pub fn subprotocol(&self) -> Option<&str> {
        let connection = self.core.connections.get(self.current?)?;
        let endpoint = self.core.endpoints.get(usize::from(connection.endpoint))?;
        endpoint.site()?.subprotocol(connection.binding()?.index(), self.head)
    }

    /// Whether a peer takes messages: it is there, and neither it nor we have begun to end that.
    pub fn is_open(&self, peer: ConnId) -> bool {
        self.core.connections.get(peer).is_some_and(|connection| connection.format().is_some())
    }

    /// How many bytes may be queued for `peer` before it is above its high-water mark; 0 if it is
    /// above or gone. A service with much to say stops here and goes on in
    /// [`on_drained`](crate::service::Service::on_drained).
    pub fn room(&self, peer: ConnId) -> usize {
        self.core.room(peer)
    }

    /// How many bytes wait to be written to a peer.
    pub fn queued(&self, peer: ConnId) -> usize {
        self.core.connections.get(peer).map_or(0, Connection::queued_bytes)
    }

    /// For how long nothing has come from a WebSocket peer, not even a part of a message; to a tick of
    /// 17 ms. `None` of others, whose every byte is a message, and of a peer that is closing or gone.
    pub fn silence(&self, peer: ConnId) -> Option<Duration> {
        self.core.connections.get(peer)?.silence(self.core.tick())
    }

    /// Whether the loop has been told to end, and lets everybody go.
    pub fn is_draining(&self) -> bool {
        self.core.drain.is_some()
    }

    /// How the server is.
    pub fn report(&self) -> Report {
        self.core.report()
    }

    /// The monotonic clock, read once a turn.
    pub fn now(&self) -> Time {
        self.core.now.time
    }

    /// The clock on the wall, read once a turn.
    pub fn wall_clock(&self) -> WallClock {
        self.core.now.wall
    }

    /// Random numbers from the server's one seeded generator.
    pub fn rng(&mut self) -> &mut StdRng {
        &mut self.core.rng
    }
}

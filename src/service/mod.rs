//! What the server says: services answer messages and know nothing of sockets or transports.
//!
//! A service is called by the engine, one call at a time, and answers through the [`Context`] it
//! is given. It is the one open set of the crate, hence a `Box<dyn Service>`; to write your own,
//! implement [`Service`] and hand it to [`Server::add`](crate::server::Server::add).

pub mod chat;
mod count;
mod discard;
mod echo;
mod metrics;
pub mod notify;
mod random;
pub mod stats;
pub mod stream;
mod time;

pub use self::chat::Chat;
pub use self::count::{Count, Number};
pub use self::discard::Discard;
pub use self::echo::Echo;
pub use self::metrics::Metrics;
pub use self::notify::{Notify, NotifyMode, Role};
pub use self::random::{Burst, Random};
pub use self::stats::ServerStats;
pub use self::stream::{Source, Stream};
pub use self::time::Time as TimeService;

use std::any::Any;

pub use crate::address::PeerAddr;
pub use crate::engine::{ConnId, Context};
pub use crate::protocol::{CloseReason, Message, MessageKind, Request, Resource, Response, Status};
use crate::time::Time;

/// Answers the messages of any number of peers, over any transport.
///
/// Every method has a default that does nothing but [`on_message`](Service::on_message).
///
/// On `tcp`, `unix`, `unixpacket` and `ws` each client is a peer with a [`ConnId`]. On `udp` and
/// `unixgram` nobody connects: only [`on_datagram`](Service::on_datagram) is called there, and a
/// service that does not have it answers nothing.
#[expect(unused_variables, reason = "the names of the parameters are documentation")]
pub trait Service: Any {
    /// A peer has come: on accept, on WebSocket after the handshake.
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {}

    /// A peer has sent a message: a line without its `\n`, a packet, or a whole WebSocket message.
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>);

    /// Output for `peer` fell below the low-water mark (64 KiB) after it had been above the high
    /// one (256 KiB): a service with more to say says it now, as replies.
    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {}

    /// A peer is gone, or going: nothing can be sent to it any more. Called once for each
    /// `on_open`, and for each connection that was [dialed](Context::dial) and could not be made.
    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {}

    /// What there was to wait for after `on_close` has come, or never will: `peer` has answered our
    /// Close frame ([`CloseReason::PeerClosed`]) or has not; or the end of what was queued for it is
    /// lost (of a connection that we have made ourselves). Until then, a WebSocket server that was
    /// [dialed](Context::dial) may still send messages. Called once at most.
    fn on_close_over(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {}

    /// The loop has been told to end. Peers that came to us are closed by it; a service closes
    /// those that it has [dialed](Context::dial).
    fn on_drain(&mut self, cx: &mut Context<'_>) {}

    /// A datagram has come. What is to be sent back is appended to `reply`; returns whether it is
    /// to be sent, since an empty datagram is a reply, too.
    fn on_datagram(
        &mut self,
        cx: &mut Context<'_>,
        from: &PeerAddr,
        payload: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        false
    }

    /// The [subprotocols](Context::subprotocol) that its WebSocket clients may choose from (RFC 6455
    /// section 1.9: tokens, none twice), where a binding does not name others; asked for once, when the
    /// server starts.
    fn subprotocols(&self) -> &[&str] {
        &[]
    }

    /// What it answers over HTTP, on the web listener of a binding whose WebSockets are at `path`; asked
    /// for once, when the server starts. A WebSocket goes before a resource at the same path.
    fn resources(&self, path: &str) -> Vec<Resource> {
        Vec::new()
    }

    /// Somebody has asked for one of its [resources](Service::resources), by a method that it takes. A
    /// response that is left as it is says "404 Not Found".
    fn on_request(&mut self, cx: &mut Context<'_>, request: &Request<'_>, response: &mut Response) {
    }

    /// When [`handle_timeout`](Service::handle_timeout) is to be called: a moment reckoned from
    /// [`Context::now`], such as `cx.now() + Duration::from_secs(1)`. It is asked for every turn,
    /// so that it costs no more than a field; a moment that has passed means at once. How late it is
    /// called is the loop's [lag](crate::engine::Pace::lag), but for [`Time::ZERO`].
    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    /// The time that [`poll_timeout`](Service::poll_timeout) named has come. It has to name a later
    /// one from now on, or none; the loop does not sleep before.
    fn handle_timeout(&mut self, cx: &mut Context<'_>) {}
}

//! What a listener leads to: bindings, and the protocol that is spoken there.

use crate::codec::websocket::Role;
use crate::protocol::{Http, Line, Protocol, Site};

/// The index of a service.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ServiceId(pub(super) u16);

/// The index of a binding: a service at one address or path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BindingId(pub(super) u16);

impl BindingId {
    /// The binding that was added after `index` others.
    pub const fn nth(index: u16) -> BindingId {
        BindingId(index)
    }

    /// The index, for routes and tables.
    pub fn index(self) -> u16 {
        self.0
    }
}

/// The index of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EndpointId(pub(super) u16);

/// What the message `STOP` ends, on transports where it means something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StopScope {
    /// The connection that it came on.
    #[default]
    Connection,
    /// The whole server: it drains.
    Server,
}

/// What becomes of a client that does not read what is pushed to it, when what waits for it does not fit
/// under [`Limits::max_queued_bytes`](super::Limits::max_queued_bytes) any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SlowConsumers {
    /// It is closed.
    #[default]
    Close,
    /// It stays, and misses the message.
    Drop,
}

/// A service at an address or path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub(super) service: ServiceId,
    pub(super) stop: StopScope,
    pub(super) slow: SlowConsumers,
}

/// What is spoken at a listener or datagram socket.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// Lines.
    Line(BindingId),
    /// Bytes as they come.
    Raw(BindingId),
    /// Packets of a connection.
    Packet(BindingId),
    /// Datagrams.
    Datagram(BindingId),
    /// HTTP, with WebSocket behind it.
    Web(Site),
}

impl Endpoint {
    /// The state machine of a new connection; `None` where there are no connections.
    pub(super) fn protocol(&self) -> Option<Protocol> {
        match self {
            Endpoint::Line(_) => Some(Protocol::Line(Line::default())),
            Endpoint::Raw(_) => Some(Protocol::Raw),
            Endpoint::Packet(_) => Some(Protocol::Packet(Role::Server)),
            Endpoint::Web(_) => Some(Protocol::Http(Box::<Http>::default())),
            Endpoint::Datagram(_) => None,
        }
    }

    /// The binding, where it does not depend on a path.
    pub(super) fn binding(&self) -> Option<BindingId> {
        match self {
            Endpoint::Line(binding)
            | Endpoint::Raw(binding)
            | Endpoint::Packet(binding)
            | Endpoint::Datagram(binding) => Some(*binding),
            Endpoint::Web(_) => None,
        }
    }

    /// The web site.
    pub(super) fn site(&self) -> Option<&Site> {
        match self {
            Endpoint::Web(site) => Some(site),
            _ => None,
        }
    }
}

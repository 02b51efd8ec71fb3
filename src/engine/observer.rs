//! The one seam where others look on: transcripts, traces, recordings.

use super::{BindingId, ConnId};
use crate::protocol::CloseReason;

/// Something that happened to a connection or a datagram socket.
#[derive(Debug)]
pub enum Sighting<'a> {
    /// A client came to a service: at accept, or at the WebSocket upgrade.
    Opened {
        /// The request that upgraded, to its empty line; empty on other transports.
        head: &'a [u8],
    },
    /// A message came in; its bytes without framing.
    Message(&'a [u8]),
    /// A line `STOP` came in.
    Stop,
    /// The connection ended.
    Closed(&'a CloseReason),
    /// A datagram came in; STOP is one, too.
    Datagram {
        /// What it carried.
        payload: &'a [u8],
        /// What it was answered with.
        reply: Option<&'a [u8]>,
    },
}

/// Looks on. It is a generic parameter of the engine, and `()` looks on without doing anything, so
/// a server nobody looks at pays nothing for the seam.
pub trait Observer {
    /// Something happened to a peer of `binding`; `peer` is `None` for datagrams.
    fn see(&mut self, binding: BindingId, peer: Option<ConnId>, what: Sighting<'_>);

    /// A turn has ended: pass on what was seen, without waiting. Returns whether something is left
    /// that should be passed on soon.
    fn end_turn(&mut self) -> bool {
        false
    }
}

impl Observer for () {
    fn see(&mut self, _: BindingId, _: Option<ConnId>, _: Sighting<'_>) {}
}

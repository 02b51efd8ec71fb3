//! The one seam where others look on: transcripts, traces, recordings.

use super::{BindingId, ConnId, State};
use crate::protocol::{CloseReason, Deadline};

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

/// What happens inside, for who [looks closely](Observer::LOOKS_CLOSELY).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// A service is called.
    Called {
        /// A binding of it; `None` for one that is not bound.
        binding: Option<BindingId>,
        /// Whom it is about, if it is about somebody.
        peer: Option<ConnId>,
        /// The method of [`Service`](crate::service::Service).
        call: &'static str,
    },
    /// What a connection is by now. Told whenever it may have changed.
    State(ConnId, State),
    /// A deadline of a connection has come.
    Missed(ConnId, Deadline),
}

/// Looks on. It is a generic parameter of the engine, and `()` looks on without doing anything, so
/// a server nobody looks at pays nothing for the seam.
pub trait Observer {
    /// Whether it is shown every [`Detail`]. Where it is not, that is compiled out.
    const LOOKS_CLOSELY: bool = false;

    /// Something happened to a peer of `binding`; `peer` is `None` for datagrams.
    fn see(&mut self, binding: BindingId, peer: Option<ConnId>, what: Sighting<'_>);

    /// Something happens inside.
    fn look(&mut self, detail: Detail) {
        let _ = detail;
    }

    /// A turn has ended: pass on what was seen, without waiting. Returns whether something is left
    /// that should be passed on soon.
    fn end_turn(&mut self) -> bool {
        false
    }
}

impl Observer for () {
    fn see(&mut self, _: BindingId, _: Option<ConnId>, _: Sighting<'_>) {}
}

//! What the reactor watches: one slab of sources.

use super::readiness::Readiness;
use crate::engine::{ConnId, EndpointId};
use crate::kernel::Kernel;
use crate::time::Time;

/// Anything that can become ready. Streams are many and stand in the slab themselves; the others
/// are few and stand behind a box, so that they do not make every place larger.
pub(super) enum Source<K: Kernel> {
    Stream(StreamSource<K>),
    Listener(Box<ListenerSource<K>>),
    Datagram(Box<DatagramSource<K>>),
    Signals(Box<K::Signals>),
}

/// The socket of one connection. Everything else about it is the engine's.
pub(super) struct StreamSource<K: Kernel> {
    pub(super) stream: K::Stream,
    pub(super) generation: u32,
    pub(super) readiness: Readiness,
}

/// A socket that connections come to.
pub(super) struct ListenerSource<K: Kernel> {
    pub(super) socket: K::Listener,
    pub(super) endpoint: EndpointId,
    pub(super) readiness: Readiness,
    /// Nobody is accepted before this time: accepting failed, or enough were turned away for a while.
    pub(super) paused_until: Option<Time>,
}

/// A socket that datagrams come to.
pub(super) struct DatagramSource<K: Kernel> {
    pub(super) socket: K::Datagram,
    pub(super) endpoint: EndpointId,
    pub(super) generation: u32,
    pub(super) readiness: Readiness,
}

// With the engine's side of a connection, this is what an idle client costs.
#[cfg(all(target_pointer_width = "64", not(debug_assertions)))]
const _: () = assert!(size_of::<Source<crate::kernel::Mio>>() <= 16);

impl<K: Kernel> StreamSource<K> {
    /// The name of the connection at `index` of the slab.
    pub(super) fn id(&self, index: usize) -> ConnId {
        ConnId { index: small(index), generation: self.generation }
    }
}

/// An index of the slab as part of a name.
pub(super) fn small(index: usize) -> u32 {
    u32::try_from(index).expect("a process has fewer than 2^32 descriptors")
}

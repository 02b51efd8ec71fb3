//! What a server asks of the machine before its loop turns.

use std::io;
use std::net::SocketAddr;

use super::{
    BindError, Bound, DescriptorLimit, Kernel, LocalAddr, Mio, MioSignals, open_descriptors,
    raise_descriptor_limit,
};
use crate::address::ListenAddress;

/// A kernel on which a server can be started. The loop does not need this: what it serves is made
/// by then.
pub trait Machine: Kernel + Sized {
    /// Allows the process as many descriptors as it may have.
    fn raise_descriptor_limit(&mut self) -> io::Result<DescriptorLimit>;

    /// How many descriptors below `limit` are open.
    fn open_descriptors(&mut self, limit: u64) -> io::Result<u64>;

    /// Makes a socket that listens on `address`; it is yet to be registered. This may wait for a
    /// name server.
    fn listen_on(&mut self, address: &ListenAddress) -> Result<Bound<Self>, BindError>;

    /// Every internet address that datagrams sent from `local` can carry.
    fn own_addresses(&mut self, local: &LocalAddr) -> Vec<SocketAddr>;

    /// Catches signals from here on; to be registered and asked for.
    fn catch_signals(&mut self) -> io::Result<Self::Signals>;
}

impl Machine for Mio {
    fn raise_descriptor_limit(&mut self) -> io::Result<DescriptorLimit> {
        raise_descriptor_limit()
    }

    fn open_descriptors(&mut self, limit: u64) -> io::Result<u64> {
        open_descriptors(limit)
    }

    fn listen_on(&mut self, address: &ListenAddress) -> Result<Bound<Mio>, BindError> {
        Mio::listen(address)
    }

    fn own_addresses(&mut self, local: &LocalAddr) -> Vec<SocketAddr> {
        local.sender_addresses()
    }

    fn catch_signals(&mut self) -> io::Result<MioSignals> {
        Mio::signals()
    }
}

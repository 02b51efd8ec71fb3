//! Receives datagrams from anybody and answers them.
//!
//! The reactor reads through [`Kernel::receive_from`](super::Kernel::receive_from) within a budget
//! until `WouldBlock`. A datagram is whole or it is nothing: one that is longer than the buffer is
//! dropped and reported as [`io::ErrorKind::FileTooLarge`], which recvmsg(2) tells by `MSG_TRUNC`.
//! recvfrom(2) would just cut it; where that is used, a datagram that fills the buffer counts as one
//! that is longer. An empty datagram is a datagram.

use std::io;
use std::net::SocketAddr;

use mio::event::Source;
use mio::{Interest, Registry, Token};

use super::udp::{Destinations, UdpSocket};
use super::unix_datagram::UnixDatagram;
use super::unix_path::PathGuard;
use crate::address::PeerAddr;

/// A UDP or UNIX datagram socket.
#[derive(Debug)]
pub struct MioDatagram(DatagramSocket);

#[derive(Debug)]
enum DatagramSocket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl MioDatagram {
    pub(super) fn udp(
        socket: std::net::UdpSocket,
        local: SocketAddr,
        destinations: Destinations,
    ) -> MioDatagram {
        MioDatagram(DatagramSocket::Udp(UdpSocket::new(socket, local, destinations)))
    }

    pub(super) fn unix(
        socket: std::os::unix::net::UnixDatagram,
        path: Option<PathGuard>,
    ) -> MioDatagram {
        MioDatagram(DatagramSocket::Unix(UnixDatagram::new(socket, path)))
    }

    /// Receives one datagram; its length and who sent it.
    pub(super) fn receive_from(&mut self, buffer: &mut [u8]) -> io::Result<(usize, PeerAddr)> {
        match &mut self.0 {
            DatagramSocket::Udp(socket) => socket.receive_from(buffer),
            DatagramSocket::Unix(socket) => socket.receive_from(buffer),
        }
    }

    /// Sends one datagram to somebody who sent us one.
    pub(super) fn send_to(&mut self, payload: &[u8], to: &PeerAddr) -> io::Result<()> {
        match (&mut self.0, to) {
            (DatagramSocket::Udp(socket), PeerAddr::Inet { remote, local }) => {
                socket.send_to(payload, *remote, *local)
            }
            (DatagramSocket::Unix(socket), PeerAddr::Unix(name)) => {
                socket.send_to(payload, name.as_ref())
            }
            _ => Err(io::Error::from_raw_os_error(nix::libc::EAFNOSUPPORT)),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match &mut self.0 {
            DatagramSocket::Udp(socket) => socket.source(),
            DatagramSocket::Unix(socket) => socket.source(),
        }
    }
}

impl Source for MioDatagram {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.source().register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.source().reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}

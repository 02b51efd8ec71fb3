//! UDP sockets that answer from the address that was asked.
//!
//! A machine has many addresses. A socket on all of them (`0.0.0.0`, `[::]`) receives what was sent
//! to any, but sends from the one that routing prefers; a client that asked another one takes the
//! answer for a stranger's and drops it. So such a socket asks for the destination of each datagram
//! (ip(7) `IP_PKTINFO`, ipv6(7) `IPV6_RECVPKTINFO`), and an answer names it as its source. A socket
//! on one address has no choice and needs none of this: recvfrom(2) and sendto(2) do for it, which
//! cost a little less than recvmsg(2) and sendmsg(2).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd;

use mio::event::Source;
use nix::libc;
use nix::sys::socket::{
    self, ControlMessage, ControlMessageOwned, MsgFlags, RecvMsg, SockaddrIn, SockaddrIn6,
    SockaddrLike, sockopt,
};
use socket2::Socket;

use crate::address::PeerAddr;

/// Room for the destination that the system reports with each datagram; none if it does not.
///
/// On the heap because control messages need the alignment of a `cmsghdr`, which the allocator
/// gives to everything and an array of bytes on the stack does not have.
#[derive(Debug)]
pub(super) struct Destinations(Vec<u8>);

/// Asks for destinations if `address` stands for all addresses. Called before bind(2), so that
/// the very first datagram has one.
#[cfg(target_os = "linux")]
pub(super) fn learn_destinations(socket: &Socket, address: SocketAddr) -> io::Result<Destinations> {
    if !address.ip().is_unspecified() {
        return Ok(Destinations(Vec::new()));
    }
    if address.is_ipv6() {
        socket::setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
    }
    // On a dual-stack socket as well: for a datagram of IPv4 the IPv6 option reports only the
    // destination in its header, which may be a broadcast address and nothing to send from.
    socket::setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
    Ok(Destinations(nix::cmsg_space!(libc::in_pktinfo, libc::in6_pktinfo)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn learn_destinations(
    _socket: &Socket,
    _address: SocketAddr,
) -> io::Result<Destinations> {
    Ok(Destinations(Vec::new()))
}

/// A bound UDP socket.
#[derive(Debug)]
pub(super) struct UdpSocket {
    socket: mio::net::UdpSocket,
    /// Which kind of `sockaddr` the socket speaks.
    domain: Domain,
    destinations: Destinations,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Domain {
    V4,
    /// May be dual-stack; IPv4 is then written `::ffff:a.b.c.d`.
    V6,
}

impl UdpSocket {
    pub(super) fn new(
        socket: std::net::UdpSocket,
        local: SocketAddr,
        destinations: Destinations,
    ) -> UdpSocket {
        let domain = if local.is_ipv4() { Domain::V4 } else { Domain::V6 };
        UdpSocket { socket: mio::net::UdpSocket::from_std(socket), domain, destinations }
    }

    pub(super) fn receive_from(&mut self, buffer: &mut [u8]) -> io::Result<(usize, PeerAddr)> {
        let UdpSocket { socket, domain, destinations } = self;
        if destinations.0.is_empty() {
            let (length, remote) = socket.recv_from(buffer)?;
            // recvfrom(2) does not tell what it has cut. No datagram is as long as the buffer of the
            // loop, so that nothing is lost by this that was whole.
            if length == buffer.len() {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            return Ok((length, PeerAddr::Inet { remote: canonical(remote), local: None }));
        }
        let fd = socket.as_raw_fd();
        socket.try_io(|| {
            let mut parts = [IoSliceMut::new(buffer)];
            let control = Some(destinations.0.as_mut_slice());
            let flags = MsgFlags::empty();
            match domain {
                Domain::V4 => {
                    received::<SockaddrIn>(&socket::recvmsg(fd, &mut parts, control, flags)?)
                }
                Domain::V6 => {
                    received::<SockaddrIn6>(&socket::recvmsg(fd, &mut parts, control, flags)?)
                }
            }
        })
    }

    pub(super) fn send_to(
        &mut self,
        payload: &[u8],
        remote: SocketAddr,
        local: Option<IpAddr>,
    ) -> io::Result<()> {
        let Some(local) = local else {
            let to = match self.domain {
                Domain::V4 => remote,
                Domain::V6 => mapped(remote).into(),
            };
            return self.socket.send_to(payload, to).map(drop);
        };
        let fd = self.socket.as_raw_fd();
        let parts = [IoSlice::new(payload)];
        let flags = MsgFlags::empty();
        self.socket.try_io(|| {
            let v4_source;
            let v6_source;
            let source: &[ControlMessage<'_>] = match local {
                #[cfg(target_os = "linux")]
                IpAddr::V4(ip) => {
                    v4_source = v4_packet_info(ip);
                    &[ControlMessage::Ipv4PacketInfo(&v4_source)]
                }
                #[cfg(target_os = "linux")]
                IpAddr::V6(ip) => {
                    v6_source = v6_packet_info(ip, remote);
                    &[ControlMessage::Ipv6PacketInfo(&v6_source)]
                }
                #[cfg(not(target_os = "linux"))]
                _ => &[],
            };
            match (self.domain, remote) {
                (Domain::V4, SocketAddr::V4(to)) => {
                    socket::sendmsg(fd, &parts, source, flags, Some(&SockaddrIn::from(to)))?
                }
                (Domain::V4, SocketAddr::V6(_)) => {
                    return Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT));
                }
                (Domain::V6, to) => {
                    let to = SockaddrIn6::from(mapped(to));
                    socket::sendmsg(fd, &parts, source, flags, Some(&to))?
                }
            };
            Ok(())
        })
    }

    pub(super) fn source(&mut self) -> &mut dyn Source {
        &mut self.socket
    }
}

/// Reads off a received datagram how long it is, who sent it, and whom it was sent to.
fn received<S>(datagram: &RecvMsg<'_, '_, S>) -> io::Result<(usize, PeerAddr)>
where
    S: SockaddrLike + Copy,
    SocketAddr: From<S>,
{
    if datagram.flags.contains(MsgFlags::MSG_TRUNC) {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let sender = datagram.address.ok_or(io::ErrorKind::InvalidData)?;
    let remote = canonical(SocketAddr::from(sender));
    Ok((datagram.bytes, PeerAddr::Inet { remote, local: destination(datagram) }))
}

/// An address of IPv4 as one, whichever socket it came by.
fn canonical(mut address: SocketAddr) -> SocketAddr {
    address.set_ip(address.ip().to_canonical());
    address
}

/// Which of our addresses was asked. For a broadcast that is the address of the interface it came
/// in by. A multicast group of IPv6 is nothing to send from, so the choice is left to the system.
#[cfg(target_os = "linux")]
fn destination<S>(datagram: &RecvMsg<'_, '_, S>) -> Option<IpAddr> {
    let mut v6 = None;
    for message in datagram.cmsgs().ok()? {
        match message {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let octets = info.ipi_spec_dst.s_addr.to_ne_bytes();
                return Some(IpAddr::V4(Ipv4Addr::from(octets)));
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                v6 = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            _ => {}
        }
    }
    v6.filter(|ip| !ip.is_multicast()).map(|ip| IpAddr::V6(ip).to_canonical())
}

#[cfg(not(target_os = "linux"))]
fn destination<S>(_datagram: &RecvMsg<'_, '_, S>) -> Option<IpAddr> {
    None
}

/// Names the source of a datagram of IPv4, also on a dual-stack socket.
#[cfg(target_os = "linux")]
fn v4_packet_info(source: Ipv4Addr) -> libc::in_pktinfo {
    libc::in_pktinfo {
        // 0: whichever interface routing chooses for the destination.
        ipi_ifindex: 0,
        // Octets in memory order are network byte order.
        ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(source.octets()) },
        ipi_addr: libc::in_addr { s_addr: 0 },
    }
}

/// Names the source of a datagram of IPv6. A link-local address means something only on one link,
/// and that is the link of the one it talks to.
#[cfg(target_os = "linux")]
fn v6_packet_info(source: Ipv6Addr, remote: SocketAddr) -> libc::in6_pktinfo {
    let link = match remote {
        SocketAddr::V6(remote) => remote.scope_id(),
        SocketAddr::V4(_) => 0,
    };
    libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: source.octets() }, ipi6_ifindex: link }
}

/// An address as a socket of IPv6 writes it.
fn mapped(address: SocketAddr) -> SocketAddrV6 {
    match address {
        SocketAddr::V6(address) => address,
        SocketAddr::V4(address) => {
            SocketAddrV6::new(address.ip().to_ipv6_mapped(), address.port(), 0, 0)
        }
    }
}

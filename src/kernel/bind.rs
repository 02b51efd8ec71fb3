//! From an address to a socket that listens on it.
//!
//! [`Mio::listen`](super::Mio::listen) comes here while the server starts. Everything a socket
//! needs is set on it *before* it can receive anything: options that accepted connections inherit,
//! and those without which an early datagram would lack what its answer needs. When anything
//! fails, the half-made socket is dropped, and with it the path it may have made.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use nix::ifaddrs::getifaddrs;
use socket2::{Domain, Protocol, Socket, Type};

use super::bind_error::BindError;
use super::datagram::MioDatagram;
use super::directory_lock::DirectoryLock;
use super::listener::MioListener;
use super::resolve::resolve;
use super::unix_path::{self, Claim};
use super::{Kernel, Mio, packet, udp};
use crate::address::{Family, InetAddress, ListenAddress, UnixAddress, UnixName};

/// A socket that listens, and where.
pub struct Bound<K: Kernel = Mio> {
    /// The socket, to be registered.
    pub socket: BoundSocket<K>,
    /// Where it listens.
    pub local: LocalAddr,
    /// A stale UNIX socket was at the path and was replaced.
    pub replaced_stale: bool,
}

impl<K: Kernel> fmt::Debug for Bound<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("local", &self.local).finish_non_exhaustive()
    }
}

/// The two kinds of sockets a server listens on.
pub enum BoundSocket<K: Kernel = Mio> {
    /// Connections are accepted from it.
    Listener(K::Listener),
    /// Datagrams are received from it.
    Datagram(K::Datagram),
}

/// The address a socket really has: the host resolved, and the port chosen if 0 was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LocalAddr {
    /// An internet address; `[::]` stands for all addresses, those of IPv4 too unless the network
    /// was `tcp6` or `udp6`.
    Inet(SocketAddr),
    /// The name of a UNIX socket.
    Unix(UnixName),
}

impl LocalAddr {
    /// Every internet address that datagrams sent from here can carry: the address itself and,
    /// where it stands for all addresses, those that the interfaces of this machine have
    /// (getifaddrs(3)) when the question is asked.
    pub fn sender_addresses(&self) -> Vec<SocketAddr> {
        let LocalAddr::Inet(address) = self else { return Vec::new() };
        let mut all = vec![*address];
        if address.ip().is_unspecified()
            && let Ok(interfaces) = getifaddrs()
        {
            let storages = interfaces.filter_map(|interface| interface.address);
            all.extend(storages.filter_map(|storage| {
                let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
                let v6 = storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()));
                v4.or(v6).map(|ip| SocketAddr::new(ip, address.port()))
            }));
        }
        all
    }
}

impl fmt::Display for LocalAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalAddr::Inet(address) => address.fmt(f),
            LocalAddr::Unix(name) => name.fmt(f),
        }
    }
}

/// Connections that wait to be accepted; the system takes less where `net.core.somaxconn` is less
/// (listen(2)).
const BACKLOG: i32 = 4096;

/// Makes a socket that listens on `address`.
pub(super) fn listen(address: &ListenAddress) -> Result<Bound, BindError> {
    match address {
        ListenAddress::Tcp(address) => listen_inet("tcp", address, open_tcp),
        ListenAddress::Udp(address) => listen_inet("udp", address, open_udp),
        ListenAddress::Unix(address) => listen_unix(address, Type::STREAM),
        ListenAddress::UnixDatagram(address) => listen_unix(address, Type::DGRAM),
        ListenAddress::UnixPacket(address) => listen_unix(address, Type::SEQPACKET),
    }
}

/// Makes a socket of one kind on one internet address. The family decides whether a socket on
/// `[::]` takes IPv4 as well.
type Open = fn(SocketAddr, Family) -> io::Result<(BoundSocket, SocketAddr)>;

/// Listens on every address if there is no host, and else on the first of the host's addresses
/// that can be listened on.
fn listen_inet(scheme: &str, address: &InetAddress, open: Open) -> Result<Bound, BindError> {
    let family = address.family;
    let Some(host) = &address.host else {
        return listen_everywhere(family, address.port, open);
    };
    let mut result = Err(BindError::Host(super::ResolveError::Unknown {
        host: host.clone(),
        reason: String::from("it has no address"),
    }));
    for candidate in resolve(scheme, family, host, address.port)? {
        result = open_at(candidate, family, open);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Listens on all addresses of the machine. One dual-stack socket takes both families; only where
/// the machine has no IPv6 at all does `0.0.0.0` have to do. A port in use is no reason to fall
/// back: that would leave IPv6 to somebody else without a word.
fn listen_everywhere(family: Family, port: u16, open: Open) -> Result<Bound, BindError> {
    let every_v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let every_v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    match family {
        Family::V4 => open_at(every_v4, family, open),
        Family::V6 => open_at(every_v6, family, open),
        Family::Any => match open_at(every_v6, family, open) {
            Err(BindError::FamilyNotAvailable { .. } | BindError::AddressNotAvailable { .. }) => {
                open_at(every_v4, family, open)
            }
            other => other,
        },
    }
}

fn open_at(address: SocketAddr, family: Family, open: Open) -> Result<Bound, BindError> {
    match open(address, family) {
        Ok((socket, local)) => {
            Ok(Bound { socket, local: LocalAddr::Inet(local), replaced_stale: false })
        }
        Err(error) => Err(BindError::inet(address, error)),
    }
}

fn open_tcp(address: SocketAddr, family: Family) -> io::Result<(BoundSocket, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    set_v6_only(&socket, address, family)?;
    // A restarted server may take its port while old connections are in TIME-WAIT (socket(7)).
    // Two live listeners still cannot share it.
    socket.set_reuse_address(true)?;
    MioListener::set_tcp_options(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    let listener = std::net::TcpListener::from(socket);
    let local = listener.local_addr()?;
    Ok((BoundSocket::Listener(MioListener::tcp(listener)), local))
}

fn open_udp(address: SocketAddr, family: Family) -> io::Result<(BoundSocket, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    set_v6_only(&socket, address, family)?;
    // SO_REUSEADDR would let two servers share a UDP port unnoticed, each with half the traffic.
    let destinations = udp::learn_destinations(&socket, address)?;
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    let socket = std::net::UdpSocket::from(socket);
    let local = socket.local_addr()?;
    Ok((BoundSocket::Datagram(MioDatagram::udp(socket, local, destinations)), local))
}

/// Only `[::]` without a digit behind the scheme takes IPv4 as well (ipv6(7), `IPV6_V6ONLY`). It
/// is always set, because its default is an administrator's choice (`net.ipv6.bindv6only`).
fn set_v6_only(socket: &Socket, address: SocketAddr, family: Family) -> io::Result<()> {
    if address.is_ipv6() {
        socket.set_only_v6(!(family == Family::Any && address.ip().is_unspecified()))?;
    }
    Ok(())
}

fn listen_unix(address: &UnixAddress, kind: Type) -> Result<Bound, BindError> {
    let system = |error| BindError::System { address: address.name.to_string(), error };
    let socket = Socket::new(Domain::UNIX, kind, None).map_err(system)?;
    socket.set_nonblocking(true).map_err(system)?;
    if kind == Type::SEQPACKET {
        packet::mark_packets(&socket).map_err(system)?;
    }
    // Until it listens, it looks like a stale one to the next server.
    let _lock = DirectoryLock::of(&address.name);
    let Claim { guard, replaced_stale } = unix_path::claim(&socket, kind, address)?;
    if kind != Type::DGRAM {
        socket.listen(BACKLOG).map_err(system)?;
    }
    if guard.as_ref().is_some_and(|guard| !guard.is_ours()) {
        return Err(BindError::NameInUse { name: address.name.clone() });
    }
    // From here on, dropping the socket unlinks the path before it closes the descriptor.
    let fd = OwnedFd::from(socket);
    let socket = match kind {
        Type::DGRAM => BoundSocket::Datagram(MioDatagram::unix(fd.into(), guard)),
        Type::SEQPACKET => BoundSocket::Listener(MioListener::packet(fd.into(), guard)),
        _ => BoundSocket::Listener(MioListener::unix(fd.into(), guard)),
    };
    Ok(Bound { socket, local: LocalAddr::Unix(address.name.clone()), replaced_stale })
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    /// A machine without IPv6: its kernel was built or started without the protocol.
    fn open_without_v6(
        address: SocketAddr,
        family: Family,
    ) -> io::Result<(BoundSocket, SocketAddr)> {
        match address {
            SocketAddr::V6(_) => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
            SocketAddr::V4(_) => open_tcp(address, family),
        }
    }

    fn open_v6_in_use(
        address: SocketAddr,
        family: Family,
    ) -> io::Result<(BoundSocket, SocketAddr)> {
        match address {
            SocketAddr::V6(_) => Err(io::Error::from_raw_os_error(libc::EADDRINUSE)),
            SocketAddr::V4(_) => open_tcp(address, family),
        }
    }

    #[test]
    fn everywhere_is_ipv4_alone_where_the_machine_has_no_ipv6() {
        let bound = listen_everywhere(Family::Any, 0, open_without_v6).unwrap();
        let LocalAddr::Inet(local) = bound.local else { panic!("an internet address") };
        assert_eq!(local.ip(), Ipv4Addr::UNSPECIFIED);
        let error = listen_everywhere(Family::V6, 0, open_without_v6).unwrap_err();
        assert_eq!(error.to_string(), ":: cannot be used: this machine has no IPv6");
    }

    #[test]
    fn everywhere_sends_from_every_interface() {
        let local = LocalAddr::Inet(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 7)));
        let all = local.sender_addresses();
        assert!(all.contains(&SocketAddr::from((Ipv4Addr::LOCALHOST, 7))), "{all:?}");
        assert!(all.iter().all(|address| address.port() == 7));
        let one = LocalAddr::Inet(SocketAddr::from((Ipv4Addr::LOCALHOST, 7)));
        assert_eq!(one.sender_addresses(), [SocketAddr::from((Ipv4Addr::LOCALHOST, 7))]);
    }

    #[test]
    fn everywhere_does_not_quietly_give_up_ipv6_to_somebody_else() {
        let error = listen_everywhere(Family::Any, 0, open_v6_in_use).unwrap_err();
        assert!(matches!(error, BindError::PortInUse { .. }));
    }
}

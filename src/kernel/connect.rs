//! From an address to a connection, for clients.
//!
//! connect(2) on a socket that does not block says `EINPROGRESS`, and the socket becomes writable
//! when it is decided: then `SO_ERROR` has the error, if there was one. Over a UNIX socket it is
//! decided at once; a listener whose queue is full is `EAGAIN`, and nothing tells when there is
//! room, so whoever asked tries again later.
//!
//! A datagram socket is connected, too: the system then takes datagrams from that one address
//! only, and tells by `ECONNREFUSED` that nobody is there (udp(7)).

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use log::debug;
use nix::libc;
use socket2::{Domain, Protocol, Socket, Type};

use super::listener::MioListener;
use super::packet::{self, PacketStream};
use super::stream::MioStream;
use super::unix_path::{self, PathGuard};
use crate::address::{ConnectAddress, UnixName};

/// The path of a client's datagram socket, where its answers come to.
#[derive(Debug)]
pub(super) struct ClientPath {
    fd: RawFd,
    /// Unlinks the path when dropped.
    _guard: PathGuard,
}

/// Begins to connect to `address`.
pub(super) fn connect(
    address: &ConnectAddress,
    client_paths: &mut Vec<ClientPath>,
) -> io::Result<MioStream> {
    match address {
        ConnectAddress::Tcp { to, from } => {
            let socket = open(Domain::for_address(*to), Type::STREAM, Some(Protocol::TCP))?;
            MioListener::set_tcp_options(&socket)?;
            if let Some(from) = from {
                leave_port_to_connect(&socket)?;
                socket.bind(&SocketAddr::new(*from, 0).into())?;
            }
            begin(&socket, *to)?;
            Ok(MioStream::Tcp(mio::net::TcpStream::from_std(socket.into())))
        }
        ConnectAddress::Udp(remote) => {
            let socket = open(Domain::for_address(*remote), Type::DGRAM, Some(Protocol::UDP))?;
            begin(&socket, *remote)?;
            Ok(MioStream::Udp(mio::net::UdpSocket::from_std(socket.into())))
        }
        ConnectAddress::Unix(name) => {
            let socket = open(Domain::UNIX, Type::STREAM, None)?;
            connect_unix(&socket, name)?;
            Ok(MioStream::Unix(mio::net::UnixStream::from_std(OwnedFd::from(socket).into())))
        }
        ConnectAddress::UnixPacket(name) => {
            let socket = open(Domain::UNIX, Type::SEQPACKET, None)?;
            packet::mark_packets(&socket)?;
            connect_unix(&socket, name)?;
            let stream = mio::net::UnixStream::from_std(OwnedFd::from(socket).into());
            Ok(MioStream::Packet(PacketStream::new(stream)))
        }
        ConnectAddress::UnixDatagram(name) => {
            let socket = open(Domain::UNIX, Type::DGRAM, None)?;
            let guard = bind_to_own_path(&socket)?;
            connect_unix(&socket, name)?;
            client_paths.push(ClientPath { fd: socket.as_raw_fd(), _guard: guard });
            let socket = mio::net::UnixDatagram::from_std(OwnedFd::from(socket).into());
            Ok(MioStream::UnixDatagram(socket))
        }
    }
}

/// Whether a connection that was begun is there; the error where it failed.
pub(super) fn is_connected(stream: &MioStream) -> io::Result<bool> {
    let (local, peer) = match stream {
        MioStream::Tcp(tcp) => {
            if let Some(error) = tcp.take_error()? {
                return Err(error);
            }
            match tcp.peer_addr() {
                Ok(peer) => (tcp.local_addr()?, peer),
                Err(error) if is_in_progress(&error) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        MioStream::Udp(udp) => (udp.local_addr()?, udp.peer_addr()?),
        _ => return Ok(true),
    };
    debug!("connected to {peer} from {local}");
    Ok(true)
}

/// A datagram socket is closed: its path goes, too.
pub(super) fn forget(socket: &mio::net::UnixDatagram, client_paths: &mut Vec<ClientPath>) {
    client_paths.retain(|path| path.fd != socket.as_raw_fd());
}

fn open(domain: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
    let socket = Socket::new(domain, kind, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A port is chosen when it is known what for: bind(2) alone would have to find one that nobody uses
/// at all (ip(7), `IP_BIND_ADDRESS_NO_PORT`).
#[cfg(target_os = "linux")]
fn leave_port_to_connect(socket: &Socket) -> io::Result<()> {
    Ok(nix::sys::socket::setsockopt(socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true)?)
}

#[cfg(not(target_os = "linux"))]
fn leave_port_to_connect(_socket: &Socket) -> io::Result<()> {
    Ok(())
}

fn begin(socket: &Socket, remote: SocketAddr) -> io::Result<()> {
    match socket.connect(&remote.into()) {
        Err(error) if is_in_progress(&error) => Ok(()),
        other => other,
    }
}

/// connect(2) over a UNIX socket. A path whose socket is of another type has an error of its own,
/// for which the standard library has no word.
fn connect_unix(socket: &Socket, name: &UnixName) -> io::Result<()> {
    socket.connect(&sockaddr(name)?).map_err(|error| match error.raw_os_error() {
        Some(libc::EPROTOTYPE) => io::ErrorKind::Unsupported.into(),
        _ => error,
    })
}

fn is_in_progress(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::ENOTCONN))
}

fn sockaddr(name: &UnixName) -> io::Result<socket2::SockAddr> {
    unix_path::sockaddr(name)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))
}

/// Gives a datagram socket a path that nobody else has. (A name in Linux's abstract namespace needs
/// no unlinking, but belongs to one network namespace, and a server that is reached by a path may be
/// in another.)
fn bind_to_own_path(socket: &Socket) -> io::Result<PathGuard> {
    let directory = std::env::temp_dir();
    loop {
        let name = format!("readily-{}-{:08x}.sock", std::process::id(), rand::random::<u32>());
        let path = directory.join(name);
        match socket.bind(&sockaddr(&UnixName::Path(path.clone()))?) {
            Ok(()) => return PathGuard::new(&path),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

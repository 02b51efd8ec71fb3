//! Accepts connections.
//!
//! The reactor accepts through [`Kernel::accept`](super::Kernel::accept), within a budget, until
//! it says `WouldBlock`. Other errors are the reactor's to judge: accept(2) also reports what has
//! gone wrong with the waiting connection, or that the process is out of descriptors.
//!
//! TCP connections are accepted by mio, which makes them non-blocking in the same system call.
//! UNIX connections are accepted by the standard library and made non-blocking by one more. The
//! reason is a peer that is bound to a path of 108 bytes: Linux reports its length as one more than
//! `sun_path` holds (unix(7), BUGS), and mio 1.2 panics on slicing that.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use socket2::Socket;

use super::packet::PacketStream;
use super::stream::MioStream;
use super::unix_path::PathGuard;
use crate::address::{PeerAddr, UnixName};

/// A TCP, UNIX or packet socket that accepts connections.
#[derive(Debug)]
pub struct MioListener {
    // Fields are dropped in order, and the guard has to go first: see `PathGuard`.
    _path: Option<PathGuard>,
    socket: ListenerSocket,
}

#[derive(Debug)]
enum ListenerSocket {
    Tcp(mio::net::TcpListener),
    Unix(net::UnixListener),
    /// A listener of type SOCK_SEQPACKET: accept(2) and epoll(7) do not ask for the type.
    Packet(net::UnixListener),
}

impl MioListener {
    /// What every TCP connection needs: small replies leave at once (`TCP_NODELAY`), and a peer
    /// that vanished is found out (`SO_KEEPALIVE`). Called on the listener, because on Linux an
    /// accepted socket is a copy of it, options included: two system calls less a connection.
    pub(super) fn set_tcp_options(socket: &Socket) -> io::Result<()> {
        socket.set_tcp_nodelay(true)?;
        socket.set_keepalive(true)
    }

    pub(super) fn tcp(listener: std::net::TcpListener) -> MioListener {
        let socket = ListenerSocket::Tcp(mio::net::TcpListener::from_std(listener));
        MioListener { _path: None, socket }
    }

    pub(super) fn unix(listener: net::UnixListener, path: Option<PathGuard>) -> MioListener {
        MioListener { _path: path, socket: ListenerSocket::Unix(listener) }
    }

    pub(super) fn packet(listener: net::UnixListener, path: Option<PathGuard>) -> MioListener {
        MioListener { _path: path, socket: ListenerSocket::Packet(listener) }
    }

    /// Takes the next waiting connection.
    pub(super) fn accept(&mut self) -> io::Result<(MioStream, PeerAddr)> {
        match &self.socket {
            ListenerSocket::Tcp(listener) => {
                let (stream, mut remote) = listener.accept()?;
                #[cfg(not(target_os = "linux"))]
                Self::set_tcp_options_again(&stream)?;
                // A client of IPv4 at a dual-stack socket is called `::ffff:a.b.c.d` there
                // (ipv6(7)); people and limits per address know it as `a.b.c.d`.
                remote.set_ip(remote.ip().to_canonical());
                Ok((MioStream::Tcp(stream), PeerAddr::Inet { remote, local: None }))
            }
            ListenerSocket::Unix(listener) => {
                let (stream, peer) = accept_unix(listener)?;
                Ok((MioStream::Unix(stream), peer))
            }
            ListenerSocket::Packet(listener) => {
                let (stream, peer) = accept_unix(listener)?;
                Ok((MioStream::Packet(PacketStream::new(stream)), peer))
            }
        }
    }

    /// Where accepted sockets inherit nothing for sure. A connection that is reset already has
    /// options that cannot be set; reading from it tells.
    #[cfg(not(target_os = "linux"))]
    fn set_tcp_options_again(stream: &mio::net::TcpStream) -> io::Result<()> {
        let socket = socket2::SockRef::from(stream);
        let _ = Self::set_tcp_options(&socket);
        Ok(())
    }

    fn fd(&self) -> RawFd {
        match &self.socket {
            ListenerSocket::Tcp(listener) => listener.as_raw_fd(),
            ListenerSocket::Unix(listener) | ListenerSocket::Packet(listener) => {
                listener.as_raw_fd()
            }
        }
    }
}

impl Source for MioListener {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.fd()).register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        SourceFd(&self.fd()).reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.fd()).deregister(registry)
    }
}

fn accept_unix(listener: &net::UnixListener) -> io::Result<(mio::net::UnixStream, PeerAddr)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((mio::net::UnixStream::from_std(stream), PeerAddr::Unix(name_of(&peer))))
}

/// The name a UNIX peer is bound to; most are bound to none.
fn name_of(peer: &net::SocketAddr) -> Option<UnixName> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        if let Some(name) = peer.as_abstract_name() {
            return Some(UnixName::Abstract(name.to_vec()));
        }
    }
    peer.as_pathname().map(|path| UnixName::Path(path.to_owned()))
}

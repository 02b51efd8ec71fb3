//! Accepting with one system call: mio's sockets ask accept4(2) for a descriptor that does not
//! block, where those of the standard library need a second call.

use std::io;
use std::os::fd::OwnedFd;

use mio::net::{TcpListener, UnixListener};
use socket2::Socket;

use crate::door::Door;
use crate::url::Scheme;

/// A listening socket of either kind.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn new(door: Door) -> Listener {
        match door.url.scheme() {
            Scheme::Unix => Listener::Unix(UnixListener::from_std(door.socket.into())),
            Scheme::Tcp | Scheme::Ws | Scheme::Udp => {
                Listener::Tcp(TcpListener::from_std(door.socket.into()))
            }
        }
    }

    /// The next connection, which does not block.
    pub(super) fn accept(&self) -> io::Result<Socket> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok(OwnedFd::from(stream).into())
            }
            Listener::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                Ok(OwnedFd::from(stream).into())
            }
        }
    }
}

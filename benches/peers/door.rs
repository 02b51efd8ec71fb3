//! The socket that clients come to, made in the same way for all contenders.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::url::Url;

/// As many connections as a benchmark opens at once may wait to be accepted. With the 128 of the
/// standard library, SYNs are dropped and sent again a second later.
const BACKLOG: i32 = 4096;

/// A bound socket that does not block, listening if it is for connections.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) socket: Socket,
    /// With the port that it got.
    pub(crate) url: Url,
}

impl Door {
    pub(crate) fn open(url: &Url) -> io::Result<Door> {
        match url {
            Url::Tcp(address) => {
                let (socket, address) = bind(*address, Type::STREAM)?;
                Ok(Door { socket, url: Url::Tcp(address) })
            }
            Url::Ws(address, path) => {
                let (socket, address) = bind(*address, Type::STREAM)?;
                Ok(Door { socket, url: Url::Ws(address, path.clone()) })
            }
            Url::Udp(address) => {
                let (socket, address) = bind(*address, Type::DGRAM)?;
                Ok(Door { socket, url: Url::Udp(address) })
            }
            Url::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                socket.bind(&SockAddr::unix(path)?)?;
                socket.listen(BACKLOG)?;
                socket.set_nonblocking(true)?;
                Ok(Door { socket, url: url.clone() })
            }
        }
    }
}

fn bind(address: SocketAddr, kind: Type) -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    if kind == Type::STREAM {
        socket.listen(BACKLOG)?;
    }
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok((socket, address))
}

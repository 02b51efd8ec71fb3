//! Servers that share no code with readily: bare sockets, scripted by the test.

use std::io::{Read, Write};
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::client::{Target, places};
use crate::support::PATIENCE;
use crate::support::ipv6::has_ipv6;

/// A socket that a client can connect, or send datagrams, to.
pub(crate) struct Peer {
    pub(crate) socket: Socket,
    /// What to connect to.
    pub(crate) url: String,
}

impl Peer {
    /// Listens at a URL with port 0, or with the name of a UNIX socket.
    pub(crate) fn listen(url: &str) -> Peer {
        Peer::with_backlog(url, 16)
    }

    /// The same, where so many clients may wait to be accepted.
    pub(crate) fn with_backlog(url: &str, backlog: i32) -> Peer {
        let target = Target::of(url);
        let kind = match target.scheme {
            "udp" | "udp4" | "udp6" | "unixgram" => Type::DGRAM,
            "unixpacket" => Type::SEQPACKET,
            _ => Type::STREAM,
        };
        let socket = Socket::new(target.address.domain(), kind, None).expect("a socket");
        if kind == Type::STREAM && target.address.domain() != Domain::UNIX {
            // A test may listen again where it has just listened.
            socket.set_reuse_address(true).expect("TCP");
        }
        socket.bind(&target.address).unwrap_or_else(|error| panic!("{url}: {error}"));
        if kind != Type::DGRAM {
            socket.listen(backlog).expect("listens");
        }
        // It is a deadline for accept(2), too.
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        let address = socket.local_addr().expect("bound");
        let url = match address.as_socket() {
            Some(address) => {
                format!("{}://{address}{}", target.scheme, target.path)
            }
            None => url.to_owned(),
        };
        Peer { socket, url }
    }

    pub(crate) fn tcp() -> Peer {
        Peer::listen("tcp://127.0.0.1:0")
    }

    pub(crate) fn udp() -> Peer {
        Peer::listen("udp://127.0.0.1:0")
    }

    pub(crate) fn unix(directory: &Path) -> Peer {
        Peer::listen(&format!("unix://{}/socket", directory.display()))
    }

    /// The next client.
    pub(crate) fn accept(&self) -> Socket {
        let (socket, _) = self.socket.accept().expect("a client");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    }

    /// The next datagram, and who sent it.
    pub(crate) fn receive(&self) -> (Vec<u8>, SockAddr) {
        let from = self.socket.peek_sender().expect("a datagram");
        (packet(&self.socket), from)
    }
}

/// Has the socket's peer see an RST (RFC 9293 section 3.6.1) instead of an orderly end.
pub(crate) fn reset(socket: Socket) {
    socket.set_linger(Some(std::time::Duration::ZERO)).expect("TCP");
    drop(socket);
}

/// The next packet or datagram.
pub(crate) fn packet(mut socket: &Socket) -> Vec<u8> {
    let mut packet = vec![0; 256 * 1024];
    let length = socket.read(&mut packet).expect("a packet");
    packet.truncate(length);
    packet
}

/// Nothing has come, and no end.
pub(crate) fn assert_silent(socket: &Socket) {
    socket.set_nonblocking(true).expect("a mode");
    let come = socket.peek(&mut [std::mem::MaybeUninit::uninit()]).map_err(|error| error.kind());
    assert_eq!(come, Err(std::io::ErrorKind::WouldBlock));
    socket.set_nonblocking(false).expect("a mode");
}

/// Sends a whole answer.
pub(crate) fn answer(mut socket: &Socket, text: &[u8]) {
    socket.write_all(text).expect("writes");
}

/// The places of one kind (see [`places`]), all families and both kinds of UNIX names.
pub(crate) fn places_of(directory: &Path, schemes: &[&str]) -> Vec<String> {
    let of = |url: &String| schemes.contains(&url.split("://").next().expect("a scheme"));
    let places: Vec<String> = places(directory).into_iter().filter(of).collect();
    assert!(!places.is_empty() || !has_ipv6());
    places
}

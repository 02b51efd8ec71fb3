//! One client for every transport, so that a test can ask the same thing everywhere.
//!
//! The WebSocket side is tungstenite: a peer that shares no code with the server. The rest is bare
//! sockets, which behave alike whatever they carry.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::{Domain, SockAddr, Socket, Type};
use tungstenite::{Message, WebSocket};

use crate::support::PATIENCE;
use crate::support::ipv6::has_ipv6;

/// Tells names apart that one process makes.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A client with a connection, or with a socket of its own where there are none.
pub enum Client {
    /// Lines over a stream.
    Lines(Socket),
    /// Datagrams or packets: one message, one send.
    Messages(Socket),
    /// WebSocket messages.
    Web(Box<WebSocket<Socket>>),
}

impl Client {
    /// Connects to a URL as the server's table prints it.
    pub fn connect(url: &str) -> Client {
        Client::with_receive_buffer(url, None)
    }

    /// The same, with a receive buffer of about this many bytes.
    pub fn with_receive_buffer(url: &str, bytes: Option<usize>) -> Client {
        let Target { scheme, address, path } = Target::of(url);
        let kind = match scheme {
            "udp" | "udp4" | "udp6" | "unixgram" => Type::DGRAM,
            "unixpacket" => Type::SEQPACKET,
            _ => Type::STREAM,
        };
        let socket = Socket::new(address.domain(), kind, None).expect("a socket");
        if let Some(bytes) = bytes {
            socket.set_recv_buffer_size(bytes).expect("a buffer");
        }
        if scheme == "unixgram" {
            // Without a name of its own it would get no replies.
            socket.bind(&own_name(&address)).expect("binds");
        }
        socket.connect(&address).unwrap_or_else(|error| panic!("{url}: {error}"));
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        if kind == Type::STREAM && address.domain() != Domain::UNIX {
            socket.set_tcp_nodelay(true).expect("TCP");
        }
        match scheme {
            "ws" | "ws+unix" => {
                let host = address.as_socket().map_or("localhost".to_owned(), |at| at.to_string());
                let upgraded = tungstenite::client(format!("ws://{host}{path}"), socket);
                let (web, _) = upgraded.unwrap_or_else(|error| panic!("{url}: {error}"));
                Client::Web(Box::new(web))
            }
            "tcp" | "tcp4" | "tcp6" | "unix" => Client::Lines(socket),
            _ => Client::Messages(socket),
        }
    }

    /// Sends one message: with `\n` as a line, and over WebSocket as text where it is text.
    pub fn send(&mut self, message: &[u8]) {
        match self {
            Client::Lines(socket) => {
                socket.write_all(&[message, b"\n"].concat()).expect("sends a line");
            }
            Client::Messages(socket) => {
                assert_eq!(socket.send(message).expect("sends a message"), message.len());
            }
            Client::Web(web) => {
                let message = match std::str::from_utf8(message) {
                    Ok(text) => Message::text(text),
                    Err(_) => Message::binary(message.to_vec()),
                };
                web.send(message).expect("sends a frame");
            }
        }
    }

    /// Reads one message as it stands on the wire: a line with its `\n`.
    pub fn receive(&mut self) -> Vec<u8> {
        match self {
            Client::Lines(socket) => {
                let mut line = Vec::new();
                while line.last() != Some(&b'\n') {
                    let mut byte = [0];
                    socket.read_exact(&mut byte).expect("a line");
                    line.push(byte[0]);
                }
                line
            }
            Client::Messages(socket) => {
                let mut message = vec![0; 128 * 1024];
                let length = socket.read(&mut message).expect("a message");
                message.truncate(length);
                message
            }
            Client::Web(web) => match web.read().expect("a message") {
                Message::Text(text) => text.as_bytes().to_vec(),
                Message::Binary(bytes) => bytes.to_vec(),
                other => panic!("{other:?} instead of a message"),
            },
        }
    }

    /// Sends a message and reads one.
    pub fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        self.receive()
    }

    /// The next message must be this one, followed by a newline where there are lines.
    pub fn expect(&mut self, message: &[u8]) {
        let expected = self.on_the_wire(message);
        let got = self.receive();
        assert!(
            got == expected,
            "{} instead of {}",
            shortened(&got).escape_ascii(),
            shortened(&expected).escape_ascii()
        );
    }

    /// What a reply looks like on this transport.
    pub fn on_the_wire(&self, reply: &[u8]) -> Vec<u8> {
        match self {
            Client::Lines(_) => [reply, b"\n"].concat(),
            Client::Messages(_) | Client::Web(_) => reply.to_vec(),
        }
    }

    /// The bare socket; for WebSocket the one below it.
    pub fn socket(&self) -> &Socket {
        match self {
            Client::Lines(socket) | Client::Messages(socket) => socket,
            Client::Web(web) => web.get_ref(),
        }
    }

    /// The WebSocket.
    ///
    /// # Panics
    /// On another transport.
    pub fn web(&mut self) -> &mut WebSocket<Socket> {
        match self {
            Client::Web(web) => web,
            _ => panic!("no WebSocket"),
        }
    }

    /// Fails if anything has arrived by now.
    pub fn assert_silent(&mut self) {
        let socket = self.socket();
        socket.set_nonblocking(true).expect("a mode");
        let mut byte = [0; 64];
        match (&mut &*socket).read(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => panic!("{other:?} instead of silence"),
        }
        socket.set_nonblocking(false).expect("a mode");
    }

    /// Reads what still comes until the server closes: the Close frame of a WebSocket, else the
    /// end. Nothing else may come.
    pub fn expect_end(&mut self) -> Option<u16> {
        match self {
            Client::Lines(socket) | Client::Messages(socket) => {
                let mut byte = [0; 64];
                assert_eq!(socket.read(&mut byte).expect("ends, and not by RST"), 0);
                None
            }
            Client::Web(web) => {
                let close = match web.read().expect("a Close frame") {
                    Message::Close(close) => close,
                    other => panic!("{other:?} instead of a Close frame"),
                };
                // tungstenite answers while it waits for the end, which it calls an error.
                match web.read() {
                    Err(tungstenite::Error::ConnectionClosed) => {}
                    other => panic!("{other:?} behind a Close frame"),
                }
                close.map(|frame| frame.code.into())
            }
        }
    }
}

/// A URL taken apart.
pub struct Target<'a> {
    /// `tcp`, `ws+unix` and so on.
    pub scheme: &'a str,
    /// Where to connect to; for a wildcard, on IPv4 loopback.
    pub address: SockAddr,
    /// The path of a WebSocket.
    pub path: &'a str,
}

impl<'a> Target<'a> {
    /// Takes a URL apart that holds no percent-encoding.
    pub fn of(url: &'a str) -> Target<'a> {
        let (scheme, rest) = url.split_once("://").expect("a URL");
        let rest = rest.split('?').next().expect("the first part");
        if scheme.contains("unix") {
            let split = if scheme == "ws+unix" { rest.rfind(":/") } else { None };
            let (name, path) = split.map_or((rest, ""), |at| (&rest[..at], &rest[at + 1..]));
            // A zero byte in front makes a name abstract (unix(7)).
            let name = match name.strip_prefix('@') {
                Some(name) => format!("\0{name}"),
                None => name.to_owned(),
            };
            return Target { scheme, address: SockAddr::unix(name).expect("a name"), path };
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let address: SocketAddr = match authority.strip_prefix(':') {
            Some(port) => SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port"))),
            None => authority.parse().expect("an address"),
        };
        Target { scheme, address: address.into(), path }
    }
}

/// A name for a client of a datagram socket: a path beside the server's, or one that the system
/// chooses in the abstract namespace.
fn own_name(server: &SockAddr) -> SockAddr {
    match server.as_pathname() {
        Some(path) => {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            SockAddr::unix(path.with_extension(format!("client{number}"))).expect("a path")
        }
        // An empty name has the system choose one (unix(7), "Autobind feature").
        None => SockAddr::unix("").expect("a name"),
    }
}

/// Every kind of place to listen at, with UNIX paths in `dir`.
pub fn places(dir: &Path) -> Vec<String> {
    let dir = dir.display();
    // Abstract names know no directories; they are free again when the server is gone.
    let name = format!("readily-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut places = Vec::new();
    for (scheme, path) in [("tcp", ""), ("udp", ""), ("ws", "/ws")] {
        let both = if scheme == "ws" { &[""][..] } else { &["", "4"] };
        places.extend(both.iter().map(|family| format!("{scheme}{family}://127.0.0.1:0{path}")));
        if has_ipv6() {
            let both = if scheme == "ws" { &[""][..] } else { &["", "6"] };
            places.extend(both.iter().map(|family| format!("{scheme}{family}://[::1]:0{path}")));
        }
    }
    for (scheme, path) in [("unix", ""), ("unixgram", ""), ("unixpacket", ""), ("ws+unix", ":/ws")]
    {
        places.push(format!("{scheme}://{dir}/socket.{scheme}{path}"));
        places.push(format!("{scheme}://@{name}-{scheme}{path}"));
    }
    places
}

/// Enough of a long message for an error.
fn shortened(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(120)]
}

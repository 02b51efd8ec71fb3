//! Servers that the loop dials: an echo of bytes, and one of WebSocket messages.

use std::net::SocketAddr;

use readily::address::ConnectAddress;
use readily::buffer::BufferPool;
use readily::codec::websocket as frames;
use readily::kernel::sim::{Received, Remote, Sim};
use tungstenite::handshake::derive_accept_key;

/// Where they are.
pub(crate) const BYTES: u16 = 7;
pub(crate) const WEB: u16 = 80;

pub(crate) fn address(port: u16) -> ConnectAddress {
    ConnectAddress::Tcp { to: SocketAddr::from(([127, 0, 0, 1], port)), from: None }
}

/// All of them, with those who have come.
#[derive(Default)]
pub(crate) struct Upstreams {
    connections: Vec<Connection>,
}

struct Connection {
    remote: Remote,
    /// What is still to be said.
    answer: Vec<u8>,
    speaks: Speaks,
    /// Nothing is to be said behind that.
    is_last: bool,
}

enum Speaks {
    Bytes,
    /// So much of a request has come.
    Request(Vec<u8>),
    WebSocket(frames::Decoder, BufferPool),
}

impl Upstreams {
    pub(crate) fn open(sim: &mut Sim) {
        for port in [BYTES, WEB] {
            sim.open_server(address(port));
        }
    }

    /// They all do what can be done at this time.
    pub(crate) fn act(&mut self, sim: &mut Sim) {
        for port in [BYTES, WEB] {
            while let Some(remote) = sim.next_arrival(&address(port)) {
                let is_web = port == WEB;
                let speaks = if is_web { Speaks::Request(Vec::new()) } else { Speaks::Bytes };
                let connection = Connection { remote, answer: Vec::new(), speaks, is_last: false };
                self.connections.push(connection);
            }
        }
        self.connections.retain_mut(|connection| connection.act(sim));
    }
}

impl Connection {
    /// Returns whether it goes on.
    fn act(&mut self, sim: &mut Sim) -> bool {
        let received = sim.receive(self.remote, 1_000);
        match &received {
            Received::Data(bytes) => self.hear(bytes.clone()),
            Received::Nothing => {}
            Received::End => self.is_last = true,
            Received::Reset => return false,
        }
        if !self.answer.is_empty() {
            match sim.send(self.remote, &self.answer) {
                Some(count) => drop(self.answer.drain(..count)),
                None => self.answer.clear(),
            }
        }
        let is_over = self.is_last && self.answer.is_empty();
        if is_over {
            sim.finish(self.remote);
        }
        !is_over || received != Received::End && !matches!(self.speaks, Speaks::Bytes)
    }

    fn hear(&mut self, mut bytes: Vec<u8>) {
        match &mut self.speaks {
            Speaks::Bytes => self.answer.append(&mut bytes),
            Speaks::Request(head) => {
                head.append(&mut bytes);
                if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
                    let mut rest = head.split_off(end + 4);
                    self.answer.extend(agree(std::str::from_utf8(head).expect("a head is text")));
                    let decoder = frames::Decoder::new(frames::Role::Server);
                    self.speaks = Speaks::WebSocket(decoder, BufferPool::new());
                    self.hear_frames(&mut rest);
                }
            }
            Speaks::WebSocket(..) => self.hear_frames(&mut bytes),
        }
    }

    fn hear_frames(&mut self, mut input: &mut [u8]) {
        let Speaks::WebSocket(decoder, pool) = &mut self.speaks else { return };
        let limits = frames::Limits::default();
        while let Some(event) =
            decoder.next(&mut input, &limits, pool).expect("a client sends sound frames")
        {
            match event {
                frames::Event::Text(bytes) | frames::Event::Binary(bytes) => {
                    frames::encode_binary(&mut self.answer, &bytes, None);
                }
                frames::Event::Ping(payload) => {
                    frames::encode_pong(&mut self.answer, &payload, None);
                }
                frames::Event::Pong(_) => {}
                frames::Event::Close(close) => {
                    let code = close.map(|close| close.code);
                    frames::encode_close(&mut self.answer, code, "", None);
                    // The server ends the connection (RFC 6455 section 7.1.1).
                    self.is_last = true;
                }
            }
        }
    }
}

/// The answer to a request.
fn agree(request: &str) -> Vec<u8> {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let accept = derive_accept_key(key.expect("a key").as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

//! A WebSocket server of a few lines: what stands in RFC 6455, and nothing of readily's codec.

use std::io::{Read as _, Write as _};

use socket2::Socket;
use tungstenite::handshake::derive_accept_key;

use crate::peer::Peer;
use crate::program::shown;

/// A connection after its handshake.
pub(crate) struct Web {
    pub(crate) socket: Socket,
    /// The head of the client's request.
    pub(crate) request: String,
}

/// What a client sends at a time.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The first byte: FIN, reserved bits, opcode.
    pub(crate) first: u8,
    pub(crate) mask: [u8; 4],
    /// Without its mask.
    pub(crate) payload: Vec<u8>,
}

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// A Close frame of a server with this code.
pub(crate) fn close_frame(code: u16) -> Vec<u8> {
    frame(CLOSE, &code.to_be_bytes())
}

/// A frame of a server.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(u8::try_from(length).expect("short")),
        length @ ..0x10000 => {
            frame.push(126);
            frame.extend(u16::try_from(length).expect("not long").to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// The head of a message, read byte by byte.
pub(crate) fn head(mut socket: &Socket) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error}: {}", shown(&head)));
        head.extend(byte);
    }
    String::from_utf8(head).expect("text")
}

/// The value of a field.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The answer to a request.
pub(crate) fn switching(request: &str) -> String {
    let key = field(request, "Sec-WebSocket-Key").expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n"
    )
}

/// A server's listener, and the URL of it.
pub(crate) fn listen() -> Peer {
    Peer::listen("ws://127.0.0.1:0/ws")
}

impl Web {
    /// Takes the next client and agrees to what it asks for.
    pub(crate) fn accept(peer: &Peer) -> Web {
        let socket = peer.accept();
        let request = head(&socket);
        let web = Web { socket, request };
        web.send(format!("{}\r\n", switching(&web.request)));
        web
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) {
        (&self.socket).write_all(bytes.as_ref()).expect("it is there");
    }

    /// The next frame.
    pub(crate) fn next(&self) -> Frame {
        let [first, length] = self.bytes();
        assert_eq!(length & 0x80, 0x80, "every frame of a client is masked");
        let length = match length & 0x7f {
            126 => usize::from(u16::from_be_bytes(self.bytes())),
            127 => usize::try_from(u64::from_be_bytes(self.bytes())).expect("not that long"),
            length => usize::from(length),
        };
        let mask: [u8; 4] = self.bytes();
        let mut payload = vec![0; length];
        (&self.socket).read_exact(&mut payload).expect("the payload");
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Frame { first, mask, payload }
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (&self.socket).read_exact(&mut bytes).expect("a frame");
        bytes
    }

    /// The next frame must be this one; returns its mask.
    pub(crate) fn expect(&self, first: u8, payload: impl AsRef<[u8]>) -> [u8; 4] {
        let frame = self.next();
        let expected = payload.as_ref();
        assert_eq!(
            (frame.first, shown(&frame.payload)),
            (first, shown(expected)),
            "first byte and payload"
        );
        assert!(frame.payload == expected);
        frame.mask
    }

    /// The client must close with this code and an empty reason. It is answered, and it leaves the
    /// end of the connection to us (section 7.1.1).
    pub(crate) fn expect_close(self, code: u16) {
        self.expect(CLOSE, code.to_be_bytes());
        self.send(close_frame(code));
        self.end();
    }

    /// Ends the connection; nothing more may have come.
    pub(crate) fn end(self) {
        self.socket.shutdown(std::net::Shutdown::Write).expect("it is there");
        let mut rest = Vec::new();
        (&self.socket).read_to_end(&mut rest).expect("ends, and not by RST");
        assert_eq!(shown(&rest), "");
    }
}

//! What peers say, written down.

use readily::codec::websocket::deflate::{Pool, WindowBits, encode_deflated};
use readily::codec::websocket::{Opcode, encode_frame};

use super::script::Path;

/// Requests that do not ask for a WebSocket.
pub(crate) const REQUESTS: [&[u8]; 6] = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
    b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"no request\r\n\r\n",
];

/// A request that does.
pub(crate) fn upgrade(path: Path, compresses: bool) -> Vec<u8> {
    let subprotocol =
        if path == Path::ChatJson { "Sec-WebSocket-Protocol: chat.v1\r\n" } else { "" };
    let (path, extensions) = (path.text(), extensions(compresses));
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         {subprotocol}{extensions}\r\n"
    )
    .into_bytes()
}

/// The answer to a request that waits in `output`, if there is one.
pub(crate) fn agreement(output: &[u8], compresses: bool) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(output);
    let (_, key) = text.split_once("Sec-WebSocket-Key: ")?;
    let key = key.lines().next().unwrap_or_default();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let extensions = extensions(compresses);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{extensions}\r\n"
    );
    Some(answer.into_bytes())
}

fn extensions(compresses: bool) -> &'static str {
    if compresses { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" }
}

/// A frame. Of `first`, the low four bits choose what it is, the high one makes it a fragment, and the
/// two behind that say that it is compressed, which with both of them is the truth.
pub(crate) fn frame(first: u8, payload: &[u8], is_masked: bool) -> Vec<u8> {
    let opcodes = [
        Opcode::Text,
        Opcode::Binary,
        Opcode::Continuation,
        Opcode::Ping,
        Opcode::Pong,
        Opcode::Close,
    ];
    let opcode = opcodes[usize::from(first & 0x0f) % opcodes.len()];
    let mask = is_masked.then_some([1, 2, 3, first]);
    let mut frame = Vec::new();
    if first & 0x60 == 0x60 {
        let (window, mut pool) = (WindowBits::MAX, Pool::new(0));
        encode_deflated(&mut frame, opcode, payload, mask, window, &mut pool);
    } else {
        encode_frame(&mut frame, first & 0x80 == 0, opcode, payload, mask);
        frame[0] |= first & 0x40;
    }
    frame
}

//! What to answer one peer: bytes in, bytes out. There is no socket here, no loop and no clock.
//!
//! ```text
//!               a whole request            Close, or a broken rule
//! ┌───────────┐ of the right kind ┌──────┐ is answered             ┌──────┐
//! │ Handshake │ ────────────────► │ Open │ ──────────────────────► │ Over │
//! └───────────┘                   └──────┘                         └──────┘
//!       └────────────── any other request is refused ──────────────────▲
//! ```

use readily::buffer::BufferPool;
use readily::codec::http::{HeadKind, HeadScanner, Status, parse_request};
use readily::codec::websocket::handshake::{check_upgrade, encode_accept};
use readily::codec::websocket::{
    Decoder, Event, Limits, Role, encode_binary, encode_close, encode_pong, encode_text,
};

/// Longer messages are refused when their header says how long they are: nothing is kept of them.
const LIMITS: Limits = Limits::for_messages_of(64 * 1024);

/// Where the conversation with a peer is.
pub(crate) enum Conversation {
    /// What has come of the request, and how far its end has been looked for.
    Handshake { head: Vec<u8>, scanner: HeadScanner },
    /// Messages are echoed.
    Open(Decoder),
    /// Everything is said. What still comes is discarded.
    Over,
}

impl Conversation {
    /// The conversation with somebody who has just connected.
    pub(crate) fn new() -> Conversation {
        let scanner = HeadScanner::new(HeadKind::Request);
        Conversation::Handshake { head: Vec::new(), scanner }
    }

    /// Whether nothing more will be said.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Conversation::Over)
    }

    /// Takes what has come, and appends what is to be answered to `output`.
    pub(crate) fn receive(
        &mut self,
        mut input: &mut [u8],
        output: &mut Vec<u8>,
        pool: &mut BufferPool,
    ) {
        match self {
            Conversation::Over => {}
            Conversation::Handshake { head, scanner } => {
                head.extend_from_slice(input);
                match scanner.scan(head) {
                    // The scanner sees to it that a head has an end before it is too long.
                    Ok(None) => {}
                    Ok(Some(length)) => {
                        let mut frames = head.split_off(length);
                        *self = answer(head, output);
                        // Frames may come in one segment with the request.
                        self.receive(&mut frames, output, pool);
                    }
                    Err(status) => *self = refuse(status, &[], output),
                }
            }
            Conversation::Open(decoder) => loop {
                match decoder.next(&mut input, &LIMITS, pool) {
                    Ok(None) => return,
                    Ok(Some(Event::Text(text))) => encode_text(output, &text, None),
                    Ok(Some(Event::Binary(bytes))) => encode_binary(output, &bytes, None),
                    Ok(Some(Event::Ping(payload))) => encode_pong(output, &payload, None),
                    Ok(Some(Event::Pong(_))) => {}
                    Ok(Some(Event::Close(frame))) => {
                        encode_close(output, frame.map(|frame| frame.code), "", None);
                        *self = Conversation::Over;
                        return;
                    }
                    Err(error) => {
                        encode_close(output, Some(error.close_code()), "", None);
                        *self = Conversation::Over;
                        return;
                    }
                }
            },
        }
    }
}

/// Answers a whole request.
fn answer(head: &[u8], output: &mut Vec<u8>) -> Conversation {
    let request = match parse_request(head) {
        Ok(request) => request,
        Err(status) => return refuse(status, &[], output),
    };
    match check_upgrade(&request) {
        Ok(accept) => {
            encode_accept(output, &accept, &[]);
            Conversation::Open(Decoder::new(Role::Server))
        }
        Err(refusal) => refuse(refusal.status(), refusal.fields(), output),
    }
}

/// Answers what is no request for a WebSocket.
fn refuse(status: Status, fields: &[(&str, &str)], output: &mut Vec<u8>) -> Conversation {
    let fields: String =
        fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let rest = "Content-Length: 0\r\nConnection: close\r\n\r\n";
    output.extend_from_slice(format!("HTTP/1.1 {status}\r\n{fields}{rest}").as_bytes());
    Conversation::Over
}

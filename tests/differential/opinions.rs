//! What two readers make of the same bytes: ours and tungstenite's.

use std::io::{self, Read, Write};

use readily::buffer::BufferPool;
use readily::codec::websocket::{Decoder, Event, Limits, ProtocolError, Role};
use tungstenite::protocol::{Role as TheirRole, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

const LIMITS: Limits = Limits { max_message: 300, max_fragments: u32::MAX };

#[derive(Clone, PartialEq, Eq, Debug)]
enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

/// How the reading ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// All bytes were read, and more would be.
    Waiting,
    /// A Close frame came.
    Closed,
    /// With an error, which only we can name.
    Refused(Option<ProtocolError>),
}

fn ours(role: Role, script: &[u8]) -> (Vec<Heard>, End) {
    let (mut decoder, mut pool, mut heard) = (Decoder::new(role), BufferPool::new(), Vec::new());
    let mut bytes = script.to_vec();
    let mut input = &mut bytes[..];
    loop {
        heard.push(match decoder.next(&mut input, &LIMITS, &mut pool) {
            Ok(Some(Event::Text(text))) => Heard::Text(text.to_vec()),
            Ok(Some(Event::Binary(bytes))) => Heard::Binary(bytes.to_vec()),
            Ok(Some(Event::Ping(bytes))) => Heard::Ping(bytes.to_vec()),
            Ok(Some(Event::Pong(bytes))) => Heard::Pong(bytes.to_vec()),
            Ok(Some(Event::Close(frame))) => {
                heard.push(Heard::Close(frame.map(|frame| (frame.code.into(), frame.reason))));
                return (heard, End::Closed);
            }
            Ok(None) => return (heard, End::Waiting),
            Err(error) => return (heard, End::Refused(Some(error))),
        });
    }
}

/// The script to read from; what tungstenite answers is thrown away.
struct Peer<'s>(&'s [u8]);

impl Read for Peer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(buffer) }
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, script: &[u8]) -> (Vec<Heard>, End) {
    let role = match role {
        Role::Server => TheirRole::Server,
        Role::Client => TheirRole::Client,
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMITS.max_message))
        .max_frame_size(Some(LIMITS.max_message))
        .read_buffer_size(1024);
    let mut socket = WebSocket::from_raw_socket(Peer(script), role, Some(config));
    let mut heard = Vec::new();
    loop {
        heard.push(match socket.read() {
            Ok(Message::Text(text)) => Heard::Text(text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => Heard::Binary(bytes.to_vec()),
            Ok(Message::Ping(bytes)) => Heard::Ping(bytes.to_vec()),
            Ok(Message::Pong(bytes)) => Heard::Pong(bytes.to_vec()),
            Ok(Message::Close(frame)) => {
                let frame = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
                heard.push(Heard::Close(frame));
                return (heard, End::Closed);
            }
            Ok(Message::Frame(_)) => unreachable!("never read"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (heard, End::Waiting);
            }
            Err(_) => return (heard, End::Refused(None)),
        });
    }
}

/// Compares the two opinions. The differences that are meant to be:
///
/// 1. We refuse as soon as we know, tungstenite at the end of the frame: a script that is cut off
///    after our refusal leaves it waiting.
/// 2. A close code that may not be sent is an error for us, a Close with 1002 for tungstenite.
/// 3. Code 1014 (registered with IANA after the RFC) is legal for us and not for tungstenite.
fn agree(
    script: &[u8],
    ours: &(Vec<Heard>, End),
    theirs: &(Vec<Heard>, End),
) -> Result<(), String> {
    let told_1002 = Heard::Close(Some((1002, "Protocol violation".into())));
    let (heard, mut expected) = (ours.0.clone(), theirs.0.clone());
    let ends_agree = match (ours.1, theirs.1) {
        (End::Refused(Some(ProtocolError::InvalidCloseCode)), End::Closed) => {
            expected.pop() == Some(told_1002)
        }
        (End::Closed, End::Closed) if heard.last().is_some_and(is_1014) => {
            let replaced = expected.pop() == Some(told_1002);
            expected.extend(heard.last().cloned());
            replaced
        }
        (End::Refused(_), End::Refused(_)) => true,
        (End::Refused(_), End::Waiting) => true,
        (ours, theirs) => ours == theirs,
    };
    if ends_agree && heard == expected {
        Ok(())
    } else {
        Err(format!("{script:02x?}\n  ours   {ours:?}\n  theirs {theirs:?}"))
    }
}

fn is_1014(heard: &Heard) -> bool {
    matches!(heard, Heard::Close(Some((1014, _))))
}

/// The script, and enough zeroes behind it to end any frame that a reader may be waiting for.
fn padded(script: &[u8]) -> Vec<u8> {
    [script, &[0; 400]].concat()
}

/// Reads a script both ways.
///
/// # Errors
/// Where the two do not agree: what was read, and how.
pub(crate) fn check(role: Role, script: &[u8]) -> Result<(), String> {
    agree(script, &ours(role, script), &theirs(role, script))?;
    // Difference 1 ends where the bytes go on: then tungstenite has to refuse, too.
    let long = padded(script);
    let (ours, theirs) = (ours(role, &long), theirs(role, &long));
    match (ours.1, theirs.1) {
        (End::Refused(Some(error)), End::Waiting) => {
            Err(format!("{long:02x?}\n  ours   {error}\n  theirs still waiting"))
        }
        _ => agree(&long, &ours, &theirs),
    }
}

/// Whether we refuse a script that we have read to its end.
#[allow(dead_code, reason = "not everybody asks")]
pub(crate) fn is_refused(role: Role, script: &[u8]) -> bool {
    ours(role, script).1 != End::Closed
}

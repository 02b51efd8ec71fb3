//! What a connection is at a moment, for who looks on.

use std::fmt;

use super::connection::{Connection, Flags, Phase};
use crate::protocol::Protocol;

/// What a connection is. Plain data: two of them can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct State {
    /// What is spoken.
    pub protocol: &'static str,
    /// Where it is between accept and close.
    pub phase: &'static str,
    /// It is not read from, because it does not read what waits for it.
    pub is_paused: bool,
    /// It is not read from, because its service does not want that for now.
    pub is_held: bool,
    /// Some of what was read is not decoded yet.
    pub is_parked: bool,
    /// It was sent a ping and has not answered.
    pub is_pinged: bool,
    /// The peer has ended its side.
    pub has_ended: bool,
    /// How many bytes wait to be written.
    pub queued_bytes: usize,
}

impl State {
    pub(super) fn of(connection: &Connection) -> State {
        let flags = connection.flags;
        State {
            protocol: match &connection.protocol {
                Protocol::Raw => "bytes",
                Protocol::Line(_) => "lines",
                Protocol::Packet(_) => "packets",
                Protocol::Http(http) if http.is_between_requests() => "HTTP",
                Protocol::Http(_) => "HTTP, within a request",
                Protocol::Opening(_) => "HTTP, to a WebSocket",
                Protocol::WebSocket(_) => "WebSocket",
                Protocol::Compressed(_) => "WebSocket, compressed",
            },
            phase: match connection.phase {
                Phase::Connecting => "Connecting",
                Phase::Open => "Open",
                Phase::Ending => "Ending",
                Phase::HalfClosed => "HalfClosed",
                Phase::AwaitClose => "AwaitClose",
                Phase::Flushing => "Flushing",
                Phase::Lingering => "Lingering",
                Phase::Dead => "Dead",
            },
            is_paused: connection.is_paused(),
            is_held: connection.is_held(),
            is_parked: flags.has(Flags::PARKED),
            is_pinged: flags.has(Flags::PINGED),
            has_ended: flags.has(Flags::INPUT_ENDED),
            queued_bytes: connection.queued_bytes(),
        }
    }
}

/// `WebSocket: Open, not read, 300000 bytes wait`.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.protocol, self.phase)?;
        for (mark, words) in [
            (self.is_paused, "not read until it reads"),
            (self.is_held, "held by its service"),
            (self.is_parked, "input is parked"),
            (self.is_pinged, "a ping is unanswered"),
            (self.has_ended, "its side has ended"),
        ] {
            if mark {
                write!(f, ", {words}")?;
            }
        }
        match self.queued_bytes {
            0 => Ok(()),
            bytes => write!(f, ", {bytes} bytes wait"),
        }
    }
}

//! Why a connection ended, for services, logs and counters.

use std::fmt;
use std::io;

use super::Refusal;
use crate::codec::websocket::close;
use crate::codec::websocket::handshake::HandshakeError;

/// A deadline that a peer missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// A server did not answer our attempt to connect.
    Connect,
    /// The first request, or a request that had begun, was not complete in time.
    Handshake,
    /// Nothing was asked for on an HTTP connection for a while.
    KeepAlive,
    /// A ping was not answered.
    Pong,
    /// A Close frame was not answered.
    Close,
    /// The connection was to be closed, but the peer took none of what was queued for it.
    Flush,
}

/// Why a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CloseReason {
    /// The peer ended its side (FIN), as line clients do.
    Ended,
    /// The peer said `STOP`.
    Stopped,
    /// The peer sent a Close frame.
    PeerClosed {
        /// Its status code; `None` where the frame was empty (1005).
        code: Option<u16>,
        /// Its reason, valid UTF-8, at most 123 bytes.
        reason: Box<str>,
    },
    /// The WebSocket peer ended its side without a Close frame (1006).
    Abnormal,
    /// We closed it: a service did, with this status code.
    Closed(u16),
    /// We closed it because the server is shutting down.
    Draining,
    /// HTTP: the response said that the connection ends with it.
    Answered,
    /// HTTP: the same, and the response was an error.
    Denied(Refusal),
    /// The server did not agree to a WebSocket.
    BadHandshake(HandshakeError),
    /// The peer broke the rules of its protocol; the name of the rule.
    Refused(&'static str),
    /// The peer missed a deadline.
    TimedOut(Deadline),
    /// The peer did not read what was pushed to it.
    SlowConsumer,
    /// All buffers together held too much, and this connection's held most.
    Shed,
    /// The connection broke, with RST for example.
    Lost(io::ErrorKind),
}

impl CloseReason {
    /// Whether the connection ended because one of the two sides wanted it so, and not by a fault.
    pub fn is_orderly(&self) -> bool {
        match self {
            CloseReason::Ended
            | CloseReason::Stopped
            | CloseReason::PeerClosed { .. }
            | CloseReason::Closed(_)
            | CloseReason::Draining
            | CloseReason::Answered => true,
            CloseReason::Abnormal
            | CloseReason::Denied(_)
            | CloseReason::BadHandshake(_)
            | CloseReason::Refused(_)
            | CloseReason::TimedOut(_)
            | CloseReason::SlowConsumer
            | CloseReason::Shed
            | CloseReason::Lost(_) => false,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseReason::Ended => f.write_str("EOF"),
            CloseReason::Stopped => f.write_str("STOP"),
            CloseReason::PeerClosed { code, reason } => {
                write!(f, "{}", close::describe(*code, reason.as_bytes()))
            }
            CloseReason::Abnormal => {
                write!(f, "{}", close::describe(Some(1006), b"unexpected EOF"))
            }
            CloseReason::Closed(code) => write!(f, "closed by the service with {code}"),
            CloseReason::Draining => f.write_str("the server shuts down"),
            CloseReason::Answered => f.write_str("answered"),
            CloseReason::Denied(refusal) => write!(f, "{refusal}"),
            CloseReason::BadHandshake(error) => write!(f, "{error}"),
            CloseReason::Refused(rule) => write!(f, "refused: {rule}"),
            CloseReason::TimedOut(Deadline::Connect) => f.write_str("no answer"),
            CloseReason::TimedOut(Deadline::Handshake) => f.write_str("request timeout"),
            CloseReason::TimedOut(Deadline::KeepAlive) => f.write_str("idle"),
            CloseReason::TimedOut(Deadline::Pong) => f.write_str("no answer to a ping"),
            CloseReason::TimedOut(Deadline::Close) => f.write_str("no answer to a Close frame"),
            CloseReason::TimedOut(Deadline::Flush) => f.write_str("takes no output"),
            CloseReason::SlowConsumer => f.write_str("slow consumer"),
            CloseReason::Shed => f.write_str("shed: it held most of the memory"),
            CloseReason::Lost(kind) => write!(f, "{kind}"),
        }
    }
}

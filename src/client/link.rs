//! The connection to the server: its addresses one after the other, and again if it breaks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Peer;
use super::backoff::Backoff;
use super::options::Options;
use crate::address::ConnectAddress;
use crate::codec::websocket::handshake::HandshakeError;
use crate::config::TargetKind;
use crate::engine::{ConnId, Context, Dial, Speaks};
use crate::protocol::{CloseReason, Deadline};
use crate::time::Time;

/// Where the connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Link {
    /// An address is being tried.
    Dialing,
    /// Messages come and go.
    Up { server: ConnId, since: Time },
    /// The next attempt is made at this time.
    Waiting { until: Time },
    /// We have closed it, and on WebSocket wait for the answer: until this time if it was because
    /// somebody has interrupted us.
    Closing { server: ConnId, interrupted: Option<Time> },
    /// It is over.
    Down,
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Dialer {
    addresses: Vec<ConnectAddress>,
    /// The one that is tried.
    current: usize,
    /// When the first address was.
    begun: Time,
    connect_timeout: Duration,
    /// Its queue was full, and it is to be tried again: the same address, in the same time.
    is_queue_full: bool,
    speaks: Speaks,
    /// `None`: once is enough.
    backoff: Option<Backoff>,
}

/// How long a UNIX listener whose queue is full is left alone.
const QUEUE_FULL: Duration = Duration::from_millis(50);

impl Dialer {
    pub(super) fn new(options: &Options, addresses: Vec<ConnectAddress>) -> Dialer {
        let speaks = match options.target.kind() {
            TargetKind::Tcp | TargetKind::Unix => Speaks::Bytes,
            TargetKind::Udp | TargetKind::UnixDatagram | TargetKind::UnixPacket => Speaks::Packets,
            TargetKind::WebSocket => {
                Speaks::WebSocket(Arc::new(options.request(options.target.web_path())))
            }
        };
        Dialer {
            addresses,
            current: 0,
            begun: Time::ZERO,
            connect_timeout: options.connect_timeout,
            is_queue_full: false,
            speaks,
            backoff: options.reconnect.then(Backoff::new),
        }
    }

    /// The address that is connected to, or was tried last.
    pub(super) fn address(&self) -> &ConnectAddress {
        &self.addresses[self.current]
    }

    /// Tries the addresses from the first one on.
    pub(super) fn start(&mut self, cx: &mut Context<'_>) {
        self.current = 0;
        self.begun = cx.now();
        self.dial(cx);
    }

    /// The address that was tried cannot be connected to. Tries another, or the same at another
    /// time; returns where that leaves the connection, or `None` if there is nothing left to try.
    pub(super) fn try_next(&mut self, cx: &mut Context<'_>, reason: &CloseReason) -> Option<Link> {
        // A listener whose queue is full. Nothing tells when it has room (see `kernel`).
        if *reason == CloseReason::Lost(io::ErrorKind::WouldBlock)
            && cx.now() - self.begun < self.connect_timeout
        {
            self.is_queue_full = true;
            return Some(Link::Waiting { until: cx.now() + QUEUE_FULL });
        }
        // Who has answered as an HTTP server is the server.
        if self.current + 1 < self.addresses.len() && !is_answer(reason) {
            self.current += 1;
            self.dial(cx);
            return Some(Link::Dialing);
        }
        None
    }

    /// Tries the address again whose queue was full, or all of them.
    pub(super) fn resume(&mut self, cx: &mut Context<'_>) {
        if self.is_queue_full {
            self.dial(cx);
        } else {
            self.start(cx);
        }
    }

    /// How long to wait before it is tried again to connect; `None` if it is not. `lasted`: how long
    /// the connection was there that has ended for `reason`.
    pub(super) fn retry(
        &mut self,
        cx: &mut Context<'_>,
        reason: &CloseReason,
        lasted: Duration,
    ) -> Option<Duration> {
        let backoff = self.backoff.as_mut().filter(|_| is_worth_retrying(reason))?;
        backoff.note_connection(lasted);
        let code = match reason {
            CloseReason::PeerClosed { code, .. } => *code,
            _ => None,
        };
        Some(backoff.next(code, cx.rng()))
    }

    fn dial(&mut self, cx: &mut Context<'_>) {
        self.is_queue_full = false;
        let (address, speaks) = (self.address().clone(), self.speaks.clone());
        cx.dial(Dial { binding: Peer::Server.binding(), address, speaks });
    }
}

fn is_answer(reason: &CloseReason) -> bool {
    matches!(reason, CloseReason::BadHandshake(_))
}

/// Whether the same attempt may succeed another time. What the server has decided (a normal close,
/// a request it refuses, rules that one of us breaks) would end as it did.
fn is_worth_retrying(reason: &CloseReason) -> bool {
    match reason {
        CloseReason::PeerClosed { code, .. } => {
            matches!(code, None | Some(1001 | 1006 | 1011..=1014))
        }
        CloseReason::BadHandshake(HandshakeError::Status(status)) => *status >= 500,
        CloseReason::Ended
        | CloseReason::Abnormal
        | CloseReason::Lost(_)
        | CloseReason::TimedOut(_) => true,
        _ => false,
    }
}

/// Why a connection cannot be made or has broken, for people.
pub(super) fn describe(reason: &CloseReason) -> String {
    match reason {
        CloseReason::Lost(io::ErrorKind::NotFound) => "no such socket".to_owned(),
        CloseReason::Lost(io::ErrorKind::Unsupported) => {
            "the socket there is of another type".to_owned()
        }
        CloseReason::Lost(io::ErrorKind::FileTooLarge) => {
            "the server's socket takes no packet that is so long".to_owned()
        }
        CloseReason::Lost(io::ErrorKind::WouldBlock) => "the server accepts nobody".to_owned(),
        CloseReason::TimedOut(Deadline::Connect | Deadline::Handshake) => {
            "no answer in time".to_owned()
        }
        reason => reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_the_same_way_is_not_tried_again() {
        let closed = |code| CloseReason::PeerClosed { code, reason: Box::default() };
        for code in [Some(1000), Some(1002), Some(1008), Some(1009), Some(4000)] {
            assert!(!is_worth_retrying(&closed(code)), "{code:?}");
        }
        for code in [None, Some(1001), Some(1011), Some(1012), Some(1013)] {
            assert!(is_worth_retrying(&closed(code)), "{code:?}");
        }
        let status = |code| CloseReason::BadHandshake(HandshakeError::Status(code));
        assert!(is_worth_retrying(&status(503)) && !is_worth_retrying(&status(403)));
        assert!(!is_worth_retrying(&CloseReason::Refused("masked")));
        assert!(is_worth_retrying(&CloseReason::Lost(io::ErrorKind::ConnectionRefused)));
    }
}

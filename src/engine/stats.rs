//! Counters: plain integers, exact.

use std::fmt;

use crate::protocol::{CloseReason, Deadline};

/// What has happened since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stats {
    /// Connections opened.
    pub opened: u64,
    /// Connections closed, for whatever reason.
    pub closed: u64,
    /// Connections that became WebSocket connections.
    pub upgraded: u64,
    /// Messages received on connections.
    pub messages: u64,
    /// Bytes received on connections.
    pub bytes_received: u64,
    /// Bytes written to connections.
    pub bytes_sent: u64,
    /// Datagrams received.
    pub datagrams: u64,
    /// Datagrams answered.
    pub datagram_replies: u64,
    /// Datagrams whose sender has no address to answer to.
    pub datagrams_unanswerable: u64,
    /// Datagrams that came from one of our own addresses and were not answered.
    pub datagrams_from_ourselves: u64,
    /// Replies for which the system had no room.
    pub datagrams_not_sent: u64,
    /// Datagrams and packets that are longer than the read buffer, dropped whole.
    pub oversize: u64,
    /// Connections refused because there were too many.
    pub refused_connections: u64,
    /// Connections refused because there were too many of their address.
    pub refused_per_ip: u64,
    /// Connections refused because there was no descriptor for them.
    pub refused_no_descriptor: u64,
    /// Times that accepting failed for want of memory or otherwise, while whoever was waiting went on
    /// waiting.
    pub accept_failures: u64,
    /// Connections that were gone before they were accepted.
    pub accept_aborted: u64,
    /// Peers that broke the rules of their protocol.
    pub protocol_errors: u64,
    /// HTTP requests that services have answered.
    pub requests: u64,
    /// HTTP requests answered with an error.
    pub requests_refused: u64,
    /// Connections that broke.
    pub lost: u64,
    /// WebSocket peers that went away without a Close frame.
    pub abnormal: u64,
    /// Requests that were not complete in time, and servers that did not answer ours.
    pub handshake_timeouts: u64,
    /// WebSocket peers that did not answer a ping.
    pub pong_timeouts: u64,
    /// Peers that did not answer a Close frame, or did not take their last output.
    pub close_timeouts: u64,
    /// Peers closed because they did not read what was pushed to them.
    pub slow_consumers: u64,
    /// Times that input was parked because a peer did not read its replies, or sent what takes long to
    /// inflate.
    pub parked: u64,
}

impl Stats {
    /// Counts why a connection ended.
    pub(super) fn count_close(&mut self, reason: &CloseReason) {
        let counter = match reason {
            CloseReason::Refused(_) | CloseReason::BadHandshake(_) => &mut self.protocol_errors,
            CloseReason::Denied(_) => &mut self.requests_refused,
            CloseReason::Lost(_) => &mut self.lost,
            CloseReason::Abnormal => &mut self.abnormal,
            CloseReason::SlowConsumer => &mut self.slow_consumers,
            CloseReason::TimedOut(deadline) => match deadline {
                Deadline::Connect | Deadline::Handshake => &mut self.handshake_timeouts,
                Deadline::Pong => &mut self.pong_timeouts,
                Deadline::Close | Deadline::Flush => &mut self.close_timeouts,
                Deadline::KeepAlive => return,
            },
            CloseReason::Ended
            | CloseReason::Stopped
            | CloseReason::PeerClosed { .. }
            | CloseReason::Closed(_)
            | CloseReason::Draining
            | CloseReason::Answered => return,
        };
        *counter += 1;
    }

    /// Every counter with its name, in a fixed order.
    pub fn entries(&self) -> [(&'static str, u64); 27] {
        [
            ("opened", self.opened),
            ("closed", self.closed),
            ("upgraded", self.upgraded),
            ("messages", self.messages),
            ("bytes_received", self.bytes_received),
            ("bytes_sent", self.bytes_sent),
            ("datagrams", self.datagrams),
            ("datagram_replies", self.datagram_replies),
            ("datagrams_unanswerable", self.datagrams_unanswerable),
            ("datagrams_from_ourselves", self.datagrams_from_ourselves),
            ("datagrams_not_sent", self.datagrams_not_sent),
            ("oversize", self.oversize),
            ("refused_connections", self.refused_connections),
            ("refused_per_ip", self.refused_per_ip),
            ("refused_no_descriptor", self.refused_no_descriptor),
            ("accept_failures", self.accept_failures),
            ("accept_aborted", self.accept_aborted),
            ("protocol_errors", self.protocol_errors),
            ("requests", self.requests),
            ("requests_refused", self.requests_refused),
            ("lost", self.lost),
            ("abnormal", self.abnormal),
            ("handshake_timeouts", self.handshake_timeouts),
            ("pong_timeouts", self.pong_timeouts),
            ("close_timeouts", self.close_timeouts),
            ("slow_consumers", self.slow_consumers),
            ("parked", self.parked),
        ]
    }
}

/// One line: the counters that are not zero, and always the first two.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        for (position, (name, value)) in entries.iter().enumerate() {
            if position == 0 {
                write!(f, "{name}={value}")?;
            } else if position == 1 || *value > 0 {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

//! Counters: plain integers, exact.

use std::fmt;

use crate::protocol::{CloseReason, Deadline};

/// Declares the counters. Each is named in one place, and its doc comment is what people are told of it
/// elsewhere, too. `as` says which metric it is, if not one of its own name, and `for` which reason
/// makes it a part of that.
macro_rules! counters {
    ($($(#[doc = $help:literal])+ $name:ident $(as $family:literal)? $(for $reason:literal)?,)+) => {
        /// What has happened since the start.
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct Stats {
            $($(#[doc = $help])+ pub $name: u64,)+
        }

        impl Stats {
            /// How many counters there are.
            const COUNT: usize = [$(stringify!($name)),+].len();

            /// Every counter, in a fixed order.
            pub fn entries(&self) -> [Counter; Stats::COUNT] {
                [$(Counter {
                    name: stringify!($name),
                    help: concat!($($help),+).trim_ascii(),
                    family: [$($family,)? stringify!($name)][0],
                    reason: [$(Some($reason),)? None][0],
                    value: self.$name,
                }),+]
            }
        }
    };
}

counters! {
    /// Connections opened.
    opened as "connections_opened",
    /// Connections closed, for whatever reason.
    closed as "connections_closed",
    /// Connections that became WebSocket connections.
    upgraded as "websocket_upgrades",
    /// Messages received on connections.
    messages as "messages_received",
    /// Bytes received on connections.
    bytes_received as "received_bytes",
    /// Bytes written to connections.
    bytes_sent as "sent_bytes",
    /// Datagrams received.
    datagrams as "datagrams_received",
    /// Datagrams answered.
    datagram_replies as "datagrams_answered",
    /// Datagrams whose sender has no address to answer to.
    datagrams_unanswerable as "datagrams_not_answered" for "no_address",
    /// Datagrams that came from one of our own addresses and were not answered.
    datagrams_from_ourselves as "datagrams_not_answered" for "from_ourselves",
    /// Replies for which the system had no room.
    datagrams_not_sent as "datagrams_not_answered" for "no_room",
    /// Datagrams and packets that are longer than the read buffer, dropped whole.
    oversize as "oversize_dropped",
    /// Connections refused because there were too many.
    refused_connections as "connections_refused" for "too_many",
    /// Connections refused because there were too many of their address.
    refused_per_ip as "connections_refused" for "too_many_of_address",
    /// Connections refused because there was no descriptor for them.
    refused_no_descriptor as "connections_refused" for "no_descriptor",
    /// Times that accepting failed for want of memory or otherwise, while whoever was waiting went on
    /// waiting.
    accept_failures,
    /// Connections that were gone before they were accepted.
    accept_aborted,
    /// Peers that broke the rules of their protocol.
    protocol_errors as "connection_failures" for "protocol_error",
    /// HTTP requests that services have answered.
    requests as "http_requests_answered",
    /// HTTP requests answered with an error.
    requests_refused as "http_requests_refused",
    /// Connections that broke before all was said and, of a Close frame of ours, answered.
    lost as "connection_failures" for "lost",
    /// WebSocket peers that went away without a Close frame.
    abnormal as "connection_failures" for "abnormal",
    /// Requests that were not complete in time, and servers that did not answer ours.
    handshake_timeouts as "connection_failures" for "handshake_timeout",
    /// WebSocket peers that did not answer a ping.
    pong_timeouts as "connection_failures" for "pong_timeout",
    /// Peers that did not answer a Close frame, or did not take their last output.
    close_timeouts as "connection_failures" for "close_timeout",
    /// Peers closed because they did not read what was pushed to them.
    slow_consumers as "connection_failures" for "slow_consumer",
    /// Messages that a peer has missed because it did not read those that were pushed to it before.
    dropped_messages as "messages_dropped",
    /// Connections closed because they held most when all buffers together held too much.
    shed as "connection_failures" for "shed",
    /// Times that input was parked because a peer did not read its replies, or sent what takes long to
    /// inflate.
    parked as "input_parked",
}

/// One counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counter {
    /// Its name.
    pub name: &'static str,
    /// What it counts, in a sentence.
    pub help: &'static str,
    /// The metric that it is, or is a part of.
    pub family: &'static str,
    /// Which part of that it is.
    pub reason: Option<&'static str>,
    /// How often that has happened.
    pub value: u64,
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
            CloseReason::Shed => &mut self.shed,
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
}

/// One line: the counters that are not zero, and always the first two.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, Counter { name, value, .. }) in self.entries().into_iter().enumerate() {
            if position == 0 {
                write!(f, "{name}={value}")?;
            } else if position == 1 || value > 0 {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_has_a_name_a_value_and_a_sentence() {
        let stats = Stats { accept_failures: 7, ..Stats::default() };
        let entries = stats.entries();
        let failures = entries.iter().find(|counter| counter.name == "accept_failures").unwrap();
        assert_eq!(failures.value, 7);
        assert_eq!(
            failures.help,
            "Times that accepting failed for want of memory or otherwise, while whoever was waiting \
             went on waiting."
        );
        for (position, Counter { name, help, .. }) in entries.iter().enumerate() {
            assert!(help.ends_with('.') && !help.contains("  "), "{name}: {help}");
            assert!(!entries[..position].iter().any(|other| other.name == *name), "{name} twice");
        }
        assert_eq!(stats.to_string(), "opened=0 closed=0 accept_failures=7");
    }
}

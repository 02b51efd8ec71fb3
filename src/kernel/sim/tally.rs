//! Counters of the kernel's own.

use std::time::Duration;

/// What has gone through the kernel, to be compared with what the server says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// Connections that were accepted or begun, and not closed again before they were watched.
    pub watched: u64,
    /// Times that accepting has failed for want of something and nobody was turned away for it, or
    /// that a connection could not be watched.
    pub accept_failures: u64,
    /// Connections that were accepted and aborted because there were too many.
    pub refused_connections: u64,
    /// Connections that were accepted and aborted because there were too many of their address.
    pub refused_per_ip: u64,
    /// Connections that were turned away because there was no descriptor for them.
    pub refused_no_descriptor: u64,
    /// Connections that were gone before they were accepted.
    pub accept_aborted: u64,
    /// Connections that broke, or could not be made or watched any more, and a call has said so.
    pub broken: u64,
    /// Bytes of connections that the loop has read.
    pub bytes_read: u64,
    /// Bytes of connections that it has written.
    pub bytes_written: u64,
    /// Datagrams that it has received.
    pub datagrams: u64,
    /// Bytes of datagrams that it has received.
    pub datagram_bytes: u64,
    /// Datagrams that it has sent.
    pub answers: u64,
    /// Bytes of datagrams that it has sent.
    pub answer_bytes: u64,
    /// Datagrams that it could not send.
    pub answers_lost: u64,
    /// How often the kernel was asked to wait.
    pub waits: u64,
    /// How long the loop was at something else.
    pub awake: Duration,
}

/// What has gone through the connections of one listener, or through those that were dialed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Passage {
    /// Connections that are watched, or were.
    pub watched: u64,
    /// Bytes that the loop has read.
    pub bytes_read: u64,
    /// Bytes that it has written.
    pub bytes_written: u64,
}

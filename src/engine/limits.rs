//! Every number that bounds what a peer can cost, in one place.

use std::time::Duration;

use crate::codec::line::DEFAULT_MAX_LINE;
use crate::codec::websocket as frames;
use crate::protocol;

/// The limits of one server. Every default is finite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How long a message may be.
    pub protocol: protocol::Limits,
    /// A connection that we make ourselves must be there within this time.
    pub connect_timeout: Duration,
    /// The first request must be complete this long after accept, a later one after its first byte.
    pub handshake_timeout: Duration,
    /// An HTTP connection may stay idle this long between requests.
    pub keepalive_timeout: Duration,
    /// A WebSocket peer that was silent for this long is sent a ping.
    pub ping_interval: Duration,
    /// A ping must be followed by a byte, any byte, within this time.
    pub pong_timeout: Duration,
    /// A Close frame must be answered within this time from when it was written; until then the
    /// peer must take some of what is queued in front of it within this time.
    pub close_timeout: Duration,
    /// After our FIN the peer may go on sending for this long before the socket is closed.
    pub linger_timeout: Duration,
    /// After our FIN the peer may go on sending this much before the socket is closed.
    pub linger_bytes: usize,
    /// A connection that is to be closed must take some of its output within this time.
    pub flush_timeout: Duration,
    /// After this time a drain ends, whoever is still connected.
    pub drain_timeout: Duration,
    /// The most that one connection is read in a turn: the length of the one read buffer. A datagram has to
    /// fit into it.
    pub read_budget_bytes: usize,
    /// Reading from a peer stops while more than this is waiting to be written to it.
    pub high_water_bytes: usize,
    /// Reading starts again, and services may go on, when less than this is waiting.
    pub low_water_bytes: usize,
    /// What is pushed to a peer must fit into this much, or the peer is closed; replies are always admitted,
    /// and input is parked while more than this is waiting. (What a service offers to who has room for it
    /// goes at most one message above the high-water mark.)
    pub max_queued_bytes: usize,
    /// What the buffers of all connections may hold together. Above it nothing is read and nobody is
    /// accepted, and connections are closed until there is room: slow consumers first, then who holds
    /// most.
    pub max_memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            protocol: protocol::Limits::default(),
            connect_timeout: Duration::from_secs(10),
            handshake_timeout: Duration::from_secs(10),
            keepalive_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(8),
            close_timeout: Duration::from_secs(5),
            linger_timeout: Duration::from_secs(1),
            linger_bytes: 1024 * 1024,
            flush_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
            read_budget_bytes: Limits::READ_BUDGET,
            high_water_bytes: 256 * 1024,
            low_water_bytes: 64 * 1024,
            max_queued_bytes: 1024 * 1024,
            max_memory_bytes: 1024 * 1024 * 1024,
        }
    }
}

impl Default for protocol::Limits {
    fn default() -> Self {
        protocol::Limits {
            max_line: DEFAULT_MAX_LINE,
            frames: frames::Limits::default(),
            deflate_from: frames::deflate::DEFAULT_DEFLATE_FROM,
        }
    }
}

/// What a connection takes at most to compress, and to inflate.
const DEFLATE_BYTES: usize = 512 * 1024;

impl Limits {
    /// What a connection is read in a turn, unless something else is said. It holds a full receive window:
    /// with 256 KiB, messages of 64 KiB cost half as much again.
    pub const READ_BUDGET: usize = 512 * 1024;

    /// The least that is of use: what holds a datagram of any length (UDP has at most 65,507 bytes).
    pub const LEAST_READ_BUDGET: usize = 64 * 1024;

    /// The most that all buffers may be given together: 1,024 GiB.
    pub const MOST_MEMORY: usize = 1 << 40;

    /// The same limits with the longest WebSocket message set to `bytes`; the number of fragments
    /// follows from it.
    pub fn with_max_message(mut self, bytes: usize) -> Limits {
        self.protocol.frames = frames::Limits::for_messages_of(bytes);
        self
    }

    /// The least memory that is of use: one connection in the middle of a message of the longest kind
    /// has it twice, as it came and as it is answered, each in a buffer that may be twice as large.
    pub fn least_memory_bytes(&self) -> usize {
        self.longest_message().saturating_mul(4)
    }

    /// How much more than [`max_memory_bytes`](Limits::max_memory_bytes) the buffers may hold for a
    /// moment, in the middle of a turn: what one read makes of one connection. That is a full queue and one reply on top of it, and an incomplete message, in buffers that may be twice as
    /// large; what is parked of the read; and what compressing takes.
    pub fn memory_slack(&self) -> usize {
        let buffers =
            self.longest_message().saturating_mul(2).saturating_add(self.max_queued_bytes);
        buffers
            .saturating_mul(2)
            .saturating_add(self.read_budget_bytes)
            .saturating_add(DEFLATE_BYTES)
    }

    /// The longest message, with what goes around it.
    fn longest_message(&self) -> usize {
        let longest = self.protocol.frames.max_message.max(self.protocol.max_line);
        longest.saturating_add(protocol::Format::OVERHEAD)
    }

    /// The same limits, made to agree with each other, once and not for every message. The cap on
    /// pushed output is never so small that the longest WebSocket message does not fit; a line may be
    /// longer than what can be [pushed](super::Context::longest_push). The high-water mark is never above
    /// the cap: input is parked above the cap and comes back below the low-water mark, so whoever is above
    /// the cap must be above the marks, too. And the low-water mark is never above the high one. An
    /// [`Engine`](super::Engine) does it by itself.
    pub fn in_force(mut self) -> Limits {
        let longest = self.protocol.frames.max_message.saturating_add(protocol::Format::OVERHEAD);
        self.max_queued_bytes = self.max_queued_bytes.max(longest);
        self.high_water_bytes = self.high_water_bytes.min(self.max_queued_bytes);
        self.low_water_bytes = self.low_water_bytes.min(self.high_water_bytes);
        self.read_budget_bytes = self.read_budget_bytes.max(Limits::LEAST_READ_BUDGET);
        self.max_memory_bytes = self.max_memory_bytes.max(self.least_memory_bytes());
        self
    }
}

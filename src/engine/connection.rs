//! One peer's state. No socket: bytes only.

use std::time::Duration;

use super::endpoint::{BindingId, EndpointId};
use super::limits::Limits;
use super::timers::Tick;
use crate::buffer::{Buffer, BufferPool};
use crate::codec::websocket::Role;
use crate::codec::websocket::deflate::{self, Agreement};
use crate::protocol::{Compressed, Deadline, Format, Protocol, WebSocket, ahead};

/// Where a connection is between accept and close.
///
/// ```text
///   Connecting ─► Open ──► AwaitClose ──► Flushing ──► Lingering ──► Dead ──► removed by the shell
///     │             │  close()      Close came   output gone,    end, 1 s or
///     │             │  on WebSocket              we sent FIN     1 MiB later
///     │             ├─────────────────────► (STOP, end, refusal)      ▲
///     │             ├─► Ending ─► HalfClosed ──► (end)                │
///     └─────────────┴── lost ─────────────────────────────────────────┘
/// ```
///
/// A client's connections begin on the left; its service may end its side of one and go on to
/// receive, which is the way through `Ending`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// The shell is making the connection.
    Connecting,
    /// Messages are served.
    Open,
    /// Messages are received, but none can be sent; when the output is gone, our side ends.
    Ending,
    /// Our side has ended, and messages are received.
    HalfClosed,
    /// We have sent a Close frame and read on until the peer's.
    AwaitClose,
    /// Nothing is read; when the output is gone, our side ends.
    Flushing,
    /// Our side has ended; what still comes is discarded, or closing would turn into an RST that
    /// destroys our last bytes on their way (RFC 9112 section 9.6).
    Lingering,
    /// To be closed by the shell at the end of the turn.
    Dead,
}

impl Phase {
    /// Whether the service is still to be told that the connection ends.
    pub(super) fn is_served(self) -> bool {
        matches!(self, Phase::Connecting | Phase::Open | Phase::Ending | Phase::HalfClosed)
    }
}

/// One peer.
///
/// Invariants: `output` holds a buffer only while there are bytes in it; `armed` is
/// the tick of this connection's entry in the timer wheel. Fields are small and flags are
/// bits because there is one of this for each client, most of which are idle.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) protocol: Protocol,
    /// What waits to be written.
    pub(super) output: Option<Box<Buffer>>,
    pub(super) generation: u32,
    /// When what the current deadline is counted from happened.
    pub(super) since: Tick,
    /// Meaningful while [`Flags::ARMED`] is set.
    armed_at: Tick,
    /// How much more may come while lingering.
    pub(super) linger_left: u32,
    /// [`NONE`] where we have made the connection ourselves.
    pub(super) endpoint: u16,
    /// [`NONE`], or the binding whose client this is.
    binding: u16,
    pub(super) phase: Phase,
    pub(super) flags: Flags,
}

/// No endpoint, or no binding: so a web client has none that has not upgraded.
const NONE: u16 = u16::MAX;

/// What else is known about a connection, a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Flags(u16);

impl Flags {
    /// It is on the list of those to be flushed.
    pub(super) const DIRTY: Flags = Flags(1);
    /// Output has gone above the high-water mark, and the service is to be told when it is below the
    /// low one.
    pub(super) const FULL: Flags = Flags(1 << 1);
    /// It is on the list of those that have room again, or whose turn has.
    pub(super) const LISTED: Flags = Flags(1 << 2);
    /// The peer has ended its side.
    pub(super) const INPUT_ENDED: Flags = Flags(1 << 3);
    /// A ping waits for its answer.
    pub(super) const PINGED: Flags = Flags(1 << 4);
    /// There is an entry in the timer wheel.
    const ARMED: Flags = Flags(1 << 5);
    /// The service does not want anything of the peer for now.
    pub(super) const HELD: Flags = Flags(1 << 6);
    /// The peer takes nothing any more, and is read to its end to find out what it said before.
    pub(super) const CUT_OFF: Flags = Flags(1 << 7);
    /// Input that was read is not decoded, but [parked](super::core::Core::parked).
    pub(super) const PARKED: Flags = Flags(1 << 8);
    /// We have ended our side.
    pub(super) const WRITE_ENDED: Flags = Flags(1 << 9);
    /// The service has been told that there is nothing more to wait for.
    pub(super) const OVER: Flags = Flags(1 << 10);
    /// It is being ended as one of the two sides wanted it, and nobody's fault is counted for it.
    pub(super) const ORDERLY: Flags = Flags(1 << 11);

    /// Whether `flag` is set.
    pub(super) fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 != 0
    }

    pub(super) fn set(&mut self, flag: Flags) {
        self.0 |= flag.0;
    }

    pub(super) fn clear(&mut self, flag: Flags) {
        self.0 &= !flag.0;
    }
}

// An idle connection costs this, and the shell's socket.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Option<Connection>>() <= 56);

impl Connection {
    /// A connection that has just been opened at an endpoint.
    pub(super) fn new(
        protocol: Protocol,
        generation: u32,
        endpoint: Option<EndpointId>,
        binding: Option<BindingId>,
        now: Tick,
        limits: &Limits,
    ) -> Connection {
        Connection {
            protocol,
            output: None,
            generation,
            since: now,
            armed_at: now,
            linger_left: u32::try_from(limits.linger_bytes).unwrap_or(u32::MAX),
            endpoint: endpoint.map_or(NONE, |endpoint| endpoint.0),
            binding: binding.map_or(NONE, |binding| binding.0),
            phase: Phase::Open,
            flags: Flags::default(),
        }
    }

    /// The binding whose client this is; on a web listener known from the upgrade on.
    pub(super) fn binding(&self) -> Option<BindingId> {
        (self.binding != NONE).then_some(BindingId(self.binding))
    }

    /// Where it stands in the [books](super::traffic::Books): behind the line of who is of no binding, that
    /// of its own.
    pub(super) fn line(&self) -> usize {
        usize::from(self.binding.wrapping_add(1))
    }

    /// Whether we have made the connection ourselves.
    pub(super) fn is_our_own(&self) -> bool {
        self.endpoint == NONE
    }

    /// Whether we have not got so far that its service knows of it.
    pub(super) fn is_being_made(&self) -> bool {
        self.phase == Phase::Connecting
            || (self.phase == Phase::Open && matches!(self.protocol, Protocol::Opening(_)))
    }

    /// The connection has become a WebSocket, on which we are `role` and the peer is of `binding`.
    pub(super) fn upgrade(
        &mut self,
        binding: BindingId,
        role: Role,
        agreement: Option<Agreement>,
        now: Tick,
    ) {
        self.protocol = match agreement {
            None => Protocol::WebSocket(WebSocket::opened(role)),
            Some(agreement) => Protocol::Compressed(Box::new(Compressed::opened(role, agreement))),
        };
        self.binding = binding.0;
        self.since = now;
        if let Some(output) = &mut self.output {
            ahead::begin(output);
        }
    }

    /// The tick of the entry in the timer wheel.
    pub(super) fn armed(&self) -> Option<Tick> {
        self.flags.has(Flags::ARMED).then_some(self.armed_at)
    }

    /// Notes that there is an entry at `tick`, or that there is none.
    pub(super) fn set_armed(&mut self, tick: Option<Tick>) {
        match tick {
            Some(tick) => {
                self.armed_at = tick;
                self.flags.set(Flags::ARMED);
            }
            None => self.flags.clear(Flags::ARMED),
        }
    }

    /// Something has shown that the peer is alive.
    pub(super) fn note_life(&mut self, now: Tick) {
        self.since = now;
        self.flags.clear(Flags::PINGED);
    }

    /// Something has come. Of a WebSocket, any byte is a sign of life. Returns whether it was asked for.
    #[inline]
    pub(super) fn hear(&mut self, now: Tick) -> bool {
        let is_heard =
            self.phase == Phase::Open || (self.phase == Phase::AwaitClose && self.is_our_own());
        if !is_heard || self.protocol.websocket().is_none() {
            return false;
        }
        let is_answer = self.flags.has(Flags::PINGED);
        self.note_life(now);
        is_answer
    }

    /// For how long nothing has come; of a WebSocket whose peer is asked for a sign of life, since
    /// that was asked.
    pub(super) fn silence(&self, now: Tick) -> Option<Duration> {
        match (&self.protocol, self.phase) {
            (Protocol::WebSocket(_) | Protocol::Compressed(_), Phase::Open) => {
                Some(now.since(self.since))
            }
            _ => None,
        }
    }

    /// How many bytes wait to be written.
    pub(super) fn queued_bytes(&self) -> usize {
        self.output.as_ref().map_or(0, |output| output.len())
    }

    /// Whether messages may be queued for the peer, and in which format.
    pub(super) fn format(&self) -> Option<Format> {
        if self.phase == Phase::Open { self.protocol.format() } else { None }
    }

    /// Whether bytes from the peer mean anything.
    pub(super) fn is_decoding(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Ending | Phase::HalfClosed | Phase::AwaitClose)
    }

    /// Output has changed: puts pings and pongs [ahead] of what cannot be written for now, of which hardly
    /// any may stay, and gives back the memory that this does not need; enters what it holds by now, and
    /// notes the marks that it has gone over. Returns whether it has fallen below the low one.
    #[inline]
    pub(super) fn weigh_output(&mut self, pool: &mut BufferPool, limits: &Limits) -> bool {
        if let Some(output) = &mut self.output {
            if output.marks.is_blocked {
                ahead::put(output);
                output.shrink();
            }
            pool.settle_output(output);
            self.note_growth(limits);
        }
        self.note_shrinking(limits)
    }

    /// Output has grown: notes that it went over the high-water mark.
    pub(super) fn note_growth(&mut self, limits: &Limits) {
        if self.queued_bytes() > limits.high_water_bytes {
            self.flags.set(Flags::FULL);
        }
    }

    /// Whether nothing is read because of what has gone over the high-water mark. Whoever has dialed must
    /// go on reading: the other side may be a server that waits for just that before it reads on, and
    /// both would wait for ever.
    pub(super) fn is_paused(&self) -> bool {
        self.flags.has(Flags::FULL) && !self.is_our_own()
    }

    /// Whether it does not take what was pushed to it. A little may always be on its way.
    pub(super) fn is_slow_consumer(&self, limits: &Limits) -> bool {
        self.output.as_ref().is_some_and(|output| {
            output.marks.is_pushed
                && output.marks.is_blocked
                && output.len() > limits.low_water_bytes
        })
    }

    /// Output has shrunk: notes that it has fallen below the low-water mark, and returns whether it has.
    pub(super) fn note_shrinking(&mut self, limits: &Limits) -> bool {
        let has_fallen =
            self.flags.has(Flags::FULL) && self.queued_bytes() <= limits.low_water_bytes;
        if has_fallen {
            self.flags.clear(Flags::FULL);
        }
        has_fallen
    }

    /// Whether its service does not want anything of the peer for now. Only of a server that we have
    /// closed ourselves it may still want messages, and not too many.
    pub(super) fn is_held(&self) -> bool {
        self.flags.has(Flags::HELD) && (self.phase != Phase::AwaitClose || self.is_our_own())
    }

    /// When this connection must be looked at, and what has been missed by then.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<(Tick, Deadline)> {
        let (after, deadline) = match self.phase {
            Phase::Dead | Phase::Ending | Phase::HalfClosed => return None,
            Phase::Connecting => (limits.connect_timeout, Deadline::Connect),
            Phase::Lingering => (limits.linger_timeout, Deadline::Flush),
            Phase::Flushing => (limits.flush_timeout, Deadline::Flush),
            // Who is not read from cannot be heard.
            Phase::AwaitClose if self.is_held() => return None,
            Phase::AwaitClose => (limits.close_timeout, Deadline::Close),
            Phase::Open => match &self.protocol {
                Protocol::Raw | Protocol::Line(_) | Protocol::Packet(_) => return None,
                Protocol::Opening(_) => (limits.handshake_timeout, Deadline::Handshake),
                Protocol::Http(http) if http.is_between_requests() => {
                    (limits.keepalive_timeout, Deadline::KeepAlive)
                }
                Protocol::Http(_) => (limits.handshake_timeout, Deadline::Handshake),
                Protocol::WebSocket(_) | Protocol::Compressed(_) => match self.flags {
                    _ if self.is_held() => return None,
                    flags if flags.has(Flags::PINGED) => (limits.pong_timeout, Deadline::Pong),
                    _ => (limits.ping_interval, Deadline::Pong),
                },
            },
        };
        Some((self.since.after(after), deadline))
    }

    /// Enters what the output holds by now.
    #[inline]
    pub(super) fn settle_output(&mut self, pool: &mut BufferPool) {
        if let Some(output) = &mut self.output {
            pool.settle_output(output);
        }
    }

    /// The memory of the buffers that it has, in bytes; what is parked of it is not here.
    pub(super) fn buffered_bytes(&self) -> usize {
        let output = self.output.as_ref().map_or(0, |output| output.capacity());
        output + self.protocol.buffered_bytes()
    }

    /// Gives every buffer back.
    pub(super) fn release(&mut self, pool: &mut BufferPool, deflate: &mut deflate::Pool) {
        self.protocol.release(pool, deflate);
        if let Some(output) = self.output.take() {
            pool.give(output);
        }
    }

    /// Buffers hold bytes, an open connection that is above a mark knows it, and the timer wheel
    /// comes up no later than the deadline.
    pub(super) fn check_invariants(&self, limits: &Limits) {
        assert!(self.output.as_ref().is_none_or(|output| !output.is_empty()), "it is kept empty");
        let is_parked = self.flags.has(Flags::PARKED);
        assert!(!is_parked || self.is_decoding(), "what is parked means nothing");
        if self.phase == Phase::Open {
            let queued = self.queued_bytes();
            let is_full = self.flags.has(Flags::FULL);
            assert!(is_full || queued <= limits.high_water_bytes, "{queued} bytes are queued");
            assert!(!is_full || queued > limits.low_water_bytes, "{queued} bytes are queued");
        }
        if let Some((deadline, _)) = self.deadline(limits) {
            let is_armed = self.armed().is_some_and(|armed| armed.is_due(deadline));
            assert!(is_armed, "nobody looks at the deadline");
        }
    }
}

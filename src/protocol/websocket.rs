//! A WebSocket peer after the handshake: messages, pings, and the two ways to close (RFC 6455).
//!
//! ```text
//!             Close received: answer it; or end
//!        ┌──────────────────────────────────────────► ┌────────┐
//!   ┌────────┐    rule broken: send Close with 1002…   │        │
//!   │  Open  │ ───────────────────────────────────────► Closed  │  nothing is read any more:
//!   └────────┘                                         │        │  flush, FIN, linger, close
//!        │ close(): send Close    ┌───────────┐        │        │
//!        └──────────────────────► │ CloseSent │ ─────► └────────┘
//!                                 └───────────┘ Close received, rule broken, or end
//! ```
//!
//! Pings and pongs go [ahead](super::ahead) of messages that have to wait; a Close frame is the last thing
//! that is sent.
//!
//! In `CloseSent` pings are read and ignored: section 5.5.1 forbids sending after a Close frame, and
//! a peer's Close frame can only be found behind what it sent before it. A server ignores messages
//! there, too, because it could not answer them; for a client they may be the answers that it still
//! waits for.

use super::{CloseReason, Closing, Event, MessageKind, Wire};
use crate::buffer::BufferPool;
use crate::codec::websocket::{
    self as frames, Decoder, Event as Frame, ProtocolError, Role, encode_close, encode_ping,
    encode_pong,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Open,
    CloseSent,
    Closed,
}

/// One side of a WebSocket connection.
#[derive(Debug)]
pub struct WebSocket {
    decoder: Decoder,
    state: State,
}

impl WebSocket {
    /// The side of `role`, of a connection whose handshake has just been answered with 101.
    pub fn opened(role: Role) -> WebSocket {
        WebSocket { decoder: Decoder::new(role), state: State::Open }
    }

    /// Which side this is.
    pub fn role(&self) -> Role {
        self.decoder.role()
    }

    /// Whether messages may still be sent.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether messages of the peer mean anything.
    fn is_heard(&self) -> bool {
        self.is_open() || (self.state == State::CloseSent && self.role() == Role::Client)
    }

    /// The next message or the end.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
    ) -> Option<Event<'a>> {
        self.next_by(input, wire, |decoder, input, wire| {
            decoder.next(input, &wire.limits.frames, wire.pool)
        })
    }

    /// [`next`](WebSocket::next), where the frames are decoded by `decode`.
    #[inline]
    pub(super) fn next_by<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
        mut decode: impl FnMut(
            &mut Decoder,
            &mut &'a mut [u8],
            &mut Wire<'_>,
        ) -> Result<Option<Frame<'a>>, ProtocolError>,
    ) -> Option<Event<'a>> {
        loop {
            if self.state == State::Closed {
                *input = &mut [];
                return None;
            }
            let frame = match decode(&mut self.decoder, input, wire) {
                Ok(Some(frame)) => frame,
                Ok(None) => return None,
                Err(error) => return Some(self.fail(error, wire)),
            };
            match frame {
                Frame::Text(payload) if self.is_heard() => {
                    return Some(Event::Message(MessageKind::Text, payload));
                }
                Frame::Binary(payload) if self.is_heard() => {
                    return Some(Event::Message(MessageKind::Binary, payload));
                }
                Frame::Ping(payload) if self.is_open() => {
                    let mask = wire.mask(self.role());
                    encode_pong(wire.control_tail(), payload.as_slice(), mask);
                    payload.recycle(wire.pool);
                }
                Frame::Text(ignored)
                | Frame::Binary(ignored)
                | Frame::Ping(ignored)
                | Frame::Pong(ignored) => ignored.recycle(wire.pool),
                Frame::Close(close) => return Some(self.peer_closed(close, wire)),
            }
        }
    }

    /// The bytes ended without a Close frame, or behind it.
    pub(super) fn end(&mut self) -> CloseReason {
        self.state = State::Closed;
        CloseReason::Abnormal
    }

    /// Starts the close handshake (section 7.1.2).
    pub(super) fn close(&mut self, code: u16, reason: &str, wire: &mut Wire<'_>) -> Closing {
        match self.state {
            State::Open => {
                let mask = wire.mask(self.role());
                encode_close(wire.tail(), Some(code.into()), reason, mask);
                self.state = State::CloseSent;
                Closing::AwaitPeer
            }
            State::CloseSent => Closing::AwaitPeer,
            State::Closed => Closing::Finish,
        }
    }

    /// Asks the peer for a sign of life.
    pub fn ping(&self, wire: &mut Wire<'_>) {
        if self.is_open() {
            let mask = wire.mask(self.role());
            encode_ping(wire.control_tail(), b"", mask);
        }
    }

    /// The memory held for an incomplete message, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.decoder.buffered_bytes()
    }

    /// Gives the buffers of an incomplete message back.
    pub(super) fn release(&mut self, pool: &mut BufferPool) {
        self.decoder.release(pool);
    }

    /// A Close frame is answered with the same code and no reason (section 5.5.1).
    fn peer_closed(
        &mut self,
        close: Option<frames::CloseFrame>,
        wire: &mut Wire<'_>,
    ) -> Event<'static> {
        let (code, reason) = match close {
            Some(frame) => (Some(frame.code), frame.reason.into_boxed_str()),
            None => (None, Box::default()),
        };
        if self.is_open() {
            let mask = wire.mask(self.role());
            encode_close(wire.tail(), code, "", mask);
        }
        self.state = State::Closed;
        Event::Finished(CloseReason::PeerClosed { code: code.map(u16::from), reason })
    }

    /// Fails the connection (section 7.1.7).
    fn fail(&mut self, error: ProtocolError, wire: &mut Wire<'_>) -> Event<'static> {
        if self.is_open() {
            let mask = wire.mask(self.role());
            encode_close(wire.tail(), Some(error.close_code()), "", mask);
        }
        self.state = State::Closed;
        Event::Finished(CloseReason::Refused(error.name()))
    }
}

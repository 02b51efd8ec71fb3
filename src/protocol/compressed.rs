//! A WebSocket peer that has agreed to compress (RFC 7692): the same conversation, whose messages
//! are inflated on their way in and may be compressed on their way out.

use super::format::opcode;
use super::{CloseReason, Closing, Event, Format, Message, WebSocket, Wire};
use crate::buffer::BufferPool;
use crate::codec::websocket::Role;
use crate::codec::websocket::deflate::{Agreement, Context, Inbound, Outbound, Pool};

/// One side of a WebSocket connection that compresses.
///
/// Without context takeover it holds nothing while no message is on its way, but that it compresses.
#[derive(Debug)]
pub struct Compressed {
    websocket: WebSocket,
    inbound: Inbound,
    outbound: Outbound,
}

// An idle connection costs this much more for being able to compress.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Compressed>() <= 56);

impl Compressed {
    /// The side of `role`, of a connection whose handshake has just been answered with 101, and on
    /// which `agreement` holds.
    pub fn opened(role: Role, agreement: Agreement) -> Compressed {
        Compressed {
            websocket: WebSocket::opened(role),
            inbound: Inbound::new(agreement.inbound_takeover()),
            outbound: Outbound::new(agreement.outbound()),
        }
    }

    /// What it is without compression.
    pub fn websocket(&self) -> &WebSocket {
        &self.websocket
    }

    /// Whether it holds an inflater, and a compressor.
    pub fn holds(&self) -> (bool, bool) {
        (self.inbound.holds_inflater(), self.outbound.holds_compressor())
    }

    /// The next message or the end.
    #[inline(never)]
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
    ) -> Option<Event<'a>> {
        let Compressed { websocket, inbound, .. } = self;
        websocket.next_by(input, wire, |decoder, input, wire| {
            let Wire { limits, pool, deflate, .. } = wire;
            decoder.next_inflating(input, &limits.frames, pool, inbound, deflate)
        })
    }

    /// How messages to the peer are encoded; `None` when none may be sent any more.
    pub(super) fn format(&self) -> Option<Format> {
        let Context { window, takeover } = self.outbound.context();
        self.websocket.is_open().then_some(match self.websocket.role() {
            role if takeover => Format::Own(role),
            Role::Server => Format::DeflatedFrame(window),
            Role::Client => Format::MaskedDeflatedFrame(window),
        })
    }

    /// Appends a message that is compressed with what was sent before it.
    pub(super) fn encode(
        &mut self,
        out: &mut Vec<u8>,
        message: Message<'_>,
        mask: Option<[u8; 4]>,
        deflate: &mut Pool,
    ) {
        self.outbound.encode(out, opcode(message.kind()), message.as_bytes(), mask, deflate);
    }

    pub(super) fn end(&mut self) -> CloseReason {
        self.websocket.end()
    }

    pub(super) fn close(&mut self, code: u16, reason: &str, wire: &mut Wire<'_>) -> Closing {
        self.websocket.close(code, reason, wire)
    }

    /// What is remembered is counted with so many bytes.
    pub(super) fn context_bytes(&self) -> usize {
        self.inbound.held_bytes() + self.outbound.held_bytes()
    }

    /// Gives the buffers of an incomplete message back, and what is remembered of those before it.
    pub(super) fn release(&mut self, pool: &mut BufferPool, deflate: &mut Pool) {
        self.websocket.release(pool);
        self.inbound.release(deflate);
        self.outbound.release(deflate);
    }
}

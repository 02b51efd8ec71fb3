//! What a message is on the wire, for each kind of peer.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::message::{Message, MessageKind};
use crate::codec::line as lines;
use crate::codec::websocket::deflate::{self, WindowBits, encode_deflated};
use crate::codec::websocket::{Opcode, Role, encode_frame};

/// How a message looks on the wire. Peers with the same format can share one encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// The bytes.
    Raw,
    /// The bytes and `\n`.
    Line,
    /// A length of four bytes (little-endian, for the shell alone: it never leaves) and the bytes.
    Packet,
    /// A WebSocket frame from a server.
    Frame,
    /// A WebSocket frame from a server whose message is compressed by itself, with this window.
    DeflatedFrame(WindowBits),
    /// A WebSocket frame from a client: with a mask of its own, and so shared with nobody.
    MaskedFrame,
    /// The same, compressed by itself.
    MaskedDeflatedFrame(WindowBits),
    /// A WebSocket frame from this side that is compressed with what was sent before it, which only
    /// [`Protocol::encode`](super::Protocol::encode) can do.
    Own(Role),
}

impl Format {
    /// So many formats look the same for every peer.
    pub const SHARED: usize = 4 + WindowBits::SIZES;

    /// Which of the formats it is that look the same for every peer, if it is one.
    pub fn shared_index(self) -> Option<usize> {
        match self {
            Format::Raw => Some(0),
            Format::Line => Some(1),
            Format::Packet => Some(2),
            Format::Frame => Some(3),
            Format::DeflatedFrame(window) => Some(4 + window.index()),
            Format::MaskedFrame | Format::MaskedDeflatedFrame(_) | Format::Own(_) => None,
        }
    }

    /// The format of messages that are not worth compressing.
    pub fn uncompressed(self) -> Format {
        match self {
            Format::DeflatedFrame(_) | Format::Own(Role::Server) => Format::Frame,
            Format::MaskedDeflatedFrame(_) | Format::Own(Role::Client) => Format::MaskedFrame,
            other => other,
        }
    }

    /// The length that stands in front of each queued packet.
    pub const PACKET_PREFIX: usize = 4;

    /// Appends one message. `rng` is asked only for the mask of a frame from a client. What only the
    /// connection itself can compress is not compressed.
    pub fn encode(
        self,
        out: &mut Vec<u8>,
        message: Message<'_>,
        rng: &mut StdRng,
        deflate: &mut deflate::Pool,
    ) {
        let opcode = opcode(message.kind());
        let bytes = message.as_bytes();
        match self {
            Format::Raw => out.extend_from_slice(bytes),
            Format::Line => lines::encode_line(out, bytes),
            Format::Packet => {
                let length = u32::try_from(bytes.len()).expect("no message is 4 GiB long");
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Format::Frame | Format::Own(Role::Server) => {
                encode_frame(out, true, opcode, bytes, None);
            }
            Format::MaskedFrame | Format::Own(Role::Client) => {
                encode_frame(out, true, opcode, bytes, Some(rng.random()));
            }
            Format::DeflatedFrame(window) => {
                encode_deflated(out, opcode, bytes, None, window, deflate);
            }
            Format::MaskedDeflatedFrame(window) => {
                encode_deflated(out, opcode, bytes, Some(rng.random()), window, deflate);
            }
        }
    }

    /// At most how many bytes longer than the message its encoding is; unless every message is to be
    /// compressed, whatever comes of it.
    pub const OVERHEAD: usize = 14;
}

/// The opcode of a message's first frame.
pub(super) fn opcode(kind: MessageKind) -> Opcode {
    match kind {
        MessageKind::Text => Opcode::Text,
        MessageKind::Binary => Opcode::Binary,
    }
}

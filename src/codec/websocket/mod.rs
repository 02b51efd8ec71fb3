//! The WebSocket protocol (RFC 6455) without a socket.
//!
//! ```text
//!   bytes ──► header ──► mask ──► utf8 ──► message ──► Event      decoder
//!                (is the frame legal?)  (join, limits)
//!   bytes ◄── header ◄── mask ◄────────── payload                 encoder
//! ```
//!
//! Between the mask and the check of UTF-8 a connection that has agreed on it compresses:
//! [`deflate`].
//!
//! [`Decoder`] turns the bytes of one direction into [`Event`]s, the `encode_*` functions append
//! frames to a buffer. Both sides of a connection use the same code; [`Role`] says which side this
//! is, and so which frames carry a mask. What to do about an event (answer a ping, finish the
//! close handshake) is the business of [`protocol`](crate::protocol).
//!
//! The close codes and the accept key are those of `tungstenite`. Its reader is not used: it keeps
//! a read buffer for each connection, which is what makes an idle connection large. It serves as
//! the second opinion in the tests instead.

pub mod close;
pub mod decoder;
pub mod deflate;
pub mod encoder;
pub mod error;
pub mod handshake;
pub mod header;
pub mod mask;
pub mod message;
mod partial;

pub use self::close::{CloseCode, CloseFrame};
pub use self::decoder::Decoder;
pub use self::encoder::{
    encode_binary, encode_close, encode_frame, encode_ping, encode_pong, encode_text,
};
pub use self::error::ProtocolError;
pub use self::header::{FrameHeader, Opcode};
pub use self::message::{Event, Limits};

/// Which side of the connection this is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Expects masked frames and sends unmasked ones.
    Server,
    /// Expects unmasked frames and sends masked ones.
    Client,
}

//! HTTP/1.x heads as bytes: the request side of the front door, and its replies.
//!
//! Called by the per-connection HTTP protocol, by the WebSocket handshake and by the client. No
//! sockets and no clock: bytes come in as slices, replies are appended to a `Vec`, and the `Date`
//! field is told what time it is.
//!
//! ```text
//!  bytes ──► HeadScanner ──► parse_request ──► Request ──► (the protocol decides) ──► Response
//!            "is it whole?"  "is it sound?"    borrows                                .encode(out)
//!            remembers how   framing rules,    from the
//!            far it looked   Host, target      bytes
//! ```
//!
//! What must hold:
//!
//! - Two readers of the same bytes must never disagree where a request ends; that disagreement is
//!   request smuggling (RFC 9112 §11.2). So everything ambiguous about framing is refused: see
//!   [`parse_request`].
//! - A peer can make us hold at most [`MAX_HEAD_BYTES`] and [`MAX_FIELDS`], and look at each byte
//!   two or three times (for the line ends, to parse, and the start line early, too), in whatever
//!   pieces it sends them.
//! - A line ends with LF, with or without CR in front of it, but all lines of a head in the same way.
//!   RFC 9112 §2.2 lets a recipient accept a bare LF, and it is what a person with `nc` types.

mod accept;
mod authority;
mod date;
mod fields;
mod request;
mod response;
mod scanner;
mod status;
mod target;
mod token;

pub use accept::prefers_html;
pub use authority::Authority;
pub use date::imf_fixdate;
pub use fields::Fields;
pub use request::{Body, Persistence, Request, Version, parse_request};
pub(crate) use response::TEXT_PLAIN;
pub use response::{Payload, Response};
pub use scanner::{HeadKind, HeadScanner};
pub use status::Status;
pub use token::is_token;

/// A head longer than this, its empty line included, is refused with 431.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A head with more field lines than this is refused with 431.
pub const MAX_FIELDS: usize = 64;

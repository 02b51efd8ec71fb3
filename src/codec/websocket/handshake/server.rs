//! What a server does: checks a request, and answers it with 101.

use super::{Accept, BASE64, accept_for};
use crate::codec::http::{Body, Request, Status, Version};

/// Why a request is no WebSocket handshake. Each becomes a [`status`](Refusal::status) with
/// [`fields`](Refusal::fields).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Not a GET of HTTP/1.1 with the tokens in Upgrade and Connection, or one with a body.
    NotAnUpgrade,
    /// `Sec-WebSocket-Version` is missing or repeated.
    NoVersion,
    /// `Sec-WebSocket-Version` is not 13, the only version that left the draft stage.
    OtherVersion,
    /// `Sec-WebSocket-Key` is missing, repeated, or not the base64 of 16 bytes.
    BadKey,
    /// `Sec-WebSocket-Protocol` is not a list of different tokens.
    BadSubprotocols,
}

impl Refusal {
    /// The status of the response.
    pub fn status(self) -> Status {
        match self {
            Refusal::OtherVersion => Status::UpgradeRequired,
            Refusal::NotAnUpgrade
            | Refusal::NoVersion
            | Refusal::BadKey
            | Refusal::BadSubprotocols => Status::BadRequest,
        }
    }

    /// The fields of the response that tell a client what would have been right: the version
    /// (RFC 6455 §4.2.2 item 4), and with 426 the protocol, which Connection must name as a field
    /// of this hop (RFC 9110 §7.8).
    pub fn fields(self) -> &'static [(&'static str, &'static str)] {
        const VERSION: (&str, &str) = ("Sec-WebSocket-Version", "13");
        match self {
            Refusal::OtherVersion => {
                &[("Upgrade", "websocket"), ("Connection", "Upgrade"), VERSION]
            }
            Refusal::NotAnUpgrade
            | Refusal::NoVersion
            | Refusal::BadKey
            | Refusal::BadSubprotocols => &[VERSION],
        }
    }
}

/// Checks what the client sent (RFC 6455 §4.2.1) and computes the accept value.
///
/// # Errors
/// A [`Refusal`]. The version is looked at before the key, since another version may have other
/// keys.
pub fn check_upgrade(request: &Request<'_>) -> Result<Accept, Refusal> {
    let is_upgrade = request.method == "GET"
        && request.version == Version::Http11
        && request.body == Body::None
        && request.has_token("Upgrade", "websocket")
        && request.has_token("Connection", "upgrade");
    if !is_upgrade {
        return Err(Refusal::NotAnUpgrade);
    }
    match request.single_field("Sec-WebSocket-Version") {
        Some(b"13") => {}
        Some(_) => return Err(Refusal::OtherVersion),
        None => return Err(Refusal::NoVersion),
    }
    match request.single_field("Sec-WebSocket-Key") {
        Some(key) if is_key(key) => Ok(accept_for(key)),
        _ => Err(Refusal::BadKey),
    }
}

/// Appends the response that turns the connection into a WebSocket. `extra` fields, such as the
/// extensions that were chosen, are written as they are.
pub fn encode_accept(out: &mut Vec<u8>, accept: &Accept, extra: &[(&str, &str)]) {
    out.reserve(SWITCHING.len() + accept.len() + END_OF_HEAD.len());
    out.extend_from_slice(SWITCHING);
    out.extend_from_slice(accept);
    for (name, value) in extra {
        debug_assert!(!name.contains(['\r', '\n']) && !value.contains(['\r', '\n']));
        for part in ["\r\n", name, ": ", value] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(END_OF_HEAD);
}

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: ";

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// Whether `key` is the base64 of 16 bytes: 22 characters and two of padding. The four bits of the
/// last character that nobody needs may be anything; most decoders do not look at them.
pub(super) fn is_key(key: &[u8]) -> bool {
    match key.strip_suffix(b"==") {
        Some(digits) => digits.len() == 22 && digits.iter().all(|digit| BASE64.contains(digit)),
        None => false,
    }
}

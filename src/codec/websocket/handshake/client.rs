//! What a client does: writes the request, and takes nothing but the answer to it.

use std::fmt;

use super::{BASE64, SUBPROTOCOL, accept_for};
use crate::codec::http::Fields;

/// Appends the request of a client (RFC 6455 §4.1).
///
/// `key` is random for every handshake. `host` is host and port as in the URL; `path` may have a
/// query, and gets a leading slash if it has none. What must not stand in a request line is
/// percent-encoded in both, so that no URL can smuggle a field in. `extra` fields are the
/// caller's own words and written as they are.
pub fn encode_request(
    out: &mut Vec<u8>,
    host: &str,
    path: &str,
    key: &[u8; 16],
    extra: &[(&str, &str)],
) {
    out.extend_from_slice(b"GET ");
    if !path.starts_with('/') {
        out.push(b'/');
    }
    put_escaped(out, path);
    out.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    put_escaped(out, host);
    out.extend_from_slice(
        concat!("\r\nUser-Agent: readily/", env!("CARGO_PKG_VERSION")).as_bytes(),
    );
    out.extend_from_slice(b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ");
    out.extend_from_slice(&encode_key(key));
    out.extend_from_slice(b"\r\nSec-WebSocket-Version: 13\r\n");
    for (name, value) in extra {
        debug_assert!(!name.contains(['\r', '\n']) && !value.contains(['\r', '\n']));
        for part in [name, ": ", value, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Checks the server's answer to [`encode_request`] with this `key` and these `extra` fields
/// (RFC 6455 §4.1, the list behind "once the client's opening handshake has been sent").
///
/// `head` is a whole response head. Returns its fields, from which the caller reads what the
/// server chose of the extensions and subprotocols it was offered.
///
/// # Errors
/// Whatever makes this no WebSocket; the client closes the connection.
pub fn check_response<'a>(
    head: &'a [u8],
    key: &[u8; 16],
    extra: &[(&str, &str)],
) -> Result<Fields<'a>, HandshakeError> {
    let (code, fields) = Fields::parsed_by(|entries| {
        let mut parsed = httparse::Response::new(entries);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {
                Ok((parsed.code.unwrap_or_default(), parsed.headers.len()))
            }
            _ => Err(HandshakeError::NotHttp),
        }
    })?;
    if code != 101 {
        return Err(HandshakeError::Status(code));
    }
    if !fields.has_token("Upgrade", "websocket") || !fields.has_token("Connection", "upgrade") {
        return Err(HandshakeError::NotAnUpgrade);
    }
    if fields.single("Sec-WebSocket-Accept") != Some(&accept_for(&encode_key(key))) {
        return Err(HandshakeError::WrongAccept);
    }
    // An extension is chosen with parameters, which are the caller's to judge; of the subprotocols
    // one that was offered is chosen as it is.
    if fields.first(EXTENSIONS).is_some() && offers(extra, EXTENSIONS).is_empty() {
        return Err(HandshakeError::NotOffered);
    }
    if fields.first(SUBPROTOCOL).is_some()
        && !fields
            .single(SUBPROTOCOL)
            .is_some_and(|chosen| offers(extra, SUBPROTOCOL).contains(&chosen))
    {
        return Err(HandshakeError::NotOffered);
    }
    Ok(fields)
}

/// What we have offered in the lists that fields of this name hold.
fn offers<'a>(extra: &[(&str, &'a str)], field: &str) -> Vec<&'a [u8]> {
    let lists = extra.iter().filter(|(name, _)| name.eq_ignore_ascii_case(field));
    lists.flat_map(|(_, list)| list.split(',')).map(|offer| offer.trim().as_bytes()).collect()
}

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";

/// Why the client gives up. Each reads `…: bad handshake`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakeError {
    /// The answer is no HTTP response head.
    NotHttp,
    /// The server has ended the connection in front of an answer, or within it.
    Ended,
    /// The server answered, but not with 101.
    Status(u16),
    /// A 101 to something else than WebSocket.
    NotAnUpgrade,
    /// The accept value does not belong to our key.
    WrongAccept,
    /// The server chose the extension it was offered, but with parameters that are illegal, that leave
    /// out what was asked for, or that we cannot keep (RFC 7692 section 7.1).
    BadExtension,
    /// The server chose an extension or a subprotocol of which nobody spoke.
    NotOffered,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::NotHttp => f.write_str("the server does not speak HTTP"),
            HandshakeError::Ended => f.write_str("the server has closed the connection"),
            HandshakeError::Status(code) => write!(f, "the server answered {code}"),
            HandshakeError::NotAnUpgrade => f.write_str("the server upgraded to something else"),
            HandshakeError::WrongAccept => f.write_str("the server's accept value is wrong"),
            HandshakeError::BadExtension => {
                f.write_str("the server's answer to an extension makes no sense")
            }
            HandshakeError::NotOffered => f.write_str("the server chose what was not offered"),
        }?;
        f.write_str(": bad handshake")
    }
}

impl std::error::Error for HandshakeError {}

/// 128 bits in 22 characters of six bits each (the last four are zero), and padding.
fn encode_key(key: &[u8; 16]) -> [u8; 24] {
    let mut text = [b'='; 24];
    for (index, place) in text[..22].iter_mut().enumerate() {
        let (byte, bit) = (index * 6 / 8, index * 6 % 8);
        let next = key.get(byte + 1).copied().unwrap_or(0);
        let window = u16::from_be_bytes([key[byte], next]);
        *place = BASE64[usize::from(window >> (10 - bit) & 0x3f)];
    }
    text
}

/// Appends `text` with everything percent-encoded that is not visible ASCII, and `#`, which would
/// begin a fragment.
fn put_escaped(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && byte != b'#' {
            out.push(byte);
        } else {
            out.extend_from_slice(&[
                b'%',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        }
    }
}

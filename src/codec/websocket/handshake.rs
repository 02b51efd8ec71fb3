//! The opening handshake of both sides (RFC 6455 §4), on heads that are complete.
//!
//! ```text
//!   client                                          server
//!   encode_request ── GET /ws, Upgrade, key ──────► check_upgrade ─┬─► Refusal → an HTTP response
//!   check_response ◄── 101, accept value ────────── encode_accept ◄┘
//! ```
//!
//! Called by the server's HTTP protocol for a request to a path that speaks WebSocket, and by the
//! client. The accept value proves that the server read the key as a WebSocket key: it is no
//! secret and no authentication, it keeps other protocols from being talked into this one.
//! Whether an Origin or a Host is allowed is not decided here.

use std::fmt;

use tungstenite::handshake::derive_accept_key;

use crate::codec::http::{Body, Fields, Request, Status, Version};

/// The value of `Sec-WebSocket-Accept`: the base64 of a SHA-1.
pub type Accept = [u8; 28];

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
}

impl Refusal {
    /// The status of the response.
    pub fn status(self) -> Status {
        match self {
            Refusal::OtherVersion => Status::UpgradeRequired,
            Refusal::NotAnUpgrade | Refusal::NoVersion | Refusal::BadKey => Status::BadRequest,
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
            Refusal::NotAnUpgrade | Refusal::NoVersion | Refusal::BadKey => &[VERSION],
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

/// Appends the response that turns the connection into a WebSocket.
pub fn encode_accept(out: &mut Vec<u8>, accept: &Accept) {
    out.reserve(SWITCHING.len() + accept.len() + END_OF_HEAD.len());
    out.extend_from_slice(SWITCHING);
    out.extend_from_slice(accept);
    out.extend_from_slice(END_OF_HEAD);
}

const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: ";

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

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
    for name in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"] {
        let was_offered = extra.iter().any(|(offer, _)| offer.eq_ignore_ascii_case(name));
        if fields.first(name).is_some() && !was_offered {
            return Err(HandshakeError::NotOffered);
        }
    }
    Ok(fields)
}

/// Why the client gives up. Each reads `…: bad handshake`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakeError {
    /// The answer is no HTTP response head.
    NotHttp,
    /// The server answered, but not with 101.
    Status(u16),
    /// A 101 to something else than WebSocket.
    NotAnUpgrade,
    /// The accept value does not belong to our key.
    WrongAccept,
    /// The server chose an extension or a subprotocol of which nobody spoke.
    NotOffered,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandshakeError::NotHttp => f.write_str("the server does not speak HTTP"),
            HandshakeError::Status(code) => write!(f, "the server answered {code}"),
            HandshakeError::NotAnUpgrade => f.write_str("the server upgraded to something else"),
            HandshakeError::WrongAccept => f.write_str("the server's accept value is wrong"),
            HandshakeError::NotOffered => {
                f.write_str("the server chose an extension that was not offered")
            }
        }?;
        f.write_str(": bad handshake")
    }
}

impl std::error::Error for HandshakeError {}

/// SHA-1 of the key and a fixed GUID, in base64 (RFC 6455 §4.2.2 item 5).
fn accept_for(key: &[u8]) -> Accept {
    let accept = derive_accept_key(key);
    accept.as_bytes().try_into().expect("the base64 of 20 bytes has 28 characters")
}

/// Whether `key` is the base64 of 16 bytes: 22 characters and two of padding. The four bits of the
/// last character that nobody needs may be anything; most decoders do not look at them.
fn is_key(key: &[u8]) -> bool {
    match key.strip_suffix(b"==") {
        Some(digits) => digits.len() == 22 && digits.iter().all(|digit| BASE64.contains(digit)),
        None => false,
    }
}

/// RFC 4648 §4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::http::{HeadKind, HeadScanner, parse_request};
    use proptest::prelude::*;

    /// The fields of a sound handshake; tests replace one.
    const SOUND: [(&str, &str); 5] = [
        ("Host", "x"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];

    fn check(line: &str, fields: &[(&str, &str)]) -> Result<Accept, Refusal> {
        let fields: String = fields.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        let head = format!("{line}\r\n{fields}\r\n");
        check_upgrade(&parse_request(head.as_bytes()).unwrap())
    }

    /// The sound handshake with `name` given once for each of `values`.
    fn with(name: &str, values: &[&str]) -> Result<Accept, Refusal> {
        let mut fields = SOUND.to_vec();
        fields.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        fields.extend(values.iter().map(|value| (name, *value)));
        check("GET /ws HTTP/1.1", &fields)
    }

    #[test]
    fn the_example_of_rfc_6455() {
        // §1.3.
        assert_eq!(check("GET /ws HTTP/1.1", &SOUND), Ok(*b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let mut out = b"before".to_vec();
        encode_accept(&mut out, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let expected = "beforeHTTP/1.1 101 Switching Protocols\r\n\
                        Upgrade: websocket\r\n\
                        Connection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_clients_may_vary() {
        assert!(check("GET /ws?token=1 HTTP/1.1", &SOUND).is_ok());
        assert!(with("UPGRADE", &["WebSocket"]).is_ok());
        assert!(with("Upgrade", &["h2c, websocket"]).is_ok());
        assert!(with("connection", &["keep-alive, Upgrade"]).is_ok());
        assert!(with("Connection", &["keep-alive", "UPGRADE"]).is_ok());
        assert!(with("sec-websocket-key", &["AAAAAAAAAAAAAAAAAAAAAA=="]).is_ok());
        assert!(with("Sec-WebSocket-Key", &["+/AAAAAAAAAAAAAAAAAAAB=="]).is_ok());
        assert!(with("Sec-WebSocket-Extensions", &["permessage-deflate"]).is_ok());
        assert!(with("Content-Length", &["0"]).is_ok());
    }

    #[test]
    fn what_is_refused() {
        use Refusal::{BadKey, NoVersion, NotAnUpgrade, OtherVersion};
        for line in ["POST /ws HTTP/1.1", "HEAD /ws HTTP/1.1", "GET /ws HTTP/1.0"] {
            assert_eq!(check(line, &SOUND), Err(NotAnUpgrade), "{line}");
        }
        let table: [(&str, &[&str], Refusal); 24] = [
            ("Upgrade", &[], NotAnUpgrade),
            ("Upgrade", &["h2c"], NotAnUpgrade),
            ("Upgrade", &["websockets"], NotAnUpgrade),
            ("Connection", &[], NotAnUpgrade),
            ("Connection", &["keep-alive"], NotAnUpgrade),
            ("Content-Length", &["1"], NotAnUpgrade),
            ("Sec-WebSocket-Version", &[], NoVersion),
            ("Sec-WebSocket-Version", &["13", "13"], NoVersion),
            ("Sec-WebSocket-Version", &["8"], OtherVersion),
            ("Sec-WebSocket-Version", &["14"], OtherVersion),
            ("Sec-WebSocket-Version", &["13, 8"], OtherVersion),
            ("Sec-WebSocket-Version", &["013"], OtherVersion),
            ("Sec-WebSocket-Version", &["x"], OtherVersion),
            ("Sec-WebSocket-Key", &[], BadKey),
            ("Sec-WebSocket-Key", &[""], BadKey),
            ("Sec-WebSocket-Key", &["=="], BadKey),
            (
                "Sec-WebSocket-Key",
                &["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="],
                BadKey,
            ),
            ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZQ"], BadKey),
            ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZQ="], BadKey),
            ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZ==="], BadKey),
            ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZQA="], BadKey),
            ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25jZQAA"], BadKey),
            ("Sec-WebSocket-Key", &["SGVsbG8sIHdvcmxkIQ=="], BadKey),
            ("Sec-WebSocket-Key", &["dGhlIHNhbXBsZSBub25j_Q=="], BadKey),
        ];
        for (name, values, expected) in table {
            assert_eq!(with(name, values), Err(expected), "{name} {values:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_would_have_been_right() {
        let refusal = Refusal::OtherVersion;
        assert_eq!(refusal.status(), Status::UpgradeRequired);
        assert!(refusal.fields().contains(&("Upgrade", "websocket")));
        for refusal in [Refusal::OtherVersion, Refusal::NotAnUpgrade, Refusal::BadKey] {
            assert!(refusal.fields().contains(&("Sec-WebSocket-Version", "13")));
        }
        assert_eq!(Refusal::NotAnUpgrade.status(), Status::BadRequest);
    }

    #[test]
    fn a_client_writes_its_request_like_this() {
        let mut out = Vec::new();
        encode_request(&mut out, "h:1", "ws?a=b", b"the sample nonce", &[("Origin", "null")]);
        let expected = format!(
            "GET /ws?a=b HTTP/1.1\r\n\
             Host: h:1\r\n\
             User-Agent: readily/{}\r\n\
             Connection: Upgrade\r\n\
             Upgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n\
             Origin: null\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);

        let mut out = Vec::new();
        encode_request(&mut out, "h\r\nX: y", "/a b\r\n#\u{e9}", &[0; 16], &[]);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("GET /a%20b%0D%0A%23%C3%A9 HTTP/1.1\r\nHost: h%0D%0AX:%20y\r\nU"));
    }

    #[test]
    fn a_client_takes_only_the_answer_to_its_own_key() {
        let key = b"the sample nonce";
        let upgrade = "Upgrade: WebSocket\r\nConnection: upgrade\r\n";
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        let check = |head: &str, extra: &[(&str, &str)]| {
            check_response(head.as_bytes(), key, extra).map(|fields| fields.len())
        };
        let head = |status: &str, fields: &str| format!("HTTP/1.1 {status}\r\n{fields}\r\n");

        let sound = head("101 Switching Protocols", &format!("{upgrade}{accept}"));
        assert_eq!(check(&sound, &[]), Ok(3));
        assert_eq!(check(&head("101", &format!("{upgrade}{accept}")), &[]), Ok(3));

        let not_found = head("404 Not Found", &format!("{upgrade}{accept}"));
        assert_eq!(check(&not_found, &[]), Err(HandshakeError::Status(404)));
        let no_fields = head("101 x", accept);
        assert_eq!(check(&no_fields, &[]), Err(HandshakeError::NotAnUpgrade));
        for wrong in ["", "Sec-WebSocket-Accept: x\r\n", &format!("{accept}{accept}")] {
            let head = head("101 x", &format!("{upgrade}{wrong}"));
            assert_eq!(check(&head, &[]), Err(HandshakeError::WrongAccept), "{wrong}");
        }
        let lower = head("101 x", &format!("{upgrade}{}", accept.to_lowercase()));
        assert_eq!(check(&lower, &[]), Err(HandshakeError::WrongAccept));
        for garbage in ["", "hello\r\n\r\n", "HTTP/1.1 101 x\r\n", "HTTP/2 101 x\r\n\r\n"] {
            assert_eq!(check(garbage, &[]), Err(HandshakeError::NotHttp), "{garbage}");
        }

        let name = "Sec-WebSocket-Extensions";
        let chosen = head("101 x", &format!("{upgrade}{accept}{name}: permessage-deflate\r\n"));
        assert_eq!(check(&chosen, &[]), Err(HandshakeError::NotOffered));
        assert_eq!(check(&chosen, &[("sec-websocket-extensions", "permessage-deflate")]), Ok(4));
        assert!(HandshakeError::Status(404).to_string().ends_with(": bad handshake"));
    }

    proptest! {
        #[test]
        fn the_two_sides_agree(key: [u8; 16], path in "[ -~é]{0,12}") {
            let mut request = Vec::new();
            encode_request(&mut request, "h:1", &path, &key, &[]);
            let length = HeadScanner::new(HeadKind::Request).scan(&request);
            prop_assert_eq!(length, Ok(Some(request.len())));
            let accept = check_upgrade(&parse_request(&request).unwrap()).unwrap();
            let mut response = Vec::new();
            encode_accept(&mut response, &accept);
            let length = HeadScanner::new(HeadKind::Response).scan(&response);
            prop_assert_eq!(length, Ok(Some(response.len())));
            prop_assert!(check_response(&response, &key, &[]).is_ok());
            // Any other key is refused.
            let mut other = key;
            other[15] ^= 1;
            let refused = check_response(&response, &other, &[]).map(drop);
            prop_assert_eq!(refused, Err(HandshakeError::WrongAccept));
        }

        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>(), tail in any::<Vec<u8>>()) {
            let _ = check_response(&bytes, &[0; 16], &[]).map(drop);
            let head = [b"HTTP/1.1 101 x\r\nUpgrade: ", &tail[..], b"\r\n\r\n"].concat();
            let _ = check_response(&head, &[0; 16], &[]).map(drop);
            let _ = is_key(&bytes);
        }
    }
}

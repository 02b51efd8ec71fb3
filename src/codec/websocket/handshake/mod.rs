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

mod client;
mod server;
mod subprotocol;

pub use self::client::{HandshakeError, check_response, encode_request};
pub use self::server::{Refusal, check_upgrade, encode_accept};
pub use self::subprotocol::{SUBPROTOCOL, SubprotocolError, Subprotocols};

use tungstenite::handshake::derive_accept_key;

/// The value of `Sec-WebSocket-Accept`: the base64 of a SHA-1.
pub type Accept = [u8; 28];

/// SHA-1 of the key and a fixed GUID, in base64 (RFC 6455 §4.2.2 item 5).
fn accept_for(key: &[u8]) -> Accept {
    let accept = derive_accept_key(key);
    accept.as_bytes().try_into().expect("the base64 of 20 bytes has 28 characters")
}

/// RFC 4648 §4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::server::is_key;
    use super::*;
    use crate::codec::http::{HeadKind, HeadScanner, Status, parse_request};
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
        encode_accept(&mut out, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &[("X-Y", "z")]);
        let expected = "beforeHTTP/1.1 101 Switching Protocols\r\n\
                        Upgrade: websocket\r\n\
                        Connection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                        X-Y: z\r\n\r\n";
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

        let name = "Sec-WebSocket-Protocol";
        let offer = [("sec-websocket-protocol", "chat.v1, json")];
        for (chosen, expected) in [
            ("json", Ok(4)),
            ("chat.v1", Ok(4)),
            ("chat", Err(HandshakeError::NotOffered)),
            ("chat.v1, json", Err(HandshakeError::NotOffered)),
            ("", Err(HandshakeError::NotOffered)),
        ] {
            let head = head("101 x", &format!("{upgrade}{accept}{name}: {chosen}\r\n"));
            assert_eq!(check(&head, &offer), expected, "{chosen}");
        }
        let twice = format!("{upgrade}{accept}{name}: json\r\n{name}: json\r\n");
        assert_eq!(check(&head("101 x", &twice), &offer), Err(HandshakeError::NotOffered));
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
            encode_accept(&mut response, &accept, &[]);
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

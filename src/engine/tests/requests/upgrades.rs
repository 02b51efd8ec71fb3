//! Requests that ask for another protocol, and what stands around them (RFC 6455 section 4).

use super::{Closed, GET, HEAD, Kept, WebSocket, answers, check, field, get, handshake};
use crate::engine::tests::world::{World, text};
use crate::service::Echo;

/// RFC 6455 section 4.2.1.
#[test]
fn a_handshake_says_everything_once() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    check("two keys", handshake(key), &[400], Kept);
    check("two versions", handshake("Sec-WebSocket-Version: 13\r\n"), &[400], Kept);
    check("two other versions", handshake("Sec-WebSocket-Version: 8\r\n"), &[400], Kept);
    check("two origins", handshake("Origin: http://a\r\nOrigin: http://a\r\n"), &[403], Kept);
    check("another version", handshake("").replace("13", "12"), &[426], Kept);
    check("HTTP/1.0", handshake("").replace("1.1", "1.0"), &[400], Closed);
    check("POST", handshake("").replace("GET", "POST"), &[405], Kept);
    check("HEAD", handshake("").replace("GET", "HEAD"), &[HEAD + 405], Kept);
    check("two upgrades", handshake("Upgrade: h2c\r\n"), &[101], WebSocket(b""));
    check("two connections", handshake("Connection: close\r\n"), &[101], WebSocket(b""));
}

/// RFC 9112 section 9.3.2. What is behind an upgrade is frames, whatever it looks like.
#[test]
fn requests_around_an_upgrade() {
    let upgrade = handshake("");
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let in_front = format!("{GET}{post}HEAD / HTTP/1.1\r\nHost: a\r\n\r\n{upgrade}");
    check("in front", &in_front, &[200, 405, HEAD + 200, 101], WebSocket(b""));
    let framed = [in_front.as_bytes(), &text("hi")].concat();
    check(
        "in front, and a frame behind",
        framed,
        &[200, 405, HEAD + 200, 101],
        WebSocket(b"\x81\x02hi"),
    );
    // `G` is a frame with a reserved bit.
    let refused = WebSocket(b"\x88\x02\x03\xea");
    check("behind", format!("{upgrade}{GET}"), &[101], refused);
    check("another upgrade behind", format!("{upgrade}{upgrade}"), &[101], refused);
    check("an empty line behind", format!("{upgrade}\r\n{GET}"), &[101], refused);
    let framed = [upgrade.as_bytes(), &text("hi"), GET.as_bytes()].concat();
    check("behind a frame", framed, &[101], WebSocket(b"\x81\x02hi\x88\x02\x03\xea"));
    let other_version = upgrade.replace("13", "12");
    check("behind one that is refused", format!("{other_version}{GET}"), &[426, 200], Kept);
    let second = format!("{other_version}{upgrade}");
    check("a second try", second, &[426, 101], WebSocket(b""));
    let framed = [other_version.as_bytes(), &text("hi")].concat();
    check("a frame behind one that is refused", framed, &[426, 400], Closed);
    let last = format!("{}{upgrade}", get("Connection: close\r\n"));
    check("behind a last request", last, &[200], Closed);
    check("behind a malformed one", format!("X{upgrade}").replace(" H", "H"), &[400], Closed);
}

/// RFC 9110 section 7.8: an upgrade may be ignored, and then is.
#[test]
fn other_upgrades_are_not_taken() {
    let h2c =
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n";
    check("h2c", get(h2c), &[200], Kept);
    check("h2c, asked of a WebSocket", get(h2c).replace("/ ", "/ws "), &[400], Kept);
    check("TLS", get("Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n"), &[200], Kept);
    let other = handshake("").replace("Upgrade: websocket", "Upgrade: h2c");
    check("h2c, with all the rest of a handshake", other, &[400], Kept);
    let both = handshake("").replace("Upgrade: websocket", "Upgrade: h2c, WebSocket");
    check("h2c or a WebSocket", both, &[101], WebSocket(b""));
    let websocket = handshake("").replace("/ws", "/");
    check("a WebSocket, where there is none", websocket, &[200], Kept);
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let output = world.send(id, get(h2c).as_bytes());
    assert_eq!(field(&answers(&output).0[0], "Upgrade"), None);
}

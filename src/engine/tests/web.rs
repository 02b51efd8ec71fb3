//! HTTP and WebSocket, without a socket under them.

use std::time::Duration;

use super::world::{REQUEST, Socket, World, close, masked, text};
use crate::codec::websocket as frames;
use crate::service::Echo;

#[test]
fn a_websocket_client_may_send_frames_behind_its_request() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let answer = world.send(id, &[REQUEST, &text("early")].concat());
    assert!(answer.ends_with(b"\r\n\r\n\x81\x05early"), "{}", answer.escape_ascii());
    assert_eq!(world.send(id, &text("é")), b"\x81\x02\xc3\xa9");
}

#[test]
fn bytes_may_arrive_one_by_one() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let mut answer = Vec::new();
    for byte in [REQUEST, &text("one"), &text("two"), &close(1000, "bye")].concat() {
        answer.extend(world.send(id, &[byte]));
    }
    assert!(answer.ends_with(b"\r\n\r\n\x81\x03one\x81\x03two\x88\x02\x03\xe8"));
}

#[test]
fn pings_are_answered_and_close_is_echoed_without_its_reason() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.websocket(echo);
    let ping = masked(|out, mask| frames::encode_ping(out, b"p", mask));
    let pong = masked(|out, mask| frames::encode_pong(out, b"unasked", mask));
    assert_eq!(world.send(id, &[pong, ping].concat()), b"\x8a\x01p");
    assert_eq!(world.send(id, &close(4000, "app")), b"\x88\x02\x0f\xa0");
    assert_eq!(world.socket(id), Socket::WriteEnded, "the server closes first");
    assert_eq!(world.send(id, &text("late")), b"");
}

#[test]
fn a_broken_rule_costs_one_connection_and_one_count() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let (bad, good) = (world.websocket(echo), world.websocket(echo));
    assert_eq!(world.send(bad, b"\x81\x01x"), b"\x88\x02\x03\xea", "1002: not masked");
    assert_eq!(world.socket(bad), Socket::WriteEnded);
    assert_eq!(world.send(good, &text("still here")), b"\x81\x0astill here");
    assert_eq!(world.engine.stats().protocol_errors, 1);
}

#[test]
fn a_silent_websocket_peer_is_pinged_and_then_given_up() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let (silent, alive) = (world.websocket(echo), world.websocket(echo));
    for _ in 0..60 {
        world.pass(Duration::from_millis(400));
    }
    assert_eq!((world.take(silent), world.take(alive)), (vec![], vec![]));
    for _ in 0..5 {
        world.pass(Duration::from_millis(400));
    }
    assert_eq!(world.take(silent), b"\x89\x00");
    assert_eq!(world.take(alive), b"\x89\x00");
    world.receive(alive, b"\x81");
    for _ in 0..21 {
        world.pass(Duration::from_millis(400));
    }
    assert_eq!(world.socket(silent), Socket::Closed);
    assert_eq!(world.socket(alive), Socket::Open, "any byte is a sign of life");
    assert_eq!(world.engine.stats().pong_timeouts, 1);
}

#[test]
fn requests_have_a_deadline_from_accept_and_later_ones_from_their_first_byte() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let [mute, begun, idle, second] = [(); 4].map(|()| world.open(echo));
    world.receive(begun, b"GET / HT");
    for id in [idle, second] {
        assert!(world.send(id, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with(b"HTTP/1.1 200"));
    }
    world.pass(Duration::from_secs(9));
    world.receive(second, b"GET");
    world.pass(Duration::from_millis(1_100));
    assert_eq!((world.take(mute), world.socket(mute)), (vec![], Socket::WriteEnded));
    assert_eq!((world.take(idle), world.socket(idle)), (vec![], Socket::WriteEnded));
    assert!(world.take(begun).starts_with(b"HTTP/1.1 408 "));
    assert_eq!(world.socket(begun), Socket::WriteEnded);
    assert_eq!(world.socket(second), Socket::Open);
    world.pass(Duration::from_secs(9));
    assert!(world.take(second).starts_with(b"HTTP/1.1 408 "));
    assert_eq!(world.engine.stats().handshake_timeouts, 3);
}

#[test]
fn trickling_a_header_does_not_move_its_deadline() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    world.receive(id, b"GET / HTTP/1.1\r\n");
    for _ in 0..9 {
        world.pass(Duration::from_secs(1));
        world.receive(id, b"X: y\r\n");
        assert_eq!(world.socket(id), Socket::Open);
    }
    world.pass(Duration::from_millis(1_100));
    assert!(world.take(id).starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_request_is_answered_once_also_if_its_body_does_not_come() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let answer = world.send(id, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    assert!(answer.starts_with(b"HTTP/1.1 405 "));
    world.pass(Duration::from_secs(11));
    assert_eq!((world.take(id), world.socket(id)), (vec![], Socket::WriteEnded));
}

#[test]
fn every_refused_request_is_counted() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let wrong = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n";
    world.receive(id, &wrong.repeat(300));
    assert_eq!(world.engine.stats().requests_refused, 300);
    world.receive(id, &[wrong, REQUEST].concat());
    assert_eq!(world.engine.stats().requests_refused, 301, "also in front of an upgrade");
}

#[test]
fn an_empty_line_behind_an_answer_is_not_a_request() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let (idle, next) = (world.open(echo), world.open(echo));
    for id in [idle, next] {
        let request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx\r\n";
        assert!(world.send(id, request).starts_with(b"HTTP/1.1 405 "));
    }
    world.pass(Duration::from_secs(5));
    world.receive(next, b"GET");
    world.pass(Duration::from_millis(5_100));
    assert_eq!((world.take(idle), world.socket(idle)), (vec![], Socket::WriteEnded));
    assert_eq!(world.socket(next), Socket::Open, "its time runs from its first letter");
    world.pass(Duration::from_secs(5));
    assert!(world.take(next).starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn head_gets_no_body_whatever_is_wrong() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.open(echo);
    let answer = world.send(id, b"\r\nHEAD / HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 400 ") && answer.ends_with(b"\r\n\r\n"));
    // Also where it is found out before the head is whole, or never.
    let [cut, late] = [(); 2].map(|()| world.open(echo));
    let answer =
        [b"HEA".as_slice(), b"D / HTTP/9.9\r\n"].map(|part| world.send(cut, part)).concat();
    assert!(answer.starts_with(b"HTTP/1.1 505 ") && answer.ends_with(b"\r\n\r\n"));
    world.receive(late, b"HEAD / HTTP/1.1\r\n");
    world.pass(Duration::from_millis(10_100));
    let answer = world.take(late);
    assert!(answer.starts_with(b"HTTP/1.1 408 ") && answer.ends_with(b"\r\n\r\n"));
}

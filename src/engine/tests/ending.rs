//! The ways to the end of a connection, and of a server.

use std::io;
use std::time::Duration;

use super::world::{Socket, World, close, text};
use crate::engine::{ConnId, Endpoint, Limits};
use crate::protocol::Site;
use crate::service::{Burst, Echo, Metrics, Random, TimeService};

#[test]
fn lingering_ends_by_time_and_by_amount() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let (by_time, by_amount) = (world.open(echo), world.open(echo));
    for id in [by_time, by_amount] {
        world.receive(id, b"STOP\n");
        assert_eq!(world.socket(id), Socket::WriteEnded);
    }
    let limit = world.engine.limits().linger_bytes;
    world.receive(by_amount, &vec![b'x'; limit - 1]);
    assert_eq!(world.socket(by_amount), Socket::Open);
    world.receive(by_amount, b"x");
    assert_eq!(world.socket(by_amount), Socket::Closed);
    world.pass(Duration::from_millis(990));
    assert_eq!(world.socket(by_time), Socket::Open);
    world.pass(Duration::from_millis(60));
    assert_eq!(world.socket(by_time), Socket::Closed);
}

#[test]
fn a_close_that_is_not_answered_ends_after_its_timeout() {
    let mut world = World::new();
    let random = world.web(Random::new(1..=9, Some(Burst { limit: 10 })));
    let id = world.websocket(random);
    assert_eq!(world.send(id, &text("0")), b"\x88\x02\x03\xe8");
    world.pass(Duration::from_millis(4_900));
    assert_eq!(world.socket(id), Socket::Open);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.socket(id), Socket::WriteEnded);
    assert_eq!(world.engine.stats().close_timeouts, 1);
}

#[test]
fn a_connection_that_breaks_while_it_is_being_closed_is_counted_if_anything_was_left() {
    let mut world = World::new();
    let (lines, web) = (world.lines(Echo), world.web(Random::new(1..=9, Some(Burst { limit: 1 }))));
    let (unwritten, unanswered) = (world.open(lines), world.websocket(web));
    world.receive(unwritten, b"last\nSTOP\n");
    assert_eq!(world.send(unanswered, &text("0")), b"\x88\x02\x03\xe8");
    for (id, lost) in [(unwritten, 1), (unanswered, 2)] {
        world.engine.lost(id, io::ErrorKind::ConnectionReset, world.now);
        assert_eq!(world.socket(id), Socket::Closed);
        assert_eq!(world.engine.stats().lost, lost);
    }
    // Whoever has everything may go as it likes.
    let content = world.open(lines);
    assert_eq!(world.send(content, b"last\nSTOP\n"), b"last\n");
    assert_eq!(world.socket(content), Socket::WriteEnded);
    world.engine.lost(content, io::ErrorKind::ConnectionReset, world.now);
    assert_eq!(world.engine.stats().lost, 2);
}

#[test]
fn a_drain_says_goodbye_in_the_words_of_each_protocol() {
    let mut world = World::new();
    let (lines, web) = (world.lines(Echo), world.web(Echo));
    let (line, http, websocket) = (world.open(lines), world.open(web), world.websocket(web));
    world.receive(line, b"last\n");
    world.engine.begin_drain(world.now);
    assert_eq!(world.take(line), b"last\n");
    assert_eq!(world.take(websocket), b"\x88\x02\x03\xe9", "1001: going away");
    assert_eq!(world.socket(line), Socket::WriteEnded);
    assert_eq!(world.socket(http), Socket::WriteEnded);
    assert_eq!(world.socket(websocket), Socket::Open);
    world.receive(websocket, &close(1001, ""));
    assert_eq!(world.socket(websocket), Socket::WriteEnded);
    for id in [line, http, websocket] {
        assert!(!world.engine.is_drained(world.now));
        world.engine.receive_eof(id, world.now);
        assert_eq!(world.socket(id), Socket::Closed);
    }
    assert!(world.engine.is_drained(world.now));
}

#[test]
fn a_drain_ends_at_its_deadline_whoever_is_left() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let id = world.open(echo);
    world.receive(id, b"never read\n");
    world.engine.begin_drain(world.now);
    world.pass(Duration::from_secs(29));
    assert!(!world.engine.is_drained(world.now));
    world.pass(Duration::from_secs(1));
    assert!(world.engine.is_drained(world.now));
}

#[test]
fn onlookers_go_last_and_hold_nobody_up() {
    let mut world = World::new();
    let lines = world.lines(Echo);
    let bound = world.bind(Metrics);
    let resources = world.engine.resources(bound, "/");
    let site = Site { resources, outlasts: true, ..Site::default() };
    let watch = world.engine.add_endpoint(Endpoint::Web(site));
    let (line, onlooker, gone) = (world.open(lines), world.open(watch), world.open(watch));
    assert!(world.engine.outlasts_drain(watch) && !world.engine.outlasts_drain(lines));
    world.engine.begin_drain(world.now);
    assert_eq!(world.socket(line), Socket::WriteEnded);
    world.engine.lost(gone, io::ErrorKind::ConnectionReset, world.now);
    assert_eq!(world.socket(gone), Socket::Closed);
    let ready = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(world.send(onlooker, ready).starts_with(b"HTTP/1.1 503 "));
    assert!(!world.engine.is_left_to_onlookers() && world.engine.drain_waits_for() == 1);
    world.engine.receive_eof(line, world.now);
    assert_eq!(world.socket(line), Socket::Closed);
    assert!(world.engine.is_left_to_onlookers() && !world.engine.is_drained(world.now));
    assert_eq!(world.engine.poll_timeout(), Some(world.now.time), "it is time for them to go");
    // This one does not take its last answer.
    world.receive(onlooker, ready);
    world.engine.end_watch(world.now);
    assert!(!world.engine.is_left_to_onlookers(), "once");
    world.pass(Duration::from_millis(999));
    assert!(!world.engine.is_drained(world.now));
    world.pass(Duration::from_millis(1));
    assert!(world.engine.is_drained(world.now), "no later than lingering takes");
}

#[test]
fn events_of_a_connection_that_is_gone_do_not_reach_its_successor() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let old = world.open(echo);
    world.engine.lost(old, io::ErrorKind::ConnectionReset, world.now);
    assert_eq!(world.socket(old), Socket::Closed);
    let new = ConnId { index: old.index, generation: old.generation + 1 };
    world.engine.open(new, echo, world.now);
    world.receive(old, b"ghost\n");
    world.engine.receive_eof(old, world.now);
    assert_eq!(world.take(new), b"");
    assert_eq!(world.send(new, b"me\n"), b"me\n");
    assert_eq!(world.engine.stats().lost, 1);
}

#[test]
fn a_close_from_our_side_does_not_lose_what_is_parked() {
    let mut world = World::new();
    let time = world.web(TimeService::default());
    let id = world.websocket(time);
    world.receive(id, &[text("?").repeat(60_000), close(1000, "")].concat());
    assert!(!world.engine.wants_read(id));
    world.engine.begin_drain(world.now);
    while !world.take(id).is_empty() {
        world.pass(Duration::ZERO);
    }
    assert_eq!(world.socket(id), Socket::WriteEnded, "the peer's Close was parked, and is found");
    assert_eq!(world.engine.stats().close_timeouts, 0);
}

#[test]
fn a_peer_that_takes_its_output_has_time_to_answer_our_close() {
    let mut world = World::new();
    let random = world.web(Random::new(5..=5, Some(Burst { limit: 1_000_000 })));
    let id = world.websocket(random);
    world.receive(id, &text("20000"));
    // 60,000 bytes and Close; a slow line takes ten thousand a second.
    let mut left = world.engine.output(id).unwrap().len();
    assert_eq!(left, 60_004);
    while left > 0 {
        world.pass(Duration::from_secs(1));
        assert!(world.engine.output(id).is_some(), "{left} bytes were thrown away");
        let count = left.min(10_000);
        world.engine.wrote(id, count, world.now);
        left -= count;
    }
    world.pass(Duration::from_millis(4_900));
    assert_eq!(world.socket(id), Socket::Open);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.socket(id), Socket::WriteEnded);
}

#[test]
fn the_times_of_an_end_are_those_that_were_asked_for() {
    let limits = Limits {
        close_timeout: Duration::from_millis(500),
        linger_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut world = World::with(limits);
    let (lines, web) = (world.lines(Echo), world.web(Random::new(1..=9, Some(Burst { limit: 1 }))));
    let (lingering, unanswered) = (world.open(lines), world.websocket(web));
    world.receive(lingering, b"STOP\n");
    assert_eq!(world.socket(lingering), Socket::WriteEnded);
    assert_eq!(world.send(unanswered, &text("0")), b"\x88\x02\x03\xe8");
    world.pass(Duration::from_millis(180));
    assert_eq!(world.socket(lingering), Socket::Open, "what comes is read to nobody");
    world.pass(Duration::from_millis(60));
    assert_eq!(world.socket(lingering), Socket::Closed);
    assert_eq!(world.socket(unanswered), Socket::Open);
    world.pass(Duration::from_millis(300));
    assert_eq!(world.socket(unanswered), Socket::WriteEnded);
    assert_eq!(world.engine.stats().close_timeouts, 1);
}

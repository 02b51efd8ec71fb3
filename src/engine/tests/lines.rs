//! Lines: what is answered, what is kept, and what is too long.

use super::world::{Socket, World};
use crate::engine::{Endpoint, Limits, StopScope};
use crate::service::Echo;

#[test]
fn every_line_of_a_read_is_answered_and_the_rest_is_kept() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let id = world.open(echo);
    assert_eq!(world.send(id, b"one\r\ntwo\n\nthr"), b"one\r\ntwo\n\n");
    assert_eq!(world.send(id, b"ee"), b"");
    assert_eq!(world.send(id, b"\n"), b"three\n");
    assert_eq!(world.engine.stats().messages, 4);
}

#[test]
fn stop_closes_its_connection_and_answers_what_came_before_it() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let (id, other) = (world.open(echo), world.open(echo));
    assert_eq!(world.send(id, b"a\n STOP\r\nb\n"), b"a\n");
    assert_eq!(world.socket(id), Socket::WriteEnded);
    assert_eq!(world.send(id, b"late\n"), b"", "what comes behind it is discarded");
    world.engine.receive_eof(id, world.now);
    assert_eq!(world.socket(id), Socket::Closed);
    assert_eq!(world.send(other, b"stop\nSTOPX\n"), b"stop\nSTOPX\n");
}

#[test]
fn an_end_behind_a_cut_line_closes_without_an_answer_to_it() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let id = world.open(echo);
    world.receive(id, b"whole\ncut");
    world.engine.receive_eof(id, world.now);
    assert_eq!(world.socket(id), Socket::Open, "not before the answer is written");
    assert_eq!(world.take(id), b"whole\n");
    assert_eq!(world.socket(id), Socket::Closed);
    assert_eq!(world.engine.connections(), 0);
}

#[test]
fn a_line_that_is_too_long_is_answered_once() {
    let mut limits = Limits::default();
    limits.protocol.max_line = 8;
    let mut world = World::with(limits);
    let echo = world.lines(Echo);
    let id = world.open(echo);
    assert_eq!(world.send(id, b"12345678\n123456789"), b"12345678\nERR line too long\n");
    assert_eq!(world.socket(id), Socket::WriteEnded);
    assert_eq!(world.send(id, b"123\n123456789\n"), b"");
    assert_eq!(world.engine.stats().protocol_errors, 1);
}

#[test]
fn stop_may_stop_the_server_where_a_binding_says_so() {
    let mut world = World::new();
    let service = world.engine.add_service(Box::new(Echo));
    let binding = world.engine.add_binding(service, StopScope::Server);
    let endpoint = world.engine.add_endpoint(Endpoint::Line(binding));
    let id = world.open(endpoint);
    world.receive(id, b"stop\n");
    assert!(!world.engine.stop_requested());
    world.receive(id, b"STOP\n");
    assert!(world.engine.stop_requested());
}

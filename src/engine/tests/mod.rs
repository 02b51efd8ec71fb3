//! The engine without sockets: bytes in, bytes out, and a clock that the test turns.

mod random;

use std::io;
use std::time::Duration;

use super::{
    BindingId, CloseStep, ConnId, Context, Endpoint, EndpointId, Engine, Limits, StopScope,
};
use crate::address::{PeerAddr, UnixName};
use crate::codec::websocket as frames;
use crate::protocol::{CloseReason, Message, Route, Site};
use crate::service::{Burst, Count, Discard, Echo, Number, Random, Service, TimeService};
use crate::time::{Now, Time, WallClock};

/// An engine and a shell that writes everything at once, or nothing.
struct World {
    engine: Engine,
    now: Now,
    next: u32,
}

/// What a shell has seen of one connection.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Socket {
    Open,
    WriteEnded,
    Closed,
}

impl World {
    fn new() -> World {
        World::with(Limits::default())
    }

    fn with(limits: Limits) -> World {
        let wall = WallClock { unix_seconds: 1_795_300_572, offset_seconds: 3_600 };
        let now = Now { time: Time::from_nanos(1_000_000_000), wall };
        World { engine: Engine::new(limits, 7, ()), now, next: 0 }
    }

    fn bind(&mut self, service: impl Service + 'static) -> BindingId {
        let service = self.engine.add_service(Box::new(service));
        self.engine.add_binding(service, StopScope::Connection)
    }

    fn lines(&mut self, service: impl Service + 'static) -> EndpointId {
        let binding = self.bind(service);
        self.engine.add_endpoint(Endpoint::Line(binding))
    }

    fn web(&mut self, service: impl Service + 'static) -> EndpointId {
        let binding = self.bind(service).index();
        let routes = vec![Route { path: "/ws".to_owned(), binding }];
        self.engine.add_endpoint(Endpoint::Web(Site { routes, ..Site::default() }))
    }

    fn open(&mut self, endpoint: EndpointId) -> ConnId {
        let id = ConnId { index: self.next, generation: self.next + 100 };
        self.next += 1;
        self.engine.open(id, endpoint, self.now);
        id
    }

    fn websocket(&mut self, endpoint: EndpointId) -> ConnId {
        let id = self.open(endpoint);
        let answer = self.send(id, REQUEST);
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
        id
    }

    /// The peer sends; what is written to it at once.
    fn send(&mut self, id: ConnId, bytes: &[u8]) -> Vec<u8> {
        self.receive(id, bytes);
        self.take(id)
    }

    fn receive(&mut self, id: ConnId, bytes: &[u8]) {
        self.engine.receive(id, &mut bytes.to_vec(), self.now);
    }

    /// Everything that is queued for a peer.
    fn take(&mut self, id: ConnId) -> Vec<u8> {
        let output = self.engine.output(id).unwrap_or_default().to_vec();
        if !output.is_empty() {
            self.engine.wrote(id, output.len(), self.now);
        }
        output
    }

    fn pass(&mut self, time: Duration) {
        self.now.time = self.now.time + time;
        self.engine.handle_timeout(self.now);
    }

    /// Takes the steps that are due for a socket.
    fn socket(&mut self, id: ConnId) -> Socket {
        match self.engine.poll_close(id) {
            None => Socket::Open,
            Some(CloseStep::ShutdownWrite) => Socket::WriteEnded,
            Some(CloseStep::Close) => {
                self.engine.remove(id);
                Socket::Closed
            }
        }
    }
}

const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn masked(encode: impl Fn(&mut Vec<u8>, Option<[u8; 4]>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Some([1, 2, 3, 4]));
    out
}

fn text(message: &str) -> Vec<u8> {
    masked(|out, mask| frames::encode_text(out, message.as_bytes(), mask))
}

fn close(code: u16, reason: &str) -> Vec<u8> {
    masked(|out, mask| frames::encode_close(out, Some(code.into()), reason, mask))
}

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
fn counts_are_read_at_the_time_of_the_reply() {
    let mut world = World::new();
    let count = world.lines(Count::default());
    let first = world.open(count);
    assert_eq!(world.send(first, b"\n"), b"Client number: 1\n");
    let second = world.open(count);
    assert_eq!(world.send(second, b"\n"), b"Client number: 2\n");
    assert_eq!(world.send(first, b"\n"), b"Client number: 2\n");
    world.engine.receive_eof(second, world.now);
    world.engine.remove(second);
    assert_eq!(world.send(first, b"\n"), b"Client number: 2\n", "it never goes down");
    let own = world.lines(Count::new(Number::Own));
    let (one, two) = (world.open(own), world.open(own));
    assert_eq!(world.send(two, b"\n"), b"Client number: 2\n");
    assert_eq!(world.send(one, b"\n"), b"Client number: 1\n");
}

#[test]
fn a_websocket_client_counts_from_its_upgrade_on() {
    let mut world = World::new();
    let count = world.web(Count::default());
    let _still_http = world.open(count);
    let id = world.websocket(count);
    assert_eq!(world.send(id, &text("?")), b"\x81\x10Client number: 1");
}

#[test]
fn datagrams_are_answered_without_a_newline() {
    let mut world = World::new();
    let from = PeerAddr::Inet { remote: "127.0.0.1:9".parse().unwrap(), local: None };
    let unnamed = PeerAddr::Unix(None);
    let endpoint = |world: &mut World, service: Box<dyn Service>| {
        let service = world.engine.add_service(service);
        let binding = world.engine.add_binding(service, StopScope::Connection);
        world.engine.add_endpoint(Endpoint::Datagram(binding))
    };
    let echo = endpoint(&mut world, Box::new(Echo));
    let time = endpoint(&mut world, Box::<TimeService>::default());
    let count = endpoint(&mut world, Box::<Count>::default());
    let discard = endpoint(&mut world, Box::new(Discard));
    let now = world.now;
    let mut ask = |endpoint, payload: &[u8]| {
        let reply = world.engine.receive_datagram(endpoint, &from, payload, now);
        reply.map(<[u8]>::to_vec)
    };
    assert_eq!(ask(echo, b"").as_deref(), Some(&b""[..]), "an empty reply is one");
    assert_eq!(ask(echo, b"a\n").as_deref(), Some(&b"a\n"[..]));
    assert_eq!(ask(echo, b" STOP\n"), None);
    assert_eq!(ask(time, b"X").as_deref(), Some(&b"2026-11-21T23:36:12+01:00"[..]));
    assert_eq!(ask(count, b"").as_deref(), Some(&b"Client number: 1"[..]));
    assert_eq!(ask(count, b"").as_deref(), Some(&b"Client number: 2"[..]));
    assert_eq!(ask(discard, b"x"), None);
    assert_eq!(world.engine.receive_datagram(echo, &unnamed, b"x", now), None);
    assert_eq!(world.engine.stats().datagrams_unanswerable, 1);
    assert!(!world.engine.stop_requested());
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

#[test]
fn a_peer_that_does_not_read_is_not_read_from() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let id = world.open(echo);
    let line = [vec![b'x'; 1023], vec![b'\n']].concat();
    while world.engine.wants_read(id) {
        world.receive(id, &line);
    }
    let queued = world.engine.output(id).unwrap().len();
    assert_eq!(queued, 256 * 1024 + 1024, "one line above high water");
    world.engine.wrote(id, queued - 64 * 1024 - 1, world.now);
    assert!(!world.engine.wants_read(id), "not before it is down at low water");
    world.engine.wrote(id, 1, world.now);
    assert!(world.engine.wants_read(id));
}

#[test]
fn input_is_parked_when_replies_are_larger_than_requests() {
    let mut world = World::new();
    let time = world.lines(TimeService::default());
    let id = world.open(time);
    let requests = 200_000;
    world.receive(id, &vec![b'\n'; requests]);
    let reply_len = b"2026-11-21T23:36:12+01:00\n".len();
    let queued = world.engine.output(id).unwrap().len();
    assert!(queued < 1024 * 1024 + 14 + 2 * reply_len, "{queued} bytes are queued");
    assert!(!world.engine.wants_read(id));
    let mut replies = 0;
    for _ in 0..10 {
        replies += world.take(id).len() / reply_len;
        world.pass(Duration::from_millis(1));
    }
    assert_eq!(replies, requests, "every line is answered in the end");
    assert!(world.engine.wants_read(id));
    assert_eq!(world.engine.stats().parked, 1);
}

#[test]
fn a_burst_is_paid_out_as_the_peer_reads_and_ends_with_close() {
    let mut world = World::new();
    let random = world.web(Random::new(5..=5, Some(Burst { limit: 1_000_000 })));
    let id = world.websocket(random);
    world.receive(id, &text("1000000"));
    let mut all = 0;
    let mut most = 0;
    let mut last = Vec::new();
    while let Some(queued) = world.engine.output(id) {
        most = most.max(queued.len());
        last = world.take(id);
        all += last.len();
        world.pass(Duration::ZERO);
    }
    assert!(most <= 256 * 1024 + 16, "{most} bytes were queued at a time");
    assert_eq!(all, 3 * 1_000_000 + 4);
    assert!(last.ends_with(b"\x81\x015\x88\x02\x03\xe8"));
    assert_eq!(world.socket(id), Socket::Open, "the peer's Close is awaited");
    world.receive(id, &close(1000, ""));
    assert_eq!(world.socket(id), Socket::WriteEnded);
}

#[test]
fn a_burst_without_a_legal_count_is_a_policy_violation() {
    for (count, code) in [("0", 1000u16), ("-1", 1008), ("11", 1008), ("x", 1008), ("", 1008)] {
        let mut world = World::new();
        let random = world.web(Random::new(1..=9, Some(Burst { limit: 10 })));
        let id = world.websocket(random);
        let answer = world.send(id, &text(count));
        assert_eq!(answer[0], 0x88);
        assert_eq!(answer[2..4], code.to_be_bytes(), "{count:?}");
        assert_eq!(answer.len() > 4, code == 1008, "a refusal says why");
    }
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

/// Passes each message on to everybody else, and notes who leaves.
#[derive(Default)]
struct Relay {
    members: Vec<ConnId>,
    left: Vec<CloseReason>,
}

impl Service for Relay {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.members.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let others: Vec<_> = self.members.iter().copied().filter(|&id| id != from).collect();
        cx.broadcast(others, message);
        cx.send(from, Message::text(&format!("left: {}", self.left.len())));
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        assert!(!cx.send(peer, Message::text("too late")));
        self.members.retain(|&id| id != peer);
        self.left.push(reason);
    }
}

#[test]
fn a_slow_consumer_is_closed_and_nobody_else_notices() {
    let mut world = World::new();
    let binding = world.bind(Relay::default());
    let lines = world.engine.add_endpoint(Endpoint::Line(binding));
    let routes = vec![Route { path: "/ws".to_owned(), binding: binding.index() }];
    let web = world.engine.add_endpoint(Endpoint::Web(Site { routes, ..Site::default() }));
    let (slow, sender, fast) = (world.open(lines), world.open(lines), world.websocket(web));
    let line = [vec![b'x'; 9_999], vec![b'\n']].concat();
    for round in 0..200 {
        let answer = world.send(sender, &line);
        let frame = world.take(fast);
        assert_eq!(frame.len(), 4 + 9_999, "round {round}");
        assert!(answer == b"left: 0\n" || answer == b"left: 1\n");
    }
    assert_eq!(world.engine.output(slow), None, "what it did not read is dropped with it");
    assert_eq!(world.socket(slow), Socket::Closed);
    assert_eq!(world.engine.stats().slow_consumers, 1);
    assert_eq!(world.send(sender, b"\n"), b"left: 1\n");
}

#[test]
fn a_reply_is_admitted_even_where_it_is_larger_than_the_cap() {
    let limits = Limits { max_queued_bytes: 1, ..Limits::default() }.with_max_message(1024 * 1024);
    let mut world = World::with(limits);
    let echo = world.web(Echo);
    let id = world.websocket(echo);
    let message = "m".repeat(1024 * 1024);
    assert_eq!(world.send(id, &text(&message)).len(), 10 + 1024 * 1024);
}

#[test]
fn memory_goes_when_the_last_connection_does() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let ids: Vec<_> = (0..1_000).map(|_| world.open(echo)).collect();
    for &id in &ids {
        world.receive(id, &[b'x'; 2_000]);
        world.receive(id, b"\n");
        world.take(id);
    }
    for id in ids {
        world.engine.receive_eof(id, world.now);
        assert_eq!(world.socket(id), Socket::Closed);
    }
    assert_eq!(world.engine.core.pool.kept_bytes(), 0);
    assert_eq!(world.engine.connections(), 0);
}

#[test]
fn parked_input_is_resumed_however_small_the_cap_is() {
    let limits = Limits { max_queued_bytes: 1, ..Limits::default() }.with_max_message(64);
    let mut world = World::with(limits);
    let time = world.lines(TimeService::default());
    let id = world.open(time);
    let requests = 100;
    world.receive(id, &vec![b'\n'; requests]);
    let reply_len = b"2026-11-21T23:36:12+01:00\n".len();
    let mut replies = 0;
    for _ in 0..requests {
        replies += world.take(id).len() / reply_len;
        world.pass(Duration::from_millis(1));
    }
    assert_eq!(replies, requests, "every line is answered in the end");
    assert!(world.engine.wants_read(id));
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
fn datagrams_that_come_from_ourselves_are_not_answered() {
    let mut world = World::new();
    let binding = world.bind(Echo);
    let echo = world.engine.add_endpoint(Endpoint::Datagram(binding));
    let name = |path: &str| UnixName::Path(path.into());
    world.engine.add_own_address("10.0.0.1:7".parse().unwrap());
    world.engine.add_own_address("[::]:8".parse().unwrap());
    world.engine.add_own_name(name("/run/echo"));
    let inet = |remote: &str| PeerAddr::Inet {
        remote: remote.parse().unwrap(),
        local: Some("10.0.0.2".parse().unwrap()),
    };
    let now = world.now;
    let mut is_answered =
        |from: PeerAddr| world.engine.receive_datagram(echo, &from, b"x", now).is_some();
    for ourselves in ["10.0.0.1:7", "127.0.0.1:8", "[::1]:8", "10.0.0.2:8"] {
        assert!(!is_answered(inet(ourselves)), "{ourselves}");
    }
    for stranger in ["10.0.0.1:9", "10.0.0.2:7", "10.0.0.3:8"] {
        assert!(is_answered(inet(stranger)), "{stranger}");
    }
    assert!(!is_answered(PeerAddr::Unix(Some(name("/run/echo")))));
    assert!(is_answered(PeerAddr::Unix(Some(name("/run/client")))));
    assert_eq!(world.engine.stats().datagrams_from_ourselves, 5);
}

#[test]
fn a_peer_that_has_ended_holds_nothing_but_its_answers() {
    let mut world = World::new();
    let echo = world.lines(Echo);
    let id = world.open(echo);
    world.receive(id, b"whole\n");
    world.receive(id, &[b'x'; 100_000]);
    assert_eq!(world.engine.core.pool.kept_bytes(), 0);
    world.engine.receive_eof(id, world.now);
    assert!(world.engine.core.pool.kept_bytes() >= 100_000, "the cut line is not waited for");
    assert_eq!(world.take(id), b"whole\n");
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
}

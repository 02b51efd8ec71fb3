//! Peers that do not read: back-pressure, parked input, caps, and memory that comes back.

use std::time::Duration;

use super::world::{Socket, World, close, text};
use crate::engine::{ConnId, Context, Endpoint, Limits, StopScope};
use crate::protocol::{CloseReason, Message, Route, Site};
use crate::service::{Burst, Echo, Random, Service, TimeService};

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
fn a_slow_consumer_is_closed_and_nobody_else_notices() {
    let mut world = World::new();
    let binding = world.bind(Relay::default());
    let lines = world.engine.add_endpoint(Endpoint::Line(binding));
    let routes =
        vec![Route { path: "/ws".to_owned(), binding: binding.index(), ..Route::default() }];
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

/// Offers each message to everybody else, and tells how many took it and who had no room.
#[derive(Default)]
struct Offers {
    members: Vec<ConnId>,
    drained: Vec<ConnId>,
}

impl Service for Offers {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.members.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let others: Vec<_> = self.members.iter().copied().filter(|&id| id != from).collect();
        let mut without_room = Vec::new();
        let count = cx.offer(others, message, &mut without_room);
        let without_room: Vec<u32> = without_room.iter().map(|peer| peer.index).collect();
        cx.send(from, Message::text(&format!("{count} {without_room:?}")));
    }

    fn on_drained(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.drained.push(peer);
    }
}

#[test]
fn what_is_offered_closes_nobody_and_who_had_no_room_hears_when_there_is() {
    let mut world = World::new();
    let service = world.engine.add_service(Box::<Offers>::default());
    let binding = world.engine.add_binding(service, StopScope::Connection);
    let lines = world.engine.add_endpoint(Endpoint::Line(binding));
    let routes =
        vec![Route { path: "/ws".to_owned(), binding: binding.index(), ..Route::default() }];
    let web = world.engine.add_endpoint(Endpoint::Web(Site { routes, ..Site::default() }));
    let (sender, slow, fast) = (world.open(lines), world.open(lines), world.websocket(web));
    let line = [vec![b'x'; 99_999], vec![b'\n']].concat();
    for answer in ["2 []\n", "2 []\n", "2 []\n", "1 [1]\n", "1 [1]\n"] {
        assert_eq!(world.send(sender, &line), answer.as_bytes());
        assert_eq!(world.take(fast).len(), 10 + 99_999);
        world.engine.check_invariants();
    }
    let is_told =
        |world: &World| world.engine.service::<Offers>(service).unwrap().drained.contains(&slow);
    world.pass(Duration::ZERO);
    assert!(!is_told(&world));
    assert_eq!(world.take(slow).len(), 3 * line.len(), "one message above the mark, no more");
    world.pass(Duration::ZERO);
    assert!(is_told(&world));
    assert_eq!(world.send(sender, b"x\n"), b"2 []\n");
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
fn a_ping_counts_as_output_like_everything_else() {
    // Where the marks are equal, it may be what a peer's output goes above both with.
    for marks in [0, 100] {
        let limits =
            Limits { high_water_bytes: marks, low_water_bytes: marks, ..Limits::default() };
        let mut world = World::with(limits);
        let echo = world.web(Echo);
        let id = world.websocket(echo);
        world.receive(id, &text(&"x".repeat(98)));
        world.engine.check_invariants();
        world.take(id);
        world.receive(id, &text(&"x".repeat(98)));
        while world.engine.output(id).is_some_and(|output| output.len() <= 100) {
            world.pass(Duration::from_secs(1));
        }
        world.engine.check_invariants();
        assert!(!world.engine.wants_read(id), "it is above the marks");
    }
}

#[test]
fn who_is_served_at_once_takes_no_turn_of_those_that_wait() {
    let mut world = World::new();
    let (echo, numbers) =
        (world.lines(Echo), world.web(Random::new(1..=1_000, Some(Burst::default()))));
    let waits = world.websocket(numbers);
    world.receive(waits, &text("200000"));
    let ids: Vec<_> = (0..100).map(|_| world.open(echo)).collect();
    let line = [vec![b'x'; 100_000], vec![b'\n']].concat();
    let mut turns = 0;
    while !world.take(waits).is_empty() {
        // Far above the low-water mark, and written before anything else happens.
        for &id in &ids {
            assert_eq!(world.send(id, &line).len(), line.len());
        }
        world.pass(Duration::from_millis(1));
        world.engine.check_invariants();
        turns += 1;
    }
    assert!(turns < 10, "{turns} turns for some megabytes");
    world.pass(Duration::from_millis(1));
    assert!(world.engine.core.drained.is_empty(), "nobody has room again who had none");
}

//! The bound on the memory of all connections together: who waits, who goes, and who does not notice.

use std::time::Duration;

use super::world::{Socket, World, text};
use crate::engine::{ConnId, Context, Limits};
use crate::protocol::{CloseReason, Message};
use crate::service::{Echo, Service};

const LIMIT: usize = 1_000_000;

fn limits() -> Limits {
    let mut limits =
        Limits { max_memory_bytes: LIMIT, ..Limits::default() }.with_max_message(200_000);
    limits.protocol.max_line = 200_000;
    limits
}

/// Hands each message to everybody, and notes who leaves.
#[derive(Default)]
struct Everybody {
    members: Vec<ConnId>,
    left: Vec<(ConnId, CloseReason)>,
}

impl Service for Everybody {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.members.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        cx.broadcast(self.members.iter().copied(), message);
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        self.left.push((peer, reason));
    }
}

impl World {
    /// Who is to be closed.
    fn gone(&mut self, ids: &[ConnId]) -> Vec<usize> {
        let mut gone = Vec::new();
        for (number, &id) in ids.iter().enumerate() {
            if self.socket(id) == Socket::Closed {
                gone.push(number);
            }
        }
        gone
    }
}

#[test]
fn whoever_holds_most_goes_until_there_is_room_and_nobody_else() {
    let mut world = World::with(limits());
    let echo = world.lines(Echo);
    // Half lines of 10,000 to 190,000 bytes, in no order.
    let length = |number: usize| 10_000 * (number * 7 % 19 + 1);
    let mut ids = Vec::new();
    while !world.engine.is_full() {
        let id = world.open(echo);
        world.receive(id, &vec![b'x'; length(ids.len())]);
        ids.push(id);
    }
    assert_eq!(world.engine.poll_timeout(), Some(world.now.time), "room is made at once");
    world.pass(Duration::ZERO);
    let total = world.engine.memory().total_bytes();
    assert!(total <= LIMIT - LIMIT / 16, "{total} bytes are held");
    let largest = (0..ids.len()).max_by_key(|&number| length(number)).unwrap();
    assert_eq!(world.gone(&ids), [largest], "one is enough");
    assert_eq!(world.engine.stats().shed, 1);
    // Those who stayed have lost nothing.
    assert_eq!(world.send(ids[0], b"\n").len(), length(0) + 1);
}

#[test]
fn a_slow_consumer_goes_before_who_holds_more_of_what_he_asked_for() {
    let mut world = World::with(limits());
    let (everybody, echo) = (world.lines(Everybody::default()), world.lines(Echo));
    let line = |length: usize| [vec![b'x'; length], vec![b'\n']].concat();
    let [speaker, slow, quick] = [(); 3].map(|()| world.open(everybody));
    // The same is pushed to both; one has taken a part of it, and no more.
    world.receive(speaker, &line(80_000));
    world.take(speaker);
    world.take(quick);
    world.take_part(slow, 1_000);
    // He has just been pushed the most of all, and had no time to take it.
    world.receive(speaker, &line(80_000));
    world.take(speaker);
    let asking: Vec<_> = (0..4).map(|_| world.open(echo)).collect();
    for &id in &asking {
        world.receive(id, &line(190_000));
        world.take_part(id, 1_000);
    }
    while !world.engine.is_full() {
        let id = world.open(echo);
        world.receive(id, &[b'x'; 10_000]);
    }
    world.pass(Duration::ZERO);
    assert_eq!(world.gone(&[slow, quick, speaker]), [0], "only the slow one");
    assert!(world.gone(&asking).is_empty(), "a reply is kept");
    assert_eq!(world.engine.stats().shed, 1);
}

#[test]
fn half_messages_hold_nobody_up_for_ever() {
    let mut world = World::with(limits());
    let (lines, web) = (world.lines(Echo), world.web(Echo));
    let bystander = world.open(lines);
    let half = text(&"x".repeat(200_000));
    let mut shed = 0;
    for _ in 0..100 {
        let id = world.websocket(web);
        world.receive(id, &half[..150_000]);
        world.pass(Duration::ZERO);
        assert!(!world.engine.is_full(), "the next turn reads again");
        assert_eq!(world.send(bystander, b"hello\n"), b"hello\n");
        shed = world.engine.stats().shed;
    }
    assert!((90..100).contains(&shed), "{shed} were shed");
    assert_eq!(world.engine.stats().opened - shed, 1 + 100 - shed);
}

#[test]
fn what_is_pushed_in_one_call_is_bounded_too() {
    let mut world = World::with(limits());
    let service = world.engine.add_service(Box::<Everybody>::default());
    let binding = world.engine.add_binding(service, crate::engine::StopScope::Connection);
    let lines = world.engine.add_endpoint(crate::engine::Endpoint::Line(binding));
    let ids: Vec<_> = (0..50).map(|_| world.open(lines)).collect();
    let line = [vec![b'x'; 99_999], vec![b'\n']].concat();
    // Five million bytes, where one million may be held.
    world.receive(ids[0], &line);
    let held = world.engine.memory().total_bytes();
    assert!(held <= LIMIT + 2 * line.len(), "{held} bytes are held");
    let stats = *world.engine.stats();
    assert!((40..50).contains(&stats.shed), "{stats}");
    let everybody = world.engine.service::<Everybody>(service).unwrap();
    assert_eq!(everybody.left.len() as u64, stats.shed, "their service knows");
    assert!(everybody.left.iter().all(|(_, reason)| *reason == CloseReason::Shed));
    // Whoever stayed has it whole.
    let gone = world.gone(&ids);
    for (number, &id) in ids.iter().enumerate() {
        if !gone.contains(&number) {
            assert_eq!(world.take(id), line);
        }
    }
}

#[test]
fn buffers_that_nobody_has_go_before_anybody_does() {
    let mut world = World::with(limits());
    let echo = world.lines(Echo);
    let ids: Vec<_> = (0..4).map(|_| world.open(echo)).collect();
    for &id in &ids {
        world.receive(id, &vec![b'x'; 150_000]);
        world.receive(id, b"\n");
    }
    for &id in &ids {
        world.take(id);
    }
    let memory = world.engine.memory();
    assert!(memory.lent_bytes == 0 && memory.kept_bytes >= 600_000, "{memory:?}");
    // Whoever takes little gets a small buffer, and so those that are kept are in the way.
    let others: Vec<_> = (0..20).map(|_| world.open(echo)).collect();
    for &id in &others {
        world.receive(id, &[b'x'; 30_000]);
    }
    assert!(world.engine.is_full(), "{:?}", world.engine.memory());
    world.pass(Duration::ZERO);
    assert!(!world.engine.is_full());
    assert_eq!((world.engine.stats().shed, world.engine.memory().kept_bytes), (0, 0));
}

#[test]
fn an_answer_that_waits_to_be_read_is_a_sign_of_life() {
    let mut world = World::with(limits());
    let web = world.web(Echo);
    let (unheard, silent) = (world.websocket(web), world.websocket(web));
    world.pass(Duration::from_millis(25_100));
    for id in [unheard, silent] {
        assert_eq!(world.take(id), b"\x89\x00", "a ping");
    }
    world.pass(Duration::from_millis(7_900));
    // The pong is there, but nothing is read in this turn.
    world.engine.read_waits(unheard, world.now);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.socket(silent), Socket::Closed);
    assert_eq!(world.socket(unheard), Socket::Open);
    assert_eq!(world.engine.stats().pong_timeouts, 1);
}

#[test]
fn whoever_is_closing_and_takes_nothing_can_go_as_well() {
    let mut world = World::with(limits());
    let web = world.web(Echo);
    let closing = world.websocket(web);
    let message = text(&"x".repeat(200_000));
    for _ in 0..3 {
        world.receive(closing, &message);
    }
    world.receive(closing, &super::world::close(1000, ""));
    assert_eq!(world.socket(closing), Socket::Open, "its last output is not written");
    let others: Vec<_> = (0..3).map(|_| world.websocket(web)).collect();
    for &id in &others {
        world.receive(id, &message[..190_000]);
    }
    world.pass(Duration::ZERO);
    assert_eq!(world.socket(closing), Socket::Closed);
    assert!(world.gone(&others).is_empty());
    assert_eq!(world.engine.stats().shed, 1);
}

#[test]
fn a_limit_that_is_too_small_for_one_message_is_raised() {
    let tiny = Limits { max_memory_bytes: 1, ..Limits::default() }.with_max_message(100_000);
    let mut world = World::with(tiny);
    let web = world.web(Echo);
    let id = world.websocket(web);
    let message = text(&"x".repeat(100_000));
    for piece in message.chunks(30_000) {
        world.receive(id, piece);
        world.pass(Duration::ZERO);
    }
    assert_eq!(world.take(id).len(), 10 + 100_000);
}

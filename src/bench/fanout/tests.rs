//! The load with a clock that the test turns, and a server that hands on what the test wants it to.

use super::super::{Mode, Text};
use super::*;
use crate::config::Target;
use crate::engine::{Engine, Limits, ServiceId, StopScope};
use crate::time::{Now, WallClock};

/// Three that receive, and one that publishes: the connection at place 0.
struct World {
    engine: Engine,
    load: ServiceId,
    ids: Vec<ConnId>,
    now: Now,
}

fn options() -> Options {
    Options {
        target: Target::parse("tcp://127.0.0.1:1").expect("a target"),
        mode: Mode::Fanout,
        connections: 3,
        depth: 2,
        size: 20,
        text: Text::Ascii,
        is_binary: false,
        spins: false,
        duration: Duration::from_secs(1),
        warmup: Duration::ZERO,
        rate: None,
        pings: None,
        server_pid: None,
    }
}

impl World {
    /// Everybody is connected.
    fn new(options: &Options) -> World {
        let address = "127.0.0.1:1".parse().expect("an address");
        let address = ConnectAddress::Tcp { to: address, from: None };
        let mut engine = Engine::new(Limits::default(), 7, ());
        let load = engine.add_service(Box::new(Fanout::new(options, address)));
        engine.add_binding(load, StopScope::Connection);
        let wall = WallClock { unix_seconds: 0, offset_seconds: 0 };
        let now = Now { time: Time::ZERO, wall };
        engine.handle_timeout(now);
        let mut ids = Vec::new();
        while let Some(dial) = engine.next_dial() {
            let id = ConnId { index: u32::try_from(ids.len()).expect("few"), generation: 1 };
            engine.dialing(id, dial.binding, dial.speaks, now);
            ids.push(id);
        }
        assert_eq!(ids.len(), options.connections + 1);
        for id in &ids {
            engine.connected(*id, now);
        }
        World { engine, load, ids, now }
    }

    fn load(&self) -> &Fanout {
        self.engine.service(self.load).expect("it was added")
    }

    fn pass(&mut self, millis: u64) {
        self.now.time = self.now.time + Duration::from_millis(millis);
        self.engine.handle_timeout(self.now);
    }

    /// What was published and not taken yet.
    fn take(&mut self) -> Vec<u8> {
        let id = self.ids[0];
        let Some(output) = self.engine.output(id) else { return Vec::new() };
        let bytes = output.to_vec();
        self.engine.wrote(id, bytes.len(), self.now);
        bytes
    }

    fn give(&mut self, subscriber: usize, bytes: &[u8]) {
        self.engine.receive(self.ids[1 + subscriber], &mut bytes.to_vec(), self.now);
    }

    /// Hands everything on to everybody.
    fn hand_on(&mut self) {
        let bytes = self.take();
        for subscriber in 0..self.ids.len() - 1 {
            self.give(subscriber, &bytes);
        }
    }

    /// Everybody has received something, and the measurement has begun.
    fn joined(options: &Options) -> World {
        let mut world = World::new(options);
        world.hand_on();
        world.pass(100);
        world.pass(0);
        assert_eq!(world.load().course.stage, Stage::Measuring);
        world
    }

    fn messages(&self) -> u64 {
        self.load().recorder().messages
    }

    /// Runs to the end and returns what went wrong.
    fn errors(mut self) -> Errors {
        self.pass(1_000);
        self.pass(10_000);
        assert_eq!(self.load().course.stage, Stage::Done);
        self.load().errors()
    }
}

/// A message as it comes, by its number.
fn message(number: u64) -> Vec<u8> {
    Payload::new(20, Text::Ascii, true).message(0, number).to_vec()
}

#[test]
fn each_delivery_counts_and_the_last_one_is_the_occasion_for_the_next() {
    let mut world = World::joined(&options());
    assert_eq!(world.take(), [message(1), message(2)].concat(), "two are on their way");
    world.pass(30);
    for subscriber in [0, 1] {
        world.give(subscriber, &[message(1), message(2)].concat());
    }
    assert_eq!(world.messages(), 4);
    assert_eq!(world.take(), b"", "the third has received nothing");
    world.give(2, &message(1));
    assert_eq!(world.take(), message(3));
    assert_eq!(world.messages(), 5);
    let latency = world.load().recorder().latency();
    assert!(latency.min.abs_diff(Duration::from_millis(30)) < Duration::from_millis(1));
    world.give(2, &message(2));
    for subscriber in [0, 1, 2] {
        world.give(subscriber, &message(3));
    }
    world.hand_on();
    assert_eq!(world.messages(), 9 + 6);
    // What is on its way when time is up is waited for.
    world.pass(1_000);
    world.hand_on();
    assert_eq!(world.messages(), 9 + 6);
    assert_eq!(world.errors(), Errors::default());
}

#[test]
fn nobody_is_counted_on_before_he_has_received_something() {
    let mut world = World::new(&options());
    let first = world.take();
    assert_eq!(first, message(0));
    for subscriber in [0, 1] {
        world.give(subscriber, &first);
    }
    world.pass(10);
    assert_eq!(world.take(), b"", "it is not published all the time");
    world.pass(90);
    assert_eq!(world.take(), message(0));
    world.give(2, &message(0));
    world.pass(100);
    world.pass(0);
    assert_eq!(world.take(), [message(1), message(2)].concat());
    // For two of them the second copy is still on its way, and the next comes behind it, in pieces.
    let stream = [message(0), message(1), message(2)].concat();
    for subscriber in [0, 1] {
        for piece in stream.chunks(7) {
            world.give(subscriber, piece);
        }
    }
    for byte in &stream[message(0).len()..] {
        world.give(2, &[*byte]);
    }
    assert_eq!(world.messages(), 6);
    world.hand_on();
    assert_eq!(world.errors().wrong, 0);
}

#[test]
fn whoever_receives_something_else_is_left_out_and_nobody_waits_for_him() {
    let mut world = World::joined(&options());
    world.take();
    let both = [message(1), message(2)].concat();
    for wrong in [&message(2), &b"nothing of the kind"[..]] {
        assert_eq!(world.load().errors().wrong, u64::from(wrong[0] == b'n'));
        world.give(usize::from(wrong[0] == b'n'), wrong);
    }
    world.give(2, &both);
    assert_eq!(world.messages(), 2);
    assert_eq!(world.take(), [message(3), message(4)].concat());
    world.give(2, &[message(3), message(4)].concat());
    assert_eq!(world.errors(), Errors { wrong: 2, missing: 2, ..Errors::default() });
}

#[test]
fn what_was_not_published_is_no_delivery() {
    let mut world = World::joined(&options());
    world.take();
    world.give(0, &[message(1), message(2), message(3)].concat());
    assert_eq!((world.messages(), world.load().errors().wrong), (2, 1));
}

#[test]
fn what_never_comes_is_missing() {
    let mut world = World::joined(&options());
    world.take();
    world.give(0, &[message(1), message(2)].concat());
    world.give(1, &message(1)[..5]);
    assert_eq!(world.errors(), Errors { missing: 4, ..Errors::default() });
}

#[test]
fn who_never_receives_anything_is_missing_and_not_waited_for() {
    let mut world = World::new(&options());
    let first = world.take();
    world.give(1, &first);
    world.pass(9_999);
    assert_eq!(world.load().course.stage, Stage::Many);
    world.take();
    world.pass(1);
    world.pass(0);
    assert_eq!(world.load().course.stage, Stage::Measuring);
    assert_eq!(world.load().errors().missing, 2);
    let both = world.take();
    world.give(1, &[message(0), both].concat());
    assert_eq!(world.messages(), 2);
}

#[test]
fn a_server_that_hands_nothing_on_cannot_be_measured() {
    let mut world = World::new(&options());
    world.pass(10_000);
    assert_eq!(world.load().course.stage, Stage::Done);
    assert_eq!(world.load().failure(), Some("nobody received what was published"));
}

#[test]
fn a_lost_subscriber_is_an_error_and_what_he_was_to_receive_is_missing() {
    let mut world = World::joined(&options());
    world.take();
    world.give(0, &message(1));
    world.engine.receive_eof(world.ids[1], world.now);
    for subscriber in [1, 2] {
        world.give(subscriber, &[message(1), message(2)].concat());
    }
    assert_eq!(world.take(), [message(3), message(4)].concat(), "nobody waits for him");
    let errors = world.load().errors();
    assert_eq!(errors, Errors { missing: 1, disconnected: 1, ..Errors::default() });
}

#[test]
fn with_a_rate_a_message_counts_from_when_it_was_due() {
    let mut world = World::joined(&Options { rate: Some(10.0), ..options() });
    assert_eq!(world.take(), message(1));
    world.pass(250);
    assert_eq!(world.take(), [message(2), message(3)].concat());
    for subscriber in [0, 1, 2] {
        world.give(subscriber, &[message(1), message(2), message(3)].concat());
    }
    let latency = world.load().recorder().latency();
    let is_near = |time: Duration, millis| {
        time.abs_diff(Duration::from_millis(millis)) < Duration::from_millis(1)
    };
    assert!(is_near(latency.max, 250) && is_near(latency.min, 50), "{latency:?}");
}

#[test]
fn what_the_server_did_not_take_in_time_is_told() {
    let mut world = World::joined(&Options { size: 300 * 1024, rate: Some(10.0), ..options() });
    for _ in 0..9 {
        world.pass(100);
    }
    // The first was published, and came to nobody.
    assert_eq!(world.errors(), Errors { missing: 3, unsent: 9, ..Errors::default() });
}

#[test]
fn two_deliveries_in_one_message_are_wrong() {
    let target = Target::parse("unixpacket:///s").expect("a target");
    let mut world = World::joined(&Options { target, ..options() });
    world.take();
    let message = |number| Payload::new(20, Text::Ascii, false).message(0, number).to_vec();
    world.give(0, &message(1));
    world.give(0, &message(2));
    assert_eq!((world.messages(), world.load().errors().wrong), (2, 0));
    world.give(1, &[message(1), message(2)].concat());
    assert_eq!(world.load().errors().wrong, 1);
}

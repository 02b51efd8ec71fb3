//! The load with a clock that the test turns.

use std::time::Duration;

use super::super::{Mode, Text};
use super::*;
use crate::config::Target;
use crate::engine::{Engine, Limits, ServiceId, StopScope};
use crate::time::{Now, WallClock};

/// A load over one connection, with a clock that the test turns, and a server that answers when
/// the test wants it to.
struct World {
    engine: Engine,
    load: ServiceId,
    id: ConnId,
}

fn at(millis: u64) -> Now {
    let wall = WallClock { unix_seconds: 0, offset_seconds: 0 };
    Now { time: Time::ZERO + Duration::from_millis(millis), wall }
}

impl World {
    fn new(options: &Options) -> World {
        let address = "127.0.0.1:1".parse().expect("an address");
        let address = ConnectAddress::Tcp { to: address, from: None };
        let mut engine = Engine::new(Limits::default(), 7, ());
        let load = engine.add_service(Box::new(Echo::new(options, address)));
        engine.add_binding(load, StopScope::Connection);
        engine.handle_timeout(at(0));
        let dial = engine.next_dial().expect("it is asked for");
        let id = ConnId { index: 0, generation: 1 };
        engine.dialing(id, dial.binding, dial.speaks, at(0));
        engine.connected(id, at(0));
        World { engine, load, id }
    }

    fn load(&self) -> &Echo {
        self.engine.service(self.load).expect("it was added")
    }

    /// The server takes and answers everything.
    fn answer(&mut self, now: Now) {
        while let Some(output) = self.engine.output(self.id) {
            let mut bytes = output.to_vec();
            self.engine.wrote(self.id, bytes.len(), now);
            self.engine.receive(self.id, &mut bytes, now);
            self.engine.handle_timeout(now);
        }
    }
}

/// Ten messages a second for a second; one is more than may wait to be written.
fn options() -> Options {
    Options {
        target: Target::parse("tcp://127.0.0.1:1").expect("a target"),
        mode: Mode::Echo,
        connections: 1,
        depth: 1,
        size: 300 * 1024,
        text: Text::Ascii,
        is_binary: false,
        spins: false,
        duration: Duration::from_secs(1),
        warmup: Duration::ZERO,
        rate: Some(10.0),
        pings: None,
        server_pid: None,
    }
}

#[test]
fn what_could_not_be_sent_counts_from_when_it_was_due() {
    let mut world = World::new(&options());
    for millis in (0..=500).step_by(100) {
        world.engine.handle_timeout(at(millis));
    }
    world.answer(at(500));
    let recorder = world.load().recorder();
    assert_eq!(recorder.messages, 6, "none is left out");
    let latency = recorder.latency();
    for (time, millis) in [(latency.mean, 250.0), (latency.max, 500.0)] {
        let time = time.as_secs_f64() * 1000.0;
        assert!((time - millis).abs() < 1.0, "{time} instead of {millis}");
    }
}

#[test]
fn nothing_is_sent_before_it_is_due() {
    let mut world = World::new(&options());
    for millis in 0..1000 {
        world.engine.handle_timeout(at(millis));
        world.answer(at(millis));
        assert_eq!(world.load().recorder().messages, millis / 100 + 1, "after {millis} ms");
    }
}

#[test]
fn what_comes_when_time_is_up_is_neither_counted_nor_missed() {
    let mut world = World::new(&options());
    world.engine.handle_timeout(at(0));
    world.answer(at(0));
    world.engine.handle_timeout(at(100));
    world.engine.handle_timeout(at(1000));
    assert_eq!(world.load().course.stage, Stage::Finishing);
    world.answer(at(1000));
    world.engine.handle_timeout(at(1100));
    assert_eq!(world.load().course.stage, Stage::Done);
    assert_eq!(world.load().recorder().messages, 1);
    assert_eq!(world.load().errors(), Errors::default());
}

#[test]
fn what_the_server_did_not_take_in_time_is_told() {
    let mut world = World::new(&options());
    for millis in (0..1000).step_by(100) {
        world.engine.handle_timeout(at(millis));
    }
    world.engine.handle_timeout(at(1000));
    world.answer(at(1000));
    world.engine.handle_timeout(at(1100));
    assert_eq!(world.load().course.stage, Stage::Done);
    // One was on its way.
    assert_eq!(world.load().errors(), Errors { unsent: 9, ..Errors::default() });
}

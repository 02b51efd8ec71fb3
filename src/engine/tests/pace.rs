//! How late the engine is called for what was due.

use std::time::Duration;

use super::world::World;
use crate::engine::{ConnId, Context, Limits};
use crate::service::{Echo, Message, Service};
use crate::time::Time;

/// Is due each second, and at once where it starts.
#[derive(Default)]
struct Clockwork(Time);

impl Service for Clockwork {
    fn on_message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {}

    fn poll_timeout(&self) -> Option<Time> {
        Some(self.0)
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.0 = cx.now() + Duration::from_secs(1);
    }
}

#[test]
fn a_service_that_is_called_late_is_lag_and_one_that_is_called_at_once_is_not() {
    let mut world = World::new();
    world.bind(Clockwork::default());
    world.pass(Duration::ZERO);
    assert_eq!(world.engine.pace().lag.count(), 0, "it was due at once");
    let late = Duration::from_micros(321);
    world.pass(Duration::from_secs(1) + late);
    world.pass(Duration::from_secs(1));
    let lag = world.engine.pace().lag;
    assert_eq!((lag.count(), lag.total()), (2, late));
    assert_eq!(lag.longest(world.now.time), late);
}

#[test]
fn a_deadline_that_is_missed_is_lag_from_when_it_was() {
    let limits = Limits { ping_interval: Duration::from_secs(9), ..Limits::default() };
    let mut world = World::with(limits);
    let web = world.web(Echo);
    world.websocket(web);
    // What was kept of the handshake is given back first.
    for _ in 0..3 {
        world.pass(Duration::from_secs(1));
    }
    let due = world.engine.poll_timeout().expect("a ping");
    world.pass(due - world.now.time + Duration::from_millis(70));
    let lag = world.engine.pace().lag;
    assert_eq!((lag.count(), lag.total()), (1, Duration::from_millis(70)));
}

//! Who says nothing for long costs next to nothing.

use std::time::Duration;

use super::world::World;
use crate::engine::Limits;
use crate::service::Echo;

#[test]
fn a_silent_client_is_looked_at_once_in_seventeen_seconds_however_far_away_its_deadline_is() {
    // They come at once, or one after the other.
    for (clients, apart) in [(1, 0), (20, 0), (20, 1), (3, 18)] {
        let long = Duration::from_secs(600);
        let times = Limits { ping_interval: long, handshake_timeout: long, ..Limits::default() };
        let mut world = World::with(times);
        let web = world.web(Echo);
        let begun = world.now.time;
        for _ in 0..clients {
            world.websocket(web);
            world.pass(Duration::from_secs(apart));
        }
        let mut turns = 0;
        while world.now.time - begun < long {
            world.now.time = world.engine.poll_timeout().expect("a deadline").max(world.now.time);
            world.engine.handle_timeout(world.now);
            turns += 1;
            let passed = world.now.time - begun;
            // Each of them in a turn of its own, and some turns for what was kept of the handshakes.
            let most = clients * (2 + passed.as_secs() / 17) + 10;
            assert!(turns <= most, "{turns} turns in {passed:?} for {clients} clients");
        }
    }
}

//! Who only looks on in a drain is let go last, and then nobody else is taken.

use readily::engine::{Endpoint, Limits};
use readily::kernel::sim::{Received, Remote, Weather};
use readily::protocol::Site;
use readily::reactor::Stop;
use readily::service::{Echo, Metrics};

use crate::house::{House, bind};

/// Listeners, in this order.
const LINES: usize = 0;
const WATCH: usize = 1;

/// Somebody comes and looks on.
fn look(house: &mut House) -> Remote {
    let remote = house.come(WATCH);
    house.say(remote, b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
    remote
}

#[test]
fn simulation_of_a_watch_that_ends_takes_nobody_any_more() {
    let mut house = House::new(Limits::default(), Weather::CALM, |engine| {
        let (echo, metrics) = (bind(engine, Echo), bind(engine, Metrics));
        let resources = engine.resources(metrics, "/");
        let watch = Site { resources, outlasts: true, ..Site::default() };
        vec![Endpoint::Line(echo), Endpoint::Web(watch)]
    });
    let client = house.come(LINES);
    house.say(client, b"hello\n");
    let onlooker = look(&mut house);
    assert_eq!(house.hear(client), Received::Data(b"hello\n".to_vec()));
    assert!(matches!(house.hear(onlooker), Received::Data(_)));
    house.reactor.drain();
    assert_eq!(house.hear(client), Received::End);
    // The client stays for a while, and so does the watch.
    let second = look(&mut house);
    assert!(matches!(house.hear(second), Received::Data(_)));
    house.sim().finish(client);
    assert_eq!(house.hear(onlooker), Received::End);
    let late = look(&mut house);
    assert!(!matches!(house.hear(late), Received::Data(_)), "nobody is taken any more");
    let left = house.reactor.engine().connections();
    assert_eq!(left, 2, "the onlookers, who have not ended their side");
    for remote in [onlooker, second] {
        house.sim().finish(remote);
    }
    let stop = (0..50).find_map(|_| house.turn());
    assert_eq!(stop, Some(Stop::Drained(None)));
}

//! What happens at the door, one thing at a time and in calm weather: an accept that fails, and
//! no descriptor for who comes.

use std::time::Duration;

use nix::libc;
use readily::engine::{Endpoint, Engine, Limits, Stats, StopScope};
use readily::kernel::StreamKind;
use readily::kernel::sim::{Port, Received, Remote, Sim, Weather};
use readily::reactor::Reactor;
use readily::service::Echo;

/// An echo of lines with one listener.
struct House {
    reactor: Reactor<Sim>,
    port: Port,
}

impl House {
    fn new() -> House {
        let mut sim = Sim::new(1);
        let mut engine = Engine::new(Limits::default(), 1, ());
        let echo = engine.add_service(Box::new(Echo));
        let echo = engine.add_binding(echo, StopScope::Connection);
        let endpoint = engine.add_endpoint(Endpoint::Line(echo));
        let (listener, port) = sim.listen(StreamKind::Tcp);
        let mut reactor = Reactor::new(sim, engine, 1_000);
        reactor.add_listener(listener, endpoint).unwrap();
        House { reactor, port }
    }

    fn sim(&mut self) -> &mut Sim {
        self.reactor.kernel_mut()
    }

    fn stats(&self) -> Stats {
        *self.reactor.engine().stats()
    }

    /// Somebody comes, and says something at once.
    fn come(&mut self) -> Remote {
        let port = self.port;
        let remote = self.sim().dial(port);
        self.sim().send(remote, b"hello\n").unwrap();
        remote
    }

    /// What a peer hears next, within a second.
    fn hear(&mut self, remote: Remote) -> Received {
        let deadline = self.sim().time() + Duration::from_secs(1);
        loop {
            let received = self.sim().receive(remote, 100);
            if received != Received::Nothing || self.sim().time() >= deadline {
                return received;
            }
            self.sim().set_alarm(Some(deadline));
            self.reactor.turn().unwrap();
            self.reactor.check_invariants();
        }
    }
}

fn hello() -> Received {
    Received::Data(b"hello\n".to_vec())
}

/// The errors of accept(2) that say that the connection is gone, and those that say that there is
/// something else.
const GONE: [i32; 10] = [
    libc::ECONNABORTED,
    libc::EPROTO,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    libc::EHOSTDOWN,
    libc::EHOSTUNREACH,
    libc::ENONET,
    libc::ENOPROTOOPT,
    libc::EOPNOTSUPP,
    libc::ETIMEDOUT,
];
const FAILED: [i32; 3] = [libc::ENOBUFS, libc::ENOMEM, libc::EPERM];

#[test]
fn simulation_of_no_error_of_accept_stops_a_listener() {
    for number in [&GONE[..], &FAILED, &[libc::EINTR]].concat() {
        for times in [1, 3] {
            let mut house = House::new();
            for _ in 0..times {
                house.sim().fail_accept(number);
            }
            let (first, second) = (house.come(), house.come());
            assert_eq!(house.hear(first), hello(), "{number}, {times} times");
            assert_eq!(house.hear(second), hello(), "{number}, {times} times");
            let stats = house.stats();
            let count = |errors: &[i32]| if errors.contains(&number) { times } else { 0 };
            assert_eq!(stats.accept_aborted, count(&GONE), "{number}");
            assert_eq!(stats.accept_failures, count(&FAILED), "{number}");
        }
    }
}

#[test]
fn simulation_of_an_error_of_accept_that_stays_lets_the_loop_rest() {
    for number in FAILED {
        let mut house = House::new();
        for _ in 0..1_000 {
            house.sim().fail_accept(number);
        }
        let first = house.come();
        let waits = house.sim().tally().waits;
        assert_eq!(house.hear(first), Received::Nothing, "{number}");
        // It is tried again ten times a second.
        let waits = house.sim().tally().waits - waits;
        assert!(waits <= 15, "{number}: {waits} turns in a second");
        assert!(house.stats().accept_failures >= 8, "{number}");
    }
}

#[test]
fn simulation_of_who_finds_no_descriptor_is_turned_away_at_once() {
    let mut house = House::new();
    let resident = house.come();
    assert_eq!(house.hear(resident), hello());
    let open = house.sim().open_descriptors();
    house.sim().limit_descriptors(open);
    // 64 hear of it at once, and as many in each tenth of a second from then on.
    let crowd: Vec<Remote> = (0..200).map(|_| house.come()).collect();
    let start = house.sim().time();
    for remote in crowd {
        assert_eq!(house.hear(remote), Received::Reset);
    }
    let took = house.sim().time() - start;
    assert!(took >= Duration::from_millis(299) && took < Duration::from_millis(310), "{took:?}");
    let stats = house.stats();
    assert_eq!((stats.refused_no_descriptor, stats.accept_failures, stats.opened), (200, 0, 1));
    // Who is connected does not notice, and where nobody comes nothing happens.
    house.sim().send(resident, b"hello\n").unwrap();
    assert_eq!(house.hear(resident), hello());
    let waits = house.sim().tally().waits;
    assert_eq!(house.hear(resident), Received::Nothing);
    let waits = house.sim().tally().waits - waits;
    assert!(waits <= 5, "{waits} turns in a second");
    // Whoever comes when somebody has left is served.
    house.sim().finish(resident);
    assert_eq!(house.hear(resident), Received::End);
    let newcomer = house.come();
    assert_eq!(house.hear(newcomer), hello());
}

#[test]
fn simulation_of_who_finds_no_reserve_waits_until_somebody_leaves() {
    let mut house = House::new();
    house.sim().set_weather(Weather { reserve_loss: 1.0, ..Weather::CALM });
    let resident = house.come();
    assert_eq!(house.hear(resident), hello());
    let open = house.sim().open_descriptors();
    house.sim().limit_descriptors(open);
    let waiting = house.come();
    let waits = house.sim().tally().waits;
    assert_eq!(house.hear(waiting), Received::Nothing);
    let waits = house.sim().tally().waits - waits;
    assert!(waits <= 15, "{waits} turns in a second");
    assert!(house.stats().accept_failures >= 8);
    house.sim().finish(resident);
    assert_eq!(house.hear(waiting), hello());
    assert_eq!(house.stats().refused_no_descriptor, 0);
}

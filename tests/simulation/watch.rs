//! Who only looks on in a drain is let go last, and then nobody else is taken.

use std::time::Duration;

use readily::engine::{Endpoint, Engine, Limits, StopScope};
use readily::kernel::StreamKind;
use readily::kernel::sim::{Port, Received, Remote, Sim};
use readily::protocol::Site;
use readily::reactor::{Reactor, Stop};
use readily::service::{Echo, Metrics};

const ASK: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Comes and says something.
fn come(reactor: &mut Reactor<Sim>, port: Port, bytes: &[u8]) -> Remote {
    let remote = reactor.kernel_mut().dial(port);
    reactor.kernel_mut().send(remote, bytes).expect("it is open");
    remote
}

/// One turn, of a few milliseconds at most.
fn turn(reactor: &mut Reactor<Sim>) -> Option<Stop> {
    let soon = reactor.kernel().time() + Duration::from_millis(5);
    reactor.kernel_mut().set_alarm(Some(soon));
    let stop = reactor.turn().expect("the kernel waits");
    reactor.check_invariants();
    stop
}

/// What a peer hears within some turns.
fn hear(reactor: &mut Reactor<Sim>, remote: Remote) -> Received {
    for _ in 0..50 {
        assert_eq!(turn(reactor), None, "somebody is there");
        let received = reactor.kernel_mut().receive(remote, 1_000);
        if received != Received::Nothing {
            return received;
        }
    }
    Received::Nothing
}

#[test]
fn simulation_of_a_watch_that_ends_takes_nobody_any_more() {
    let mut engine = Engine::new(Limits::default(), 1, ());
    let services = [engine.add_service(Box::new(Echo)), engine.add_service(Box::new(Metrics))];
    let [echo, metrics] =
        services.map(|service| engine.add_binding(service, StopScope::Connection));
    let resources = engine.resources(metrics, "/");
    let watch = Site { resources, outlasts: true, ..Site::default() };
    let endpoints =
        [Endpoint::Line(echo), Endpoint::Web(watch)].map(|endpoint| engine.add_endpoint(endpoint));
    let mut sim = Sim::new(1);
    let doors = [sim.listen(StreamKind::Tcp), sim.listen(StreamKind::Tcp)];
    let [lines, watch] = [doors[0].1, doors[1].1];
    let mut reactor = Reactor::new(sim, engine, 10);
    for ((listener, _), endpoint) in doors.into_iter().zip(endpoints) {
        reactor.add_listener(listener, endpoint).expect("it is calm");
    }
    let client = come(&mut reactor, lines, b"hello\n");
    let onlooker = come(&mut reactor, watch, ASK);
    assert_eq!(hear(&mut reactor, client), Received::Data(b"hello\n".to_vec()));
    assert!(matches!(hear(&mut reactor, onlooker), Received::Data(_)));
    reactor.drain();
    assert_eq!(hear(&mut reactor, client), Received::End);
    // The client stays for a while, and so does the watch.
    let second = come(&mut reactor, watch, ASK);
    assert!(matches!(hear(&mut reactor, second), Received::Data(_)));
    reactor.kernel_mut().finish(client);
    assert_eq!(hear(&mut reactor, onlooker), Received::End);
    let late = come(&mut reactor, watch, ASK);
    assert!(!matches!(hear(&mut reactor, late), Received::Data(_)), "nobody is taken any more");
    assert_eq!(reactor.engine().connections(), 2, "the onlookers, who have not ended their side");
    for remote in [onlooker, second] {
        reactor.kernel_mut().finish(remote);
    }
    let stop = (0..50).find_map(|_| turn(&mut reactor));
    assert_eq!(stop, Some(Stop::Drained(None)));
}

//! All buffers together hold as much as they may: who is read from, and when, one thing at a time and in
//! calm weather.

use std::time::Duration;

use readily::engine::{Endpoint, Engine, Limits, Memory, StopScope};
use readily::kernel::StreamKind;
use readily::kernel::sim::{Port, Received, Remote, Sim, Weather};
use readily::reactor::Reactor;
use readily::service::Echo;

const LONGEST: usize = 20_000;

const LIMIT: usize = 100_000;

/// So much of a line that does not end.
const HALF: usize = 15_000;

/// An echo of lines with one listener.
struct House {
    reactor: Reactor<Sim>,
    port: Port,
}

impl House {
    fn new() -> House {
        let mut sim = Sim::new(1);
        // What is said is there at once.
        sim.set_weather(Weather { latency: Duration::ZERO, ..Weather::CALM });
        let mut limits = Limits { max_memory_bytes: LIMIT, ..Limits::default() };
        limits = limits.with_max_message(LONGEST);
        limits.protocol.max_line = LONGEST;
        let mut engine = Engine::new(limits, 1, ());
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

    fn come(&mut self) -> Remote {
        let port = self.port;
        self.sim().dial(port)
    }

    fn say(&mut self, remote: Remote, bytes: &[u8]) {
        assert_eq!(self.sim().send(remote, bytes), Some(bytes.len()));
    }

    /// One turn. Returns how much was read in it.
    fn turn(&mut self) -> u64 {
        let before = self.reactor.engine().stats().bytes_received;
        self.reactor.turn().unwrap();
        self.reactor.check_invariants();
        self.reactor.engine().check_invariants();
        self.reactor.engine().stats().bytes_received - before
    }

    fn memory(&self) -> Memory {
        self.reactor.engine().memory()
    }
}

#[test]
fn simulation_of_a_turn_reads_no_more_than_there_is_room_for() {
    let mut house = House::new();
    let crowd: Vec<Remote> = (0..40).map(|_| house.come()).collect();
    while house.reactor.engine().connections() < crowd.len() {
        house.turn();
    }
    for &remote in &crowd {
        house.say(remote, &[b'x'; HALF]);
    }
    let bystander = house.come();
    // Everybody is ready at once, and has much more to say than there is room for.
    let mut read = 0;
    for _ in 0..40 {
        let opened = house.reactor.engine().stats().opened;
        let now = house.turn();
        // Whoever comes has to wait as well.
        let has_come = house.reactor.engine().stats().opened > opened;
        assert!(!has_come || now < LIMIT as u64 / 2, "{now} bytes were read");
        assert!(now <= (LIMIT + HALF) as u64, "{now} bytes were read in a turn");
        assert!(house.memory().total_bytes() <= LIMIT, "{:?}", house.memory());
        read += now;
    }
    // Nobody was forgotten: each was read from, before some were closed for it.
    assert_eq!(read, (crowd.len() * HALF) as u64);
    let stats = *house.reactor.engine().stats();
    assert_eq!(stats.shed + house.reactor.engine().connections() as u64, 41, "{stats}");
    // The loop sleeps where nothing is left to do, and is woken by who came last.
    house.say(bystander, b"hello\n");
    house.turn();
    house.turn();
    assert_eq!(house.sim().receive(bystander, 100), Received::Data(b"hello\n".to_vec()));
}

//! A server over the simulated kernel, for what is looked at one thing at a time.

use std::time::Duration;

use readily::engine::{BindingId, Endpoint, Engine, Limits, Stats, StopScope};
use readily::kernel::StreamKind;
use readily::kernel::sim::{Port, Received, Remote, Sim, Weather};
use readily::reactor::{Reactor, Stop};
use readily::service::{Echo, Service};
use readily::time::Time;

/// Longer than anything takes that is not about a deadline.
const SOON: Duration = Duration::from_millis(10);

/// How long somebody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server with a listener for each of its endpoints.
pub(crate) struct House {
    pub(crate) reactor: Reactor<Sim>,
    ports: Vec<Port>,
}

impl House {
    /// Opens a server whose services and endpoints `furnish` makes.
    pub(crate) fn new(
        limits: Limits,
        weather: Weather,
        furnish: impl FnOnce(&mut Engine<()>) -> Vec<Endpoint>,
    ) -> House {
        let mut engine = Engine::new(limits, 1, ());
        let endpoints = furnish(&mut engine);
        let mut sim = Sim::new(1);
        sim.set_weather(weather);
        let doors: Vec<_> = endpoints.iter().map(|_| sim.listen(StreamKind::Tcp)).collect();
        let mut reactor = Reactor::new(sim, engine, 1_000);
        let mut ports = Vec::new();
        for ((listener, port), endpoint) in doors.into_iter().zip(endpoints) {
            let endpoint = reactor.engine_mut().add_endpoint(endpoint);
            reactor.add_listener(listener, endpoint).unwrap();
            ports.push(port);
        }
        House { reactor, ports }
    }

    /// An echo of lines.
    pub(crate) fn of_lines(limits: Limits, weather: Weather) -> House {
        House::new(limits, weather, |engine| vec![Endpoint::Line(bind(engine, Echo))])
    }

    pub(crate) fn sim(&mut self) -> &mut Sim {
        self.reactor.kernel_mut()
    }

    pub(crate) fn stats(&self) -> Stats {
        *self.reactor.engine().stats()
    }

    /// Somebody comes to a listener.
    pub(crate) fn come(&mut self, listener: usize) -> Remote {
        let port = self.ports[listener];
        self.sim().dial(port)
    }

    /// Somebody says something; where there is no room for it, as the server takes it.
    pub(crate) fn say(&mut self, remote: Remote, mut bytes: &[u8]) {
        loop {
            let count = self.sim().send(remote, bytes).expect("it is open");
            bytes = &bytes[count..];
            if bytes.is_empty() {
                return;
            }
            self.settle();
        }
    }

    /// One turn, which begins a second later if nothing happens until then.
    pub(crate) fn turn(&mut self) -> Option<Stop> {
        let end = self.sim().time() + PATIENCE;
        self.turn_by(end)
    }

    /// Takes turns until all has been done that can be.
    pub(crate) fn settle(&mut self) {
        let end = self.sim().time() + SOON;
        while self.sim().time() < end {
            assert_eq!(self.turn_by(end), None, "somebody is there");
        }
    }

    /// What somebody hears next, within a second.
    pub(crate) fn hear(&mut self, remote: Remote) -> Received {
        let deadline = self.sim().time() + PATIENCE;
        loop {
            let received = self.sim().receive(remote, usize::MAX);
            if received != Received::Nothing || self.sim().time() >= deadline {
                return received;
            }
            assert_eq!(self.turn_by(deadline), None, "somebody is there");
        }
    }

    fn turn_by(&mut self, end: Time) -> Option<Stop> {
        self.sim().set_alarm(Some(end));
        let stop = self.reactor.turn().unwrap();
        self.reactor.check_invariants();
        self.reactor.engine().check_invariants();
        stop
    }
}

/// Adds a service, and a binding of it.
pub(crate) fn bind(engine: &mut Engine<()>, service: impl Service + 'static) -> BindingId {
    let service = engine.add_service(Box::new(service));
    engine.add_binding(service, StopScope::Connection)
}

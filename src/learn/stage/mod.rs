//! Where the labs are played: a server over the simulated kernel, people who come to it, and a film of
//! every turn.
//!
//! Calls take a few microseconds of virtual time, nothing is on its way for longer, and nothing goes wrong
//! that a lab does not ask for. So what happens follows from the script, the seed and the rules of the loop.

mod people;

use std::time::Duration;

pub(super) use self::people::Peer;
use self::people::Person;
use super::run::{Moment, Run, Verdict};
use crate::engine::{BindingId, Endpoint, Engine, Limits, StopScope};
use crate::kernel::Watched;
use crate::kernel::sim::{Port, Sim, Weather};
use crate::kernel::{SocketKind, StreamKind};
use crate::reactor::{Reactor, Rules};
use crate::service::{Echo, Service};
use crate::time::Time;
use crate::timeline::{Eye, Film, Turn, What};

/// Nothing takes longer than a call, and much is on its way.
pub(super) const WEATHER: Weather =
    Weather { latency: Duration::ZERO, capacity: 4 * 1024 * 1024, ..Weather::CALM };

/// How much is read from a stream at once.
pub(super) const BUDGET: usize = Limits::LEAST_READ_BUDGET;

/// The limits of a server, but that it reads less at once.
fn limits() -> Limits {
    Limits { read_budget_bytes: BUDGET, ..Limits::default() }
}

/// How long somebody waits for an answer before we call it none.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A turn in which nothing happens is shown if it takes longer.
const LONG: Duration = Duration::from_millis(10);

/// A loop that does not sleep is stopped after so many turns.
const MOST_TURNS: usize = 1_000;

/// A server on stage.
pub(super) struct Stage<R: Rules> {
    reactor: Reactor<Watched<Sim, Eye>, Eye, R>,
    film: Film,
    doors: Vec<(Port, &'static str)>,
    cast: Vec<Person>,
    moments: Vec<Moment>,
    /// What happens is not shown.
    is_rehearsal: bool,
    /// When the loop first went to sleep behind the last turn that is shown.
    slept: Option<Time>,
}

/// What a loop has done in some time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Passed {
    pub(super) time: Duration,
    pub(super) turns: usize,
    /// How many of them were ready to sleep.
    pub(super) slept: usize,
}

/// What a service is on stage: its name, itself, and what is spoken there.
pub(super) type Door = (&'static str, Box<dyn Service>, fn(BindingId) -> Endpoint);

/// Setting the scene.
impl<R: Rules> Stage<R> {
    /// A server with a listener for each service.
    pub(super) fn new(services: Vec<Door>) -> Stage<R> {
        Stage::with(1, 100, services)
    }

    /// A server that has room for so many connections. The seed decides who is first of those who are
    /// ready at the same time.
    pub(super) fn with(seed: u64, places: usize, services: Vec<Door>) -> Stage<R> {
        let film = Film::new(services.iter().map(|(name, ..)| *name));
        let mut engine = Engine::new(limits(), 1, film.eye());
        let mut sim = Sim::new(seed);
        sim.set_weather(WEATHER);
        sim.expect_at_most(places, None);
        sim.overlook_misconduct();
        let mut doors = Vec::new();
        let mut sockets = Vec::new();
        for (name, service, speaks) in services {
            let service = engine.add_service(service);
            let binding = engine.add_binding(service, StopScope::Connection);
            let endpoint = engine.add_endpoint(speaks(binding));
            let (socket, port) = sim.listen(StreamKind::Tcp);
            doors.push((port, name));
            sockets.push((socket, endpoint));
        }
        let mut reactor = Reactor::with_rules(Watched::new(sim, film.eye()), engine, places);
        for (socket, endpoint) in sockets {
            reactor.add_listener(socket.into(), endpoint).expect("the weather is calm");
        }
        let (cast, moments) = (Vec::new(), Vec::new());
        let mut stage =
            Stage { reactor, film, doors, cast, moments, is_rehearsal: false, slept: None };
        stage.settle();
        stage.moments.clear();
        stage
    }

    /// An echo server for lines.
    pub(super) fn echo() -> Stage<R> {
        Stage::new(vec![("echo", Box::new(Echo), Endpoint::Line)])
    }

    /// The kernel under the loop.
    pub(super) fn sim(&mut self) -> &mut Sim {
        self.reactor.kernel_mut().inner_mut()
    }

    /// How many connections the server believes to have.
    pub(super) fn connections(&self) -> usize {
        self.reactor.engine().connections()
    }
}

/// Turns.
impl<R: Rules> Stage<R> {
    /// The loop takes a turn. Where nothing happens to it, it sleeps for `most`, or for ever.
    pub(super) fn turn(&mut self, most: Option<Duration>) -> Turn {
        let sim = self.sim();
        let alarm = most.map(|most| sim.time() + most);
        sim.set_alarm(alarm);
        self.reactor.turn().expect("the simulated kernel waits");
        let mut turn = self.film.turn();
        self.slept = self.slept.or(turn.slept);
        turn.events.iter_mut().for_each(|event| self.call_by_name(&mut event.what));
        if !self.is_rehearsal {
            self.show(turn.clone());
        }
        turn
    }

    /// Short turns in which nothing happens are left out, and long ones shown as one. What is left out
    /// belongs to the sleep in front of the next one.
    fn show(&mut self, mut turn: Turn) {
        turn.slept = self.slept;
        if turn.events.is_empty() {
            if turn.after < LONG {
                return;
            }
            let is_idle =
                |last: &mut Moment| matches!(last, Moment::Turn(last) if last.events.is_empty());
            if let Some(Moment::Turn(last)) = self.moments.pop_if(is_idle) {
                turn.after += last.after;
                turn.slept = last.slept;
            }
        }
        self.slept = None;
        self.moments.push(Moment::Turn(turn));
    }

    /// Turns until nothing happens for a millisecond.
    pub(super) fn settle(&mut self) {
        for _ in 0..MOST_TURNS {
            if self.turn(Some(Duration::from_millis(1))).events.is_empty() {
                break;
            }
        }
    }

    /// So much time passes, or as many turns as one can look at.
    pub(super) fn passes(&mut self, time: Duration) -> Passed {
        let began = self.sim().time();
        let mut passed = Passed::default();
        while passed.time < time && passed.turns < MOST_TURNS {
            let turn = self.turn(Some(time - passed.time));
            passed.turns += 1;
            passed.slept += usize::from(turn.timeout != Some(Duration::ZERO));
            passed.time = self.sim().time() - began;
        }
        passed
    }

    /// Puts the name of somebody where the loop was told an address.
    fn call_by_name(&self, what: &mut What) {
        if let What::Accepted(address) | What::Refused(address) = what {
            self.name_at(address);
        }
    }

    /// The same of one address.
    fn name_at(&self, address: &mut String) {
        if let Some(person) = self.cast.iter().find(|one| one.address == *address) {
            person.name.clone_into(address);
        }
    }

    /// The curtain.
    pub(super) fn end(self, verdict: Verdict) -> Run {
        let mut lanes = self.film.lanes().to_vec();
        let mut doors = self.doors.iter();
        for lane in &mut lanes {
            if lane.kind == Some(SocketKind::Listener) {
                let (_, service) = doors.next().expect("as many as were opened");
                lane.name = format!("the port of {service}");
            } else {
                self.name_at(&mut lane.name);
            }
        }
        Run { moments: self.moments, lanes, verdict }
    }
}

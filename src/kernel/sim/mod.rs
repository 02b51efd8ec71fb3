//! A kernel that is simulated: sockets, a network and two clocks in memory, and everything that
//! can go wrong with them.
//!
//! The real kernel misbehaves rarely, and never the same way twice. This one misbehaves as often as
//! it is told to, and all of it follows from one number, the seed. The reactor that runs over it is
//! the one of the server, and does not know.
//!
//! ```text
//!     Reactor<Sim>                              Sim                            a test, or a lab
//!  ┌────────────────┐  poll, read, write…  ┌──────────────────────┐  dial, send,  ┌─────────┐
//!  │ engine         │ ───────────────────► │ descriptors, watches │ ◄──────────── │ remote  │
//!  │ services       │ ◄─────────────────── │ links with two flows │  receive…     │ peers   │
//!  └────────────────┘  events, bytes,      │ weather   schedule   │ ────────────► │         │
//!                      errors              └──────────────────────┘               └─────────┘
//!                                            now ──► the next thing that happens
//! ```
//!
//! **Two sides.** The loop uses it as a [`Kernel`](super::Kernel). Whoever plays the rest of the world uses
//! [`Sim::dial`], [`Sim::send`], [`Sim::receive`] and so on, between two turns, and finds the kernel
//! by [`Reactor::kernel_mut`](crate::reactor::Reactor::kernel_mut).
//!
//! **Virtual time.** No clock is read. Each call takes a few microseconds, in which bytes that are
//! on their way may arrive: what an operation finds is not always what the event had announced. A
//! wait moves time to the next thing that happens: an arrival, the [alarm](Sim::set_alarm) of the
//! world outside, or the end of the wait. So five seconds of silence take no time at all.
//!
//! **Weather.** How often each fault happens is drawn once from the seed ([`Weather`]), and can be
//! switched off, to see whether all that was pending is finished then.
//!
//! **Nothing but what may happen.** Every fault is one that the trait, and epoll(7) behind it,
//! allow. Events come late, together, in parts, without need, and for sockets that are closed; but
//! what has changed is announced in the end, and after a `WouldBlock` or a write that fell short there
//! is an event. A loop that hangs here can hang on a real kernel.
//!
//! **Conduct.** A kernel sees more than answers: whether it is asked without need, in vain, or too
//! often. It panics where the loop behaves as a readiness loop must not, unless that is to be
//! [looked at](Sim::overlook_misconduct).

mod conduct;
mod datagram;
mod descriptors;
mod door;
mod events;
mod flow;
mod kernel;
mod link;
mod remote;
mod stream;
mod tally;
#[cfg(test)]
mod tests;
mod weather;

pub use self::datagram::Mailbox;
pub use self::descriptors::Handle;
pub use self::link::Remote;
pub use self::remote::{Port, Received};
pub use self::tally::{Passage, Tally};
pub use self::weather::Weather;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use self::conduct::Conduct;
use self::datagram::Post;
use self::descriptors::{Descriptors, What};
use self::door::Places;
use self::events::{Happening, Side};
use self::link::Link;
use self::remote::{Listening, Server};
use super::{Signal, Token};
use crate::time::{Now, Time, WallClock};

/// The simulated kernel, and the network behind it.
#[derive(Debug)]
pub struct Sim {
    rng: Xoshiro256PlusPlus,
    weather: Weather,
    now: Time,
    alarm: Option<Time>,
    is_asleep: bool,
    /// Something has come to a remote peer since the world outside has looked.
    has_news: bool,
    /// When the last wait was over.
    woken: Time,
    /// What is going to happen, by time and then in the order in which it was entered.
    schedule: BTreeMap<(Time, u64), Happening>,
    entered: u64,
    descriptors: Descriptors,
    links: Vec<Link>,
    listeners: Vec<Listening>,
    servers: Vec<Server>,
    post: Vec<Post>,
    signals: VecDeque<Signal>,
    /// Events of sockets that are closed.
    stale: Vec<Token>,
    /// The same, to be delivered in front of all others.
    repeated: Vec<Token>,
    /// Until then something is short.
    exhausted_until: Time,
    /// What that is: the error of who wants some.
    short_of: i32,
    places: Places,
    /// How many descriptors there may be.
    most_descriptors: usize,
    /// The listener that was last found to have no descriptor for who waits.
    refusable: Option<usize>,
    /// What accepting fails with next, whatever the weather.
    accept_errors: VecDeque<i32>,
    conduct: Conduct,
    tally: Tally,
    fingerprint: u64,
}

/// Where the clock on the wall stands at the start: 2026-11-22 00:00:00 UTC.
const START_SECONDS: i64 = 1_795_305_600;

/// Setting up, and what is common to all.
impl Sim {
    /// A kernel in calm weather, in which nothing is random until that changes.
    pub fn new(seed: u64) -> Sim {
        Sim {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            weather: Weather::CALM,
            now: Time::ZERO,
            alarm: None,
            is_asleep: false,
            has_news: false,
            woken: Time::ZERO,
            schedule: BTreeMap::new(),
            entered: 0,
            descriptors: Descriptors::default(),
            links: Vec::new(),
            listeners: Vec::new(),
            servers: Vec::new(),
            post: Vec::new(),
            signals: VecDeque::new(),
            stale: Vec::new(),
            repeated: Vec::new(),
            exhausted_until: Time::ZERO,
            short_of: 0,
            places: Places { all: usize::MAX, of_each: usize::MAX },
            most_descriptors: usize::MAX,
            refusable: None,
            accept_errors: VecDeque::new(),
            conduct: Conduct::default(),
            tally: Tally::default(),
            fingerprint: 0,
        }
    }

    /// Changes how much goes wrong from here on. In calm weather descriptors are there again.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
        if weather.exhaustion == 0.0 {
            self.exhausted_until = self.now;
        }
    }

    /// The time of the simulation.
    pub fn time(&self) -> Time {
        self.now
    }

    /// Both clocks.
    pub fn clocks(&self) -> Now {
        let seconds = i64::try_from(self.now.as_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
        let wall =
            WallClock { unix_seconds: START_SECONDS.saturating_add(seconds), offset_seconds: 0 };
        Now { time: self.now, wall }
    }

    /// The world outside has looked at everything, and looks again at this time. Waits end then, and
    /// when something comes to a remote peer.
    pub fn set_alarm(&mut self, at: Option<Time>) {
        self.alarm = at;
        self.has_news = false;
    }

    /// Whether the last wait was for something that never comes.
    pub fn is_asleep(&self) -> bool {
        self.is_asleep
    }

    /// When the last wait was over.
    pub fn woken(&self) -> Time {
        self.woken
    }

    /// What has gone through.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What has gone through the connections of a listener, or (`None`) through those that were dialed.
    pub fn passage(&self, port: Option<Port>) -> Passage {
        let mut sum = Passage::default();
        for link in self.links.iter().filter(|link| link.listener == port.map(Port::index)) {
            sum.watched += link.passage.watched;
            sum.bytes_read += link.passage.bytes_read;
            sum.bytes_written += link.passage.bytes_written;
        }
        sum
    }

    /// How many descriptors are open.
    pub fn open_descriptors(&self) -> usize {
        self.descriptors.len()
    }

    /// Tells how many connections the loop may have at a time, and how many of one address, so that it
    /// is misconduct to have more, and to turn somebody away while there are less.
    pub fn expect_at_most(&mut self, all: usize, of_each: Option<usize>) {
        self.places = Places { all, of_each: of_each.unwrap_or(usize::MAX) };
    }

    /// Lets so many be open, and one more that is held in reserve for who is to be turned away.
    pub fn limit_descriptors(&mut self, most: usize) {
        self.most_descriptors = most;
    }

    /// Lets the loop do what it must not, as far as a kernel can: ask in vain, too often, or without rest. So
    /// it is seen what comes of that.
    pub fn overlook_misconduct(&mut self) {
        self.conduct.is_overlooked = true;
    }

    /// A number that depends on every call that was made, and on what came of it.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// A kernel in front of this one has told the loop of an error of `stream` that it has made up.
    /// The reason for it may be read for then, as with any other.
    pub fn excuse(&mut self, stream: &Handle) {
        self.descriptors.get_mut(stream.number).may_read = true;
    }

    /// A source of signals.
    pub fn signals(&mut self) -> Handle {
        self.descriptors.open(What::Signals)
    }

    /// Sends a signal to the process.
    pub fn raise(&mut self, signal: Signal) {
        self.signals.push_back(signal);
        let now = self.now;
        for (_, descriptor) in self.descriptors.iter_mut() {
            if descriptor.what == What::Signals
                && let Some(watch) = &mut descriptor.watch
            {
                watch.due = Some(now);
            }
        }
    }

    /// Has the next call that accepts fail with this error (errno(3)). Nobody is taken from the queue.
    pub fn fail_accept(&mut self, number: i32) {
        self.accept_errors.push_back(number);
    }

    /// Whether a fault of this probability happens.
    fn strikes(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.random_bool(probability)
    }

    /// Any duration up to `most`.
    fn up_to(&mut self, most: Duration) -> Duration {
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.rng.random_range(0..=nanos))
    }

    /// Enters something that is going to happen.
    fn enter(&mut self, at: Time, happening: Happening) {
        self.entered += 1;
        self.schedule.insert((at, self.entered), happening);
    }

    /// A call takes some time, in which things happen. Returns whether it is interrupted.
    fn call(&mut self) -> bool {
        self.conduct.call();
        self.now = self.now + self.up_to(self.weather.call);
        self.happen();
        self.strikes(self.weather.interrupt)
    }

    /// Adds the outcome of a call to the fingerprint.
    fn note(&mut self, outcome: u64) {
        let mixed = self.fingerprint.rotate_left(5) ^ outcome ^ self.now.as_nanos();
        self.fingerprint = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// An error as the system says it.
fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

//! The server over a kernel that is simulated: the real reactor, engine and services, among peers
//! and in a network that do everything at random, and a model that says what must come of it.
//!
//! ```text
//!   Script ───► Actor ◄──────► Sim ◄──────► Reactor ──► Engine ──► services
//!   what is     says, hears,   the kernel,  under test
//!   said, and   compares       the network,
//!   must come                  the weather
//! ```
//!
//! A run has three parts. In the *storm* everything goes wrong that may. Then it is *calm*: faults stop,
//! and whatever was pending has to be finished in a bounded virtual time, which is how a lost
//! wake-up is found: somebody waits for something that does not come. At last the server is told to
//! *end*, and drains.
//!
//! ```sh
//! READILY_SEED=7 cargo test simulation         # one run again
//! READILY_SEEDS=20000 cargo test simulation    # many more
//! READILY_STEPS=20000 cargo test simulation    # longer ones
//! ```

// Clippy lets tests unwrap, but does not see that their helpers are tests as well.
#![allow(clippy::unwrap_used)]

mod actor;
mod door;
mod ear;
mod fidelity;
mod memory;
mod planted;
mod recorded;
mod room;
mod script;
mod services;
mod witness;
mod world;

use std::env;
use std::net::SocketAddr;

use readily::address::ConnectAddress;
use readily::reactor::{Rules, Sound};

use self::world::World;

/// How many seeds a run takes when nobody says otherwise.
const SEEDS: u64 = 256;

/// How many turns the storm lasts.
const STEPS: usize = 2_000;

/// Whom the proxy dials.
fn upstream() -> ConnectAddress {
    ConnectAddress::Tcp { to: SocketAddr::from(([127, 0, 0, 1], 7)), from: None }
}

/// One run. Returns its fingerprint.
fn run<R: Rules>(seed: u64, looks_inside: bool) -> u64 {
    let mut world = World::<R>::new(seed);
    world.looks_inside = looks_inside;
    world.storm(number("READILY_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap()));
    world.calm_down();
    world.end();
    world.check_outcome();
    world.fingerprint()
}

#[test]
fn simulation_of_every_seed_keeps_all_promises() {
    let seeds = match (number("READILY_SEED"), number("READILY_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    for seed in seeds {
        let _replay = Replay(seed);
        run::<Sound>(seed, true);
    }
}

#[test]
fn simulation_of_one_seed_is_always_the_same() {
    for seed in 0..4 {
        assert_eq!(run::<Sound>(seed, true), run::<Sound>(seed, false), "seed {seed}");
    }
    assert_ne!(run::<Sound>(0, true), run::<Sound>(1, true));
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is not a number")))
}

/// Says how to run a seed again if the test fails while this is alive.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay: READILY_SEED={} cargo test simulation", self.0);
        }
    }
}

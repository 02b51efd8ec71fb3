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
mod audit;
mod board;
mod door;
mod ear;
mod fidelity;
mod house;
mod memory;
#[path = "../support/outside.rs"]
mod outside;
mod planted;
mod recorded;
mod room;
mod script;
mod services;
mod subscriber;
#[path = "../support/mod.rs"]
mod support;
mod upstream;
mod watch;
mod witness;
mod world;

use readily::engine::Stats;
use readily::reactor::{Rules, Sound};
use std::collections::BTreeSet;
use std::env;

use self::world::World;

/// How many seeds a run takes when nobody says otherwise.
const SEEDS: u64 = 256;

/// How many turns the storm lasts.
const STEPS: usize = 2_000;

/// One run, to its end.
fn run<R: Rules>(seed: u64, looks_inside: bool) -> World<R> {
    let mut world = World::<R>::new(seed);
    world.looks_inside = looks_inside;
    world.storm(number("READILY_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap()));
    world.calm_down();
    world.end();
    world.check_outcome();
    world
}

#[test]
fn simulation_of_every_seed_keeps_all_promises() {
    let seeds = match (number("READILY_SEED"), number("READILY_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    let is_broad = seeds.end - seeds.start >= SEEDS;
    let mut reached = BTreeSet::new();
    for seed in seeds {
        let _replay = Replay(seed);
        reached.extend(run::<Sound>(seed, true).reach());
    }
    let missing: Vec<_> = reach().into_iter().filter(|what| !reached.contains(what)).collect();
    assert!(!is_broad || missing.is_empty(), "never came to {missing:?}, but to {reached:?}");
}

/// What runs have to come to, or they prove little: every kind of peer happy with every service that it
/// may speak to, every ending but those that cannot be happy, and every counter.
fn reach() -> Vec<String> {
    let peers = script::PEERS.iter().flat_map(|(kind, services)| {
        services.iter().map(move |service| format!("{kind:?} {service:?}"))
    });
    let endings = ["Stays", "Ends", "EndsLast", "Leaves", "Breaks", "IsClosed", "IsHalfClosed"];
    let others = ["compression", "gap", "forced"];
    let counters = Stats::default().entries().into_iter().map(|counter| counter.name);
    let counters = counters.filter(|name| !UNREACHED.contains(name));
    let named = endings.into_iter().chain(others).chain(counters).map(str::to_owned);
    peers.chain(named).collect()
}

/// Counters of what nobody does here.
const UNREACHED: &[&str] = &[
    "dropped_messages",
    "datagrams_unanswerable",
    "datagrams_from_ourselves",
    "oversize",
    "requests",
    "requests_refused",
];

#[test]
fn simulation_of_one_seed_is_always_the_same() {
    for seed in 0..4 {
        let fingerprints = [true, false].map(|looks| run::<Sound>(seed, looks).fingerprint());
        assert_eq!(fingerprints[0], fingerprints[1], "seed {seed}");
    }
    let fingerprints = [0, 1].map(|seed| run::<Sound>(seed, true).fingerprint());
    assert_ne!(fingerprints[0], fingerprints[1]);
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

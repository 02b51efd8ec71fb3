//! The engine under a shell that does everything at random, and a model that says what must come
//! of it.
//!
//! The other tests ask the engine questions whose answers somebody thought of. Here nobody chooses
//! the order of events: peers talk lines, bytes, packets, HTTP and WebSocket, all at once; the
//! shell cuts what they send anywhere, writes parts of what they are sent or nothing for a while,
//! breaks connections, hands their places to others, and drains in the middle of it. Caps and
//! water marks are so small that every queue runs over. All of it follows from one number, the
//! seed.
//!
//! ```text
//!   Script ──────► Shell ──────► Engine ──────► Audit           one round:  serve who is ready
//!   what a peer    serves,       under test     a service that              let time pass
//!   will say       cuts, blocks  ◄────────────  reports all                 flush who is dirty
//!      │             │                          it is told                  close, compare
//!      │             └──► Peer ◄─────────────────┘
//!      └────────────────► the model: what was heard, said and received
//! ```
//!
//! What must hold, and what is found when it does not:
//!
//! - **Order and completeness**: the service hears what a peer said, in order, each message once;
//!   the peer receives what the service said, in order, each message once, also across partial
//!   writes, parked input and closing. A broken connection may end early, but never differ.
//! - **Urgency**: pongs may come earlier than in order, never later, and in order among themselves.
//! - **The end**: `on_close` comes once for each `on_open`, for the reason that the script gives;
//!   a Close frame or FIN comes behind all that was said.
//! - **Liveness**: when the shell stops being difficult, everybody is answered and everybody who
//!   has to go is gone, in little time. The shell looks only where the engine tells it to (dirty
//!   connections, `poll_timeout`), so one forgotten wake-up leaves a peer waiting for ever.
//! - **Bounds**: what waits for a peer stays within the cap and one reply.
//! - **Counters** are equal to what the model has counted, every one of them.
//! - **Invariants** of connections and timers hold after each round.
//!
//! Not here: datagrams, pings to silent peers, and peers that never take their output; the tests
//! with a question of their own have those.
//!
//! `READILY_SEEDS=5000` runs more seeds than usual, `READILY_SEED=17` a single one.

mod audit;
mod counters;
mod exchange;
mod frames;
mod invariants;
mod mood;
mod peer;
mod script;
mod shell;

use std::env;

use self::shell::Shell;
use crate::protocol::MessageKind;

/// How many seeds a run takes when nobody says otherwise.
const SEEDS: u64 = 200;

/// What a peer says to the service, and the service to a peer: a message, without its framing.
type Words = (MessageKind, Vec<u8>);

#[test]
fn whatever_the_shell_does_every_peer_gets_what_it_is_owed() {
    let seeds = match (number("READILY_SEED"), number("READILY_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    let is_much = seeds.end - seeds.start >= SEEDS;
    let mut overtaking = 0;
    for seed in seeds {
        let _replay = Replay(seed);
        let mut shell = Shell::new(seed);
        shell.be_difficult();
        shell.settle();
        overtaking += shell.check_outcome();
    }
    assert!(!is_much || overtaking > 20, "{overtaking} pongs went ahead of what had to wait");
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
            eprintln!("replay: READILY_SEED={} cargo test --lib engine::tests::random", self.0);
        }
    }
}

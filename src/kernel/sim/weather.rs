//! How often things go wrong, and how badly.
//!
//! A weather is drawn once from the seed and then stays, because drawing each probability anew for
//! every call would make all runs the same average one. So there are runs in which every read is a
//! byte long, and others in which all is well but that descriptors run out.

use std::time::Duration;

use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;

/// Probabilities, and some amounts. [`Weather::CALM`] has no faults at all.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weather {
    /// A call is interrupted (`EINTR`), or a wait ends without an event.
    pub interrupt: f64,
    /// An operation says `WouldBlock` although an event had said otherwise. Another event follows.
    pub not_yet: f64,
    /// A read returns less than there is ([`Read::Part`](crate::kernel::Read::Part)), mostly a byte.
    pub short_read: f64,
    /// A write takes less than there is room for, mostly a byte.
    pub short_write: f64,
    /// A wait also returns an event of somebody to whom nothing has happened.
    pub spurious: f64,
    /// A socket that is closed leaves an event behind, which is delivered later (epoll(7): as long
    /// as another process has the description open).
    pub stale: f64,
    /// An event tells only a part of what there is to tell; the rest comes in another.
    pub split: f64,
    /// How late an event may be, so that several become one.
    pub lateness: Duration,
    /// How long bytes may be on their way.
    pub latency: Duration,
    /// How much fits into the buffers of one direction of a connection.
    pub capacity: usize,
    /// What is sent destroys the connection instead.
    pub reset: f64,
    /// A connection is reset before it is accepted.
    pub abort: f64,
    /// Accepting fails for want of descriptors or memory, or because it is forbidden (`EMFILE`,
    /// `ENFILE`, `ENOBUFS`, `ENOMEM`, `EPERM`), and from then on for a while.
    pub exhaustion: f64,
    /// Somebody else takes the descriptor that is held in reserve for who is to be turned away.
    pub reserve_loss: f64,
    /// Watching a socket fails (`ENOMEM`).
    pub unwatchable: f64,
    /// A datagram is lost, or its answer finds no room (`ENOBUFS`).
    pub datagram_loss: f64,
    /// A connection that the loop makes is refused.
    pub refusal: f64,
    /// How much time a call may take.
    pub call: Duration,
}

impl Weather {
    /// Nothing goes wrong, and hardly anything takes time.
    pub const CALM: Weather = Weather {
        interrupt: 0.0,
        not_yet: 0.0,
        short_read: 0.0,
        short_write: 0.0,
        spurious: 0.0,
        stale: 0.0,
        split: 0.0,
        lateness: Duration::ZERO,
        latency: Duration::from_micros(100),
        capacity: 64 * 1024,
        reset: 0.0,
        abort: 0.0,
        exhaustion: 0.0,
        reserve_loss: 0.0,
        unwatchable: 0.0,
        datagram_loss: 0.0,
        refusal: 0.0,
        call: Duration::from_micros(2),
    };

    /// Any of the weathers that there may be.
    pub fn random(rng: &mut Xoshiro256PlusPlus) -> Weather {
        Weather {
            interrupt: pick(rng, [0.0, 0.02, 0.2]),
            not_yet: pick(rng, [0.0, 0.05, 0.3]),
            short_read: pick(rng, [0.0, 0.1, 0.9]),
            short_write: pick(rng, [0.0, 0.1, 0.9]),
            spurious: pick(rng, [0.0, 0.05, 0.3]),
            stale: pick(rng, [0.0, 0.5]),
            split: pick(rng, [0.0, 0.1, 0.5]),
            lateness: Duration::from_micros(pick(rng, [0, 50, 5_000])),
            latency: Duration::from_micros(pick(rng, [50, 500, 5_000])),
            capacity: pick(rng, [500, 4_000, 64 * 1024]),
            reset: pick(rng, [0.0, 0.0, 0.003]),
            abort: pick(rng, [0.0, 0.1]),
            exhaustion: pick(rng, [0.0, 0.02, 0.1]),
            reserve_loss: pick(rng, [0.0, 0.2]),
            unwatchable: pick(rng, [0.0, 0.0, 0.02]),
            datagram_loss: pick(rng, [0.0, 0.1]),
            refusal: pick(rng, [0.0, 0.2]),
            call: Duration::from_micros(pick(rng, [1, 20])),
        }
    }
}

/// One of several choices.
fn pick<T: Copy, const COUNT: usize>(rng: &mut Xoshiro256PlusPlus, choices: [T; COUNT]) -> T {
    choices[rng.random_range(0..COUNT)]
}

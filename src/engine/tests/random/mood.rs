//! How much goes wrong in one run, drawn once from its seed: limits that are soon reached, and how
//! likely each nuisance is. Drawing them anew for each event would make every run the same average
//! one; this way some are slow readers all through and others bytes one by one.

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::engine::Limits;

/// How difficult a shell is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mood {
    /// How likely a ready peer is served in a round.
    pub(super) serve: f64,
    /// How likely there is room for a peer whose output is blocked.
    pub(super) room: f64,
    /// How likely a write takes all there is.
    pub(super) whole: f64,
    /// How likely a connection breaks in a round.
    pub(super) lose: f64,
    /// How likely news of somebody who is gone come up in a round.
    pub(super) ghost: f64,
    /// The largest read.
    pub(super) most: usize,
}

impl Mood {
    /// Everybody is served, and takes all.
    pub(super) const GOOD: Mood =
        Mood { serve: 1.0, room: 1.0, whole: 1.0, lose: 0.0, ghost: 0.0, most: 64 * 1024 };

    /// Any of the moods that a network may have.
    pub(super) fn difficult(rng: &mut StdRng) -> Mood {
        Mood {
            serve: pick(rng, [0.2, 0.6, 1.0]),
            room: pick(rng, [0.02, 0.2, 0.8]),
            whole: pick(rng, [0.0, 0.5, 0.95]),
            lose: pick(rng, [0.0, 0.0, 0.02]),
            ghost: pick(rng, [0.0, 0.1]),
            most: pick(rng, [1, 50, 2_000, 20_000, 20_000]),
        }
    }
}

/// Limits that a short script reaches: every mark, cap and longest message.
pub(super) fn narrow_limits(rng: &mut StdRng) -> Limits {
    let longest = pick(rng, [100, 2_000]);
    let mut limits = Limits {
        max_queued_bytes: pick(rng, [1, 1_000, 3_000, 20_000]),
        high_water_bytes: pick(rng, [200, 4_000, 50_000]),
        low_water_bytes: pick(rng, [0, 100, 3_000]),
        max_memory_bytes: pick(rng, [1, 10_000, 50_000, usize::MAX, usize::MAX]),
        ..Limits::default()
    }
    .with_max_message(longest);
    limits.protocol.max_line = longest;
    limits
}

/// One of several choices.
fn pick<T: Copy, const COUNT: usize>(rng: &mut StdRng, choices: [T; COUNT]) -> T {
    choices[rng.random_range(0..COUNT)]
}

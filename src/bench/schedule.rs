//! When messages are due, where a rate was given.

use std::time::Duration;

use crate::time::Time;

/// Moments at equal distances, which nothing moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) start: Time,
    pub(super) rate: f64,
    pub(super) count: u64,
}

impl Schedule {
    /// So many moments a second.
    pub(super) fn at_rate(rate: f64) -> Schedule {
        Schedule { start: Time::ZERO, rate, count: 0 }
    }

    /// The next moment.
    pub(super) fn due(&self) -> Time {
        self.start + Duration::from_secs_f64(self.count as f64 / self.rate)
    }
}

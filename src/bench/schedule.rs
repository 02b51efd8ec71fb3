//! When messages are due, where a rate was given.

use std::time::Duration;

use crate::time::Time;

/// Moments at equal distances, which nothing moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    start: Time,
    rate: f64,
    /// How many were taken.
    count: u64,
}

impl Schedule {
    /// So many moments a second.
    pub(super) fn at_rate(rate: f64) -> Schedule {
        Schedule { start: Time::ZERO, rate, count: 0 }
    }

    /// The first moment is this one.
    pub(super) fn start(&mut self, now: Time) {
        self.start = now;
    }

    /// The next moment.
    pub(super) fn due(&self) -> Time {
        self.start + Duration::from_secs_f64(self.count as f64 / self.rate)
    }

    /// Takes the next moment, if it has come, with its number.
    pub(super) fn take(&mut self, now: Time) -> Option<(u64, Time)> {
        let (number, moment) = (self.count, self.due());
        (moment <= now).then(|| {
            self.count += 1;
            (number, moment)
        })
    }
}

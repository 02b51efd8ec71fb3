//! What a group of connections sends, and when it is due.

use std::time::Duration;

use crate::bench::payload::Payload;
use crate::bench::recorder::Recorder;
use crate::time::Time;

/// What a group of connections sends.
#[derive(Debug)]
pub(super) struct Flow {
    /// Its connections: so many of the peers, from the first of them.
    pub(super) first: usize,
    pub(super) connections: usize,
    pub(super) payload: Payload,
    /// How many messages are on their way on each, where there is no schedule.
    pub(super) depth: usize,
    pub(super) schedule: Option<Schedule>,
    pub(super) recorder: Recorder,
}

/// When messages are due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) start: Time,
    pub(super) rate: f64,
    pub(super) count: u64,
}

impl Schedule {
    pub(super) fn at_rate(rate: f64) -> Schedule {
        Schedule { start: Time::ZERO, rate, count: 0 }
    }

    pub(super) fn due(&self) -> Time {
        self.start + Duration::from_secs_f64(self.count as f64 / self.rate)
    }
}

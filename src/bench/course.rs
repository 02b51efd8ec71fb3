//! The course of a load from its first message to its last: warming up, measuring, waiting for the rest.

use std::time::Duration;

use super::run::Stage;
use super::{GRACE, Options, SETTLE};
use crate::time::Time;

/// Where a load is, and when that ends.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) stage: Stage,
    /// When the stage ends, where time decides it.
    pub(super) until: Time,
    warmup: Duration,
    duration: Duration,
}

impl Course {
    pub(super) fn new(options: &Options) -> Course {
        let Options { warmup, duration, .. } = *options;
        Course { stage: Stage::Few, until: Time::ZERO, warmup, duration }
    }

    /// Whether new messages are sent.
    pub(super) fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Warmup | Stage::Measuring)
    }

    /// Everybody is there.
    pub(super) fn start(&mut self, now: Time) {
        (self.stage, self.until) = (Stage::Warmup, now + self.warmup);
    }

    /// Goes on to the next stage when it is time. Returns which one that is: of [`Stage::Measuring`] the
    /// caller begins to record, of [`Stage::Finishing`] he [settles](Course::settle), and with
    /// [`Stage::Done`] what has not come by then is missing.
    pub(super) fn advance(&mut self, now: Time) -> Option<Stage> {
        let (stage, lasts) = match self.stage {
            Stage::Warmup => (Stage::Measuring, self.duration),
            Stage::Measuring => (Stage::Finishing, GRACE),
            Stage::Finishing => (Stage::Done, Duration::ZERO),
            _ => return None,
        };
        (now >= self.until).then(|| {
            (self.stage, self.until) = (stage, now + lasts);
            stage
        })
    }

    /// Nothing is on its way any more: at the end, it is listened only a little longer for what is too
    /// much.
    pub(super) fn settle(&mut self, now: Time) {
        if self.stage == Stage::Finishing {
            self.until = self.until.min(now + SETTLE);
        }
    }
}

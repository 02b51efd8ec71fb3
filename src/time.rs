//! The two clocks of a turn, as plain data.
//!
//! Only a [`Kernel`](crate::kernel::Kernel) reads clocks; everything else is told what time it is.
//! That is what lets a simulated kernel run the server in virtual time, and a recording replay it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment on the monotonic clock, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

impl Time {
    /// The start of the clock.
    pub const ZERO: Time = Time(0);

    /// The moment `nanos` nanoseconds after the start of the clock.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the start of the clock.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How much later `self` is than `earlier`; zero if it is not later at all.
    pub fn saturating_since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    /// Saturates at the end of the clock, 584 years after its start.
    fn add(self, after: Duration) -> Time {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(nanos))
    }
}

impl Sub<Time> for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Duration::from_nanos(self.0))
    }
}

/// When a warning that may repeat was logged last: once in five seconds is enough.
#[derive(Debug, Default)]
pub(crate) struct Warning(Option<Time>);

impl Warning {
    /// A warning may be logged again after this time.
    const EVERY: Duration = Duration::from_secs(5);

    /// Whether it is to be logged now; then it is taken to be.
    pub(crate) fn is_due(&mut self, now: Time) -> bool {
        let is_due = self.0.is_none_or(|last| now - last >= Warning::EVERY);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

/// What a clock on the wall shows: seconds since 1970-01-01 UTC, and how far local time is ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WallClock {
    /// Whole seconds since the UNIX epoch.
    pub unix_seconds: i64,
    /// Local time minus UTC, in seconds (east of Greenwich is positive).
    pub offset_seconds: i32,
}

/// Both clocks, read together once a turn and valid for the whole of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// The clock for deadlines.
    pub time: Time,
    /// The clock for people.
    pub wall: WallClock,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let late = Time::from_nanos(u64::MAX - 1);
        assert_eq!(late + Duration::from_secs(10), Time::from_nanos(u64::MAX));
        assert_eq!(Time::ZERO - late, Duration::ZERO);
    }

    #[test]
    fn a_warning_is_logged_at_once_and_then_every_five_seconds() {
        let mut warning = Warning::default();
        let logged = (0..12_000).step_by(1_000).filter(|&millis| {
            let now = Time::ZERO + Duration::from_millis(millis);
            warning.is_due(now)
        });
        assert_eq!(logged.collect::<Vec<_>>(), [0, 5_000, 10_000]);
    }

    #[test]
    fn a_difference_is_a_duration() {
        let start = Time::from_nanos(1_000);
        assert_eq!((start + Duration::from_millis(5)) - start, Duration::from_millis(5));
    }
}

//! Reads the two clocks of a turn: the one for deadlines and the one for people.
//!
//! [`Mio::now`](super::Mio) asks once a turn, and for the first one alone at the end of a turn. The
//! monotonic clock counts from the moment the [`Clock`] was made, so that it fits in 64 bits of
//! nanoseconds. The wall clock needs to know how far local time is ahead of UTC, which is a search in
//! the rules of a time zone; it is done once a minute.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::sys::time::TimeSpec;
use nix::time::ClockId;

use crate::time::{Now, Time, WallClock};

/// Both clocks and the time zone of the machine.
#[derive(Debug)]
pub(super) struct Clock {
    /// Where the system's monotonic clock stood at the start.
    start: Time,
    offset: LocalOffset,
}

impl Clock {
    /// Starts the monotonic clock at zero. The time zone is the one named by `TZ`, or else by
    /// `/etc/localtime`, or else UTC; it is read here and kept, as tzset(3) does, so that no turn
    /// touches the file system.
    pub(super) fn new() -> Clock {
        Clock { start: monotonic(), offset: LocalOffset::new(TimeZone::system()) }
    }

    /// Reads the monotonic clock.
    pub(super) fn time(&self) -> Time {
        Time::from_nanos(monotonic().as_nanos() - self.start.as_nanos())
    }

    /// Reads both clocks.
    pub(super) fn now(&mut self) -> Now {
        // Rounded down, also before 1970 (timespec(3)).
        #[allow(clippy::useless_conversion, reason = "it has 32 bits on some systems")]
        let unix_seconds = i64::from(read(ClockId::CLOCK_REALTIME).tv_sec());
        Now {
            time: self.time(),
            wall: WallClock { unix_seconds, offset_seconds: self.offset.at(unix_seconds) },
        }
    }
}

/// The monotonic clock of the system, which starts anywhere.
fn monotonic() -> Time {
    Time::ZERO + Duration::from(read(ClockId::CLOCK_MONOTONIC))
}

/// Asks the system, without a system call where it shows its clocks to processes (vdso(7)). The standard
/// library does the same, and then reckons with halves of a number that fits into one.
fn read(clock: ClockId) -> TimeSpec {
    clock.now().expect("every system has these clocks")
}

/// How far local time is ahead of UTC, remembered for the minute it was looked up in.
///
/// A whole minute is safe: the rules of tzfile(5) allow a change at any second, but the zones in
/// use change on whole minutes of UTC. A clock that is set back or forward lands in another minute,
/// and so is looked up again.
#[derive(Debug)]
struct LocalOffset {
    zone: TimeZone,
    minute: Option<i64>,
    seconds: i32,
}

impl LocalOffset {
    fn new(zone: TimeZone) -> LocalOffset {
        LocalOffset { zone, minute: None, seconds: 0 }
    }

    /// Seconds east of Greenwich at a moment.
    fn at(&mut self, unix_seconds: i64) -> i32 {
        let minute = unix_seconds.div_euclid(60);
        if self.minute != Some(minute) {
            self.minute = Some(minute);
            // Outside the years -9999 to 9999 there are no rules, and UTC is as good as any.
            self.seconds = Timestamp::from_second(unix_seconds)
                .map_or(0, |moment| self.zone.to_offset(moment).seconds());
        }
        self.seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_changes_at_the_very_second_of_a_transition() {
        // 2026-10-25T01:00:00Z: summer time ends in central Europe.
        let end = 1_792_890_000;
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let mut offset = LocalOffset::new(zone);
        assert_eq!(offset.at(end - 61), 7200);
        assert_eq!(offset.at(end - 1), 7200);
        assert_eq!(offset.at(end), 3600);
        assert_eq!(offset.at(end - 1), 7200, "a clock that is set back");
    }

    #[test]
    fn a_time_out_of_all_calendars_is_shown_in_utc() {
        let mut offset = LocalOffset::new(TimeZone::posix("ABC-5").unwrap());
        assert_eq!(offset.at(0), 5 * 3600);
        assert_eq!(offset.at(i64::MAX), 0);
        assert_eq!(offset.at(i64::MIN), 0);
    }

    #[test]
    fn the_monotonic_clock_starts_at_zero_and_does_not_go_back() {
        let mut clock = Clock::new();
        let first = clock.now();
        assert!(first.time < Time::from_nanos(60_000_000_000));
        assert!(clock.now().time >= first.time);
        assert!(first.wall.unix_seconds > 1_700_000_000);
    }
}

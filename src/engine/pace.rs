//! How long the loop takes.
//!
//! Two things tell how well a loop keeps up. A *turn* is from when something was found ready to when the loop
//! waits again: whatever becomes ready meanwhile waits for the rest of it. And *lag* is how late the loop
//! comes to a moment that was named in advance, a deadline or a service's timer: what turns take, and what
//! the system takes to wake the loop, which counts in milliseconds (epoll_wait(2)).

use std::time::Duration;

use crate::time::Time;

/// How long turns take, and how late they begin.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pace {
    /// The length of each turn.
    pub turns: Spells,
    /// How late the loop has come to what was due.
    pub lag: Spells,
}

/// A number of times, by how long they were.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Spells {
    /// How many were as long as [`bound`](Spells::bound) says, and longer than the bound before.
    counts: [u64; Spells::BOUNDS + 1],
    nanos: u64,
    recent: Recent,
}

/// The longest of this second and of the one before.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Recent {
    second: u64,
    longest: [u64; 2],
}

/// The first bound is 2 to the power of this, in nanoseconds: 4.096 µs.
const FIRST_SHIFT: u32 = 12;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Spells {
    /// How many bounds there are. Behind the last one is everything that is longer.
    pub const BOUNDS: usize = 11;

    /// The bound number `index`: 4.096 µs, and four times the one before; the last is 4.3 s.
    pub const fn bound(index: usize) -> Duration {
        Duration::from_nanos(1 << (FIRST_SHIFT as usize + 2 * index))
    }

    /// One more, that ends at `now`.
    #[expect(clippy::cast_possible_truncation, reason = "584 years")]
    pub(super) fn note(&mut self, length: Duration, now: Time) {
        let nanos = length.as_nanos() as u64;
        let bits = u64::BITS - nanos.saturating_sub(1).leading_zeros();
        let index = bits.saturating_sub(FIRST_SHIFT).div_ceil(2) as usize;
        self.counts[index.min(Spells::BOUNDS)] += 1;
        self.nanos += nanos;
        self.recent.roll(now);
        self.recent.longest[0] = self.recent.longest[0].max(nanos);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many were no longer than each bound in turn.
    pub fn up_to_bounds(&self) -> impl Iterator<Item = u64> {
        let counts = self.counts[..Spells::BOUNDS].iter();
        counts.scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
    }

    /// How long they were together.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// The longest of the last second or two, seen from `now`.
    pub fn longest(mut self, now: Time) -> Duration {
        self.recent.roll(now);
        let [this, last] = self.recent.longest;
        Duration::from_nanos(this.max(last))
    }
}

impl Recent {
    /// Goes on to the second of `now`.
    fn roll(&mut self, now: Time) {
        let second = now.as_nanos() / NANOS_PER_SECOND;
        if second != self.second {
            let last = if second == self.second + 1 { self.longest[0] } else { 0 };
            *self = Recent { second, longest: [0, last] };
        }
    }
}

impl Pace {
    /// As logs have it at a moment, in microseconds: the longest turn, and the worst lag, are of the last
    /// second or two.
    pub(super) fn line(&self, now: Time) -> String {
        format!(
            "turns={} busy_us={} longest_turn_us={} lag_us={}",
            self.turns.count(),
            self.turns.total().as_micros(),
            self.turns.longest(now).as_micros(),
            self.lag.longest(now).as_micros(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// What there is after one of this length.
    fn bounds_passed(length: Duration) -> usize {
        let mut spells = Spells::default();
        spells.note(length, Time::ZERO);
        assert_eq!((spells.count(), spells.total()), (1, length));
        spells.up_to_bounds().filter(|count| *count == 0).count()
    }

    #[test]
    fn each_is_counted_below_its_bound_and_at_it() {
        let nanosecond = Duration::from_nanos(1);
        assert_eq!(Spells::bound(0), Duration::from_nanos(4_096));
        assert_eq!(bounds_passed(Duration::ZERO), 0);
        for index in 0..Spells::BOUNDS {
            let bound = Spells::bound(index);
            assert_eq!(bounds_passed(bound - nanosecond), index, "{bound:?}");
            assert_eq!(bounds_passed(bound), index, "{bound:?}");
            assert_eq!(bounds_passed(bound + nanosecond), index + 1, "{bound:?}");
        }
        assert_eq!(bounds_passed(SECOND * 100_000), Spells::BOUNDS);
    }

    #[test]
    fn the_longest_is_of_this_second_or_the_one_before() {
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let mut spells = Spells::default();
        spells.note(Duration::from_millis(7), at(1_100));
        spells.note(Duration::from_millis(3), at(1_900));
        for (now, longest) in [(1_900, 7), (2_000, 7), (2_999, 7), (3_000, 0), (9_000, 0)] {
            assert_eq!(spells.longest(at(now)), Duration::from_millis(longest), "{now}");
        }
        spells.note(Duration::from_millis(5), at(2_500));
        for (now, longest) in [(2_999, 7), (3_000, 5), (4_000, 0)] {
            assert_eq!(spells.longest(at(now)), Duration::from_millis(longest), "{now}");
        }
    }
}

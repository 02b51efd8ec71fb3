//! Deadlines of connections: a wheel of slots with lazy re-arming.
//!
//! ```text
//!     slot 0   1   2   3  …                       1023
//!        ┌───┬───┬───┬───┬───────────────────────┬───┐   one slot a tick of 2²⁴ ns (16.8 ms),
//!        │   │ ● │   │●● │                       │   │   17 s around
//!        └───┴─▲─┴───┴───┴───────────────────────┴───┘
//!             now
//! ```
//!
//! A connection has at most one *valid* entry, and remembers the tick of it. Activity does not
//! touch the wheel: it only moves a field of the connection. When an entry comes up, the
//! connection is looked at; if its deadline has moved, it is entered again. A deadline further
//! away than the wheel is entered in the last slot and looked at again there. So a message costs
//! no timer work at all, and an idle connection costs one look every 17 s.
//!
//! An entry that was overtaken (by an earlier deadline, or because its connection is gone) stays
//! where it is until it comes up, and is recognised by its tick and dropped.

use std::time::Duration;

use crate::time::Time;

/// How many slots the wheel has; a power of two.
const SLOTS: u32 = 1024;

/// A tick is 2 to the power of this many nanoseconds.
const TICK_SHIFT: u32 = 24;

/// A moment in ticks. It wraps around after 2.3 years, so two of them are compared by their
/// difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tick(u32);

impl Tick {
    /// The tick that `time` lies in.
    #[expect(clippy::cast_possible_truncation, reason = "ticks wrap around by design")]
    pub(super) fn at(time: Time) -> Tick {
        Tick((time.as_nanos() >> TICK_SHIFT) as u32)
    }

    /// The first tick that is certain to begin after `duration` has passed since anywhere in
    /// `self`. At most a third of the wheel's number range away, so that comparisons hold.
    pub(super) fn after(self, duration: Duration) -> Tick {
        let ticks = (duration.as_nanos() >> TICK_SHIFT) + 2;
        let ticks = u32::try_from(ticks).unwrap_or(u32::MAX).min(u32::MAX / 3);
        Tick(self.0.wrapping_add(ticks))
    }

    /// Whether `self` is at or behind `other`.
    pub(super) fn is_due(self, other: Tick) -> bool {
        other.0.wrapping_sub(self.0) < u32::MAX / 2
    }

    /// How long ago `earlier` was.
    pub(super) fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(u64::from(self.ahead_of(earlier)) << TICK_SHIFT)
    }

    /// For how long the tick has been there at `now`, which is not before it.
    pub(super) fn passed_at(self, now: Time) -> Duration {
        let part = Duration::from_nanos(now.as_nanos() % (1 << TICK_SHIFT));
        Tick::at(now).since(self) + part
    }

    /// How many ticks `self` is ahead of `earlier`.
    fn ahead_of(self, earlier: Tick) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    fn next(self) -> Tick {
        Tick(self.0.wrapping_add(1))
    }

    fn slot(self) -> usize {
        (self.0 % SLOTS) as usize
    }
}

/// The wheel. It holds the indices of connections; who is behind an index is for the engine to
/// look up.
#[derive(Debug)]
pub(super) struct Timers {
    slots: Box<[Vec<u32>]>,
    /// The last tick whose slot was emptied.
    done: Tick,
    /// The first tick behind `done` whose slot is not empty, if there is one. The loop asks for it
    /// every turn, so it is kept and not searched for.
    soonest: Option<Tick>,
}

impl Timers {
    pub(super) fn new() -> Timers {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Timers { slots, done: Tick::default(), soonest: None }
    }

    /// Enters `index` to be looked at when `deadline` comes, or earlier; returns the tick at which
    /// it will be.
    pub(super) fn arm(&mut self, index: u32, deadline: Tick, now: Tick) -> Tick {
        if self.soonest.is_none() {
            // Nobody was waiting, so the wheel may have stood still for long.
            self.done = Tick(now.0.wrapping_sub(1));
        }
        let first = self.done.next();
        let tick = if deadline.is_due(first) {
            first
        } else if deadline.ahead_of(self.done) >= SLOTS {
            Tick(self.done.0.wrapping_add(SLOTS - 1))
        } else {
            deadline
        };
        self.slots[tick.slot()].push(index);
        if self.soonest.is_none_or(|soonest| tick.is_due(soonest)) {
            self.soonest = Some(tick);
        }
        tick
    }

    /// Takes the entries that have come up by `now`, up to about `budget`, and hands each to `due`
    /// with its tick. What is left over comes with the next call.
    pub(super) fn expire(&mut self, now: Tick, budget: usize, due: &mut Vec<(u32, Tick)>) {
        while let Some(tick) = self.soonest.filter(|soonest| soonest.is_due(now)) {
            let slot = &mut self.slots[tick.slot()];
            let room = budget.saturating_sub(due.len());
            if slot.len() > room {
                let keep = slot.len() - room;
                due.extend(slot.drain(keep..).map(|index| (index, tick)));
                return;
            }
            // The slot's memory goes, too: a burst of connections must not leave a thousand slots
            // as large as the burst.
            due.extend(std::mem::take(slot).into_iter().map(|index| (index, tick)));
            self.done = tick;
            self.soonest = self.search();
        }
    }

    /// When the next entry comes up, seen from `now`.
    pub(super) fn next_due(&self, now: Time) -> Option<Time> {
        let soonest = self.soonest?;
        let base = Tick::at(now);
        let ahead = if soonest.is_due(base) { 0 } else { soonest.ahead_of(base) };
        Some(Time::from_nanos(((now.as_nanos() >> TICK_SHIFT) + u64::from(ahead)) << TICK_SHIFT))
    }

    /// The first tick behind `done` that has an entry.
    fn search(&self) -> Option<Tick> {
        let mut tick = self.done;
        for _ in 1..SLOTS {
            tick = tick.next();
            if !self.slots[tick.slot()].is_empty() {
                return Some(tick);
            }
        }
        None
    }

    /// What is kept about the slots is what is in them.
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.soonest, self.search());
    }

    /// Whether there is an entry for `index` at `tick`.
    pub(super) fn holds(&self, index: u32, tick: Tick) -> bool {
        self.slots[tick.slot()].contains(&index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    fn expired(timers: &mut Timers, now: Time) -> Vec<u32> {
        let mut due = Vec::new();
        timers.expire(Tick::at(now), usize::MAX, &mut due);
        due.into_iter().map(|(index, _)| index).collect()
    }

    #[test]
    fn an_entry_comes_up_after_its_deadline_and_not_before() {
        let mut timers = Timers::new();
        let start = at(5_000);
        let deadline = Tick::at(start).after(Duration::from_millis(1_000));
        timers.arm(7, deadline, Tick::at(start));
        assert!(expired(&mut timers, at(5_999)).is_empty());
        let due = timers.next_due(at(5_999)).unwrap();
        assert!(due >= at(6_000) && due < at(6_040), "{due:?}");
        assert_eq!(expired(&mut timers, due), [7]);
        assert_eq!(timers.next_due(due), None);
    }

    #[test]
    fn a_far_deadline_is_looked_at_once_a_revolution() {
        let mut timers = Timers::new();
        let start = at(0);
        let deadline = Tick::at(start).after(Duration::from_secs(60));
        let mut armed = timers.arm(1, deadline, Tick::at(start));
        let mut looks = 0;
        let mut now = start;
        while armed != deadline {
            now = timers.next_due(now).unwrap();
            assert_eq!(expired(&mut timers, now), [1]);
            armed = timers.arm(1, deadline, Tick::at(now));
            looks += 1;
        }
        assert!((2..=4).contains(&looks), "looked at {looks} times in 60 s");
    }

    #[test]
    fn the_wheel_turns_over_the_end_of_its_numbers() {
        let mut timers = Timers::new();
        let end = Time::from_nanos(u64::from(u32::MAX) << TICK_SHIFT);
        let deadline = Tick::at(end).after(Duration::from_secs(2));
        timers.arm(3, deadline, Tick::at(end));
        assert!(expired(&mut timers, end + Duration::from_millis(1_900)).is_empty());
        assert_eq!(expired(&mut timers, end + Duration::from_millis(2_100)), [3]);
    }

    #[test]
    fn one_call_does_a_bounded_amount_of_work() {
        let mut timers = Timers::new();
        let now = Tick::at(at(0));
        for index in 0..10_000 {
            timers.arm(index, now.after(Duration::from_millis(100)), now);
        }
        let mut seen = 0;
        let mut calls = 0;
        while timers.next_due(at(200)).is_some() {
            let mut due = Vec::new();
            timers.expire(Tick::at(at(200)), 4_096, &mut due);
            assert!(due.len() <= 4_096);
            seen += due.len();
            calls += 1;
        }
        assert_eq!((seen, calls), (10_000, 3));
    }
}

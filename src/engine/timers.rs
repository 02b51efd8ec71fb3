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
//! A connection has at most one entry, and remembers the tick of it. Activity does not touch the
//! wheel: it only moves a field of the connection. When an entry comes up, the connection is looked
//! at; if its deadline has moved, it is entered again. A deadline further away than the wheel is
//! entered in the last slot and looked at again there. So a message costs no timer work at all, and
//! an idle connection costs one look every 17 s.
//!
//! The entries of a slot are a doubly linked list through one table, in which a connection has the
//! place that it has everywhere:
//!
//! ```text
//!     slots   … │ 7 │ …              who is first
//!                 └──┐
//!     links   … 2:(7, –) … 7:(–, 2)  who is before, and who behind
//! ```
//!
//! So it leaves the wheel in the moment in which it leaves, wherever it stands, and the wheel takes
//! 8 bytes a connection however many have come and gone.

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

    fn previous(self) -> Tick {
        Tick(self.0.wrapping_sub(1))
    }

    fn slot(self) -> usize {
        (self.0 % SLOTS) as usize
    }
}

/// Nobody: no connection has this index.
const NONE: u32 = u32::MAX;

/// Room for so many is asked for at once, for the reason that
/// [`Connections`](super::connections::Connections) has.
const FIRST_LINKS: usize = 16_384;

/// Who stands beside somebody in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Link {
    before: u32,
    behind: u32,
}

/// The wheel. It holds the indices of connections; who is behind an index is for the engine to
/// look up.
#[derive(Debug)]
pub(super) struct Timers {
    /// The first of each slot.
    slots: Box<[u32]>,
    /// The neighbours of each index that is entered.
    links: Vec<Link>,
    /// How many are entered.
    count: usize,
    /// The last tick whose slot was emptied.
    done: Tick,
    /// No slot between `done` and this tick has an entry; none has if there is no such tick. The loop
    /// asks for it every turn, so it is kept and not searched for. Who leaves does not move it: the
    /// loop may come once for nobody.
    soonest: Option<Tick>,
}

impl Timers {
    pub(super) fn new() -> Timers {
        let slots = vec![NONE; SLOTS as usize].into_boxed_slice();
        Timers { slots, links: Vec::new(), count: 0, done: Tick::default(), soonest: None }
    }

    /// Enters `index`, which is not entered, to be looked at when `deadline` comes, or earlier;
    /// returns the tick at which it will be.
    pub(super) fn arm(&mut self, index: u32, deadline: Tick, now: Tick) -> Tick {
        if self.soonest.is_none() {
            // Nobody was waiting, so the wheel may have stood still for long.
            self.done = now.previous();
        }
        let first = self.done.next();
        let tick = if deadline.is_due(first) {
            first
        } else if deadline.ahead_of(self.done) >= SLOTS {
            Tick(self.done.0.wrapping_add(SLOTS - 1))
        } else {
            deadline
        };
        self.link(index, tick.slot());
        if self.soonest.is_none_or(|soonest| tick.is_due(soonest)) {
            self.soonest = Some(tick);
        }
        tick
    }

    /// Takes out `index`, which was entered at `tick`.
    pub(super) fn disarm(&mut self, index: u32, tick: Tick) {
        let Link { before, behind } = self.links[index as usize];
        match before {
            NONE => self.slots[tick.slot()] = behind,
            before => self.links[before as usize].behind = behind,
        }
        if behind != NONE {
            self.links[behind as usize].before = before;
        }
        self.count -= 1;
        if self.count == 0 {
            self.soonest = None;
        }
    }

    /// Takes out an entry that has come up by `now`.
    pub(super) fn expire(&mut self, now: Tick) -> Option<u32> {
        loop {
            let tick = self.soonest.filter(|soonest| soonest.is_due(now))?;
            let index = self.slots[tick.slot()];
            if index != NONE {
                // The wheel has come here: whoever is entered again is entered as far ahead as it goes.
                self.done = tick.previous();
                self.disarm(index, tick);
                return Some(index);
            }
            self.done = tick;
            self.soonest = self.search();
        }
    }

    /// Gives back the memory of the table: nobody is there.
    pub(super) fn trim(&mut self) {
        debug_assert_eq!(self.count, 0, "somebody is there");
        self.links = Vec::new();
    }

    /// Puts `index` at the head of a slot.
    fn link(&mut self, index: u32, slot: usize) {
        let place = index as usize;
        if self.links.capacity() == 0 {
            self.links.reserve(FIRST_LINKS);
        }
        if place >= self.links.len() {
            self.links.resize(place + 1, Link { before: NONE, behind: NONE });
        }
        let behind = std::mem::replace(&mut self.slots[slot], index);
        self.links[place] = Link { before: NONE, behind };
        if behind != NONE {
            self.links[behind as usize].before = index;
        }
        self.count += 1;
    }

    /// Who is entered in a slot.
    fn entries(&self, slot: usize) -> impl Iterator<Item = u32> {
        let known = |index: u32| (index != NONE).then_some(index);
        let first = known(self.slots[slot]);
        std::iter::successors(first, move |&index| known(self.links[index as usize].behind))
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
            if self.slots[tick.slot()] != NONE {
                return Some(tick);
            }
        }
        None
    }

    /// What is kept about the slots is what is in them, and neighbours know each other.
    pub(super) fn check_invariants(&self) {
        let mut count = 0;
        for slot in 0..self.slots.len() {
            let mut before = NONE;
            for index in self.entries(slot) {
                assert_eq!(self.links[index as usize].before, before);
                before = index;
                count += 1;
            }
        }
        assert_eq!(self.count, count);
        match (self.soonest, self.search()) {
            (Some(soonest), Some(found)) => assert!(soonest.is_due(found), "it is missed"),
            (soonest, found) => assert_eq!((soonest, found), (None, None)),
        }
    }

    /// Whether there is an entry for `index` at `tick`.
    pub(super) fn holds(&self, index: u32, tick: Tick) -> bool {
        self.entries(tick.slot()).any(|entry| entry == index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    fn expired(timers: &mut Timers, now: Time) -> Vec<u32> {
        timers.check_invariants();
        std::iter::from_fn(|| timers.expire(Tick::at(now))).collect()
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
    fn whoever_is_entered_again_in_a_sweep_is_not_met_again_in_it() {
        let mut timers = Timers::new();
        let start = Tick::at(at(0));
        let deadline = start.after(Duration::from_secs(60));
        for index in 0..3 {
            timers.arm(index, deadline, start);
        }
        // The loop comes in time, or late.
        for now in [17_200, 40_000] {
            let now = Tick::at(at(now));
            let met: Vec<_> = std::iter::from_fn(|| {
                let index = timers.expire(now)?;
                timers.arm(index, deadline, now);
                timers.check_invariants();
                Some(index)
            })
            .take(100)
            .collect();
            assert!(met.len() <= 6, "{met:?}");
            assert!(timers.next_due(at(40_000)).is_some_and(|due| due > at(18_000)), "{timers:?}");
        }
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
    fn who_leaves_takes_its_entry_along() {
        let start = Tick::at(at(0));
        let deadline = start.after(Duration::from_secs(1));
        // The first of a slot, one in the middle, the last; and all of them.
        for gone in [&[2][..], &[1], &[0], &[0, 2], &[2, 1, 0]] {
            let mut timers = Timers::new();
            let ticks = [0, 1, 2].map(|index| timers.arm(index, deadline, start));
            for &index in gone {
                timers.disarm(index, ticks[index as usize]);
                assert!(!timers.holds(index, ticks[index as usize]));
                timers.check_invariants();
            }
            let stay: Vec<_> =
                [2, 1, 0].into_iter().filter(|index| !gone.contains(index)).collect();
            assert_eq!(timers.next_due(at(0)).is_none(), stay.is_empty());
            assert_eq!(expired(&mut timers, at(1_100)), stay);
        }
    }

    #[test]
    fn the_wheel_is_as_large_as_most_were_there_at_a_time() {
        let mut timers = Timers::new();
        for round in 0..10_000 {
            let now = Tick::at(at(round));
            let index = u32::try_from(round % 3).unwrap();
            let tick = timers.arm(index, now.after(Duration::from_secs(10)), now);
            timers.disarm(index, tick);
        }
        assert_eq!((timers.links.len(), timers.next_due(at(10_000))), (3, None));
    }
}

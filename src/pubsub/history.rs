//! The last messages of a topic, as one ring.

use std::collections::VecDeque;

/// What a kept message takes at most besides its bytes: what the allocator writes in front of them, and
/// places in the ring, of which there are up to four a message.
const OVERHEAD: usize = 2 * size_of::<usize>() + 4 * size_of::<Box<[u8]>>();

/// A ring of so many places is never too large to be kept.
const SMALL: usize = 4;

/// The numbers that a topic has given, and the messages that it still has.
///
/// The messages are the last ones, without a gap: `head - ring.len() + 1` to `head`. Each has its memory
/// to itself and gives it back when it goes, so that what counts is what is held.
#[derive(Debug)]
pub(super) struct History {
    head: u64,
    ring: VecDeque<Box<[u8]>>,
    /// The bytes of all of them.
    bytes: usize,
}

impl History {
    /// A topic that will count on from `head`.
    pub(super) fn from(head: u64) -> History {
        History { head, ring: VecDeque::new(), bytes: 0 }
    }

    /// The number of the last message.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// The number of the oldest message that is kept; of the next one where none is.
    pub(super) fn first(&self) -> u64 {
        self.head - self.ring.len() as u64 + 1
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// How many messages are kept.
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// What the messages that are kept count as; no less than the memory that they hold.
    pub(super) fn cost(&self) -> usize {
        self.bytes + self.ring.len() * OVERHEAD
    }

    /// What keeping a message of `length` bytes would add to that.
    pub(super) fn cost_of(length: usize) -> usize {
        length + OVERHEAD
    }

    /// Keeps a message, with the next number.
    pub(super) fn keep(&mut self, text: &[u8]) {
        self.bytes += text.len();
        self.ring.push_back(text.into());
        self.head += 1;
    }

    /// Counts a message that is not kept; those before it are of no use without it.
    pub(super) fn skip(&mut self) {
        *self = History::from(self.head + 1);
    }

    /// Drops the oldest message, and the memory with the last one.
    pub(super) fn drop_oldest(&mut self) {
        let Some(oldest) = self.ring.pop_front() else { return };
        self.bytes -= oldest.len();
        let most = 4 * self.ring.len().max(SMALL);
        if self.is_empty() {
            self.ring = VecDeque::new();
        } else if self.ring.capacity() > most {
            self.ring.shrink_to(most / 2);
        }
    }

    /// A message that is kept, by its number.
    pub(super) fn get(&self, number: u64) -> Option<&[u8]> {
        let index = usize::try_from(number.checked_sub(self.first())?).ok()?;
        self.ring.get(index).map(|text| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_messages_are_found_by_their_numbers() {
        let mut history = History::from(40);
        assert_eq!((history.head(), history.first(), history.get(40)), (40, 41, None));
        for number in 41..=1_000_u64 {
            history.keep(number.to_string().repeat(7).as_bytes());
            if history.len() > 5 {
                history.drop_oldest();
            }
        }
        assert_eq!((history.first(), history.head()), (996, 1_000));
        for number in 996..=1_000 {
            assert_eq!(history.get(number), Some(number.to_string().repeat(7).as_bytes()));
        }
        assert_eq!((history.get(995), history.get(1_001), history.get(0)), (None, None, None));
        assert_eq!(history.cost(), (4 * 3 + 4) * 7 + 5 * OVERHEAD);
    }

    #[test]
    fn empty_messages_are_messages() {
        let mut history = History::from(0);
        for text in ["", "a", ""] {
            history.keep(text.as_bytes());
        }
        let all = [1, 2, 3, 4].map(|number| history.get(number));
        assert_eq!(all, [Some(&b""[..]), Some(b"a"), Some(b""), None]);
    }

    #[test]
    fn what_is_not_kept_counts_and_makes_those_before_it_useless() {
        let mut history = History::from(0);
        history.keep(b"one");
        history.skip();
        assert_eq!((history.head(), history.first(), history.cost()), (2, 3, 0));
        history.keep(b"three");
        assert_eq!(history.get(3), Some(&b"three"[..]));
        history.drop_oldest();
        history.drop_oldest();
        assert_eq!((history.head(), history.first(), history.cost()), (3, 4, 0));
    }

    #[test]
    fn what_was_long_holds_no_memory_when_it_is_gone() {
        let mut history = History::from(0);
        for length in [65_000, 1] {
            for _ in 0..10_000 {
                history.keep(&vec![0; if history.len() < 100 { length } else { 1 }]);
                if history.len() > 100 {
                    history.drop_oldest();
                }
            }
        }
        assert_eq!(history.cost(), 100 * (1 + OVERHEAD));
        while history.len() > 3 {
            history.drop_oldest();
        }
        assert!(history.ring.capacity() <= 4 * SMALL, "{}", history.ring.capacity());
    }
}

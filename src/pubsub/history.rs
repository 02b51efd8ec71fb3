//! The last messages of a topic, as one ring.

use std::collections::VecDeque;

use crate::buffer::Buffer;

/// What a kept message costs besides its bytes.
const OVERHEAD: usize = size_of::<u64>();

/// The numbers that a topic has given, and the messages that it still has.
///
/// The messages are the last ones, without a gap: `head - ends.len() + 1` to `head`. They stand one
/// behind the other in one buffer, so that keeping one allocates nothing.
#[derive(Debug)]
pub(super) struct History {
    head: u64,
    bytes: Buffer,
    /// Where each message ends, as if nothing had ever been taken from the front.
    ends: VecDeque<u64>,
    /// How many bytes have been taken from the front.
    taken: u64,
}

impl History {
    /// A topic that will count on from `head`.
    pub(super) fn from(head: u64) -> History {
        History { head, bytes: Buffer::default(), ends: VecDeque::new(), taken: 0 }
    }

    /// The number of the last message.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// The number of the oldest message that is kept; of the next one where none is.
    pub(super) fn first(&self) -> u64 {
        self.head - self.ends.len() as u64 + 1
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many messages are kept.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// What the messages that are kept count as.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + self.ends.len() * OVERHEAD
    }

    /// What keeping a message of `length` bytes would add to that.
    pub(super) fn cost_of(length: usize) -> usize {
        length + OVERHEAD
    }

    /// Keeps a message, with the next number.
    pub(super) fn keep(&mut self, text: &[u8]) {
        self.bytes.extend(text);
        self.ends.push_back(self.taken + self.bytes.len() as u64);
        self.head += 1;
    }

    /// Counts a message that is not kept; those before it are of no use without it.
    pub(super) fn skip(&mut self) {
        if !self.is_empty() {
            *self = History::from(self.head);
        }
        self.head += 1;
    }

    /// Drops the oldest message, and the memory with the last one.
    pub(super) fn drop_oldest(&mut self) {
        let Some(end) = self.ends.pop_front() else { return };
        if self.is_empty() {
            *self = History::from(self.head);
            return;
        }
        self.bytes.consume(usize::try_from(end - self.taken).expect("it is in memory"));
        self.taken = end;
    }

    /// A message that is kept, by its number.
    pub(super) fn get(&self, number: u64) -> Option<&[u8]> {
        let index = usize::try_from(number.checked_sub(self.first())?).ok()?;
        let place = |end: u64| usize::try_from(end - self.taken).expect("it is in memory");
        let end = place(*self.ends.get(index)?);
        let start = index.checked_sub(1).map_or(0, |before| place(self.ends[before]));
        Some(&self.bytes.as_slice()[start..end])
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
}

//! Byte queues that are borrowed from a pool only while there are bytes in them.
//!
//! A connection that is neither sending nor in the middle of a message owns no [`Buffer`] at all;
//! that is why an idle connection is small. The [`BufferPool`] is last in, first out: serving one
//! connection after the other reuses the buffer whose memory is still warm in the cache. It is
//! cleared before it is lent again, so no peer ever sees another peer's bytes.
//!
//! The pool keeps the books, too: how much memory all of its buffers hold, lent or kept, and how many
//! bytes in them wait to be written. A buffer carries what it was entered with last. Whoever has let
//! one grow, shrink or be consumed *settles* it, which is a comparison and rarely more; nothing is
//! ever counted by looking at everybody.

mod pool;

use std::ops::Range;

pub use self::pool::BufferPool;

/// A growable queue of bytes: appended at the back, consumed at the front.
///
/// Invariant: `start <= bytes.len()`.
#[derive(Default, Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    /// The memory with which it stands in the books of its pool.
    entered_bytes: usize,
    /// The output with which it stands there.
    entered_output: usize,
    /// For who queues frames in it; forgotten when it is emptied.
    pub marks: Marks,
}

/// What whoever queues frames has to remember of them. Places count from the front of the queue.
#[derive(Clone, Copy, Default, Debug)]
pub struct Marks {
    /// The queue was not taken whole when it was last offered.
    pub is_blocked: bool,
    /// Up to here stands the rest of what has begun to leave.
    pub cut: usize,
    /// From `cut` to here stand frames that were put ahead of the others.
    pub ahead: usize,
    /// From here on there may be frames that are to be put ahead.
    pub strays: Option<usize>,
    /// There was something in it that its receiver did not ask for.
    pub is_pushed: bool,
}

impl Buffer {
    /// How many bytes are waiting.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that are waiting, oldest first.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The bytes that are waiting, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// The end of the queue, for encoders that append. Whoever takes it may only append.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops the oldest `count` bytes.
    ///
    /// # Panics
    /// If fewer than `count` bytes are waiting.
    pub fn consume(&mut self, count: usize) {
        assert!(count <= self.len(), "consumed more than was queued");
        self.start += count;
        if self.start == self.bytes.len() {
            self.clear();
        } else if self.start >= COMPACT_BYTES && self.start * 2 >= self.bytes.len() {
            // Moves at most as many bytes as were consumed since the last time, so a queue that
            // is never empty costs a constant factor and at most twice its length in memory.
            self.bytes.copy_within(self.start.., 0);
            self.bytes.truncate(self.bytes.len() - self.start);
            self.start = 0;
        }
    }

    /// Puts `bytes` in the place of those in `range`.
    pub fn replace(&mut self, range: Range<usize>, bytes: &[u8]) {
        let range = self.start + range.start..self.start + range.end;
        self.bytes.splice(range, bytes.iter().copied());
    }

    /// Drops the newest bytes, so that `length` are left; does nothing if there are no more.
    pub fn truncate(&mut self, length: usize) {
        self.bytes.truncate(self.start + length);
    }

    /// Gives memory back if there is far more of it than bytes that wait: whoever takes these few
    /// bytes is slow, and may leave them here for long.
    pub fn shrink(&mut self) {
        let enough = self.len().max(SMALL_BYTES);
        if self.capacity() / 8 > enough {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.shrink_to(2 * enough);
        }
    }

    /// Empties the queue and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.marks = Marks::default();
    }

    /// The memory held, in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// A queue is moved to the front of its memory when at least this much in front of it is consumed.
const COMPACT_BYTES: usize = 64 * 1024;

/// A buffer of this size is never too large to be kept.
const SMALL_BYTES: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_gives_back_what_went_in_while_it_is_compacted() {
        let mut buffer = Buffer::default();
        let mut expected = std::collections::VecDeque::new();
        let mut next = 0u8;
        for round in 0..400usize {
            for _ in 0..(round * 37) % 4096 {
                buffer.extend(&[next]);
                expected.push_back(next);
                next = next.wrapping_add(1);
            }
            let take = buffer.len() * (round % 5) / 4;
            assert!(buffer.as_slice()[..take].iter().eq(expected.iter().take(take)));
            buffer.consume(take);
            expected.drain(..take);
            assert_eq!(buffer.len(), expected.len());
        }
    }

    #[test]
    fn a_queue_that_was_long_shrinks_with_what_is_left() {
        let mut buffer = Buffer::default();
        buffer.extend(&[1; 1_000_000]);
        buffer.extend(&[2; 1_000]);
        buffer.consume(1_000_000);
        buffer.shrink();
        assert!(buffer.capacity() <= 4 * SMALL_BYTES, "{}", buffer.capacity());
        assert_eq!(buffer.as_slice(), [2; 1_000]);
    }
}

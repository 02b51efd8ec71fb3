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

use std::ops::Range;

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

/// Lends out [`Buffer`]s, the one that came back last first.
///
/// The boxes are deliberate: a handle of eight bytes is what a connection can afford to carry.
///
/// Invariant: `kept_bytes <= held_bytes`; a buffer that waits here holds what it is entered with.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "buffers are lent out by their box")]
pub struct BufferPool {
    free: Vec<Box<Buffer>>,
    /// At least so many were here at any time since unused ones were given back.
    unused: usize,
    kept_bytes: usize,
    held_bytes: usize,
    output_bytes: usize,
}

impl BufferPool {
    /// A buffer larger than this is given back to the allocator instead of being kept: it was
    /// grown by a slow consumer or a very large message.
    pub const MAX_BUFFER_BYTES: usize = 1024 * 1024 + 4096;

    /// The pool keeps at most this much memory for later, in however many buffers: a message to
    /// everybody takes as many as there are peers at once, and the next one again.
    pub const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

    /// A pool with nothing in it.
    pub const fn new() -> BufferPool {
        BufferPool { free: Vec::new(), unused: 0, kept_bytes: 0, held_bytes: 0, output_bytes: 0 }
    }

    /// An empty buffer, the warmest there is.
    pub fn take(&mut self) -> Box<Buffer> {
        match self.free.pop() {
            Some(buffer) => {
                self.kept_bytes -= buffer.capacity();
                self.unused = self.unused.min(self.free.len());
                buffer
            }
            None => Box::default(),
        }
    }

    /// An empty buffer to keep `length` bytes in for a while: the warmest there is, unless it is
    /// far too large. Output is gone in a moment, but the start of a message may be kept for as
    /// long as its sender likes, and must not keep the memory of somebody's largest message, too.
    pub fn take_for(&mut self, length: usize) -> Box<Buffer> {
        let fitting = length.saturating_mul(4).max(SMALL_BYTES);
        match self.free.last() {
            Some(warmest) if warmest.capacity() <= fitting => self.take(),
            _ => Box::default(),
        }
    }

    /// Enters what a lent buffer holds by now.
    #[inline]
    pub fn settle(&mut self, buffer: &mut Buffer) {
        let capacity = buffer.capacity();
        if buffer.entered_bytes != capacity {
            self.held_bytes = self.held_bytes + capacity - buffer.entered_bytes;
            buffer.entered_bytes = capacity;
        }
    }

    /// Enters what a lent buffer holds by now, all of which waits to be written to somebody.
    #[inline]
    pub fn settle_output(&mut self, buffer: &mut Buffer) {
        self.settle(buffer);
        self.output_bytes = self.output_bytes + buffer.len() - buffer.entered_output;
        buffer.entered_output = buffer.len();
    }

    /// Takes a buffer back, cleared.
    #[inline]
    pub fn give(&mut self, mut buffer: Box<Buffer>) {
        self.settle(&mut buffer);
        self.output_bytes -= std::mem::take(&mut buffer.entered_output);
        let capacity = buffer.capacity();
        let fits = capacity <= Self::MAX_BUFFER_BYTES
            && self.kept_bytes + capacity <= Self::MAX_KEPT_BYTES;
        if fits {
            buffer.clear();
            self.kept_bytes += capacity;
            self.free.push(buffer);
        } else {
            self.held_bytes -= capacity;
        }
    }

    /// Gives all kept memory back to the allocator.
    pub fn trim(&mut self) {
        self.held_bytes -= std::mem::take(&mut self.kept_bytes);
        self.free = Vec::new();
        self.unused = 0;
    }

    /// Gives those buffers back to the allocator that nobody has needed since this was done last. Of a
    /// pool that is last in, first out, these are the coldest.
    pub fn trim_unused(&mut self) {
        let bytes: usize = self.free.drain(..self.unused).map(|buffer| buffer.capacity()).sum();
        self.kept_bytes -= bytes;
        self.held_bytes -= bytes;
        self.unused = self.free.len();
        if self.unused == 0 {
            self.free = Vec::new();
        }
    }

    /// How much memory waits in the pool, in bytes.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// How much memory all buffers hold, lent and kept, in bytes, as far as they are settled.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How many bytes wait to be written, as far as they are settled.
    #[inline]
    pub fn output_bytes(&self) -> usize {
        self.output_bytes
    }
}

impl Default for BufferPool {
    fn default() -> Self {
        BufferPool::new()
    }
}

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
    fn the_last_buffer_given_is_the_first_lent() {
        let mut pool = BufferPool::new();
        let mut small = pool.take();
        let mut large = pool.take();
        small.extend(&[1; 10]);
        large.extend(&[2; 1000]);
        let large_capacity = large.capacity();
        pool.give(small);
        pool.give(large);
        let again = pool.take();
        assert_eq!(again.capacity(), large_capacity);
        assert!(again.is_empty(), "no byte of the last user is left");
    }

    #[test]
    fn what_nobody_needs_for_a_while_is_given_back() {
        let mut pool = BufferPool::new();
        let mut crowd: Vec<_> = (0..10).map(|_| pool.take()).collect();
        for buffer in &mut crowd {
            buffer.extend(&[0; 1000]);
        }
        for buffer in crowd {
            pool.give(buffer);
        }
        let all = pool.kept_bytes();
        pool.trim_unused();
        assert_eq!(pool.kept_bytes(), all, "they have just been used");
        let few = [pool.take(), pool.take()];
        few.into_iter().for_each(|buffer| pool.give(buffer));
        pool.trim_unused();
        assert_eq!((pool.kept_bytes(), pool.held_bytes()), (all / 5, all / 5));
        pool.trim_unused();
        assert_eq!((pool.kept_bytes(), pool.held_bytes()), (0, 0));
        drop(pool.take());
    }

    #[test]
    fn what_a_crowd_had_is_there_for_it_again() {
        let mut pool = BufferPool::new();
        let mut crowd: Vec<_> = (0..5_000).map(|_| pool.take()).collect();
        for buffer in &mut crowd {
            buffer.extend(&[0; 1000]);
        }
        crowd.into_iter().for_each(|buffer| pool.give(buffer));
        assert_eq!(pool.kept_bytes(), 5_000 * 1000);
    }

    #[test]
    fn little_is_not_kept_in_a_large_buffer() {
        let mut pool = BufferPool::new();
        let mut large = pool.take();
        large.extend(&[0; 100_000]);
        pool.give(large);
        assert_eq!(pool.take_for(1).capacity(), 0);
        assert!(pool.take_for(50_000).capacity() >= 100_000);
        let mut small = pool.take();
        small.extend(&[0; 1_000]);
        pool.give(small);
        assert!(pool.take_for(1).capacity() >= 1_000);
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

    #[test]
    fn what_the_pool_keeps_is_bounded() {
        let mut pool = BufferPool::new();
        let lent: Vec<_> = (0..64)
            .map(|_| {
                let mut buffer = pool.take();
                buffer.extend(&vec![0; 512 * 1024]);
                buffer
            })
            .collect();
        for buffer in lent {
            pool.give(buffer);
        }
        assert!(pool.kept_bytes() <= BufferPool::MAX_KEPT_BYTES);
        let mut huge = pool.take();
        huge.extend(&vec![0; 4 * 1024 * 1024]);
        let before = pool.kept_bytes();
        pool.give(huge);
        assert_eq!(pool.kept_bytes(), before, "a huge buffer goes back to the allocator");
        pool.trim();
        assert_eq!((pool.kept_bytes(), pool.held_bytes()), (0, 0));
    }

    #[test]
    fn the_books_follow_a_buffer_from_the_pool_and_back() {
        let mut pool = BufferPool::new();
        let (mut output, mut message) = (pool.take(), pool.take());
        output.extend(&[1; 10_000]);
        message.extend(&[2; 3_000]);
        pool.settle_output(&mut output);
        pool.settle(&mut message);
        assert_eq!(pool.held_bytes(), output.capacity() + message.capacity());
        assert_eq!(pool.output_bytes(), 10_000, "a message that is incomplete is no output");
        output.consume(9_900);
        output.shrink();
        pool.settle_output(&mut output);
        assert_eq!(pool.held_bytes(), output.capacity() + message.capacity());
        assert_eq!(pool.output_bytes(), 100);
        // What grows and is given back was never settled, and is right all the same.
        message.extend(&[2; 50_000]);
        let (output_bytes, message_bytes) = (output.capacity(), message.capacity());
        pool.give(message);
        pool.give(output);
        assert_eq!(pool.held_bytes(), output_bytes + message_bytes);
        assert_eq!((pool.kept_bytes(), pool.output_bytes()), (pool.held_bytes(), 0));
        let mut huge = pool.take_for(1);
        huge.extend(&vec![0; 4 * 1024 * 1024]);
        pool.settle(&mut huge);
        pool.give(huge);
        pool.trim();
        assert_eq!(pool.held_bytes(), 0);
    }
}

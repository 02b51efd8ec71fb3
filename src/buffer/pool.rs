//! Who lends buffers out, and keeps the books of them.
//!
//! The boxes are deliberate: a handle of eight bytes is what a connection can afford to carry.

use super::{Buffer, SMALL_BYTES};

/// Lends out [`Buffer`]s, the one that came back last first.
///
/// Invariant: `kept_bytes <= held_bytes`; a buffer that waits here holds what it is entered with.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "buffers are lent out by their box")]
pub struct BufferPool {
    free: Vec<Box<Buffer>>,
    /// At least so many of those in front were not needed since the time from which that is reckoned.
    unused: usize,
    kept_bytes: usize,
    held_bytes: usize,
    output_bytes: usize,
}

impl BufferPool {
    /// A buffer larger than this is given back to the allocator instead of being kept: it was
    /// grown by a slow consumer or a very large message.
    pub const MAX_BUFFER_BYTES: usize = 1024 * 1024 + 4096;

    /// The pool keeps at most this much memory for later, what the buffers take themselves included, in
    /// however many: a message to everybody takes as many as there are peers at once, and the next one
    /// again.
    pub const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

    /// What a buffer that is kept takes besides the memory that it holds.
    const HANDLE_BYTES: usize = size_of::<Buffer>() + size_of::<Box<Buffer>>();

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
        let handles = (self.free.len() + 1) * Self::HANDLE_BYTES;
        let fits = capacity <= Self::MAX_BUFFER_BYTES
            && self.kept_bytes + capacity + handles <= Self::MAX_KEPT_BYTES;
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

    /// Gives buffers back to the allocator that nobody has needed since this has last returned true; of a
    /// pool that is last in, first out, these are the coldest. Returns whether all of them are gone. If
    /// not, because there were more than `most`, this is to be called again.
    pub fn trim_unused(&mut self, most: usize) -> bool {
        let count = self.unused.min(most);
        let bytes: usize = self.free.drain(..count).map(|buffer| buffer.capacity()).sum();
        self.kept_bytes -= bytes;
        self.held_bytes -= bytes;
        self.unused -= count;
        if self.unused > 0 {
            return false;
        }
        self.unused = self.free.len();
        if self.free.is_empty() {
            self.free = Vec::new();
        }
        true
    }

    /// Whether no buffer waits here.
    pub fn is_empty(&self) -> bool {
        self.free.is_empty()
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
        assert!(pool.trim_unused(100));
        assert_eq!(pool.kept_bytes(), all, "they have just been used");
        let few = [pool.take(), pool.take()];
        few.into_iter().for_each(|buffer| pool.give(buffer));
        assert!(pool.trim_unused(100));
        assert_eq!((pool.kept_bytes(), pool.held_bytes()), (all / 5, all / 5));
        assert!(pool.trim_unused(100));
        assert_eq!((pool.kept_bytes(), pool.held_bytes()), (0, 0));
        assert!(pool.is_empty());
        drop(pool.take());
    }

    #[test]
    fn much_is_given_back_in_parts() {
        let mut pool = BufferPool::new();
        let mut crowd: Vec<_> = (0..10).map(|_| pool.take()).collect();
        crowd.iter_mut().for_each(|buffer| buffer.extend(&[0; 1000]));
        crowd.into_iter().for_each(|buffer| pool.give(buffer));
        assert!(pool.trim_unused(4), "they have just been used");
        let is_done = [(); 3].map(|()| pool.trim_unused(4));
        assert_eq!((is_done, pool.kept_bytes()), ([false, false, true], 0));
    }

    #[test]
    fn small_buffers_count_for_what_they_take_themselves() {
        let mut pool = BufferPool::new();
        let mut crowd: Vec<_> = (0..200_000).map(|_| pool.take()).collect();
        crowd.iter_mut().for_each(|buffer| buffer.extend(&[0; 8]));
        crowd.into_iter().for_each(|buffer| pool.give(buffer));
        let most = BufferPool::MAX_KEPT_BYTES / BufferPool::HANDLE_BYTES;
        assert!(pool.free.len() <= most && pool.free.len() > most / 2, "{}", pool.free.len());
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

//! A request whose body has not come as a whole.

use crate::buffer::{Buffer, BufferPool};
use crate::codec::{Payload, reserve};

/// Collects a body whose length is known, beside the head that it belongs to. Memory grows with the
/// bytes that came and never with those that were announced.
#[derive(Debug)]
pub(super) struct Upload {
    /// The binding whose resource the request is for.
    pub(super) binding: u16,
    /// How much of its path is that of the resource.
    pub(super) below: usize,
    pub(super) head: Box<Buffer>,
    pub(super) body: Box<Buffer>,
    length: usize,
}

impl Upload {
    /// Begins with the head, of a request that is for `binding`.
    pub(super) fn new(
        binding: u16,
        below: usize,
        head: Payload<'_>,
        length: usize,
        pool: &mut BufferPool,
    ) -> Upload {
        let head = match head {
            Payload::Owned(head) => head,
            Payload::Borrowed(bytes) => {
                let mut head = pool.take_for(bytes.len());
                head.extend(bytes);
                pool.settle(&mut head);
                head
            }
        };
        Upload { binding, below, head, body: pool.take_for(0), length }
    }

    /// Takes what belongs to the body from the front of the input. Returns whether it is complete.
    pub(super) fn take(&mut self, input: &mut &mut [u8], pool: &mut BufferPool) -> bool {
        let count = input.len().min(self.length - self.body.len());
        let (taken, rest) = std::mem::take(input).split_at_mut(count);
        reserve(&mut self.body, taken.len(), self.length);
        self.body.extend(taken);
        pool.settle(&mut self.body);
        *input = rest;
        self.body.len() == self.length
    }

    /// The memory held, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.head.capacity() + self.body.capacity()
    }

    /// Gives the buffers back.
    pub(super) fn release(self, pool: &mut BufferPool) {
        pool.give(self.head);
        pool.give(self.body);
    }
}

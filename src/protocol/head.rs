//! The head of a request or response, put together from however many reads it comes in.

use crate::buffer::{Buffer, BufferPool};
use crate::codec::Payload;
use crate::codec::http::{HeadKind, HeadScanner, MAX_HEAD_BYTES, Status};

/// Takes heads from the front of the input, one after the other.
#[derive(Debug)]
pub(super) struct HeadBuffer {
    /// The start of a head that is not complete.
    partial: Option<Box<Buffer>>,
    scanner: HeadScanner,
}

impl HeadBuffer {
    pub(super) fn new(kind: HeadKind) -> HeadBuffer {
        HeadBuffer { partial: None, scanner: HeadScanner::new(kind) }
    }

    /// Whether a head has begun and is not complete.
    pub(super) fn has_begun(&self) -> bool {
        self.partial.is_some()
    }

    /// What has come of a head that could not be taken, where `input` is all of what came last.
    pub(super) fn beginning<'a>(&'a self, input: &'a [u8]) -> &'a [u8] {
        match &self.partial {
            Some(partial) => partial.as_slice(),
            None => input,
        }
    }

    /// Takes the next head from the front of the input, or keeps the start of it. What is kept is
    /// bounded by the longest head.
    ///
    /// # Errors
    /// As [`HeadScanner::scan`]; nothing more can be taken, and nothing is taken from the input.
    pub(super) fn take<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        pool: &mut BufferPool,
    ) -> Result<Option<Payload<'a>>, Status> {
        let Some(partial) = &mut self.partial else {
            if let Some(length) = self.scanner.scan(input)? {
                let (head, rest) = std::mem::take(input).split_at_mut(length);
                *input = rest;
                return Ok(Some(Payload::Borrowed(head)));
            }
            if !input.is_empty() {
                let mut partial = pool.take_for(input.len());
                partial.extend(input);
                pool.settle(&mut partial);
                self.partial = Some(partial);
                *input = &mut [];
            }
            return Ok(None);
        };
        let before = partial.len();
        let count = input.len().min(MAX_HEAD_BYTES - before);
        partial.extend(&input[..count]);
        pool.settle(partial);
        let Some(length) = self.scanner.scan(partial.as_slice())? else {
            *input = &mut [];
            return Ok(None);
        };
        // The bytes behind the head were looked at, but they stay in the input.
        partial.truncate(length);
        *input = &mut std::mem::take(input)[length - before..];
        Ok(self.partial.take().map(Payload::Owned))
    }

    /// The memory held for an incomplete head, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.capacity())
    }

    /// Gives the buffer of an incomplete head back.
    pub(super) fn release(&mut self, pool: &mut BufferPool) {
        if let Some(partial) = self.partial.take() {
            pool.give(partial);
        }
    }
}

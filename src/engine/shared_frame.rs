//! One message for many peers, encoded once for each format and not once for each peer: compressed,
//! too, for those who compress with the same window and remember nothing.

use super::sending::Shared;
use crate::buffer::{Buffer, BufferPool};
use crate::protocol::{Format, Message};

/// A message with its encodings, made when the first peer of a format needs them.
#[derive(Debug)]
pub(super) struct SharedFrame<'a> {
    message: Message<'a>,
    encodings: [Option<Box<Buffer>>; Format::SHARED],
}

impl<'a> SharedFrame<'a> {
    pub(super) fn new(message: Message<'a>) -> SharedFrame<'a> {
        SharedFrame { message, encodings: [const { None }; Format::SHARED] }
    }

    /// The bytes for peers of `format`; `None` where each has to have its own.
    pub(super) fn encoding(&mut self, format: Format, shared: &mut Shared<'_>) -> Option<&[u8]> {
        let Shared { pool, rng, deflate } = shared;
        let format = match deflate.is_worth(self.message.as_bytes().len()) {
            true => format,
            false => format.uncompressed(),
        };
        let place = self.encodings.get_mut(format.shared_index()?)?;
        let encoding = place.get_or_insert_with(|| {
            let mut buffer = pool.take();
            format.encode(buffer.tail(), self.message, rng, deflate);
            buffer
        });
        Some(encoding.as_slice())
    }

    /// Gives the buffers back.
    pub(super) fn release(self, pool: &mut BufferPool) {
        for buffer in self.encodings.into_iter().flatten() {
            pool.give(buffer);
        }
    }
}

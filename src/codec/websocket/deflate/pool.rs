//! Compressors and inflaters, lent out for the length of a message.
//!
//! One of these serves a whole loop. A message is compressed at once and without interruption, so
//! one compressor for each size of window is enough for any number of connections. An inflater
//! stays with a connection while a message is open, so there may be many; those that come back are
//! kept, up to a number.

use super::WindowBits;
use super::zlib::{Compressor, Inflater};

/// Below this many bytes a message is not compressed unless somebody asks for it: of 128 bytes of a
/// JSON record a quarter would be saved, in 5 µs, of 256 bytes almost half, in 6. (What a short
/// message costs is making a compressor forget the one before.)
pub const DEFAULT_DEFLATE_FROM: usize = 256;

/// An inflater works on blocks of this size, which stay in the first-level cache while they are
/// checked and copied. It is also how much more than a message may have is inflated before that is
/// noticed.
pub(super) const BLOCK_BYTES: usize = 16 * 1024;

/// The pool keeps at most this many inflaters for later.
const MAX_KEPT_INFLATERS: usize = 16;

/// What an inflater is counted with, in bytes: zlib-rs 0.6 has 46.4 KiB for one.
pub const INFLATER_BYTES: usize = 48 * 1024;

/// What a compressor is counted with, in bytes: zlib-rs 0.6 has 243.1 KiB for one, and four times the
/// window.
pub const fn compressor_bytes(window: WindowBits) -> usize {
    244 * 1024 + (4 << window.get())
}

/// The longest compressed message whose memory is kept for the next one.
const MAX_SCRATCH_BYTES: usize = 1024 * 1024;

/// What connections share that compress.
///
/// The boxes are deliberate: a handle of eight bytes is what a connection can afford to carry.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "inflaters are lent out by their box")]
pub struct Pool {
    deflate_from: usize,
    compressors: [Option<Box<Compressor>>; WindowBits::SIZES],
    inflaters: Vec<Box<Inflater>>,
    /// Where a message is compressed to.
    scratch: Vec<u8>,
    /// Where it is inflated to: [`BLOCK_BYTES`], once it was needed.
    block: Vec<u8>,
    /// What all of this is counted with, what is lent and what waits here.
    held_bytes: usize,
    deflated_messages: u64,
    inflated_bytes: u64,
}

impl Pool {
    /// A pool with nothing in it. Messages of `deflate_from` bytes and more are compressed, and sent
    /// so where it makes them shorter; with zero every message is, whatever comes of it.
    pub const fn new(deflate_from: usize) -> Pool {
        Pool {
            deflate_from,
            compressors: [const { None }; WindowBits::SIZES],
            inflaters: Vec::new(),
            scratch: Vec::new(),
            block: Vec::new(),
            held_bytes: 0,
            deflated_messages: 0,
            inflated_bytes: 0,
        }
    }

    /// Whether a message of `length` bytes is worth compressing.
    pub fn is_worth(&self, length: usize) -> bool {
        length >= self.deflate_from
    }

    /// How many messages were compressed.
    pub fn deflated_messages(&self) -> u64 {
        self.deflated_messages
    }

    /// How many bytes were inflated, before anything was made of them.
    pub fn inflated_bytes(&self) -> u64 {
        self.inflated_bytes
    }

    /// How much memory all of this takes, what connections have of it and what waits here, in bytes.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How much of that waits here.
    pub fn kept_bytes(&self) -> usize {
        let windows = (9..=15).filter_map(WindowBits::new);
        let compressors = windows
            .filter(|window| self.compressors[window.index()].is_some())
            .map(compressor_bytes);
        compressors.sum::<usize>()
            + self.inflaters.len() * INFLATER_BYTES
            + self.scratch.capacity()
            + self.block.capacity()
    }

    /// Gives all memory that waits here back to the allocator.
    pub fn trim(&mut self) {
        *self = Pool {
            held_bytes: self.held_bytes - self.kept_bytes(),
            deflated_messages: self.deflated_messages,
            inflated_bytes: self.inflated_bytes,
            ..Pool::new(self.deflate_from)
        };
    }

    /// Compresses `message` with the shared compressor for `window`, or with a connection's `own`,
    /// and hands the result to `encode` if it is to be sent. Returns whether it is.
    pub(super) fn compress(
        &mut self,
        message: &[u8],
        window: WindowBits,
        own: Option<&mut Option<Box<Compressor>>>,
        encode: impl FnOnce(&[u8]),
    ) -> bool {
        let takes_over = own.is_some();
        let place = own.unwrap_or(&mut self.compressors[window.index()]);
        let compressor = place.get_or_insert_with(|| {
            self.held_bytes += compressor_bytes(window);
            Box::new(Compressor::new(window))
        });
        let scratch_bytes = self.scratch.capacity();
        let done = compressor.compress(message, &mut self.scratch);
        self.deflated_messages += 1;
        let is_sent =
            done.is_some() && (self.scratch.len() < message.len() || self.deflate_from == 0);
        if !takes_over || !is_sent {
            // What the other side has not inflated, no later message may refer to.
            compressor.reset();
        }
        if is_sent {
            encode(&self.scratch);
        }
        self.scratch.clear();
        self.scratch.shrink_to(MAX_SCRATCH_BYTES);
        self.held_bytes = self.held_bytes + self.scratch.capacity() - scratch_bytes;
        is_sent
    }

    /// An inflater that has seen nothing.
    pub(super) fn take_inflater(&mut self) -> Box<Inflater> {
        self.inflaters.pop().unwrap_or_else(|| {
            self.held_bytes += INFLATER_BYTES;
            Box::new(Inflater::new())
        })
    }

    /// Takes an inflater of [`take_inflater`](Pool::take_inflater) back.
    pub(super) fn give_inflater(&mut self, mut inflater: Box<Inflater>) {
        if self.inflaters.len() < MAX_KEPT_INFLATERS {
            inflater.reset();
            self.inflaters.push(inflater);
        } else {
            self.held_bytes -= INFLATER_BYTES;
        }
    }

    /// Frees a connection's own compressor.
    pub(super) fn end_compressor(&mut self, _: Box<Compressor>, window: WindowBits) {
        self.held_bytes -= compressor_bytes(window);
    }

    /// The block to inflate to, for as long as nobody else needs it.
    pub(super) fn take_block(&mut self) -> Vec<u8> {
        let mut block = std::mem::take(&mut self.block);
        let block_bytes = block.capacity();
        block.resize(BLOCK_BYTES, 0);
        self.held_bytes += block.capacity() - block_bytes;
        block
    }

    /// Takes the block back; `inflated` bytes went through it.
    pub(super) fn give_block(&mut self, block: Vec<u8>, inflated: usize) {
        self.block = block;
        self.inflated_bytes += inflated as u64;
    }

    /// How many compressors and inflaters wait here.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.compressors.iter().flatten().count(), self.inflaters.len())
    }
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new(DEFAULT_DEFLATE_FROM)
    }
}

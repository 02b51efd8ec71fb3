//! Bytes to messages and back, without a socket in sight.
//!
//! Everything here is sans-IO: a decoder is handed bytes that somebody else read, an encoder
//! appends to a buffer that somebody else writes. The server, its clients, the load generator and
//! the tests all drive the same codecs; [`protocol`](crate::protocol) is the usual caller.
//!
//! All decoders keep the same promises:
//!
//! - They take from the front of the input and answer `Ok(Some(message))`, `Ok(None)` for "need
//!   more", or `Err`. A caller repeats until `Ok(None)`; then the input is used up, and whatever
//!   was incomplete in it is kept inside.
//! - How the bytes are cut into reads makes no difference to what comes out.
//! - A message that lies whole in the input is borrowed from it. Only one that was cut is put
//!   together in a [`Buffer`] of the pool, which grows with the bytes that came and never with
//!   the bytes that were announced.
//! - Work is linear in the bytes consumed: no byte is looked for twice.
//! - No input panics.
//!
//! ```text
//!            one read                         the next read
//!  ┌──────────┬──────────┬─────┐      ┌─────┬──────────┬─────────┐
//!  │ message  │ message  │ mes ─ ─ ─ ─ ─ sage│ message  │ message │
//!  └──────────┴──────────┴─────┘      └─────┴──────────┴─────────┘
//!    borrowed   borrowed   └── kept, owned ──┘ borrowed   borrowed
//! ```

pub mod http;
pub mod line;
pub mod utf8;
pub mod websocket;

use std::ops::Deref;

use crate::buffer::{Buffer, BufferPool};

/// The bytes of one message.
#[derive(Debug)]
pub enum Payload<'a> {
    /// They lay whole in the input.
    Borrowed(&'a [u8]),
    /// They came in more than one read, or in more than one fragment. The buffer belongs to the
    /// pool: see [`recycle`](Payload::recycle).
    Owned(Box<Buffer>),
}

impl Payload<'_> {
    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Owned(buffer) => buffer.as_slice(),
        }
    }

    /// Ends the use of the message: a pooled buffer goes back. Dropping a payload instead is not a
    /// mistake, only slower.
    #[inline]
    pub fn recycle(self, pool: &mut BufferPool) {
        if let Payload::Owned(buffer) = self {
            pool.give(buffer);
        }
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// Makes room for `additional` bytes in the buffer of an unfinished message.
///
/// Memory doubles with the bytes that came, so that appending costs a constant factor, but not
/// beyond `ceiling`, the length the message may still reach: a message of the largest size allowed
/// ends in a buffer of that size, which the pool keeps.
pub(crate) fn reserve(buffer: &mut Buffer, additional: usize, ceiling: usize) {
    let bytes = buffer.tail();
    let needed = bytes.len() + additional;
    if needed > bytes.capacity() {
        let target = bytes.capacity().saturating_mul(2).min(ceiling).max(needed);
        bytes.reserve_exact(target - bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recycled_payload_is_lent_again() {
        let mut pool = BufferPool::new();
        let mut buffer = pool.take();
        buffer.extend(b"kept");
        let payload = Payload::Owned(buffer);
        assert_eq!(&*payload, b"kept");
        payload.recycle(&mut pool);
        assert!(pool.kept_bytes() >= 4);
        Payload::Borrowed(b"not ours").recycle(&mut pool);
    }

    #[test]
    fn room_grows_with_what_came_and_stops_at_the_ceiling() {
        let mut buffer = Buffer::default();
        let mut grown = 0;
        for _ in 0..1000 {
            let before = buffer.capacity();
            reserve(&mut buffer, 100, 100_000);
            buffer.extend(&[7; 100]);
            grown += usize::from(buffer.capacity() != before);
            assert!(buffer.capacity() <= 2 * buffer.len());
        }
        assert_eq!(buffer.capacity(), 100_000);
        assert!(grown < 12, "amortized, but grew {grown} times");
    }
}

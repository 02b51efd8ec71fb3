//! Lines: the protocol that nc speaks.

use super::{CloseReason, Event, MessageKind, Wire};
use crate::buffer::BufferPool;
use crate::codec::line::{self, LineDecoder};

/// What a peer is told before it is closed for a line that is too long.
const TOO_LONG: &[u8] = b"ERR line too long";

/// A peer that sends lines.
#[derive(Debug, Default)]
pub struct Line {
    decoder: LineDecoder,
}

impl Line {
    /// The next line, `STOP`, or the end that a line too long comes to.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
    ) -> Option<Event<'a>> {
        match self.decoder.next(input, wire.limits.max_line, wire.pool) {
            Ok(None) => None,
            Ok(Some(line)) if line::is_stop(line.as_slice()) => {
                line.recycle(wire.pool);
                Some(Event::Stop)
            }
            Ok(Some(line)) => Some(Event::Message(MessageKind::Binary, line)),
            Err(_) => {
                *input = &mut [];
                line::encode_line(wire.tail(), TOO_LONG);
                Some(Event::Finished(CloseReason::Refused("line too long")))
            }
        }
    }

    /// The memory held for an incomplete line, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.decoder.buffered_bytes()
    }

    /// Gives the buffer of an incomplete line back.
    pub(super) fn release(&mut self, pool: &mut BufferPool) {
        self.decoder.release(pool);
    }
}

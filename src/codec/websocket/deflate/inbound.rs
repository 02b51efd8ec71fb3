//! Inflating what a peer sends (RFC 7692 section 7.2.2).

use super::TAIL;
use super::pool::{INFLATER_BYTES, Pool};
use super::zlib::{Inflater, Next};
use crate::codec::websocket::ProtocolError;

/// The receiving half of a compressed connection.
///
/// | | without takeover | with takeover |
/// |---|---|---|
/// | before the first message | no inflater | no inflater |
/// | while a compressed message is open | one of the pool's | the same |
/// | between messages | no inflater | the same |
#[derive(Debug)]
pub struct Inbound {
    takeover: bool,
    inflater: Option<Box<Inflater>>,
    /// Where the message that is open, if any, stands.
    stage: Stage,
}

/// Where a compressed message stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Nothing of it has come.
    Empty,
    /// In a block, or in front of one.
    Within,
    /// Right behind a block that says that it is the last one. Another stream may follow it all the
    /// same: a flush is all that the end means here (section 7.2.3.5). It refers to nothing in front of
    /// it, because whoever cannot flush but by ending a stream begins a new one.
    Ended,
}

/// What follows a message that was flushed, and is not sent; and behind it an empty block that is
/// the last one. The inflater comes to an end there if, and only if, the message was complete.
const TAIL_AND_END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

impl Inbound {
    /// For messages each of which may refer to the ones before it, or not.
    pub fn new(takeover: bool) -> Inbound {
        Inbound { takeover, inflater: None, stage: Stage::Empty }
    }

    /// Whether it holds an inflater.
    pub fn holds_inflater(&self) -> bool {
        self.inflater.is_some()
    }

    /// What it holds is counted with so many bytes.
    pub fn held_bytes(&self) -> usize {
        if self.holds_inflater() { INFLATER_BYTES } else { 0 }
    }

    /// Gives what it holds back: no message is inflated any more.
    pub fn release(&mut self, pool: &mut Pool) {
        if let Some(inflater) = self.inflater.take() {
            pool.give_inflater(inflater);
        }
    }

    /// Inflates the next piece of a message and hands on what comes of it, a block at a time. Stops
    /// at the first block that `keep` does not want.
    ///
    /// # Errors
    /// [`ProtocolError::InvalidDeflate`], or the error of `keep`.
    pub(in crate::codec::websocket) fn inflate(
        &mut self,
        piece: &[u8],
        pool: &mut Pool,
        mut keep: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        if piece.is_empty() {
            return Ok(());
        }
        let inflater = match &mut self.inflater {
            Some(inflater) => inflater,
            none => none.insert(pool.take_inflater()),
        };
        let mut block = pool.take_block();
        let (mut input, mut inflated) = (piece, 0);
        let outcome = loop {
            if self.stage == Stage::Ended {
                inflater.reset();
            }
            let step = inflater.step(input, &mut block);
            let is_end = step.next == Next::End;
            self.stage = if is_end { Stage::Ended } else { Stage::Within };
            input = &input[step.consumed..];
            inflated += step.produced;
            // Also of what is in front of an error: whether it was read together with that or before
            // makes no difference.
            if let Err(error) = keep(&block[..step.produced]) {
                break Err(error);
            }
            // A full block may not have been enough for what the input has become.
            let is_full = step.produced == block.len();
            if step.next != Next::Corrupt && input.is_empty() && (!is_full || is_end) {
                break Ok(());
            }
            let is_stuck = step.consumed == 0 && step.produced == 0 && !is_end;
            if step.next == Next::Corrupt || is_stuck {
                break Err(ProtocolError::InvalidDeflate);
            }
        };
        pool.give_block(block, inflated);
        outcome
    }

    /// The last piece of a message was inflated.
    ///
    /// # Errors
    /// As [`inflate`](Inbound::inflate); also if the message ends in the middle of a block, which
    /// cannot be told where the context is taken over.
    pub(in crate::codec::websocket) fn finish(
        &mut self,
        pool: &mut Pool,
        keep: impl FnMut(&[u8]) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Empty);
        let outcome = match stage {
            // No bytes at all are no message of the RFC (section 7.2.3.6 has one of them), but they
            // say as clearly that it is empty.
            Stage::Empty => Ok(()),
            // Another stream would begin with the next message.
            Stage::Ended if self.takeover => {
                self.inflater.iter_mut().for_each(|inflater| inflater.reset());
                Ok(())
            }
            Stage::Ended => Ok(()),
            Stage::Within if self.takeover => self.inflate(&TAIL, pool, keep),
            Stage::Within => match self.inflate(&TAIL_AND_END, pool, keep) {
                Ok(()) if self.stage != Stage::Ended => Err(ProtocolError::InvalidDeflate),
                outcome => outcome,
            },
        };
        self.stage = Stage::Empty;
        if !self.takeover {
            self.release(pool);
        }
        outcome
    }
}

//! What the [decoder](super::decoder) keeps between two reads.
//!
//! A read may end anywhere: in a header, in a payload, between two fragments. [`Partial`] holds
//! exactly what is then needed to go on, so that no byte is looked at twice: the header as far as
//! it came, or how far its payload has come; and the message, unmasked and checked so far. It
//! exists only while something is unfinished.

use super::header::{FrameHeader, MAX_HEADER_BYTES};
use super::mask::reveal;
use super::message::{Event, Inflating, Limits, Message, control_event};
use super::{Opcode, ProtocolError, Role};
use crate::buffer::{Buffer, BufferPool};
use crate::codec::Payload;

/// What is kept between two reads.
///
/// A message is either in `message`, while its next frame has not begun, or in
/// [`Frame::Data`].
#[derive(Default, Debug)]
pub(super) struct Partial {
    /// A message whose fragments so far are complete, and whose last one has not begun.
    message: Option<Message>,
    frame: Frame,
}

/// Where in a frame the input ended.
#[derive(Debug)]
enum Frame {
    /// In its header, or (with `len` zero) in front of it.
    Header { bytes: [u8; MAX_HEADER_BYTES], len: usize },
    /// In the payload of a frame that belongs to this message.
    Data { cut: Cut, message: Message },
    /// In the payload of a control frame.
    Control { opcode: Opcode, cut: Cut, bytes: Box<Buffer> },
}

impl Default for Frame {
    fn default() -> Frame {
        Frame::Header { bytes: [0; MAX_HEADER_BYTES], len: 0 }
    }
}

impl Partial {
    /// Whether there is no reason to keep it.
    pub(super) fn is_empty(&self) -> bool {
        self.message.is_none() && matches!(self.frame, Frame::Header { len: 0, .. })
    }

    /// Starts on the payload of a data frame, if the message may have it.
    pub(super) fn begin_data(
        &mut self,
        header: &FrameHeader,
        limits: &Limits,
    ) -> Result<(), ProtocolError> {
        let mut message = Message::of_frame(header, &mut self.message)?;
        match message.admit(header.payload_len, header.fin, limits) {
            Ok(payload_len) => {
                self.frame = Frame::Data { cut: Cut::new(header, payload_len), message };
                Ok(())
            }
            Err(error) => {
                self.message = Some(message);
                Err(error)
            }
        }
    }

    /// Starts on the payload of a control frame.
    pub(super) fn begin_control(
        &mut self,
        header: &FrameHeader,
        payload_len: usize,
        pool: &mut BufferPool,
    ) {
        let (cut, bytes) = (Cut::new(header, payload_len), pool.take_for(payload_len));
        self.frame = Frame::Control { opcode: header.opcode, cut, bytes };
    }

    /// Goes on with the payload in which the input ended, if it did: the event of a frame that is
    /// complete with it. Otherwise the frame is left in the state that the table of the [decoder](super::decoder) says.
    /// An error leaves what there is of the message to be [released](Partial::release).
    pub(super) fn resume<'a>(
        &mut self,
        input: &mut &mut [u8],
        pool: &mut BufferPool,
        mut inflating: Option<&mut Inflating<'_>>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        match std::mem::take(&mut self.frame) {
            header @ Frame::Header { .. } => self.frame = header,
            Frame::Data { mut cut, mut message } => {
                message.reserve(cut.remaining.min(input.len()), pool);
                let taken = cut.take(input, |piece, ascii| {
                    message.extend(piece, ascii, pool, inflating.as_deref_mut())
                });
                if taken.is_ok() && cut.remaining > 0 {
                    self.frame = Frame::Data { cut, message };
                    return Ok(None);
                }
                let finished = taken.and_then(|()| match cut.fin {
                    true => message.finish(pool, inflating),
                    false => Ok(()),
                });
                if finished.is_ok() && cut.fin {
                    return Ok(Some(message.into_event()));
                }
                self.message = Some(message);
                finished?;
            }
            Frame::Control { opcode, mut cut, mut bytes } => {
                cut.take(input, |piece, _| {
                    bytes.extend(piece);
                    Ok(())
                })?;
                pool.settle(&mut bytes);
                if cut.remaining == 0 {
                    return control_event(opcode, Payload::Owned(bytes), pool).map(Some);
                }
                self.frame = Frame::Control { opcode, cut, bytes };
            }
        }
        Ok(None)
    }

    /// Takes the next header from what is kept of it and the front of the input. `None`: the input
    /// is used up, in the header or before it.
    pub(super) fn take_header(
        &mut self,
        input: &mut &mut [u8],
        role: Role,
        rsv: u8,
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        let Frame::Header { bytes, len } = &mut self.frame else { return Ok(None) };
        // No header is longer than `bytes`, so what does not fit is not needed.
        let kept = *len;
        for (slot, byte) in bytes[kept..].iter_mut().zip(input.iter()) {
            *slot = *byte;
            *len += 1;
        }
        match FrameHeader::parse_with(&bytes[..*len], role, rsv)? {
            Some((header, used)) => {
                // The kept bytes alone were too few, so `used` is more than them.
                skip(input, used.saturating_sub(kept));
                *len = 0;
                Ok(Some(header))
            }
            None => {
                *input = &mut [];
                Ok(None)
            }
        }
    }

    pub(super) fn buffered_bytes(&self) -> usize {
        let frame = match &self.frame {
            Frame::Header { .. } => 0,
            Frame::Data { message, .. } => message.buffered_bytes(),
            Frame::Control { bytes, .. } => bytes.capacity(),
        };
        frame + self.message.as_ref().map_or(0, Message::buffered_bytes)
    }

    pub(super) fn release(self, pool: &mut BufferPool) {
        match self.frame {
            Frame::Header { .. } => {}
            Frame::Data { message, .. } => message.release(pool),
            Frame::Control { bytes, .. } => pool.give(bytes),
        }
        if let Some(message) = self.message {
            message.release(pool);
        }
    }
}

/// A payload that is not all here.
#[derive(Clone, Copy, Debug)]
struct Cut {
    fin: bool,
    mask: Option<[u8; 4]>,
    /// How many bytes of the payload came already.
    offset: usize,
    /// How many have not come.
    remaining: usize,
}

/// A payload is unmasked, checked and copied in pieces that stay in the first-level cache between
/// the three. A multiple of four, so that the key starts again with each piece.
const PIECE_BYTES: usize = 16 * 1024;

impl Cut {
    fn new(header: &FrameHeader, payload_len: usize) -> Cut {
        Cut { fin: header.fin, mask: header.mask, offset: 0, remaining: payload_len }
    }

    /// Takes what there is of the payload from the front of the input and hands it on unmasked,
    /// piece by piece, saying whether the piece is all ASCII.
    fn take(
        &mut self,
        input: &mut &mut [u8],
        mut keep: impl FnMut(&[u8], bool) -> Result<(), ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let available = self.remaining.min(input.len());
        let Some(payload) = input.split_off_mut(..available) else { return Ok(()) };
        for piece in payload.chunks_mut(PIECE_BYTES) {
            let ascii = reveal(piece, self.mask, self.offset);
            keep(piece, ascii)?;
            self.offset += piece.len();
        }
        self.remaining -= available;
        Ok(())
    }
}

/// Drops `count` bytes from the front of the input, which has as many.
#[inline]
pub(super) fn skip(input: &mut &mut [u8], count: usize) {
    let skipped = input.split_off_mut(..count);
    debug_assert!(skipped.is_some(), "a header was parsed from bytes that are there");
}

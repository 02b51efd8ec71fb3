//! What the decoder says, and the message that it is putting together.
//!
//! A message may come in fragments (RFC 6455 section 5.4), and a fragment in many reads. [`Event`]
//! hides both. Its size, however, is the sum of all fragments, and there may be any number of
//! them, empty ones too: [`Limits`] holds for the message as a whole, and is asked about at each
//! frame header, before a byte of the payload is kept (section 10.4).

use super::close::CloseFrame;
use super::deflate::{Inbound, Pool};
use super::header::{FrameHeader, RSV1};
use super::{Opcode, ProtocolError};
use crate::buffer::{Buffer, BufferPool};
use crate::codec::utf8::Utf8Checker;
use crate::codec::{Payload, reserve};

/// Something a peer said.
#[derive(Debug)]
pub enum Event<'a> {
    /// A whole text message; its bytes are checked UTF-8. (A `&str` of them could only be made by
    /// checking them again.)
    Text(Payload<'a>),
    /// A whole binary message.
    Binary(Payload<'a>),
    /// To be answered by a Pong with the same payload (section 5.5.2).
    Ping(Payload<'a>),
    /// An answer, or unsolicited (section 5.5.3).
    Pong(Payload<'a>),
    /// The last event of a connection (section 5.5.1); `None` is a Close without a code.
    Close(Option<CloseFrame>),
}

/// What a message may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest message accepted, in bytes of payload over all its fragments.
    pub max_message: usize,
    /// The largest number of frames that may make up one message, empty ones counted.
    pub max_fragments: u32,
}

impl Limits {
    /// The limits for messages of at most `max_message` bytes. 1,024 fragments more than one for
    /// each 16 bytes: who sends smaller ones pays more for headers than for payload.
    pub const fn for_messages_of(max_message: usize) -> Limits {
        let fragments = 1024 + (max_message / 16) as u64;
        // `u32::try_from` is not const.
        #[expect(clippy::cast_possible_truncation, reason = "the value is in range there")]
        let max_fragments = if fragments > u32::MAX as u64 { u32::MAX } else { fragments as u32 };
        Limits { max_message, max_fragments }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::for_messages_of(1024 * 1024)
    }
}

/// What a data message is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    Binary,
}

impl Kind {
    /// The message, as an event.
    #[inline]
    pub(super) fn event(self, payload: Payload<'_>) -> Event<'_> {
        match self {
            Kind::Text => Event::Text(payload),
            Kind::Binary => Event::Binary(payload),
        }
    }
}

/// A data message that has begun and not ended.
///
/// Invariant: what was kept is never more than the limit, and of a message that is not compressed
/// never more than what was announced.
#[derive(Debug)]
pub(super) struct Message {
    kind: Kind,
    /// Its frames are pieces of a deflate stream. That says nothing about its length: however short
    /// or long they are, the limit holds for what they become.
    is_compressed: bool,
    utf8: Utf8Checker,
    fragments: u32,
    /// The lengths in the headers so far, added up.
    announced: usize,
    /// The length that it may still reach.
    ceiling: usize,
    /// Borrowed from the pool with the first byte of payload.
    bytes: Option<Box<Buffer>>,
}

/// What a message that is compressed needs to be read.
#[derive(Debug)]
pub(super) struct Inflating<'a> {
    pub(super) inbound: &'a mut Inbound,
    pub(super) deflate: &'a mut Pool,
}

impl Message {
    /// The message to which the data frame with this header belongs: the one that is unfinished, which
    /// is taken only then, or a new one.
    pub(super) fn of_frame(
        header: &FrameHeader,
        unfinished: &mut Option<Message>,
    ) -> Result<Message, ProtocolError> {
        let kind = match header.opcode {
            Opcode::Continuation => {
                return unfinished.take().ok_or(ProtocolError::StrayContinuation);
            }
            _ if unfinished.is_some() => return Err(ProtocolError::InterleavedMessage),
            Opcode::Text => Kind::Text,
            _ => Kind::Binary,
        };
        let (is_compressed, utf8) = (header.rsv & RSV1 != 0, Utf8Checker::new());
        let (fragments, announced, ceiling, bytes) = (0, 0, 0, None);
        Ok(Message { kind, is_compressed, utf8, fragments, announced, ceiling, bytes })
    }

    /// Judges the next frame of the message by its header.
    pub(super) fn admit(
        &mut self,
        payload_len: u64,
        fin: bool,
        limits: &Limits,
    ) -> Result<usize, ProtocolError> {
        let room = match self.is_compressed {
            true => usize::MAX,
            false => limits.max_message.saturating_sub(self.announced),
        };
        let payload_len = fitting(payload_len, room)?;
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > limits.max_fragments {
            return Err(ProtocolError::TooManyFragments);
        }
        self.announced = self.announced.saturating_add(payload_len);
        let is_known = fin && !self.is_compressed;
        self.ceiling = if is_known { self.announced } else { limits.max_message };
        Ok(payload_len)
    }

    /// Makes room for `additional` bytes that have come.
    pub(super) fn reserve(&mut self, additional: usize, pool: &mut BufferPool) {
        if additional > 0 && !self.is_compressed {
            let bytes = self.bytes.get_or_insert_with(|| pool.take_for(additional));
            reserve(bytes, additional, self.ceiling);
            pool.settle(bytes);
        }
    }

    /// Keeps the next piece of the payload, unmasked.
    pub(super) fn extend(
        &mut self,
        piece: &[u8],
        known_ascii: bool,
        pool: &mut BufferPool,
        inflating: Option<&mut Inflating<'_>>,
    ) -> Result<(), ProtocolError> {
        match inflating.filter(|_| self.is_compressed) {
            Some(Inflating { inbound, deflate }) => {
                inbound.inflate(piece, deflate, |block| self.keep_inflated(block, pool))
            }
            None => self.keep(piece, known_ascii, pool),
        }
    }

    /// Keeps a block of what the payload was before it was compressed, if there is room for it.
    fn keep_inflated(&mut self, block: &[u8], pool: &mut BufferPool) -> Result<(), ProtocolError> {
        let kept = self.bytes.as_ref().map_or(0, |bytes| bytes.len());
        let room = self.ceiling.saturating_sub(kept);
        // What fits is judged first, as if it had come by itself.
        let fitting = &block[..block.len().min(room)];
        if !fitting.is_empty() {
            let bytes = self.bytes.get_or_insert_with(|| pool.take_for(fitting.len()));
            reserve(bytes, fitting.len(), self.ceiling);
        }
        self.keep(fitting, fitting.is_ascii(), pool)?;
        if block.len() > room { Err(ProtocolError::MessageTooBig) } else { Ok(()) }
    }

    fn keep(
        &mut self,
        piece: &[u8],
        known_ascii: bool,
        pool: &mut BufferPool,
    ) -> Result<(), ProtocolError> {
        if self.kind == Kind::Text {
            self.utf8.push(piece, known_ascii)?;
        }
        if !piece.is_empty() {
            let bytes = self.bytes.get_or_insert_with(|| pool.take_for(piece.len()));
            bytes.extend(piece);
            pool.settle(bytes);
        }
        Ok(())
    }

    /// The last frame is complete, and so is the message if all is well with it.
    pub(super) fn finish(
        &mut self,
        pool: &mut BufferPool,
        inflating: Option<&mut Inflating<'_>>,
    ) -> Result<(), ProtocolError> {
        if let Some(Inflating { inbound, deflate }) = inflating.filter(|_| self.is_compressed) {
            inbound.finish(deflate, |block| self.keep_inflated(block, pool))?;
        }
        self.utf8.finish()?;
        Ok(())
    }

    /// What there is to say of it.
    pub(super) fn into_event<'a>(self) -> Event<'a> {
        self.kind.event(self.bytes.map_or(Payload::Borrowed(&[]), Payload::Owned))
    }

    /// The memory held, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.bytes.as_ref().map_or(0, |bytes| bytes.capacity())
    }

    /// Gives the memory back.
    pub(super) fn release(self, pool: &mut BufferPool) {
        if let Some(bytes) = self.bytes {
            pool.give(bytes);
        }
    }
}

/// What a control frame says whose payload is complete.
#[inline]
pub(super) fn control_event<'a>(
    opcode: Opcode,
    payload: Payload<'a>,
    pool: &mut BufferPool,
) -> Result<Event<'a>, ProtocolError> {
    Ok(match opcode {
        Opcode::Ping => Event::Ping(payload),
        Opcode::Close => {
            let close = CloseFrame::parse(&payload);
            payload.recycle(pool);
            Event::Close(close?)
        }
        _ => Event::Pong(payload),
    })
}

/// `payload_len` as a size in memory, if it is no more than `room`.
#[inline]
pub(super) fn fitting(payload_len: u64, room: usize) -> Result<usize, ProtocolError> {
    match usize::try_from(payload_len) {
        Ok(payload_len) if payload_len <= room => Ok(payload_len),
        _ => Err(ProtocolError::MessageTooBig),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: Opcode) -> FrameHeader {
        FrameHeader { fin: false, rsv: 0, opcode, mask: None, payload_len: 0 }
    }

    fn binary() -> Message {
        Message::of_frame(&header(Opcode::Binary), &mut None).unwrap()
    }

    #[test]
    fn the_limit_holds_for_the_sum_of_the_fragments() {
        let limits = Limits { max_message: 10, max_fragments: 100 };
        let mut message = binary();
        assert_eq!(message.admit(6, false, &limits), Ok(6));
        assert_eq!(message.admit(5, true, &limits), Err(ProtocolError::MessageTooBig));
        assert_eq!(message.admit(u64::MAX, true, &limits), Err(ProtocolError::MessageTooBig));
        assert_eq!(message.admit(4, false, &limits), Ok(4));
        assert_eq!(message.admit(0, false, &limits), Ok(0));
        assert_eq!(message.admit(1, true, &limits), Err(ProtocolError::MessageTooBig));
        assert_eq!(message.buffered_bytes(), 0, "nothing is held for what did not come");
    }

    #[test]
    fn fragments_are_counted_and_empty_ones_cost_nothing() {
        let limits = Limits { max_message: 10, max_fragments: 3 };
        let (mut message, mut pool) = (binary(), BufferPool::new());
        for _ in 0..3 {
            assert_eq!(message.admit(0, false, &limits), Ok(0));
            message.reserve(0, &mut pool);
            message.extend(&[], true, &mut pool, None).unwrap();
        }
        assert_eq!(message.admit(0, true, &limits), Err(ProtocolError::TooManyFragments));
        assert_eq!(message.buffered_bytes(), 0);
    }

    #[test]
    fn frames_belong_to_messages_or_are_refused() {
        let stray = Message::of_frame(&header(Opcode::Continuation), &mut None);
        assert_eq!(stray.unwrap_err(), ProtocolError::StrayContinuation);
        let inside = Message::of_frame(&header(Opcode::Text), &mut Some(binary()));
        assert_eq!(inside.unwrap_err(), ProtocolError::InterleavedMessage);
        let joined = Message::of_frame(&header(Opcode::Continuation), &mut Some(binary())).unwrap();
        assert_eq!(joined.kind, Kind::Binary);
    }

    #[test]
    fn the_default_admits_a_mebibyte_in_sixty_five_thousand_fragments() {
        let limits = Limits::default();
        assert_eq!((limits.max_message, limits.max_fragments), (1 << 20, 1024 + 65_536));
        assert_eq!(Limits::for_messages_of(usize::MAX).max_fragments, u32::MAX);
    }
}

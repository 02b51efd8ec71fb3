//! Frames in, events out.
//!
//! The [`Decoder`] belongs to one direction of one connection. Between messages it is sixteen
//! bytes and owns nothing: a frame that lies whole in the input, and is a message by itself, is
//! unmasked in place and borrowed. Only what was cut, or fragmented, is kept, in a `Partial` on
//! the heap. Its `frame` says where we are; without a `Partial` we are in front of a `Header`.
//!
//! | where we are | what comes | what follows |
//! |---|---|---|
//! | `Header` | a part of a header | `Header`, with the bytes kept |
//! | `Header` | a message, or a control frame, that is all here | its event; `Header` |
//! | `Header` | the header of any other frame | `Data` or `Control` |
//! | `Data`, `Control` | a part of the payload | the same, with the bytes unmasked and kept |
//! | `Data` | the end of a frame without FIN | `Header`, and the message waits |
//! | `Data` | the end of the last frame | the message's event; `Header` |
//! | `Control` | the end of the frame | its event; `Header`, and the message waits |
//! | anywhere | something illegal | the error; nothing after it |
//! | `Header` | a Close frame | its event; nothing after it |

use super::deflate::{Inbound, Pool};
use super::header::{FrameHeader, RSV1};
use super::mask::reveal;
use super::message::{Event, Inflating, Kind, Limits, control_event, fitting};
use super::partial::{Partial, skip};
use super::{Opcode, ProtocolError, Role};
use crate::buffer::BufferPool;
use crate::codec::Payload;

/// Decodes what one peer sends.
#[derive(Debug)]
pub struct Decoder {
    /// What was cut; `None` between messages.
    partial: Option<Box<Partial>>,
    role: Role,
    stage: Stage,
}

/// Every WebSocket connection carries one.
const _: () = assert!(size_of::<Decoder>() <= 16);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Open,
    /// A Close frame or an error was reported.
    Finished,
}

impl Decoder {
    /// A decoder for what the peer of a `role` sends, from the first byte after the handshake.
    pub const fn new(role: Role) -> Decoder {
        Decoder { partial: None, role, stage: Stage::Open }
    }

    /// Which side this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Takes the next event from the front of `input`. `Ok(None)` means that all of `input` is used
    /// up and that more is needed; until then the caller asks again. Performs work linear in the
    /// bytes consumed.
    ///
    /// After [`Event::Close`] or an error the decoder says nothing more: whatever follows is
    /// discarded.
    ///
    /// # Errors
    /// The first thing that is wrong, as soon as the bytes that make it so are there.
    #[inline]
    pub fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        limits: &Limits,
        pool: &mut BufferPool,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        self.next_with(input, limits, pool, None)
    }

    /// [`next`](Decoder::next) on a connection that has agreed to compress (RFC 7692): RSV1 on the
    /// first frame of a message says that `inbound` has to inflate it. The limit of a message holds
    /// for what it is then.
    ///
    /// # Errors
    /// As [`next`](Decoder::next).
    pub fn next_inflating<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        limits: &Limits,
        pool: &mut BufferPool,
        inbound: &mut Inbound,
        deflate: &mut Pool,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        self.next_with(input, limits, pool, Some(&mut Inflating { inbound, deflate }))
    }

    /// `inflating` is known to be there or not where this becomes part of the caller.
    #[inline(always)]
    fn next_with<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        limits: &Limits,
        pool: &mut BufferPool,
        inflating: Option<&mut Inflating<'_>>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        let rsv = rsv(inflating.as_deref());
        if self.partial.is_none()
            && self.stage == Stage::Open
            && let Some(Whole { kind, mask, payload }) = take_whole(input, self.role, rsv, limits)
        {
            let ascii = reveal(payload, mask, 0);
            if kind == Kind::Binary || ascii || simdutf8::basic::from_utf8(payload).is_ok() {
                return Ok(Some(kind.event(Payload::Borrowed(payload))));
            }
            return self.finish(Err(ProtocolError::InvalidUtf8), input, pool);
        }
        self.next_uncommon(input, limits, pool, inflating)
    }

    /// Whether nothing is kept: the stream stands between two messages.
    pub fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// The memory that the buffers hold in which what was cut is kept, in bytes.
    pub fn buffered_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.buffered_bytes())
    }

    /// Forgets what was cut and gives its memory back: the connection ends.
    pub fn release(&mut self, pool: &mut BufferPool) {
        if let Some(partial) = self.partial.take() {
            partial.release(pool);
        }
    }

    /// Everything but a message that lies whole in the input: out of line, so that the common case
    /// is small enough to become a part of the caller's loop (12 ns for a message of 64 bytes,
    /// 31 when both were one function).
    #[inline(never)]
    fn next_uncommon<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        limits: &Limits,
        pool: &mut BufferPool,
        inflating: Option<&mut Inflating<'_>>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        if self.stage == Stage::Finished {
            *input = &mut [];
            return Ok(None);
        }
        let outcome = self.advance(input, limits, pool, inflating);
        if matches!(outcome, Err(_) | Ok(Some(Event::Close(_)))) {
            return self.finish(outcome, input, pool);
        }
        outcome
    }

    /// Each round of the loop takes a frame, or what there is of one, from the input.
    fn advance<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        limits: &Limits,
        pool: &mut BufferPool,
        mut inflating: Option<&mut Inflating<'_>>,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        let rsv = rsv(inflating.as_deref());
        loop {
            if let Some(partial) = &mut self.partial {
                let event = partial.resume(input, pool, inflating.as_deref_mut())?;
                self.settle();
                if event.is_some() {
                    return Ok(event);
                }
            }
            let Some(header) = self.take_header(input, rsv)? else { return Ok(None) };
            if header.opcode.is_control() {
                let payload_len = fitting(header.payload_len, usize::MAX)?;
                if let Some(payload) = input.split_off_mut(..payload_len) {
                    reveal(payload, header.mask, 0);
                    let payload = Payload::Borrowed(payload);
                    return control_event(header.opcode, payload, pool).map(Some);
                }
                self.partial.get_or_insert_default().begin_control(&header, payload_len, pool);
            } else {
                self.partial.get_or_insert_default().begin_data(&header, limits)?;
            }
        }
    }

    /// Takes a whole header from the front of the input, or keeps what there is of one.
    fn take_header(
        &mut self,
        input: &mut &mut [u8],
        rsv: u8,
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        if let Some(partial) = &mut self.partial {
            let header = partial.take_header(input, self.role, rsv);
            self.settle();
            return header;
        }
        match FrameHeader::parse_with(input, self.role, rsv)? {
            Some((header, used)) => {
                skip(input, used);
                Ok(Some(header))
            }
            None if input.is_empty() => Ok(None),
            None => self.partial.get_or_insert_default().take_header(input, self.role, rsv),
        }
    }

    /// Frees what was kept, once nothing is in it.
    fn settle(&mut self) {
        if self.partial.as_ref().is_some_and(|partial| partial.is_empty()) {
            self.partial = None;
        }
    }

    /// The last thing that is said.
    #[cold]
    fn finish<'a>(
        &mut self,
        outcome: Result<Option<Event<'a>>, ProtocolError>,
        input: &mut &'a mut [u8],
        pool: &mut BufferPool,
    ) -> Result<Option<Event<'a>>, ProtocolError> {
        self.stage = Stage::Finished;
        self.release(pool);
        *input = &mut [];
        outcome
    }
}

/// The bits that have a meaning in the header of a frame.
#[inline]
fn rsv(inflating: Option<&Inflating<'_>>) -> u8 {
    if inflating.is_some() { RSV1 } else { 0 }
}

/// A data frame that is a message by itself, not compressed, and lies whole in the input, still masked.
struct Whole<'a> {
    kind: Kind,
    mask: Option<[u8; 4]>,
    payload: &'a mut [u8],
}

/// Takes such a frame from the front of the input, if there is one and it is not too long.
/// Otherwise nothing is taken, and nothing is decided either.
#[inline]
fn take_whole<'a>(
    input: &mut &'a mut [u8],
    role: Role,
    rsv: u8,
    limits: &Limits,
) -> Option<Whole<'a>> {
    let (header, used) = FrameHeader::parse_with(input, role, rsv).ok()??;
    let kind = match header.opcode {
        Opcode::Text if header.fin && header.rsv == 0 => Kind::Text,
        Opcode::Binary if header.fin && header.rsv == 0 => Kind::Binary,
        _ => return None,
    };
    let payload_len = fitting(header.payload_len, limits.max_message).ok()?;
    // `None`, and nothing taken, where the input is shorter than the frame.
    let frame = input.split_off_mut(..used.checked_add(payload_len)?)?;
    let (_, payload) = frame.split_at_mut(used);
    Some(Whole { kind, mask: header.mask, payload })
}

#[cfg(test)]
mod tests;

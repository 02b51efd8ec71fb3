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
mod tests {
    use super::*;

    const KEY: [u8; 4] = [0x9a, 0x01, 0xff, 0x40];

    /// A masked frame with `first` as its first byte.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        super::super::encode_binary(&mut out, payload, Some(KEY));
        out[0] = first;
        out
    }

    fn limits(max_message: usize) -> Limits {
        Limits { max_message, max_fragments: 4 }
    }

    /// Everything a server reads from `bytes`, as it is printed.
    fn read(bytes: &[u8], limits: &Limits) -> Vec<String> {
        let (mut decoder, mut pool) = (Decoder::new(Role::Server), BufferPool::new());
        let mut bytes = bytes.to_vec();
        let (mut input, mut seen) = (&mut bytes[..], Vec::new());
        loop {
            match decoder.next(&mut input, limits, &mut pool) {
                Ok(None) => break,
                Ok(Some(Event::Text(text))) => seen.push(format!("text {}", text.escape_ascii())),
                Ok(Some(Event::Binary(bytes))) => seen.push(format!("binary {}", bytes.len())),
                Ok(Some(Event::Ping(bytes))) => seen.push(format!("ping {}", bytes.len())),
                Ok(Some(Event::Pong(bytes))) => seen.push(format!("pong {}", bytes.len())),
                Ok(Some(Event::Close(frame))) => {
                    seen.push(format!("close {:?}", frame.map(|frame| u16::from(frame.code))));
                }
                Err(error) => seen.push(error.name().to_owned()),
            }
        }
        assert!(input.is_empty(), "all input is used up");
        seen
    }

    #[test]
    fn a_whole_message_is_borrowed_from_the_input() {
        let (mut decoder, mut pool) = (Decoder::new(Role::Server), BufferPool::new());
        let mut bytes = [frame(0x81, "caf\u{e9}".as_bytes()), frame(0x82, b"\xff")].concat();
        let mut input = &mut bytes[..];
        let event = decoder.next(&mut input, &Limits::default(), &mut pool);
        assert!(matches!(event, Ok(Some(Event::Text(Payload::Borrowed(b"caf\xc3\xa9"))))));
        let event = decoder.next(&mut input, &Limits::default(), &mut pool);
        assert!(matches!(event, Ok(Some(Event::Binary(Payload::Borrowed(b"\xff"))))));
        assert!(decoder.is_idle() && decoder.buffered_bytes() == 0);
    }

    #[test]
    fn fragments_are_joined_and_pings_come_in_between() {
        let script = [
            frame(0x01, b"\xe2\x82"),
            frame(0x89, b"??"),
            frame(0x00, b""),
            frame(0x80, b"\xac!"),
            frame(0x8a, b""),
        ];
        let expected = ["ping 2", "text \\xe2\\x82\\xac!", "pong 0"];
        assert_eq!(read(&script.concat(), &limits(100)), expected);
    }

    #[test]
    fn what_is_out_of_order_is_refused() {
        let cases = [
            (vec![frame(0x80, b"x")], "stray_continuation"),
            (vec![frame(0x01, b"x"), frame(0x81, b"y")], "interleaved_message"),
            (vec![frame(0x01, b""), frame(0x02, b"")], "interleaved_message"),
            (vec![frame(0x88, b"x")], "short_close"),
            (vec![frame(0x88, b"\x03\xed")], "invalid_close_code"),
            (vec![frame(0x88, b"\x03\xe8\xff")], "invalid_utf8"),
            (vec![frame(0x81, b"\xc3")], "invalid_utf8"),
            (vec![frame(0x01, b"\xc3"), frame(0x80, b"")], "invalid_utf8"),
            ([vec![frame(0x02, b"")], vec![frame(0x00, b""); 4]].concat(), "too_many_fragments"),
        ];
        for (script, error) in cases {
            let mut bytes = script.concat();
            assert_eq!(read(&bytes, &limits(100)), [error]);
            // Nothing that follows an error is looked at.
            bytes.extend(frame(0x81, b"unheard"));
            assert_eq!(read(&bytes, &limits(100)), [error]);
        }
    }

    #[test]
    fn after_a_close_nothing_is_heard() {
        let close = frame(0x88, b"\x0f\xa0app");
        let script = [frame(0x01, b"never "), close, frame(0x80, b"finished"), vec![0x70]];
        assert_eq!(read(&script.concat(), &limits(100)), ["close Some(4000)"]);
        assert_eq!(read(&frame(0x88, b""), &limits(100)), ["close None"]);
    }

    #[test]
    fn the_longest_message_passes_and_one_byte_more_does_not() {
        assert_eq!(read(&frame(0x82, &[0; 300]), &limits(300)), ["binary 300"]);
        assert_eq!(read(&frame(0x82, &[0; 301]), &limits(300)), ["message_too_big"]);
        let in_two = [frame(0x02, &[0; 200]), frame(0x80, &[0; 100])].concat();
        assert_eq!(read(&in_two, &limits(300)), ["binary 300"]);
        assert_eq!(read(&in_two, &limits(299)), ["message_too_big"]);
        // The header alone is enough to refuse.
        assert_eq!(read(&frame(0x82, &[0; 301])[..8], &limits(300)), ["message_too_big"]);
        // Control frames do not count.
        let pings = [frame(0x89, &[0; 125]), frame(0x82, b"")].concat();
        assert_eq!(read(&pings, &limits(0)), ["ping 125", "binary 0"]);
    }

    #[test]
    fn memory_follows_the_bytes_that_came() {
        let (mut decoder, mut pool) = (Decoder::new(Role::Server), BufferPool::new());
        let limits = Limits::default();
        let mut bytes = frame(0x82, &vec![7; limits.max_message]);
        let (mut header, mut payload) = bytes.split_at_mut(14);
        let mut feed = |input: &mut &mut [u8]| {
            let complete = matches!(decoder.next(input, &limits, &mut pool), Ok(Some(_)));
            (complete, decoder.buffered_bytes())
        };
        let (_, announced) = feed(&mut header);
        assert!(announced < 256, "an announcement is held in {announced} bytes");
        let mut came = 0;
        while payload.len() > 1 {
            let mut next = payload.split_off_mut(..3001.min(payload.len() - 1)).unwrap();
            came += next.len();
            let (complete, held) = feed(&mut next);
            assert!(!complete && held <= 2 * came + 256, "{held} bytes held for {came}");
            assert!(held <= limits.max_message + 256, "no more than the message can need");
        }
        assert_eq!(feed(&mut payload), (true, 0), "the buffer has gone out with the message");
    }

    #[test]
    fn an_end_in_the_middle_gives_the_memory_back() {
        let (mut decoder, mut pool) = (Decoder::new(Role::Server), BufferPool::new());
        let mut bytes = [frame(0x02, &[1; 5000]), frame(0x89, b"ping")].concat();
        let end = bytes.len() - 1;
        let event = decoder.next(&mut &mut bytes[..end], &Limits::default(), &mut pool);
        assert!(matches!(event, Ok(None)) && !decoder.is_idle());
        decoder.release(&mut pool);
        assert!(decoder.is_idle() && decoder.buffered_bytes() == 0);
        assert!(pool.kept_bytes() >= 5000);
    }

    #[test]
    fn invalid_text_is_refused_inside_an_unfinished_frame() {
        let text = frame(0x01, b"ok\xf4\x90 and much more");
        for (len, refused) in [(9, false), (10, true), (20, true)] {
            let seen = read(&text[..len], &limits(100));
            assert_eq!(seen.first().is_some_and(|name| name == "invalid_utf8"), refused, "{len}");
        }
    }
}

//! Compressed messages through the decoder.

use super::super::pool::BLOCK_BYTES;
use super::super::{Context, Inbound, Outbound, Pool, WindowBits, encode_deflated};
use crate::buffer::BufferPool;
use crate::codec::websocket::encoder::encode_frame_with;
use crate::codec::websocket::header::RSV1;
use crate::codec::websocket::{
    Decoder, Event, Limits, Opcode, ProtocolError, Role, encode_frame, encode_ping,
};

/// A client that reads what a server sends.
pub(super) struct Reader {
    pub(super) decoder: Decoder,
    pub(super) inbound: Inbound,
    pub(super) limits: Limits,
    pub(super) buffers: BufferPool,
    pub(super) deflate: Pool,
}

pub(super) fn context(bits: u8, takeover: bool) -> Context {
    Context { window: WindowBits::new(bits).expect("a legal window"), takeover }
}

impl Reader {
    pub(super) fn new(takeover: bool) -> Reader {
        Reader {
            decoder: Decoder::new(Role::Client),
            inbound: Inbound::new(takeover),
            limits: Limits { max_message: 1 << 20, max_fragments: 100 },
            buffers: BufferPool::new(),
            deflate: Pool::new(0),
        }
    }

    pub(super) fn with_cap(max_message: usize) -> Reader {
        let mut reader = Reader::new(false);
        reader.limits.max_message = max_message;
        reader
    }

    /// The messages and pings in `bytes`, or the first error.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
        let (mut bytes, mut seen) = (bytes.to_vec(), Vec::new());
        let mut input = &mut bytes[..];
        loop {
            let event = self.decoder.next_inflating(
                &mut input,
                &self.limits,
                &mut self.buffers,
                &mut self.inbound,
                &mut self.deflate,
            )?;
            match event {
                None => return Ok(seen),
                Some(Event::Text(payload) | Event::Binary(payload) | Event::Ping(payload)) => {
                    seen.push(payload.to_vec());
                    payload.recycle(&mut self.buffers);
                }
                Some(other) => panic!("{other:?}"),
            }
        }
    }
}

/// A frame whose payload is a compressed message, or the start of one.
pub(super) fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame_with(&mut out, RSV1, opcode, payload, None);
    if !fin {
        out[0] &= 0x7f;
    }
    out
}

pub(super) fn plain(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame(&mut out, fin, opcode, payload, None);
    out
}

/// The payload of `message`, compressed by itself.
pub(super) fn deflated(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let window = WindowBits::MAX;
    encode_deflated(&mut out, Opcode::Binary, message, None, window, &mut Pool::new(0));
    assert_eq!(out[0], 0xc2);
    let header = match out[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    out.split_off(header)
}

/// The examples of section 7.2.3.
#[test]
fn the_examples_of_the_rfc() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut reader = Reader::new(false);
    for payload in [
        &hello[..],
        b"\x00\x05\x00\xfa\xffHello\x00",
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        let whole = frame(true, Opcode::Text, payload);
        assert_eq!(reader.read(&whole), Ok(vec![b"Hello".to_vec()]), "{payload:x?}");
        // In two fragments (section 7.2.3.1), with a ping between them.
        let mut parts = frame(false, Opcode::Text, &payload[..3]);
        encode_ping(&mut parts, b"?", None);
        parts.extend(plain(true, Opcode::Continuation, &payload[3..]));
        assert_eq!(reader.read(&parts), Ok(vec![b"?".to_vec(), b"Hello".to_vec()]));
    }
    let empty = frame(true, Opcode::Text, &[0x00]);
    assert_eq!(reader.read(&empty), Ok(vec![b"".to_vec()]));
    // The second refers to the first (section 7.2.3.2).
    let again =
        [frame(true, Opcode::Text, &hello), frame(true, Opcode::Text, b"\xf2\x00\x11\x00\x00")];
    let mut remembers = Reader::new(true);
    assert_eq!(remembers.read(&again.concat()), Ok(vec![b"Hello".to_vec(); 2]));
    assert_eq!(reader.read(&again.concat()), Err(ProtocolError::InvalidDeflate));
}

#[test]
fn empty_messages_are_messages() {
    for takeover in [false, true] {
        let mut reader = Reader::new(takeover);
        let mut bytes = Vec::new();
        let mut outbound = Outbound::new(context(15, takeover));
        let mut pool = Pool::new(0);
        for message in [&b""[..], b"abc", b"", b"", b"abc"] {
            outbound.encode(&mut bytes, Opcode::Binary, message, None, &mut pool);
        }
        // An empty payload, and one in an empty fragment.
        bytes.extend(frame(true, Opcode::Text, b""));
        bytes.extend(frame(false, Opcode::Text, b""));
        bytes.extend(plain(true, Opcode::Continuation, b"\x00"));
        let read = reader.read(&bytes).unwrap();
        assert_eq!(read, [&b""[..], b"abc", b"", b"", b"abc", b"", b""]);
    }
}

#[test]
fn the_longest_message_passes_and_one_byte_more_does_not() {
    for cap in [1, 1000, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 100_000] {
        for step in [usize::MAX, 7] {
            let message = vec![b'x'; cap + 1];
            let exact = frame(true, Opcode::Text, &deflated(&message[1..]));
            let mut reader = Reader::with_cap(cap);
            let mut read = Vec::new();
            for piece in exact.chunks(step.min(exact.len())) {
                read.extend(reader.read(piece).unwrap());
            }
            assert_eq!(read, [&message[1..]]);
            let more = frame(true, Opcode::Text, &deflated(&message));
            let mut pieces = more.chunks(step.min(more.len()));
            let error = pieces.find_map(|piece| reader.read(piece).err());
            assert_eq!(error, Some(ProtocolError::MessageTooBig), "{cap} and one");
        }
    }
    // The sum of the fragments counts, and not the length of any frame.
    let payload = deflated(&[b'x'; 1001]);
    let (first, second) = payload.split_at(payload.len() / 2);
    let parts =
        [frame(false, Opcode::Text, first), plain(true, Opcode::Continuation, second)].concat();
    assert_eq!(Reader::with_cap(1000).read(&parts), Err(ProtocolError::MessageTooBig));
    assert_eq!(Reader::with_cap(1001).read(&parts).map(|read| read.len()), Ok(1));
}

#[test]
fn a_bomb_costs_the_cap_and_a_block() {
    let bomb = frame(true, Opcode::Binary, &deflated(&vec![0; 64 << 20]));
    assert!(bomb.len() < 100_000);
    for cap in [0, 10, 100_000, 1 << 20] {
        let mut reader = Reader::with_cap(cap);
        assert_eq!(reader.read(&bomb), Err(ProtocolError::MessageTooBig));
        let inflated = reader.deflate.inflated_bytes();
        assert!(inflated <= (cap + BLOCK_BYTES) as u64, "{inflated} bytes for a cap of {cap}");
        assert_eq!(reader.decoder.buffered_bytes(), 0);
        assert!(reader.buffers.kept_bytes() <= 2 * cap + BLOCK_BYTES);
    }
}

#[test]
fn a_compressed_message_that_is_longer_than_plain_is_no_longer_than_the_cap() {
    // Blocks without compression, one byte each: six bytes for one.
    let mut payload: Vec<u8> = (0..100).flat_map(|byte| [0, 1, 0, 0xfe, 0xff, byte]).collect();
    payload.push(0);
    let bytes = frame(true, Opcode::Binary, &payload);
    assert_eq!(Reader::with_cap(100).read(&bytes), Ok(vec![(0..100).collect()]));
    assert_eq!(Reader::with_cap(99).read(&bytes), Err(ProtocolError::MessageTooBig));
}

#[test]
fn what_is_no_deflate_stream_is_refused() {
    let sound = deflated(b"a sound message, a sound message, a sound message");
    for takeover in [false, true] {
        for garbage in [
            &b"\xff\xff\xff"[..],         // a reserved type of block
            b"\x07",                      // the same, and the last one
            b"\x00\x05\x00\x00\x00Hello", // a length that contradicts itself
            b"\x62\x00\x11\xff\x00",      // further back than there is anything
        ] {
            let mut reader = Reader::new(takeover);
            assert_eq!(reader.read(&frame(true, Opcode::Text, &sound)).unwrap().len(), 1);
            let error = reader.read(&frame(true, Opcode::Text, garbage));
            if !takeover {
                assert_eq!(error, Err(ProtocolError::InvalidDeflate), "{garbage:x?}");
            }
            assert_ne!(error.map(|read| read.len()), Ok(2));
        }
    }
    // Cut off: nothing says so but that the message does not end where a block does.
    for length in 1..sound.len() {
        let mut reader = Reader::new(false);
        let cut = reader.read(&frame(true, Opcode::Binary, &sound[..length]));
        assert_eq!(cut, Err(ProtocolError::InvalidDeflate), "{length} of {}", sound.len());
    }
}

#[test]
fn what_is_in_front_of_an_error_is_judged_first() {
    // Blocks of text without compression, of which one is none, and then no block at all.
    let stored = |text: &[u8]| {
        let length = u16::try_from(text.len()).unwrap();
        [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), text].concat()
    };
    for (text, error) in [
        (&b"text"[..], ProtocolError::InvalidDeflate),
        (b"\xff", ProtocolError::InvalidUtf8),
        (b"a long one", ProtocolError::MessageTooBig),
        (b"a \xff long one", ProtocolError::InvalidUtf8),
        (b"a long o\xff", ProtocolError::MessageTooBig),
    ] {
        let bytes = frame(true, Opcode::Text, &[&stored(text)[..], b"\xff\xff"].concat());
        for size in 1..=bytes.len() {
            let mut reader = Reader::with_cap(8);
            let found = bytes.chunks(size).find_map(|piece| reader.read(piece).err());
            assert_eq!(found, Some(error), "{size} bytes at a time");
        }
    }
}

#[test]
fn utf8_is_checked_behind_the_inflater() {
    let message = "naïve €uro 😀 and so on, and so on, and so on";
    let payload = deflated(message.as_bytes());
    // The payload itself is no text, and may be cut wherever one likes.
    assert!(str::from_utf8(&payload).is_err());
    for cut in 0..=payload.len() {
        let mut parts = frame(false, Opcode::Text, &payload[..cut]);
        parts.extend(plain(true, Opcode::Continuation, &payload[cut..]));
        let read = Reader::new(false).read(&parts);
        assert_eq!(read, Ok(vec![message.as_bytes().to_vec()]));
    }
    for invalid in [&b"ok \xff"[..], b"\xe2\x82", b"\xed\xa0\x80"] {
        let bytes = frame(true, Opcode::Text, &deflated(invalid));
        assert_eq!(Reader::new(false).read(&bytes), Err(ProtocolError::InvalidUtf8));
        let bytes = frame(true, Opcode::Binary, &deflated(invalid));
        assert!(Reader::new(false).read(&bytes).is_ok());
    }
    // At once, and not when the message is complete.
    let mut long = deflated(&[&[0xff][..], &[b'x'; 100]].concat());
    long.pop();
    let begun = frame(false, Opcode::Text, &long);
    assert_eq!(Reader::new(false).read(&begun), Err(ProtocolError::InvalidUtf8));
}

#[test]
fn reserved_bits_are_refused_where_they_mean_nothing() {
    let payload = deflated(b"x");
    let mut reader = Reader::new(false);
    let mut bytes = frame(false, Opcode::Text, &payload);
    bytes.extend(frame(true, Opcode::Continuation, b""));
    assert_eq!(reader.read(&bytes), Err(ProtocolError::ReservedBits));
    for control in [Opcode::Ping, Opcode::Pong, Opcode::Close] {
        let bytes = frame(true, control, b"");
        let error = Reader::new(false).read(&bytes);
        assert_eq!(error, Err(ProtocolError::ReservedBits));
    }
    // Of those who have agreed on nothing the bit is refused everywhere.
    let (mut decoder, mut buffers) = (Decoder::new(Role::Client), BufferPool::new());
    let mut bytes = frame(true, Opcode::Text, &payload);
    let event = decoder.next(&mut &mut bytes[..], &Limits::default(), &mut buffers);
    assert_eq!(event.unwrap_err(), ProtocolError::ReservedBits);
}

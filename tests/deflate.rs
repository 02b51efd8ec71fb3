//! A second opinion on every compressed message: miniz_oxide, which shares no code with zlib-rs.
//!
//! What we compress it must inflate, with no more of a window than was agreed on; what it compresses,
//! in all the ways that RFC 7692 has for the end of a message, we must inflate, however it is cut
//! into fragments and reads. And where both get rubbish, they must read the same in it.
#![cfg(feature = "deflate")]

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use miniz_oxide::{MZFlush, MZStatus};
use proptest::collection::vec;
use proptest::prelude::*;

use readily::buffer::BufferPool;
use readily::codec::websocket::deflate::{Context, Inbound, Outbound, Pool, WindowBits};
use readily::codec::websocket::header::{FrameHeader, RSV1};
use readily::codec::websocket::{
    Decoder, Event, Limits, Opcode, ProtocolError, Role, encode_frame, encode_ping,
};

const LIMITS: Limits = Limits { max_message: 1 << 20, max_fragments: u32::MAX };

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Messages with something to be found in them, near and far.
fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let piece = prop_oneof![
        3 => vec(any::<u8>(), 0..600),
        3 => vec(prop_oneof![Just(b'a'), Just(b'b')], 0..2000),
        2 => (any::<u8>(), 0..5000usize).prop_map(|(byte, length)| vec![byte; length]),
        1 => Just(b"the same words in every message ".repeat(20)),
    ];
    let message = vec((piece, 1..4usize), 0..6).prop_map(|pieces| {
        let mut message: Vec<u8> = Vec::new();
        for (piece, times) in pieces {
            message.extend(piece.repeat(times));
            // And again what was at the start.
            message.extend_from_within(..message.len().min(300));
        }
        message
    });
    vec(message, 1..6)
}

/// An inflater of theirs that remembers 2^`bits` bytes and not one more.
struct Theirs {
    inflater: DecompressorOxide,
    window: Vec<u8>,
    at: usize,
}

impl Theirs {
    fn new(bits: u8) -> Theirs {
        Theirs { inflater: DecompressorOxide::new(), window: vec![0; 1 << bits], at: 0 }
    }

    /// What they read in `input`; `None`: rubbish.
    fn inflate(&mut self, mut input: &[u8]) -> Option<Vec<u8>> {
        let mut inflated = Vec::new();
        loop {
            let flags = TINFL_FLAG_HAS_MORE_INPUT;
            let (status, consumed, produced) =
                decompress(&mut self.inflater, input, &mut self.window, self.at, flags);
            inflated.extend_from_slice(&self.window[self.at..self.at + produced]);
            self.at = (self.at + produced) % self.window.len();
            input = &input[consumed..];
            match status {
                TINFLStatus::NeedsMoreInput if input.is_empty() => return Some(inflated),
                TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => {}
                TINFLStatus::Done => {
                    self.inflater = DecompressorOxide::new();
                    if input.is_empty() {
                        return Some(inflated);
                    }
                }
                _ => return None,
            }
        }
    }
}

/// Compresses with theirs, up to the end that `flush` makes.
fn deflate_theirs(compressor: &mut CompressorOxide, message: &[u8], flush: MZFlush) -> Vec<u8> {
    let mut out = vec![0; message.len() * 2 + 1000];
    let result = miniz_oxide::deflate::stream::deflate(compressor, message, &mut out, flush);
    assert!(matches!(result.status, Ok(MZStatus::Ok | MZStatus::StreamEnd)), "{result:?}");
    assert_eq!(result.bytes_consumed, message.len());
    out.truncate(result.bytes_written);
    out
}

fn compressor(level: i32) -> CompressorOxide {
    CompressorOxide::new(create_comp_flags_from_zip_params(level, -15, 0))
}

/// Everything a client reads that comes in these pieces.
fn read<'p>(
    takeover: bool,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> (Vec<Vec<u8>>, Option<ProtocolError>) {
    let (mut decoder, mut inbound) = (Decoder::new(Role::Client), Inbound::new(takeover));
    let (mut buffers, mut pool, mut seen) = (BufferPool::new(), Pool::default(), Vec::new());
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        loop {
            let next =
                decoder.next_inflating(&mut input, &LIMITS, &mut buffers, &mut inbound, &mut pool);
            match next {
                Ok(None) => break,
                Ok(Some(Event::Binary(payload))) => {
                    seen.push(payload.to_vec());
                    payload.recycle(&mut buffers);
                }
                Ok(Some(Event::Ping(_))) => {}
                Ok(Some(other)) => panic!("{other:?}"),
                Err(error) => return (seen, Some(error)),
            }
        }
    }
    assert!(decoder.is_idle(), "every message was whole");
    assert!(takeover || !inbound.holds_inflater(), "an idle connection holds nothing");
    (seen, None)
}

/// A compressed message in fragments that end at `cuts`, with a ping behind each but the last.
fn frames(out: &mut Vec<u8>, payload: &[u8], cuts: &[prop::sample::Index]) {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
    cuts.sort_unstable();
    let (mut start, mut opcode) = (0, Opcode::Binary);
    for end in cuts.into_iter().chain([payload.len()]) {
        let at = out.len();
        let fin = end == payload.len() && start != end;
        encode_frame(out, false, opcode, &payload[start..end], None);
        if opcode == Opcode::Binary {
            out[at] |= RSV1 << 4;
        }
        if fin {
            out[at] |= 0x80;
            return;
        }
        encode_ping(out, b"in between", None);
        (start, opcode) = (end, Opcode::Continuation);
    }
    encode_frame(out, true, opcode, b"", None);
}

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_we_compress_they_inflate_with_the_window_that_was_agreed_on(
        messages in messages(),
        bits in 9..=15u8,
        takeover: bool,
        forced: bool,
    ) {
        let window = WindowBits::new(bits).expect("one of the seven");
        let mut outbound = Outbound::new(Context { window, takeover });
        let mut pool = Pool::new(if forced { 0 } else { 256 });
        let mut theirs = Theirs::new(bits);
        let mut all = Vec::new();
        for message in &messages {
            let mut frame = Vec::new();
            outbound.encode(&mut frame, Opcode::Binary, message, None, &mut pool);
            let header = FrameHeader::parse_with(&frame, Role::Client, RSV1);
            let (header, start) = header.expect("it is legal").expect("and whole");
            prop_assert!(header.fin && header.payload_len == (frame.len() - start) as u64);
            if header.rsv == RSV1 {
                if !takeover {
                    theirs = Theirs::new(bits);
                }
                let payload = [&frame[start..], &TAIL].concat();
                prop_assert!(theirs.inflate(&payload).as_ref() == Some(message));
                prop_assert!(forced || frame.len() - start < message.len());
            } else {
                prop_assert!(!forced && frame[start..] == message[..]);
            }
            all.extend(frame);
        }
        // And so do we, of course.
        prop_assert!(read(takeover, [&all[..]]) == (messages, None));
    }

    #[test]
    fn what_they_compress_we_inflate_however_it_is_cut(
        messages in messages(),
        level in 0..=9,
        takeover: bool,
        flushes in vec(any::<bool>(), 6),
        cuts in vec(vec(any::<prop::sample::Index>(), 0..4), 6),
        read_bytes in 1..3000usize,
    ) {
        let mut theirs = compressor(level);
        let mut bytes = Vec::new();
        for ((message, by_finish), cuts) in messages.iter().zip(flushes).zip(cuts) {
            let payload = if by_finish {
                // A block that says that it is the last one (section 7.2.3.5).
                let mut payload = deflate_theirs(&mut theirs, message, MZFlush::Finish);
                payload.push(0);
                payload
            } else {
                let mut payload = deflate_theirs(&mut theirs, message, MZFlush::Sync);
                prop_assert!(payload.ends_with(&TAIL) || payload.is_empty());
                payload.truncate(payload.len().saturating_sub(TAIL.len()));
                payload
            };
            if by_finish || !takeover {
                theirs = compressor(level);
            }
            frames(&mut bytes, &payload, &cuts);
        }
        prop_assert!(read(takeover, bytes.chunks(read_bytes)) == (messages, None));
    }

    #[test]
    fn both_read_the_same_in_rubbish(
        message in vec(any::<u8>(), 0..300),
        level in 1..=9,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut payload = deflate_theirs(&mut compressor(level), &message, MZFlush::Sync);
        payload.truncate(payload.len().saturating_sub(TAIL.len()));
        for (at, byte) in changes {
            if !payload.is_empty() {
                let at = at.index(payload.len());
                payload[at] ^= byte;
            }
        }
        payload.truncate(cut.index(payload.len() + 1));
        let mut frame = Vec::new();
        frames(&mut frame, &payload, &[]);
        match read(false, [&frame[..]]) {
            (seen, None) => {
                let theirs = Theirs::new(15).inflate(&[&payload[..], &TAIL].concat());
                prop_assert!(theirs.as_ref() == seen.first(), "{payload:x?}");
            }
            (seen, Some(error)) => {
                prop_assert!(seen.is_empty() && error == ProtocolError::InvalidDeflate);
            }
        }
    }

    #[test]
    fn no_bytes_panic(
        pieces in vec(vec(any::<u8>(), 0..200), 0..6),
        takeover: bool,
    ) {
        let (mut decoder, mut inbound) = (Decoder::new(Role::Client), Inbound::new(takeover));
        let (mut buffers, mut pool) = (BufferPool::new(), Pool::default());
        let limits = Limits { max_message: 1000, max_fragments: 4 };
        for (at, piece) in pieces.iter().enumerate() {
            let mut bytes = Vec::new();
            let opcode = if at == 0 { Opcode::Binary } else { Opcode::Continuation };
            encode_frame(&mut bytes, at + 1 == pieces.len(), opcode, piece, None);
            if at == 0 {
                bytes[0] |= RSV1 << 4;
            }
            let mut input = &mut bytes[..];
            while let Ok(Some(_)) =
                decoder.next_inflating(&mut input, &limits, &mut buffers, &mut inbound, &mut pool)
            {}
        }
        prop_assert!(pool.inflated_bytes() <= 1000 + 16 * 1024);
    }
}

#[test]
fn the_script_of_all_ends_is_read_the_same_wherever_it_is_cut() {
    let words = b"once more, once more, once more".to_vec();
    let mut bytes = Vec::new();
    let payload = deflate_theirs(&mut compressor(6), &words, MZFlush::Sync);
    frames(&mut bytes, &payload[..payload.len() - TAIL.len()], &[]);
    let mut payload = deflate_theirs(&mut compressor(6), &words, MZFlush::Finish);
    payload.push(0);
    frames(&mut bytes, &payload, &[]);
    encode_frame(&mut bytes, true, Opcode::Binary, &words, None);
    frames(&mut bytes, &[0], &[]);
    let expected = (vec![words.clone(), words.clone(), words, Vec::new()], None);
    for cut in 0..=bytes.len() {
        let (first, second) = bytes.split_at(cut);
        assert!(read(false, [first, second]) == expected, "cut at {cut}");
    }
    assert!(read(false, bytes.chunks(1)) == expected);
}

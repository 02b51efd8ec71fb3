//! How bytes are cut into reads must not change what is decoded.
//!
//! Every script is decoded in one piece, then cut in two at each position, then byte by byte, and
//! then in random pieces. The outcome must be the same each time, errors and what precedes them
//! included, and the decoder must hold no memory at the end of a complete script.

use proptest::collection::vec;
use proptest::prelude::*;

use readily::buffer::BufferPool;
use readily::codec::line::{LineDecoder, LineTooLong, encode_line};
use readily::codec::websocket::{
    CloseCode, Decoder, Event, Limits, Opcode, ProtocolError, Role, encode_close, encode_frame,
};

const LIMITS: Limits = Limits { max_message: 70_000, max_fragments: 8 };
const MAX_LINE: usize = 40;

/// An [`Event`] that outlives the input.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Error(ProtocolError),
}

/// What a decoder says about the chunks, and whether it ends between two messages.
fn decode<'c>(role: Role, chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Seen>, bool) {
    let (mut decoder, mut pool, mut seen) = (Decoder::new(role), BufferPool::new(), Vec::new());
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = &mut chunk[..];
        loop {
            let payload = match decoder.next(&mut input, &LIMITS, &mut pool) {
                Ok(None) => break,
                Ok(Some(Event::Text(payload))) => {
                    seen.push(Seen::Text(payload.to_vec()));
                    payload
                }
                Ok(Some(Event::Binary(payload))) => {
                    seen.push(Seen::Binary(payload.to_vec()));
                    payload
                }
                Ok(Some(Event::Ping(payload))) => {
                    seen.push(Seen::Ping(payload.to_vec()));
                    payload
                }
                Ok(Some(Event::Pong(payload))) => {
                    seen.push(Seen::Pong(payload.to_vec()));
                    payload
                }
                Ok(Some(Event::Close(frame))) => {
                    seen.push(Seen::Close(frame.map(|frame| (frame.code.into(), frame.reason))));
                    continue;
                }
                Err(error) => {
                    seen.push(Seen::Error(error));
                    continue;
                }
            };
            payload.recycle(&mut pool);
        }
        assert!(input.is_empty(), "all input is used up");
    }
    assert!(!decoder.is_idle() || decoder.buffered_bytes() == 0);
    (seen, decoder.is_idle())
}

/// Builds scripts in the form that the peer of a role sends.
struct Script {
    role: Role,
    bytes: Vec<u8>,
}

impl Script {
    fn for_role(role: Role) -> Script {
        Script { role, bytes: Vec::new() }
    }

    fn mask(&self) -> Option<[u8; 4]> {
        let position = self.bytes.len().to_le_bytes()[0];
        (self.role == Role::Server).then_some([0x80 | position, 0x55, 0, position])
    }

    fn frame(mut self, fin: bool, opcode: Opcode, payload: &[u8]) -> Script {
        let mask = self.mask();
        encode_frame(&mut self.bytes, fin, opcode, payload, mask);
        self
    }

    fn whole(self, opcode: Opcode, payload: &[u8]) -> Script {
        self.frame(true, opcode, payload)
    }

    fn part(self, opcode: Opcode, payload: &[u8]) -> Script {
        self.frame(false, opcode, payload)
    }

    fn close(mut self, code: u16, reason: &str) -> Script {
        let mask = self.mask();
        encode_close(&mut self.bytes, Some(CloseCode::from(code)), reason, mask);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Script {
        self.bytes.extend_from_slice(bytes);
        self
    }
}

/// Scripts with what they must be decoded to.
fn scripts(role: Role) -> Vec<(Script, Vec<Seen>)> {
    use Opcode::{Binary, Close, Continuation, Ping, Pong, Text};
    use ProtocolError as Wrong;
    let start = || Script::for_role(role);
    let text = |text: &str| Seen::Text(text.into());
    let words = "naïve €uro 😀 \u{10ffff}";
    let masked = if role == Role::Server { 0x80 } else { 0 };
    vec![
        (start(), vec![]),
        (
            start().whole(Text, b"Hello").whole(Binary, b"").whole(Text, words.as_bytes()),
            vec![text("Hello"), Seen::Binary(vec![]), text(words)],
        ),
        (
            start()
                .part(Text, &words.as_bytes()[..3])
                .whole(Ping, b"are you there?")
                .part(Continuation, b"")
                .part(Continuation, &words.as_bytes()[3..8])
                .whole(Pong, b"")
                .whole(Continuation, &words.as_bytes()[8..])
                .whole(Text, b"next"),
            vec![
                Seen::Ping(b"are you there?".into()),
                Seen::Pong(vec![]),
                text(words),
                text("next"),
            ],
        ),
        (
            start().whole(Binary, &[0xa5; 125]).whole(Text, &[b'x'; 126]).whole(Ping, &[1; 125]),
            vec![
                Seen::Binary(vec![0xa5; 125]),
                Seen::Text(vec![b'x'; 126]),
                Seen::Ping(vec![1; 125]),
            ],
        ),
        (
            start().part(Binary, &[]).whole(Continuation, &[]).part(Text, &[]).whole(Ping, &[]),
            vec![Seen::Binary(vec![]), Seen::Ping(vec![])],
        ),
        (
            start().whole(Text, b"last").close(1000, "bye €").whole(Text, b"unheard"),
            vec![text("last"), Seen::Close(Some((1000, "bye €".into())))],
        ),
        (start().part(Text, b"never ends").whole(Close, b"").raw(b"\xff"), vec![Seen::Close(None)]),
        (start().whole(Close, b"\x03\xed"), vec![Seen::Error(Wrong::InvalidCloseCode)]),
        (start().whole(Close, b"\x03"), vec![Seen::Error(Wrong::ShortClose)]),
        (start().whole(Close, b"\x03\xe8\xe2\x82"), vec![Seen::Error(Wrong::InvalidUtf8)]),
        (
            start().whole(Text, b"ok").whole(Text, b"\xed\xa0\x80 surrogate").whole(Text, b"x"),
            vec![text("ok"), Seen::Error(Wrong::InvalidUtf8)],
        ),
        (start().whole(Text, b"cut \xf0\x9f\x98"), vec![Seen::Error(Wrong::InvalidUtf8)]),
        (
            start().part(Text, b"\xf0\x9f").whole(Ping, b"").whole(Continuation, b"\x98"),
            vec![Seen::Ping(vec![]), Seen::Error(Wrong::InvalidUtf8)],
        ),
        (start().whole(Continuation, b"x"), vec![Seen::Error(Wrong::StrayContinuation)]),
        (
            start().part(Text, b"one").whole(Text, b"two"),
            vec![Seen::Error(Wrong::InterleavedMessage)],
        ),
        (
            (0..8).fold(start().part(Binary, b"1"), |it, _| it.part(Continuation, b"")),
            vec![Seen::Error(Wrong::TooManyFragments)],
        ),
        (start().raw(&[0xc1, masked]), vec![Seen::Error(Wrong::ReservedBits)]),
        (start().raw(&[0x83, masked]), vec![Seen::Error(Wrong::ReservedOpcode)]),
        (start().raw(&[0x09, masked]), vec![Seen::Error(Wrong::FragmentedControl)]),
        (start().raw(&[0x89, masked | 126, 0, 126]), vec![Seen::Error(Wrong::LongControl)]),
        (
            start().raw(&[0x81, masked ^ 0x80]),
            vec![Seen::Error(if role == Role::Server { Wrong::Unmasked } else { Wrong::Masked })],
        ),
        (
            start().raw(&[0x82, masked | 127, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            vec![Seen::Error(Wrong::LengthOverflow)],
        ),
        // A length that is not minimal, with a mask (or none) of zeroes.
        (
            start()
                .raw(&[0x82, masked | 127, 0, 0, 0, 0, 0, 0, 0, 2])
                .raw(if role == Role::Server { &[0; 4] } else { &[] })
                .raw(b"ab"),
            vec![Seen::Binary(b"ab".into())],
        ),
    ]
}

#[test]
fn frames_split_anywhere_give_the_same_events() {
    for role in [Role::Server, Role::Client] {
        for (Script { bytes, .. }, expected) in scripts(role) {
            let (whole, idle) = decode(role, [&bytes[..]]);
            assert_eq!(whole, expected);
            for at in 0..=bytes.len() {
                let halves = decode(role, [&bytes[..at], &bytes[at..]]);
                assert_eq!(halves, (whole.clone(), idle), "cut at {at}");
            }
            assert_eq!(decode(role, bytes.chunks(1)), (whole.clone(), idle), "byte by byte");
            let with_empty_reads = bytes.chunks(3).flat_map(|chunk| [chunk, &[]]);
            assert_eq!(decode(role, with_empty_reads), (whole, idle), "with empty reads");
        }
    }
}

#[test]
fn long_frames_split_anywhere_near_their_seams_give_the_same_events() {
    let long: Vec<u8> = "0123456789 äöü €".bytes().cycle().take(66_000 - 66_000 % 21).collect();
    let expected = [Seen::Text(long.clone()), Seen::Binary(vec![9; 65_535])];
    for role in [Role::Server, Role::Client] {
        let script = Script::for_role(role)
            .whole(Opcode::Text, &long)
            .whole(Opcode::Binary, &[9; 65_535])
            .bytes;
        assert_eq!(decode(role, [&script[..]]).0, expected);
        let seam = script.len() - 65_535 - 8;
        for at in (0..20).chain(16_370..16_420).chain(seam - 10..seam + 20) {
            let (seen, idle) = decode(role, [&script[..at], &script[at..]]);
            assert!(idle && seen == expected, "cut at {at}");
        }
        for size in [1, 7, 1448, 16_384, 65_483] {
            let (seen, idle) = decode(role, script.chunks(size));
            assert!(idle && seen == expected, "in reads of {size}");
        }
    }
}

#[test]
fn the_largest_message_is_judged_by_its_header_however_it_is_cut() {
    for role in [Role::Server, Role::Client] {
        let most = Script::for_role(role).whole(Opcode::Binary, &vec![1; LIMITS.max_message]);
        let too_much =
            Script::for_role(role).whole(Opcode::Binary, &vec![1; LIMITS.max_message + 1]);
        let refused = vec![Seen::Error(ProtocolError::MessageTooBig)];
        for at in 0..20 {
            let (seen, _) = decode(role, [&most.bytes[..at], &most.bytes[at..]]);
            assert!(matches!(&seen[..], [Seen::Binary(_)]), "cut at {at}");
            let (seen, _) = decode(role, [&too_much.bytes[..at], &too_much.bytes[at..]]);
            assert_eq!(seen, refused, "cut at {at}");
            let header_bytes = if role == Role::Server { 14 } else { 10 };
            let (seen, _) = decode(role, [&too_much.bytes[..at]]);
            assert_eq!(seen, if at < header_bytes { vec![] } else { refused.clone() });
        }
    }
}

/// All lines in the chunks, and whether one was too long. Nobody asks again after that.
fn decode_lines<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (Vec<Vec<u8>>, bool) {
    let (mut decoder, mut pool, mut seen) = (LineDecoder::new(), BufferPool::new(), Vec::new());
    for chunk in chunks {
        let mut chunk = chunk.to_vec();
        let mut input = &mut chunk[..];
        loop {
            match decoder.next(&mut input, MAX_LINE, &mut pool) {
                Ok(Some(line)) => {
                    seen.push(line.to_vec());
                    line.recycle(&mut pool);
                }
                Ok(None) => break,
                Err(LineTooLong) => return (seen, true),
            }
        }
        assert!(input.is_empty(), "all input is used up");
    }
    (seen, false)
}

#[test]
fn lines_split_anywhere_are_the_same_lines() {
    let longest = [&[b'x'; MAX_LINE][..], b"\n"].concat();
    let scripts = [
        (b"".to_vec(), 0, false),
        (b"one\n\ntwo\r\n\xff\xfe\nrest".to_vec(), 4, false),
        ([&longest[..], b"next\n", &longest[..]].concat(), 3, false),
        ([b"first\nx", &longest[..], b"never\n"].concat(), 1, true),
        ([b"first\n", &[b'y'; MAX_LINE + 1][..]].concat(), 1, true),
    ];
    for (bytes, lines, too_long) in scripts {
        let whole = decode_lines([&bytes[..]]);
        assert_eq!((whole.0.len(), whole.1), (lines, too_long));
        for at in 0..=bytes.len() {
            assert_eq!(decode_lines([&bytes[..at], &bytes[at..]]), whole, "cut at {at}");
        }
        assert_eq!(decode_lines(bytes.chunks(1)), whole, "byte by byte");
        assert_eq!(decode_lines(bytes.chunks(2).flat_map(|chunk| [&[], chunk])), whole);
    }
}

/// Cuts `bytes` into pieces of the lengths given, the rest into one.
fn cut<'b>(bytes: &'b [u8], lengths: &[usize]) -> Vec<&'b [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, after) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// Frames in any order, most of them legal by themselves, and garbage at times.
fn any_script(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![
        Opcode::Text,
        Opcode::Binary,
        Opcode::Continuation,
        Opcode::Ping,
        Opcode::Pong,
        Opcode::Close,
    ]);
    let payload = prop_oneof![
        4 => "\\PC{0,30}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..200),
        1 => vec(Just(b'a'), 120..130),
    ];
    let frame = (prop::bool::weighted(0.7), opcode, payload);
    let frames = vec(frame, 0..12).prop_map(move |frames| {
        let build = |script: Script, (fin, opcode, payload): (bool, Opcode, Vec<u8>)| {
            script.frame(fin || opcode.is_control(), opcode, &payload)
        };
        frames.into_iter().fold(Script::for_role(role), build).bytes
    });
    (frames, prop_oneof![3 => Just(vec![]), 1 => vec(any::<u8>(), 0..40)])
        .prop_map(|(frames, garbage)| [frames, garbage].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_frames_in_random_reads_give_the_same_events(
        (role, script) in prop_oneof![Just(Role::Server), Just(Role::Client)]
            .prop_flat_map(|role| (Just(role), any_script(role))),
        lengths in vec(0usize..60, 0..30),
    ) {
        let whole = decode(role, [&script[..]]);
        prop_assert_eq!(decode(role, cut(&script, &lengths)), whole.clone());
        prop_assert_eq!(decode(role, script.chunks(1)), whole);
    }

    #[test]
    fn random_lines_in_random_reads_are_the_same_lines(
        lines in vec(vec(any::<u8>(), 0..50), 0..10),
        rest in vec(any::<u8>(), 0..20),
        lengths in vec(0usize..40, 0..20),
    ) {
        let mut bytes = Vec::new();
        for line in &lines {
            encode_line(&mut bytes, line);
        }
        bytes.extend(rest);
        let whole = decode_lines([&bytes[..]]);
        prop_assert_eq!(decode_lines(cut(&bytes, &lengths)), whole.clone());
        // The definition of a line, as far as the first that is too long.
        let mut expected: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let fits = expected.iter().position(|line| line.len() > MAX_LINE);
        expected.truncate(fits.unwrap_or(expected.len() - 1));
        prop_assert_eq!(whole, (expected, fits.is_some()));
    }
}

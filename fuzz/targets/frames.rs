//! Frames: how they are cut makes no difference, no more is kept than a message may be long, and what
//! was understood is understood again when it is written by us.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use readily::buffer::BufferPool;
use readily::codec::websocket::header::{MAX_CONTROL_BYTES, MAX_HEADER_BYTES};
use readily::codec::websocket::{
    Decoder, Event, FrameHeader, Limits, ProtocolError, Role, encode_binary, encode_close,
    encode_ping, encode_pong, encode_text,
};
use readily_fuzz::{Input, at_once, one_by_one};

/// How long a message may be; never less than what a control frame may be, which is not counted.
const LONGEST: [usize; 4] = [128, 300, 1_000, 70_000];

#[derive(Clone, PartialEq, Eq, Debug)]
enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Refused(ProtocolError),
}

fuzz_target!(|input: Input| {
    let Input { choice, bytes, .. } = input;
    let role = if choice & 1 == 0 { Role::Server } else { Role::Client };
    let max_message = LONGEST[usize::from(choice >> 1) % LONGEST.len()];
    let limits = Limits { max_message, max_fragments: 20 };

    let heard = hear(role, bytes, &at_once(bytes.len()), &limits);
    assert_eq!(hear(role, bytes, &input.reads(), &limits), heard, "cut");
    assert_eq!(hear(role, bytes, &one_by_one(bytes.len()), &limits), heard, "byte by byte");

    let (wire, said) = say_again(role, &heard);
    assert_eq!(hear(role, &wire, &at_once(wire.len()), &limits), said);
    check_header(role, bytes);
});

/// What is heard in the reads.
fn hear(role: Role, bytes: &[u8], reads: &[Range<usize>], limits: &Limits) -> Vec<Heard> {
    let (mut decoder, mut pool, mut heard) = (Decoder::new(role), BufferPool::new(), Vec::new());
    for read in reads {
        let mut piece = bytes[read.clone()].to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            // It is asked again behind an error or a Close, and must have nothing more to say.
            let (payload, said) = match decoder.next(&mut input, limits, &mut pool) {
                Ok(None) => break,
                Ok(Some(Event::Text(text))) => {
                    assert!(std::str::from_utf8(&text).is_ok());
                    (text, Heard::Text as fn(Vec<u8>) -> Heard)
                }
                Ok(Some(Event::Binary(bytes))) => (bytes, Heard::Binary as _),
                Ok(Some(Event::Ping(bytes))) => (bytes, Heard::Ping as _),
                Ok(Some(Event::Pong(bytes))) => (bytes, Heard::Pong as _),
                Ok(Some(Event::Close(frame))) => {
                    heard.push(Heard::Close(frame.map(|frame| (frame.code.into(), frame.reason))));
                    continue;
                }
                Err(error) => {
                    heard.push(Heard::Refused(error));
                    assert!(decoder.is_idle(), "something is kept of what is refused");
                    continue;
                }
            };
            assert!(payload.len() <= limits.max_message);
            heard.push(said(payload.to_vec()));
            payload.recycle(&mut pool);
        }
        assert!(input.is_empty(), "all of a read is used up");
        let kept = decoder.buffered_bytes();
        // A message, and a control frame in the middle of it, whose buffer doubles as it grows. They
        // may have each other's old ones.
        let bound = 2 * limits.max_message.max(2 * MAX_CONTROL_BYTES);
        assert!(kept <= bound, "{kept} bytes are held, and {bound} are too many");
        assert!(kept == 0 || !decoder.is_idle());
    }
    heard
}

/// What was heard, written by the other side.
fn say_again(role: Role, heard: &[Heard]) -> (Vec<u8>, Vec<Heard>) {
    let mask = (role == Role::Server).then_some([0x12, 0x34, 0x56, 0x78]);
    let mut wire = Vec::new();
    let is_said = |heard: &&Heard| match heard {
        Heard::Text(text) => encode_text(&mut wire, text, mask),
        Heard::Binary(bytes) => encode_binary(&mut wire, bytes, mask),
        Heard::Ping(bytes) => encode_ping(&mut wire, bytes, mask),
        Heard::Pong(bytes) => encode_pong(&mut wire, bytes, mask),
        Heard::Close(frame) => {
            let (code, reason) = frame.clone().unzip();
            encode_close(&mut wire, code.map(Into::into), &reason.unwrap_or_default(), mask);
        }
        Heard::Refused(_) => {}
    };
    let said = heard.iter().filter(|heard| !matches!(heard, Heard::Refused(_)));
    let said = said.inspect(is_said).cloned().collect();
    (wire, said)
}

/// A header that is understood is understood again, from no more bytes than before.
fn check_header(role: Role, bytes: &[u8]) {
    let Ok(Some((header, used))) = FrameHeader::parse(bytes, role) else { return };
    let mut wire = Vec::new();
    header.encode(&mut wire);
    assert!(wire.len() <= used && used <= MAX_HEADER_BYTES);
    assert_eq!(FrameHeader::parse(&wire, role), Ok(Some((header, wire.len()))));
    assert_eq!(FrameHeader::parse(&wire[..wire.len() - 1], role), Ok(None));
}

//! Frames: how they are cut makes no difference, no message is longer than allowed, and what was
//! understood is understood again when it is written by us.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readily::buffer::BufferPool;
use readily::codec::websocket::{
    Decoder, Event, Limits, ProtocolError, Role, encode_binary, encode_close, encode_ping,
    encode_pong, encode_text,
};
use readily_fuzz::reads;

const LIMITS: Limits = Limits { max_message: 300, max_fragments: 20 };

#[derive(Clone, PartialEq, Eq, Debug)]
enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Refused(ProtocolError),
}

fuzz_target!(|input: (bool, Vec<u8>, Vec<u8>)| {
    let (is_server, cuts, bytes) = input;
    let role = if is_server { Role::Server } else { Role::Client };
    let whole = hear(role, &bytes, &[]);
    assert_eq!(hear(role, &bytes, &cuts), whole, "cut");
    assert_eq!(hear(role, &bytes, &vec![1; bytes.len()]), whole, "byte by byte");

    // Said again by the other side.
    let mask = is_server.then_some([0x12, 0x34, 0x56, 0x78]);
    let mut wire = Vec::new();
    let mut said = Vec::new();
    for heard in &whole {
        match heard {
            Heard::Text(text) => encode_text(&mut wire, text, mask),
            Heard::Binary(bytes) => encode_binary(&mut wire, bytes, mask),
            Heard::Ping(bytes) => encode_ping(&mut wire, bytes, mask),
            Heard::Pong(bytes) => encode_pong(&mut wire, bytes, mask),
            Heard::Close(frame) => {
                let (code, reason) = frame.clone().unzip();
                let reason = reason.unwrap_or_default();
                encode_close(&mut wire, code.map(Into::into), &reason, mask);
            }
            Heard::Refused(_) => break,
        }
        said.push(heard.clone());
    }
    assert_eq!(hear(role, &wire, &cuts), said);
});

fn hear(role: Role, bytes: &[u8], cuts: &[u8]) -> Vec<Heard> {
    let (mut decoder, mut pool, mut heard) = (Decoder::new(role), BufferPool::new(), Vec::new());
    for read in reads(bytes.len(), cuts) {
        let mut piece = bytes[read].to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            let event = match decoder.next(&mut input, &LIMITS, &mut pool) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    heard.push(Heard::Refused(error));
                    assert!(decoder.is_idle(), "nothing is kept of what is refused");
                    continue;
                }
            };
            heard.push(match event {
                Event::Text(text) => {
                    assert!(std::str::from_utf8(&text).is_ok());
                    Heard::Text(bounded(&text))
                }
                Event::Binary(bytes) => Heard::Binary(bounded(&bytes)),
                Event::Ping(bytes) => Heard::Ping(bounded(&bytes)),
                Event::Pong(bytes) => Heard::Pong(bounded(&bytes)),
                Event::Close(frame) => {
                    Heard::Close(frame.map(|frame| (frame.code.into(), frame.reason)))
                }
            });
        }
        assert!(input.is_empty(), "all of a read is used up");
        // A message, a control frame in the middle of it, and a header.
        assert!(decoder.buffered_bytes() <= 4 * LIMITS.max_message, "{}", decoder.buffered_bytes());
    }
    heard
}

fn bounded(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() <= LIMITS.max_message);
    bytes.to_vec()
}

//! What is kept between compressed messages, by whom, and what is not.

use super::super::pool::{INFLATER_BYTES, compressor_bytes};
use super::super::{Outbound, Pool, WindowBits, encode_deflated};
use super::messages::{Reader, context, deflated, frame};
use crate::codec::websocket::{Opcode, encode_binary};

#[test]
fn nobody_holds_an_inflater_between_messages() {
    let mut reader = Reader::new(false);
    let payload = deflated(&b"to be continued ".repeat(100));
    let bytes = frame(true, Opcode::Text, &payload);
    for _ in 0..3 {
        assert_eq!(reader.read(&bytes).unwrap().len(), 1);
        assert!(!reader.inbound.holds_inflater());
        assert_eq!(reader.deflate.kept(), (0, 1), "the same one each time");
    }
    let (begun, rest) = bytes.split_at(bytes.len() / 2);
    reader.read(&bytes[..2]).unwrap();
    assert!(!reader.inbound.holds_inflater(), "an announcement holds nothing");
    reader.read(&begun[2..]).unwrap();
    assert!(reader.inbound.holds_inflater() && reader.deflate.kept() == (0, 0));
    reader.read(rest).unwrap();
    assert!(!reader.inbound.holds_inflater() && reader.deflate.kept() == (0, 1));
    // A message that is not compressed needs none.
    let mut plain = Vec::new();
    encode_binary(&mut plain, b"plain", None);
    let mut fresh = Reader::new(false);
    assert_eq!(fresh.read(&plain).unwrap().len(), 1);
    assert_eq!(fresh.deflate.kept(), (0, 0));
}

#[test]
fn an_inflater_that_has_seen_rubbish_has_forgotten_it() {
    let sound = frame(true, Opcode::Text, &deflated(b"sound and sound and sound"));
    // One that ends in the middle of a block, and one that is none from somewhere on.
    for rubbish in [&[0xf2, 0x48][..], b"\x00\x01\x00\xfe\xffx\xff"] {
        let mut bad = Reader::new(false);
        assert!(bad.read(&frame(true, Opcode::Text, rubbish)).is_err());
        bad.inbound.release(&mut bad.deflate);
        let mut good = Reader { deflate: bad.deflate, ..Reader::new(false) };
        assert_eq!(good.read(&sound).map(|read| read.len()), Ok(1));
    }
}

#[test]
fn with_takeover_each_connection_has_its_own() {
    let (mut reader, mut pool) = (Reader::new(true), Pool::new(0));
    let mut outbound = Outbound::new(context(15, true));
    assert!(!outbound.holds_compressor() && !reader.inbound.holds_inflater());
    let message = b"as I was saying, as I was saying";
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let mut bytes = Vec::new();
        outbound.encode(&mut bytes, Opcode::Text, message, None, &mut pool);
        lengths.push(bytes.len());
        assert_eq!(reader.read(&bytes), Ok(vec![message.to_vec()]));
    }
    assert!(lengths[1] < lengths[0] && lengths[2] < lengths[0], "{lengths:?}");
    assert!(outbound.holds_compressor() && reader.inbound.holds_inflater());
    assert_eq!((pool.kept(), reader.deflate.kept()), ((0, 0), (0, 0)));
    let held = (outbound.held_bytes(), reader.inbound.held_bytes());
    assert_eq!(held, (compressor_bytes(WindowBits::MAX), INFLATER_BYTES));
    assert_eq!(pool.held_bytes() - pool.kept_bytes(), held.0);
    assert_eq!(reader.deflate.held_bytes() - reader.deflate.kept_bytes(), held.1);
    outbound.release(&mut pool);
    reader.inbound.release(&mut reader.deflate);
    assert!(!outbound.holds_compressor() && !reader.inbound.holds_inflater());
    for mut pool in [pool, reader.deflate] {
        assert_eq!(pool.held_bytes(), pool.kept_bytes());
        pool.trim();
        assert_eq!(pool.held_bytes(), 0);
    }
}

#[test]
fn one_compressor_a_window_serves_everybody_and_forgets() {
    let mut pool = Pool::new(0);
    for bits in 9..=15 {
        let window = WindowBits::new(bits).unwrap();
        let mut out = [Vec::new(), Vec::new()];
        for out in &mut out {
            encode_deflated(out, Opcode::Text, b"twice the same", None, window, &mut pool);
        }
        assert_eq!(out[0], out[1], "nothing of the first is in the second");
    }
    assert_eq!(pool.kept(), (WindowBits::SIZES, 0));
    assert_eq!(pool.deflated_messages(), 14);
    pool.trim();
    assert_eq!(pool.kept(), (0, 0));
}

#[test]
fn messages_are_compressed_where_it_is_worth_it() {
    let encode = |pool: &mut Pool, message: &[u8]| {
        let mut out = Vec::new();
        encode_deflated(&mut out, Opcode::Binary, message, None, WindowBits::MAX, pool);
        out[0] & 0x40 != 0
    };
    let mut pool = Pool::new(100);
    assert!(!encode(&mut pool, &[0; 99]) && encode(&mut pool, &[0; 100]));
    // Every byte once: that does not get shorter.
    let all: Vec<u8> = (0..=255).collect();
    assert!(!encode(&mut pool, &all) && !encode(&mut Pool::new(1), b""));
    assert!(encode(&mut Pool::new(0), &all) && encode(&mut Pool::new(0), b""));
}

#[test]
fn what_did_not_get_shorter_is_not_referred_to() {
    let (mut pool, mut reader) = (Pool::new(1), Reader::new(true));
    let mut outbound = Outbound::new(context(15, true));
    let noise: Vec<u8> = (0..=255).collect();
    let words = b"words, words, words, words, words".to_vec();
    let mut bytes = Vec::new();
    let messages = [&words, &noise, &noise, &words, &noise];
    for message in messages {
        outbound.encode(&mut bytes, Opcode::Binary, message, None, &mut pool);
    }
    assert_eq!(reader.read(&bytes).unwrap(), messages.map(Clone::clone));
}

//! Frames that are taken, and why others are not.

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

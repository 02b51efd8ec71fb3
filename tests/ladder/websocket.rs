//! Rung 9 in the words of its protocol.

use std::io::Write as _;

use tungstenite::Message;

use crate::support::{SWITCHING, UPGRADE, rest};
use crate::{Rung, frame, masked};

#[test]
fn rung_9_does_not_care_where_the_bytes_are_cut() {
    let mut rung = Rung::start("09_websocket");
    let said = [
        UPGRADE.as_bytes(),
        &masked(0x01, b"Hel"),
        &masked(0x89, b"ping"),
        &masked(0x80, b"lo"),
        &masked(0x8a, b"unasked"),
        &masked(0x82, b"\0\xff"),
        &masked(0x88, b"\x03\xe8bye"),
        // What comes behind a Close is not read as frames, and makes no RST of the goodbye.
        &[0; 100_000],
    ]
    .concat();
    let heard = [
        SWITCHING,
        &frame(0x8a, b"ping"),
        &frame(0x81, b"Hello"),
        &frame(0x82, b"\0\xff"),
        &frame(0x88, b"\x03\xe8"),
    ]
    .concat();
    let (cut, tail) = said.split_at(said.len() - 100_000);
    for size in [1, 2, 3, 5, 7, 11, 13, cut.len()] {
        let mut client = rung.connect();
        for piece in cut.chunks(size) {
            client.write_all(piece).expect("writes");
        }
        client.write_all(tail).expect("writes");
        let got = rest(&mut client);
        assert!(got == heard, "pieces of {size}: {}", got.escape_ascii());
    }
    rung.is_well();
}

#[test]
fn rung_9_is_understood_by_another_implementation() {
    let rung = Rung::start("09_websocket");
    let url = format!("ws://{}/", rung.address);
    let (mut client, _) = tungstenite::client(url, rung.connect()).expect("upgrades");
    for message in [Message::text("h\u{e9}"), Message::binary(vec![7; 60_000])] {
        client.send(message.clone()).expect("sends");
        assert_eq!(client.read().expect("reads"), message);
    }
    client.close(None).expect("says goodbye");
    assert!(matches!(client.read(), Ok(Message::Close(None))));
    assert!(matches!(client.read(), Err(tungstenite::Error::ConnectionClosed)));
}

#[test]
fn rung_9_says_what_is_wrong() {
    let mut rung = Rung::start("09_websocket");
    for (said, heard) in [
        (b"\x16\x03\x01".to_vec(), "HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "HTTP/1.1 400 "),
        (UPGRADE.replace(": 13", ": 12").into_bytes(), "HTTP/1.1 426 "),
        (format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(20_000)).into_bytes(), "HTTP/1.1 431 "),
    ] {
        let mut client = rung.connect();
        client.write_all(&said).expect("writes");
        let got = rest(&mut client);
        assert!(got.starts_with(heard.as_bytes()), "{}", got.escape_ascii());
    }
    let too_big = [&[0x82, 0xff][..], &[0, 0, 0, 0, 0, 1, 0, 1], b"mask"].concat();
    let text = [0xff; 2];
    for (said, code) in [(frame(0x81, b"bare"), 1002), (too_big, 1009), (masked(0x81, &text), 1007)]
    {
        let mut client = rung.connect();
        client.write_all(&[UPGRADE.as_bytes(), &said].concat()).expect("writes");
        let close = frame(0x88, &u16::to_be_bytes(code));
        assert_eq!(rest(&mut client), [SWITCHING, &close].concat());
    }
    rung.is_well();
}

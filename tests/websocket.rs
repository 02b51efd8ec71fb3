//! WebSocket over real sockets: frames byte for byte, and an independent client beside them.
//!
//! The raw frames here are made by hand, so that a mistake that encoder and decoder share is seen.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::socket::{getsockopt, sockopt};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

use support::{PATIENCE, SWITCHING, Server, UPGRADE, exchange, expect, memory, rest};

// First bytes of frames: FIN and the opcode.
const CONTINUED: u8 = 0x00;
const LAST: u8 = 0x80;
const TEXT: u8 = 0x81;
const TEXT_BEGIN: u8 = 0x01;
const BINARY: u8 = 0x82;
const BINARY_BEGIN: u8 = 0x02;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

fn server() -> Server {
    Server::start(&["echo=ws://127.0.0.1:0/ws"])
}

/// An open WebSocket without a library.
fn open(server: &Server) -> TcpStream {
    let mut stream = server.connect(0);
    exchange(&mut stream, UPGRADE.as_bytes(), SWITCHING);
    stream
}

/// An open WebSocket with one.
fn client(server: &Server) -> WebSocket<TcpStream> {
    let stream = server.connect(0);
    let url = format!("ws://{}/ws", server.address(0));
    let (socket, response) = tungstenite::client(url, stream).expect("a handshake");
    assert_eq!(response.status(), 101);
    socket
}

/// The length part of a header, in the shortest form, with `mask_bit`.
fn length(length: usize, mask_bit: u8) -> Vec<u8> {
    match length {
        0..126 => vec![mask_bit | u8::try_from(length).expect("short")],
        126..65536 => {
            let length = u16::try_from(length).expect("short");
            [&[mask_bit | 126], length.to_be_bytes().as_slice()].concat()
        }
        _ => [&[mask_bit | 127], (length as u64).to_be_bytes().as_slice()].concat(),
    }
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn masked(payload: &[u8]) -> Vec<u8> {
    payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first], length(payload.len(), 0x80).as_slice(), &KEY, &masked(payload)].concat()
}

/// A frame as the server sends it.
fn reply(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first], length(payload.len(), 0).as_slice(), payload].concat()
}

/// The Close frame of the server.
fn closed(code: u16) -> Vec<u8> {
    reply(CLOSE, &code.to_be_bytes())
}

/// Sends `bytes` and expects exactly `expected` and the end, in front of ours.
#[track_caller]
fn ends_with(server: &Server, bytes: &[u8], expected: &[u8]) {
    let mut stream = open(server);
    stream.write_all(bytes).expect("writes");
    let got = rest(&mut stream);
    assert!(
        got == expected,
        "{} instead of {} for {}",
        got.escape_ascii(),
        expected.escape_ascii(),
        bytes[..bytes.len().min(40)].escape_ascii()
    );
}

/// The value of a counter, by way of SIGUSR1.
fn counter(server: &mut Server, name: &str) -> u64 {
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("open=");
    let entries: HashMap<_, _> = line.split(' ').filter_map(|word| word.split_once('=')).collect();
    entries.get(name).map_or(0, |value| value.parse().expect("a number"))
}

#[test]
fn a_handshake_is_answered_with_exactly_these_bytes() {
    let server = server();
    let mut stream = open(&server);
    exchange(&mut stream, &frame(TEXT, b"Hello"), b"\x81\x05Hello");
}

#[test]
fn what_clients_may_vary_in_a_handshake() {
    let server = server();
    for (what, with) in [
        ("GET /ws ", "GET /ws?token=1&x=/ws "),
        ("GET /ws ", "GET http://x/ws?y "),
        ("Upgrade: websocket", "UPGRADE: WebSocket"),
        ("Upgrade: websocket", "upgrade:WEBSOCKET"),
        ("Upgrade: websocket", "Upgrade: h2c, websocket"),
        ("Connection: Upgrade", "connection: upgrade"),
        ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection: UPGRADE"),
        ("Sec-WebSocket-Key: ", "sec-websocket-key:   "),
        ("Sec-WebSocket-Version: ", "SEC-WEBSOCKET-VERSION: "),
        // Neither is negotiated, so neither stands in the answer.
        ("Host: x", "Host: x\r\nSec-WebSocket-Extensions: permessage-deflate"),
        ("Host: x", "Host: x\r\nSec-WebSocket-Protocol: chat"),
        ("Host: x", "Host: x\r\nContent-Length: 0"),
        ("\r\n", "\n"),
    ] {
        assert!(UPGRADE.contains(what));
        let mut stream = server.connect(0);
        let request = UPGRADE.replace(what, with);
        exchange(&mut stream, request.as_bytes(), SWITCHING);
        exchange(&mut stream, &frame(TEXT, with.as_bytes()), &reply(TEXT, with.as_bytes()));
    }
}

#[test]
fn frames_in_the_same_segment_as_the_handshake_are_served() {
    let server = server();
    let frames = [frame(TEXT, b"one"), frame(PING, b"p"), frame(BINARY, b"two")].concat();
    let replies = [reply(TEXT, b"one"), reply(PONG, b"p"), reply(BINARY, b"two")].concat();
    let mut stream = server.connect(0);
    let all = [UPGRADE.as_bytes(), &frames].concat();
    exchange(&mut stream, &all, &[SWITCHING, &replies].concat());
    // Behind another request, and with half a frame.
    let mut stream = server.connect(0);
    let get = b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n".as_slice();
    let all = [get, UPGRADE.as_bytes(), &frames, &frame(TEXT, b"three")[..8]].concat();
    stream.write_all(&all).expect("writes");
    let mut seen = Vec::new();
    while !seen.ends_with(b"Not Found\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a response");
        seen.push(byte[0]);
    }
    expect(&mut stream, &[SWITCHING, &replies].concat());
    exchange(&mut stream, &frame(TEXT, b"three")[8..], &reply(TEXT, b"three"));
}

#[test]
fn text_stays_text_and_binary_stays_binary_for_an_independent_client() {
    let server = server();
    let mut socket = client(&server);
    for message in [
        Message::text("Hello From the Client!"),
        Message::text(""),
        Message::binary(vec![0, 159, 146, 150, 255]),
        Message::binary(Vec::new()),
        Message::text("STOP\n"),
        Message::text("\u{0}\u{feff}\u{10ffff}"),
    ] {
        socket.send(message.clone()).expect("sends");
        assert_eq!(socket.read().expect("a reply"), message);
    }
    socket.send(Message::Ping(b"there?".to_vec().into())).expect("sends");
    assert_eq!(socket.read().expect("a pong"), Message::Pong(b"there?".to_vec().into()));
    let bye = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    socket.close(Some(bye)).expect("sends");
    let answer = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    assert_eq!(socket.read().expect("a Close frame"), Message::Close(Some(answer)));
    assert!(matches!(socket.read(), Err(tungstenite::Error::ConnectionClosed)));
}

#[test]
fn messages_of_every_length_class_come_back_whole() {
    let server = server();
    let mut stream = open(&server);
    let mut socket = client(&server);
    for size in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1024 * 1024 - 1, 1024 * 1024] {
        let payload: Vec<u8> = (0..=250).cycle().take(size).collect();
        let frame = frame(BINARY, &payload);
        // Both sides would wait for each other if the reply were not read meanwhile.
        let mut writer = stream.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(&frame).expect("writes"));
            expect(&mut stream, &reply(BINARY, &payload));
        });
        let text: String = "aé€😀".chars().cycle().take(size / 10 * 4).collect();
        socket.send(Message::text(text.clone())).expect("sends");
        assert!(socket.read().expect("a reply") == Message::text(text), "{size}");
    }
}

#[test]
fn text_that_is_not_ascii_comes_back_at_all_lengths() {
    let server = server();
    let mut stream = open(&server);
    let alphabet = ['a', 'é', '€', '😀', '\u{7ff}', '\u{800}', '\u{ffff}', '\u{10000}'];
    for start in 0..alphabet.len() {
        let (mut frames, mut replies) = (Vec::new(), Vec::new());
        for count in 0..=150 {
            // A run of ASCII, so that a character meets every place of a word or vector.
            let text: String = "x".repeat(count % 17)
                + &alphabet.iter().cycle().skip(start).take(count).collect::<String>();
            frames.extend(frame(TEXT, text.as_bytes()));
            replies.extend(reply(TEXT, text.as_bytes()));
        }
        exchange(&mut stream, &frames, &replies);
    }
}

#[test]
fn fragments_are_joined_and_pings_between_them_answered_first() {
    let server = server();
    let mut stream = open(&server);
    for (begin, whole) in [(TEXT_BEGIN, TEXT), (BINARY_BEGIN, BINARY)] {
        exchange(&mut stream, &frame(begin, b"on"), b"");
        exchange(&mut stream, &frame(PING, b"1"), &reply(PONG, b"1"));
        exchange(&mut stream, &frame(CONTINUED, b""), b"");
        exchange(&mut stream, &frame(PING, b""), &reply(PONG, b""));
        let last = [frame(PONG, b"ignored"), frame(LAST, b"e")].concat();
        exchange(&mut stream, &last, &reply(whole, b"one"));
    }
    // All of it in one segment; and a character that is cut by a ping.
    let all = [
        frame(TEXT_BEGIN, b"\xf0\x9f"),
        frame(PING, b"mid"),
        frame(CONTINUED, b"\x98"),
        frame(LAST, b"\x80!"),
        frame(TEXT_BEGIN, b""),
        frame(LAST, b""),
    ];
    let expected = [reply(PONG, b"mid"), reply(TEXT, "😀!".as_bytes()), reply(TEXT, b"")];
    exchange(&mut stream, &all.concat(), &expected.concat());
    // A Close between fragments ends the message, too.
    let half = [frame(TEXT_BEGIN, b"a"), frame(CLOSE, &1000_u16.to_be_bytes())].concat();
    ends_with(&server, &half, &closed(1000));
}

#[test]
fn a_pong_carries_the_payload_of_its_ping_and_one_that_nobody_asked_for_is_ignored() {
    let server = server();
    let mut stream = open(&server);
    for size in [0, 1, 124, 125] {
        let payload = vec![b'p'; size];
        exchange(&mut stream, &frame(PING, &payload), &reply(PONG, &payload));
        exchange(&mut stream, &frame(PONG, &payload), b"");
    }
    exchange(&mut stream, &frame(TEXT, b"still"), &reply(TEXT, b"still"));
}

#[test]
fn what_breaks_the_rules_of_framing_is_closed_with_1002() {
    let server = server();
    let long = frame(PING, &[b'p'; 126]);
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("unmasked text", reply(TEXT, b"Hello")),
        ("unmasked ping", reply(PING, b"")),
        ("unmasked close", closed(1000)),
        ("RSV1", frame(TEXT | 0x40, b"x")),
        ("RSV2", frame(TEXT | 0x20, b"x")),
        ("RSV3", frame(TEXT | 0x10, b"x")),
        ("RSV1 on a ping", frame(PING | 0x40, b"x")),
        ("RSV1 on a continuation", [frame(TEXT_BEGIN, b"x"), frame(LAST | 0x40, b"x")].concat()),
        ("opcode 3", frame(0x83, b"x")),
        ("opcode 7", frame(0x87, b"")),
        ("opcode 11", frame(0x8b, b"x")),
        ("opcode 15", frame(0x8f, b"")),
        ("fragmented ping", frame(0x09, b"x")),
        ("fragmented pong", frame(0x0a, b"x")),
        ("fragmented close", frame(0x08, &1000_u16.to_be_bytes())),
        ("ping of 126 bytes", long.clone()),
        ("its header alone", long[..4].to_vec()),
        ("close of 126 bytes", frame(CLOSE, &[0x03; 126])),
        ("ping with a 64-bit length", [&[PING, 0xff], 126_u64.to_be_bytes().as_slice()].concat()),
        ("stray continuation", frame(CONTINUED, b"x")),
        ("stray last fragment", frame(LAST, b"x")),
        ("text inside a message", [frame(TEXT_BEGIN, b"x"), frame(TEXT, b"y")].concat()),
        ("binary inside a message", [frame(TEXT_BEGIN, b"x"), frame(BINARY_BEGIN, b"y")].concat()),
        ("close of one byte", frame(CLOSE, b"\x03")),
        (
            "top bit of the length",
            [&[BINARY, 0xff], (1_u64 << 63).to_be_bytes().as_slice()].concat(),
        ),
        ("all bits of the length", [[BINARY, 0xff].as_slice(), &[0xff; 8]].concat()),
    ];
    for (what, bytes) in table {
        println!("{what}");
        ends_with(&server, &bytes, &closed(1002));
        // What came in front is served, what comes behind is not, and it is no reason for an RST.
        let all = [frame(TEXT, b"before"), bytes, frame(TEXT, &[b'x'; 70_000])].concat();
        ends_with(&server, &all, &[reply(TEXT, b"before"), closed(1002)].concat());
    }
}

#[test]
fn invalid_utf_8_is_closed_with_1007_as_soon_as_it_is_known() {
    let server = server();
    // Each ends with the byte that makes it invalid.
    for bad in [
        b"\x80".as_slice(),
        b"\xff",
        b"ok\xc0",
        b"\xc1",
        b"\xe0\x80",
        b"\xed\xa0",
        b"\xf0\x80",
        b"\xf4\x90",
        b"\xf5",
        b"\xc3\x28",
        b"\xe2\x82A",
        b"\xce\xba\xed\xa0",
    ] {
        ends_with(&server, &frame(TEXT, bad), &closed(1007));
        // In a frame that is not finished: much more is announced than comes.
        let unfinished = [&[TEXT, 0x80 | 126, 0x40, 0], KEY.as_slice(), &masked(bad)].concat();
        ends_with(&server, &unfinished, &closed(1007));
        // In a message that is not finished.
        ends_with(&server, &frame(TEXT_BEGIN, bad), &closed(1007));
        let mut bytewise = frame(TEXT_BEGIN, b"fine");
        for byte in bad {
            bytewise.extend(frame(CONTINUED, &[*byte]));
        }
        ends_with(&server, &bytewise, &closed(1007));
        // The same bytes are fine in a binary message.
        exchange(&mut open(&server), &frame(BINARY, bad), &reply(BINARY, bad));
    }
    for cut in [b"\xc3".as_slice(), b"\xe2\x82", b"\xf0\x9f\x98"] {
        ends_with(&server, &frame(TEXT, cut), &closed(1007));
        let fragments = [frame(TEXT_BEGIN, cut), frame(LAST, b"")].concat();
        ends_with(&server, &fragments, &closed(1007));
        // A character may be cut where something follows.
        exchange(
            &mut open(&server),
            &[frame(TEXT_BEGIN, cut), frame(PING, b"")].concat(),
            b"\x8a\0",
        );
    }
    for reason in [b"\xff".as_slice(), b"\xc3", b"\xed\xa0\x80"] {
        let payload = [&1000_u16.to_be_bytes(), reason].concat();
        ends_with(&server, &frame(CLOSE, &payload), &closed(1007));
    }
}

#[test]
fn a_message_above_the_cap_is_closed_with_1009_by_its_header_alone() {
    let header =
        |first: u8, length: u64| [&[first, 0xff], length.to_be_bytes().as_slice()].concat();
    // Nothing follows the header.
    for (options, cap) in [(vec![], 1024 * 1024), (vec!["--max-message", "1000"], 1000)] {
        let server = Server::with_options(&options, &["echo=ws://127.0.0.1:0/ws"]);
        let payload = vec![b'm'; cap];
        let (head, data) = (&frame(BINARY, &payload)[..14], &masked(&payload));
        let mut stream = open(&server);
        if cap == 1000 {
            exchange(&mut stream, &frame(BINARY, &payload), &reply(BINARY, &payload));
            let fragments = [frame(TEXT_BEGIN, &payload), frame(LAST, b"")].concat();
            exchange(&mut stream, &fragments, &reply(TEXT, &payload));
        } else {
            stream.write_all(head).expect("writes");
            exchange(&mut stream, data, &reply(BINARY, &payload));
        }
        for first in [TEXT, BINARY, TEXT_BEGIN] {
            for over in [cap as u64 + 1, 1 << 32, (1 << 63) - 1] {
                let header = [header(first, over).as_slice(), &KEY].concat();
                ends_with(&server, &header, &closed(1009));
            }
        }
        // The cap holds for all fragments together.
        let mut stream = open(&server);
        exchange(&mut stream, &frame(BINARY_BEGIN, &payload[1..]), b"");
        exchange(&mut stream, &frame(CONTINUED, b"m"), b"");
        exchange(&mut stream, &frame(PING, b""), &reply(PONG, b""));
        stream.write_all(&frame(LAST, b"m")[..6]).expect("writes");
        assert_eq!(rest(&mut stream), closed(1009));
    }
}

#[test]
fn lengths_need_not_be_minimal() {
    let server = server();
    let mut stream = open(&server);
    for size in [0_u8, 5, 125, 200] {
        let payload = vec![b'n'; usize::from(size)];
        let tail = [KEY.as_slice(), &masked(&payload)].concat();
        for header in [vec![TEXT, 0xfe, 0, size], vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, size]] {
            exchange(&mut stream, &[header.as_slice(), &tail].concat(), &reply(TEXT, &payload));
        }
        if size <= 125 {
            let header = [PING, 0xfe, 0, size];
            exchange(&mut stream, &[&header, tail.as_slice()].concat(), &reply(PONG, &payload));
        }
    }
}

#[test]
fn a_close_is_answered_with_its_code_or_refused() {
    let server = server();
    let borders = [0, 1, 125, 999, 1000, 1016, 1100, 1999, 2000, 2999, 3000, 4999, 5000, 65535];
    let codes = borders.into_iter().flat_map(|code: u16| [code.saturating_sub(1), code]);
    for code in codes.chain(1000..=1016).chain([3001, 3999, 4000, 4998, 5001, 10_000]) {
        let is_legal = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        let expected = closed(if is_legal { code } else { 1002 });
        for reason in ["", "because", "¿por qué?"] {
            let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
            ends_with(&server, &frame(CLOSE, &payload), &expected);
        }
    }
    let longest = [&1000_u16.to_be_bytes(), [b'r'; 123].as_slice()].concat();
    ends_with(&server, &frame(CLOSE, &longest), &closed(1000));
}

#[test]
fn an_empty_close_is_answered_with_an_empty_close() {
    ends_with(&server(), &frame(CLOSE, b""), &reply(CLOSE, b""));
}

#[test]
fn a_close_comes_after_what_was_queued_and_data_behind_it_is_ignored() {
    let server = server();
    let all = [
        frame(TEXT, b"first"),
        frame(PING, b"second"),
        frame(CLOSE, &4000_u16.to_be_bytes()),
        frame(TEXT, b"ignored"),
        frame(PING, b"ignored"),
        frame(CLOSE, &4001_u16.to_be_bytes()),
        reply(TEXT, b"not even masked"),
        vec![0xff; 100_000],
    ];
    let expected = [reply(TEXT, b"first"), reply(PONG, b"second"), closed(4000)].concat();
    ends_with(&server, &all.concat(), &expected);
    // Also when the server has ended its side.
    let mut stream = open(&server);
    exchange(&mut stream, &frame(CLOSE, b""), &reply(CLOSE, b""));
    assert_eq!(rest(&mut stream), b"", "the server closes TCP first");
    // It has ended its side and reads on; to a socket that is closed the second of these would
    // fail, because the first one would be answered with an RST.
    for _ in 0..2 {
        stream.write_all(&frame(TEXT, b"late")).expect("the server lingers");
        exchange(&mut open(&server), &frame(TEXT, b"x"), &reply(TEXT, b"x"));
    }
}

#[test]
fn sixteen_frames_in_one_segment_are_answered_in_one_piece() {
    let server = server();
    let mut stream = open(&server);
    let (mut frames, mut replies) = (Vec::new(), Vec::new());
    for number in 0..16 {
        let text = format!("message {number}");
        frames.extend(frame(TEXT, text.as_bytes()));
        replies.extend(reply(TEXT, text.as_bytes()));
    }
    for _ in 0..10 {
        stream.write_all(&frames).expect("writes");
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).expect("reads");
        assert!(buffer[..count] == replies, "{}", buffer[..count].escape_ascii());
    }
}

#[test]
fn a_frame_may_be_cut_between_any_two_bytes() {
    let mut server = server();
    let mut stream = open(&server);
    let tail = [KEY.as_slice(), &masked("cut: é".as_bytes())].concat();
    let mut received = counter(&mut server, "bytes_received");
    for header in
        [vec![TEXT, 0x80 | 7], vec![TEXT, 0xfe, 0, 7], vec![TEXT, 0xff, 0, 0, 0, 0, 0, 0, 0, 7]]
    {
        let frame = [header.as_slice(), &tail].concat();
        let (last, first) = frame.split_last().expect("a frame");
        for byte in first {
            stream.write_all(&[*byte]).expect("writes");
            received += 1;
            // The next byte is sent when the server has read this one by itself.
            let deadline = Instant::now() + PATIENCE;
            while counter(&mut server, "bytes_received") < received {
                assert!(Instant::now() < deadline, "a byte does not arrive");
            }
        }
        received += 1;
        exchange(&mut stream, &[*last], &reply(TEXT, "cut: é".as_bytes()));
    }
}

#[test]
fn a_flood_of_pings_whose_pongs_are_not_read_is_bounded() {
    let server = server();
    let mut other = open(&server);
    let mut stream = open(&server);
    exchange(&mut stream, &frame(TEXT, b"warm"), &reply(TEXT, b"warm"));
    let before = memory(server.pid(), "VmRSS");

    // Until the server takes no more, or has taken 64 MiB.
    stream.set_write_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let ping = |number: u64| {
        let mut payload = [0; 125];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        frame(PING, &payload)
    };
    let mut sent = 0;
    let mut unsent = Vec::new();
    while unsent.is_empty() && sent < 500_000 {
        unsent = (sent..sent + 1000).flat_map(ping).collect();
        sent += 1000;
        while !unsent.is_empty() {
            match stream.write(&unsent) {
                Ok(count) => drop(unsent.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        exchange(&mut other, &frame(TEXT, b"and me?"), &reply(TEXT, b"and me?"));
    }
    assert_eq!((sent, unsent.len()), (500_000, 0), "pongs that wait do not keep pings from coming");
    let grown = memory(server.pid(), "VmRSS").saturating_sub(before);
    assert!(grown < 8 * 1024 * 1024, "{grown} bytes for pongs that nobody reads");

    // Some pings are answered, and the newest of them is (RFC 6455 section 5.5.3), in order.
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    let mut writer = stream.try_clone().expect("a second handle");
    std::thread::scope(|scope| {
        unsent.extend(frame(TEXT, b"done"));
        scope.spawn(move || writer.write_all(&unsent).expect("writes"));
        let mut reader = std::io::BufReader::new(&mut stream);
        let (mut next, mut pongs) = (0, 0);
        loop {
            let mut head = [0; 2];
            reader.read_exact(&mut head).expect("a frame");
            if head[0] == TEXT {
                expect(&mut reader, b"done");
                break;
            }
            assert_eq!(head, [PONG, 125]);
            let mut payload = [0; 125];
            reader.read_exact(&mut payload).expect("a payload");
            let number = u64::from_be_bytes(*payload.first_chunk().expect("long enough"));
            assert!(number >= next, "{number} came behind {next}");
            (next, pongs) = (number + 1, pongs + 1);
        }
        assert_eq!(next, sent, "the newest ping was not answered");
        assert!(pongs < sent, "nothing was dropped");
    });
}

#[test]
fn a_peer_that_did_not_read_finds_its_pong_in_front_of_what_waited() {
    let dir = tempfile::tempdir().expect("a directory");
    let binding = format!("echo=ws+unix://{}:/ws", dir.path().join("ws").display());
    let mut server = Server::start(&[&binding]);
    let mut stream = server.unix(0);
    exchange(&mut stream, UPGRADE.as_bytes(), SWITCHING);
    // More than the kernel takes for a peer that does not read, and less than makes the server wait
    // for it: a UNIX socket has as much room as it is said to have.
    let room = getsockopt(&stream, sockopt::SndBuf).expect("a size");
    let count = (room + 128 * 1024) / 4_100;
    let mut received = counter(&mut server, "bytes_received");
    for payload in (0..count).map(|number| vec![u8::try_from(number % 256).expect("a byte"); 4_096])
    {
        let message = frame(BINARY, &payload);
        stream.write_all(&message).expect("writes");
        received += message.len() as u64;
    }
    let ping = frame(PING, b"alive?");
    stream.write_all(&ping).expect("writes");
    received += ping.len() as u64;
    let deadline = Instant::now() + PATIENCE;
    while counter(&mut server, "bytes_received") < received {
        assert!(Instant::now() < deadline, "the ping is not read");
    }
    // Everything else comes in order.
    let mut reader = std::io::BufReader::new(stream);
    let mut behind = None;
    for number in 0..count {
        let mut first = [0];
        reader.read_exact(&mut first).expect("a frame");
        if first == [PONG] {
            expect(&mut reader, b"\x06alive?");
            behind = Some(number);
            reader.read_exact(&mut first).expect("a frame");
        }
        let byte = u8::try_from(number % 256).expect("a byte");
        expect(&mut reader, &reply(first[0], &[byte; 4_096])[1..]);
        assert_eq!(first, [BINARY]);
    }
    let behind = behind.expect("a pong in front of the last reply");
    assert!(behind + 16 <= count, "it came behind {behind} of {count} replies");
}

#[test]
fn a_silent_peer_is_pinged_and_dropped_and_one_that_answers_stays() {
    let options = ["--ping-interval", "200ms", "--pong-timeout", "300ms"];
    let mut server = Server::with_options(&options, &["echo=ws://127.0.0.1:0/ws"]);
    let mut streams = [open(&server), open(&server), open(&server)];
    let [alive, chatty, silent] = &mut streams;
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..6 {
                expect(alive, &[PING, 0]);
                alive.write_all(&frame(PONG, b"")).expect("writes");
            }
        });
        // Any byte is a sign of life, be it of a frame that never ends.
        scope.spawn(|| {
            for byte in &frame(TEXT, b"chatty")[..6] {
                expect(chatty, &[PING, 0]);
                chatty.write_all(&[*byte]).expect("writes");
            }
        });
        assert_eq!(rest(silent), [PING, 0], "one empty ping, and the end without an RST");
        let after = start.elapsed();
        assert!(after >= Duration::from_millis(500), "dropped after {after:?}");
        assert!(after < Duration::from_secs(5), "dropped after {after:?}");
    });
    assert_eq!(counter(&mut server, "pong_timeouts"), 1);
    assert_eq!(counter(&mut server, "open"), 2);
}

#[test]
fn messages_of_many_clients_do_not_mix() {
    let server = server();
    let mut sockets: Vec<_> = (0..50).map(|_| client(&server)).collect();
    for round in 0..5 {
        for (number, socket) in sockets.iter_mut().enumerate() {
            socket.send(Message::text(format!("{round} of {number}"))).expect("sends");
        }
        for (number, socket) in sockets.iter_mut().enumerate().rev() {
            let expected = Message::text(format!("{round} of {number}"));
            assert_eq!(socket.read().expect("a reply"), expected);
        }
    }
}

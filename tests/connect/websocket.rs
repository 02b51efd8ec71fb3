//! WebSocket: what is asked for, what is refused, and how it ends.

use crate::peer::{Peer, answer};
use crate::program::{Ended, Program, run, shown, unstamped};
use crate::support::Server;
use crate::web::{
    self, BINARY, CLOSE, PING, PONG, TEXT, Web, close_frame, field, frame, head, switching,
};

/// What a client has logged, each line without its date.
fn log(ended: &Ended) -> Vec<&str> {
    ended.stderr.lines().map(unstamped).collect()
}

#[test]
fn a_request_has_the_fields_that_were_asked_for() {
    let peer = web::listen();
    let mut program = Program::connect(&[
        "--header",
        "X-One: 1",
        "--header",
        "Authorization:Bearer a:b",
        "--origin",
        "http://example.com",
        "--subprotocol",
        "chat,chat2",
        "--subprotocol",
        "last",
        &peer.url,
    ]);
    let web = Web::accept(&peer);
    let fields: Vec<_> = web.request.lines().skip(7).collect();
    assert_eq!(
        fields,
        [
            "X-One: 1",
            "Authorization: Bearer a:b",
            "Origin: http://example.com",
            "Sec-WebSocket-Protocol: chat, chat2, last",
            ""
        ]
    );
    program.end_input();
    web.expect_close(1000);
    program.succeeds();
}

#[test]
fn a_host_of_our_own_choice_replaces_the_usual_one() {
    let peer = web::listen();
    let mut program = Program::connect(&["--header", "host: example.com", &peer.url]);
    let web = Web::accept(&peer);
    let hosts: Vec<_> =
        web.request.lines().filter(|line| line.to_lowercase().starts_with("host:")).collect();
    assert_eq!(hosts, ["Host: example.com"]);
    program.end_input();
    web.expect_close(1000);
    program.succeeds();
}

#[test]
fn a_path_and_a_query_are_the_servers_business() {
    for (written, asked) in [
        ("", "/"),
        ("/", "/"),
        ("?a=b&c=%20d", "/?a=b&c=%20d"),
        ("/a/b?x=y?z", "/a/b?x=y?z"),
        ("/%41 b", "/%41%20b"),
    ] {
        let peer = web::listen();
        let url = format!("{}{written}", peer.url.strip_suffix("/ws").expect("a path"));
        let mut program = Program::connect(&[&url]);
        let web = Web::accept(&peer);
        let line = web.request.lines().next().expect("a line");
        assert_eq!(line, format!("GET {asked} HTTP/1.1"));
        program.end_input();
        web.expect_close(1000);
        program.succeeds();
    }
}

#[test]
fn keys_are_fresh_and_of_sixteen_bytes() {
    let peer = web::listen();
    let mut keys = Vec::new();
    for _ in 0..5 {
        let mut program = Program::connect(&[&peer.url]);
        let web = Web::accept(&peer);
        let key = field(&web.request, "Sec-WebSocket-Key").expect("a key").to_owned();
        assert!(key.len() == 24 && key.ends_with("=="), "{key}");
        keys.push(key);
        program.end_input();
        web.expect_close(1000);
        program.succeeds();
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 5);
}

#[test]
fn a_subprotocol_that_was_offered_may_be_chosen() {
    for (chosen, is_taken) in [("b", true), ("c", false)] {
        let peer = web::listen();
        let mut program = Program::connect(&["--subprotocol", "a,b", &peer.url]);
        let socket = peer.accept();
        let request = head(&socket);
        let head = format!("{}Sec-WebSocket-Protocol: {chosen}\r\n\r\n", switching(&request));
        answer(&socket, head.as_bytes());
        if is_taken {
            program.end_input();
            Web { socket, request }.expect_close(1000);
            program.succeeds();
        } else {
            let ended = program.wait();
            assert!(ended.stderr.ends_with(": bad handshake\n"), "{ended:?}");
            assert_eq!(ended.code, Some(1));
        }
    }
}

#[test]
fn an_answer_that_is_no_agreement_is_a_bad_handshake() {
    type Answer = fn(&str) -> String;
    let table: [(&str, Answer); 8] = [
        ("the server answered 403", |_| "HTTP/1.1 403 Forbidden\r\n\r\n".into()),
        ("the server answered 404", |_| "HTTP/1.1 404 Not Found\r\n\r\n".into()),
        ("the server answered 200", |_| "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".into()),
        ("the server's accept value is wrong", |request| {
            let right = switching(request);
            let at = right.find("Accept: ").expect("a value") + "Accept: ".len();
            let other = if &right[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}\r\n", &right[..at], &right[at + 1..])
        }),
        ("the server upgraded to something else", |request| {
            format!("{}\r\n", switching(request).replace("Upgrade: websocket", "Upgrade: h2c"))
        }),
        ("the server does not speak HTTP", |_| "SSH-2.0-OpenSSH_9.9\r\n\r\n".into()),
        ("the server does not speak HTTP", |_| "220 mail.example.com ESMTP\r\n".repeat(2000)),
        ("the server chose what was not offered", |request| {
            format!("{}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", switching(request))
        }),
    ];
    for (problem, response) in table {
        let peer = web::listen();
        for face in [&[][..], &["--interactive"]] {
            let program = Program::connect(&[face, &[&peer.url]].concat());
            let server = peer.accept();
            let response = response(&head(&server));
            // It may be refused before all of it is sent.
            let _ = std::io::Write::write_all(&mut &server, response.as_bytes());
            let ended = program.wait();
            let expected = format!("Error: {}: {problem}: bad handshake", peer.url);
            assert_eq!(log(&ended), [expected]);
            assert_eq!(ended.code, Some(1), "{problem}");
        }
    }
    // A server of our own that has another path.
    let server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let url = format!("{}/other", server.urls[0].strip_suffix("/ws").expect("a path"));
    let ended = run(&[&url], "");
    assert!(ended.stderr.ends_with("the server answered 404: bad handshake\n"), "{ended:?}");
}

#[test]
fn an_answer_to_an_offer_of_compression_that_makes_no_sense_is_a_bad_handshake() {
    let no_sense = "the server's answer to an extension makes no sense";
    for (option, extensions, problem) in [
        ("--deflate", "permessage-deflate", no_sense),
        ("--deflate=true", "permessage-deflate; server_max_window_bits=9", no_sense),
        ("--deflate=takeover", "permessage-deflate; client_max_window_bits=8", no_sense),
        ("--deflate=takeover", "permessage-deflate; client_max_window_bits=16", no_sense),
        ("--deflate=takeover", "permessage-deflate; unknown", no_sense),
        ("--deflate=takeover", "permessage-deflate, permessage-deflate", no_sense),
        ("--deflate=takeover", "x-deflate", "the server chose what was not offered"),
    ] {
        let peer = web::listen();
        let program = Program::connect(&[option, &peer.url]);
        let server = peer.accept();
        let switching = switching(&head(&server));
        let response = format!("{switching}Sec-WebSocket-Extensions: {extensions}\r\n\r\n");
        answer(&server, response.as_bytes());
        let ended = program.wait();
        assert_eq!(log(&ended), [format!("Error: {}: {problem}: bad handshake", peer.url)]);
        assert_eq!(ended.code, Some(1), "{extensions}");
    }
}

#[test]
fn a_client_compresses_what_is_long_if_the_server_agrees() {
    const ALONE: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let long = "to be continued ".repeat(1000);
    for (option, offer, extensions, first) in [
        ("--deflate", format!("{ALONE}; client_max_window_bits"), None, 0x81),
        ("--deflate", format!("{ALONE}; client_max_window_bits"), Some(ALONE), 0xc1),
        (
            "--deflate=takeover",
            "permessage-deflate; client_max_window_bits".to_owned(),
            Some("permessage-deflate; client_max_window_bits=10"),
            0xc1,
        ),
    ] {
        let peer = web::listen();
        let mut program = Program::connect(&[option, &peer.url]);
        let socket = peer.accept();
        let request = head(&socket);
        assert_eq!(field(&request, "Sec-WebSocket-Extensions"), Some(&*offer));
        let chosen = extensions.map(|chosen| format!("Sec-WebSocket-Extensions: {chosen}\r\n"));
        let response = format!("{}{}\r\n", switching(&request), chosen.unwrap_or_default());
        answer(&socket, response.as_bytes());
        let web = Web { socket, request };
        program.type_in("short\n");
        web.expect(TEXT, "short\n");
        program.type_in(format!("{long}\n"));
        let frame = web.next();
        assert_eq!(frame.first, first, "{extensions:?}");
        assert_eq!(frame.payload.len() < 1000, first == 0xc1);
        // The example of RFC 7692 section 7.2.3.1.
        if first == 0xc1 {
            web.send(web::frame(0xc1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]));
            program.expect("Hello\n");
            web.send(web::frame(0xc1, &[0xff, 0xff]));
            web.expect(CLOSE, 1007u16.to_be_bytes());
            drop(web);
            assert_eq!(program.wait().code, Some(1));
        } else {
            program.end_input();
            web.send(web::frame(TEXT, b"Hello"));
            web.expect_close(1000);
            program.expect("Hello\n");
            program.succeeds();
        }
    }
}

#[test]
fn the_two_sides_compress_for_each_other() {
    for how in ["true", "takeover"] {
        let server = Server::start(&[&format!("echo=ws://127.0.0.1:0/ws?deflate={how}")]);
        let url = server.urls[0].split('?').next().expect("a URL");
        let lines: String =
            (0..3000).map(|number| format!("{number} ").repeat(100) + "\n").collect();
        for option in ["--deflate", "--deflate=takeover", "--binary"] {
            let ended = run(&[option, url], lines.clone());
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{how}, {option}");
            assert!(ended.stdout == lines.as_bytes(), "{how}, {option}");
        }
    }
}

#[test]
fn a_server_of_our_own_refuses_an_origin_that_is_not_its_own() {
    let server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let own = format!("http://{}", server.address(0));
    for (origin, code) in [(own.as_str(), 0), ("http://example.com", 1)] {
        let ended = run(&["--origin", origin, &server.urls[0]], "hi\n");
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let is_refused = ended.stderr.ends_with("the server answered 403: bad handshake\n");
        assert_eq!(is_refused, code == 1, "{ended:?}");
    }
}

#[test]
fn frames_behind_the_answer_are_received() {
    let peer = web::listen();
    let mut program = Program::connect(&["--on-eof", "wait", &peer.url]);
    let socket = peer.accept();
    let request = head(&socket);
    let head = format!("{}\r\n", switching(&request));
    answer(&socket, &[head.as_bytes(), &frame(TEXT, b"early"), &close_frame(1000)].concat());
    let web = Web { socket, request };
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.end();
    program.expect("early\n");
    let ended = program.wait();
    assert_eq!(log(&ended), ["ReadMessage() error: websocket: close 1000 (normal)"]);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn binary_messages_carry_any_bytes() {
    let peer = web::listen();
    let mut program = Program::connect(&["--binary", &peer.url]);
    let web = Web::accept(&peer);
    program.type_in(b"\xff\xfe\0\n");
    web.expect(BINARY, b"\xff\xfe\0\n");
    web.send(frame(BINARY, b"\0\xff"));
    program.expect(b"\0\xff\n");
    program.end_input();
    web.expect_close(1000);
    program.succeeds();
    // As text they cannot be sent.
    let mut program = Program::connect(&[&peer.url]);
    let web = Web::accept(&peer);
    program.type_in(b"fine\n\xff\xfe\n");
    web.expect(TEXT, "fine\n");
    web.expect_close(1000);
    let ended = program.wait();
    assert_eq!(log(&ended), ["Error: a line of the input is not UTF-8 (--binary sends any bytes)"]);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn fragments_are_joined_and_pings_answered_between_them() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reply-timeout", "1h", &peer.url]);
    let web = Web::accept(&peer);
    let mut masks = Vec::new();
    web.send(frame(0x01, b"one \xc3"));
    web.send(frame(PING, b"between"));
    masks.push(web.expect(PONG, "between"));
    web.send(frame(0x00, b"\xa9 "));
    web.send(frame(PING, b""));
    masks.push(web.expect(PONG, ""));
    // Nobody has asked for this one.
    web.send(frame(PONG, b"unasked"));
    web.send(frame(0x80, b"two"));
    program.expect("one \u{e9} two\n");
    web.send(frame(0x02, b""));
    web.send(frame(0x80, b""));
    program.expect("\n");
    program.end_input();
    masks.push(web.expect(CLOSE, 1000_u16.to_be_bytes()));
    web.send(close_frame(1000));
    web.end();
    masks.sort_unstable();
    masks.dedup();
    assert_eq!(masks.len(), 3, "a fresh mask for every frame");
    program.succeeds();
}

#[test]
fn a_long_message_comes_whole() {
    let peer = web::listen();
    let mut program = Program::connect(&[&peer.url]);
    let web = Web::accept(&peer);
    for length in [125, 126, 65_535, 65_536, 1 << 20] {
        let text = "x".repeat(length);
        web.send(frame(TEXT, text.as_bytes()));
        program.expect(text);
        program.expect("\n");
    }
    for length in [125, 126, 65_535, 65_536, 1 << 20] {
        let line = format!("{}\n", "y".repeat(length - 1));
        program.type_in(&line);
        web.expect(TEXT, line);
    }
    program.end_input();
    web.expect_close(1000);
    program.succeeds();
}

#[test]
fn a_server_that_breaks_the_rules_is_told_by_which_code() {
    let long = 11_u64.to_be_bytes();
    let table: &[(&[u8], u16)] = &[
        // Masked.
        (b"\x81\x82\0\0\0\0hi", 1002),
        // A reserved bit, a reserved opcode.
        (b"\xc1\x02hi", 1002),
        (b"\x83\x00", 1002),
        // A continuation of nothing, and a message within a message.
        (b"\x80\x02hi", 1002),
        (b"\x01\x01h\x81\x01i", 1002),
        // A control frame in pieces, and one that is too long.
        (b"\x09\x00", 1002),
        (b"\x89\x7e\x00\x7e", 1002),
        // A Close of one byte, and one with a code that must not travel.
        (b"\x88\x01\x03", 1002),
        (b"\x88\x02\x03\xee", 1002),
        // Not UTF-8: in a message, in the middle of one that is not complete, in a Close.
        (b"\x81\x02\xc3\x28", 1007),
        (b"\x01\x02\xff\xff", 1007),
        (b"\x88\x03\x03\xe8\xff", 1007),
        // Too long, which is told by the header, or the sum of the fragments.
        (b"\x81\x0b", 1009),
        (&[b"\x82\x7f", &long[..]].concat(), 1009),
        (b"\x01\x06123456\x80\x0512345", 1009),
    ];
    let peer = web::listen();
    for (bytes, code) in table {
        let mut program = Program::connect(&["--max-message", "10", &peer.url]);
        let web = Web::accept(&peer);
        program.type_in("hi\n");
        web.expect(TEXT, "hi\n");
        web.send(frame(TEXT, b"0123456789"));
        program.expect("0123456789\n");
        web.send(bytes);
        let got = web.next();
        assert_eq!((got.first, got.payload), (CLOSE, code.to_be_bytes().to_vec()), "{bytes:x?}");
        drop(web);
        let ended = program.wait();
        assert_eq!((ended.code, shown(&ended.stdout)), (Some(1), String::new()), "{bytes:x?}");
        let lines = log(&ended);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(&format!("Error: {}: refused: ", peer.url)), "{lines:?}");
    }
}

#[test]
fn a_close_of_the_server_is_echoed_and_decides_the_exit_code() {
    let reason =
        |code: u16, text: &str| frame(CLOSE, &[&code.to_be_bytes(), text.as_bytes()].concat());
    let table = [
        (close_frame(1000), 0, "1000 (normal)"),
        (reason(1000, "bye"), 0, "1000 (normal): bye"),
        (close_frame(1001), 0, "1001 (going away)"),
        (frame(CLOSE, b""), 0, "1005 (no status)"),
        (close_frame(1002), 1, "1002 (protocol error)"),
        (close_frame(1003), 1, "1003 (unsupported data)"),
        (close_frame(1008), 1, "1008 (policy violation)"),
        (reason(1011, "on \x1b[2J fire"), 1, "1011 (internal server error): on \\u{1b}[2J fire"),
        (reason(4000, "app"), 1, "4000: app"),
    ];
    let peer = web::listen();
    for face in [&[][..], &["--interactive"]] {
        for (close, exit, words) in &table {
            let program = Program::connect(&[face, &[&peer.url]].concat());
            let web = Web::accept(&peer);
            web.send(close);
            // The code comes back, the reason does not (section 5.5.1).
            let code = &close[2..close.len().min(4)];
            web.expect(CLOSE, code);
            web.end();
            let ended = program.wait();
            assert_eq!(log(&ended), [format!("ReadMessage() error: websocket: close {words}")]);
            assert_eq!(ended.code, Some(*exit), "{words}");
        }
    }
}

#[test]
fn data_behind_a_close_is_nothing() {
    let peer = web::listen();
    let program = Program::connect(&[&peer.url]);
    let web = Web::accept(&peer);
    web.send([close_frame(1000), frame(TEXT, b"late")].concat());
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.end();
    let ended = program.wait();
    assert_eq!((ended.code, ended.stdout), (Some(0), vec![]));
}

#[test]
fn an_answer_to_our_close_with_another_code_is_told() {
    let peer = web::listen();
    let mut program = Program::connect(&[&peer.url]);
    let web = Web::accept(&peer);
    program.end_input();
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.send(close_frame(1011));
    web.end();
    let ended = program.wait();
    assert_eq!(log(&ended), ["ReadMessage() error: websocket: close 1011 (internal server error)"]);
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_server_that_leaves_without_a_close_is_abnormal() {
    let peer = web::listen();
    for bytes in [&b""[..], b"\x81\x05ha"] {
        let program = Program::connect(&[&peer.url]);
        let web = Web::accept(&peer);
        web.send(bytes);
        drop(web);
        let ended = program.wait();
        assert_eq!(
            log(&ended),
            ["ReadMessage() error: websocket: close 1006 (abnormal closure): unexpected EOF"]
        );
        assert_eq!((ended.code, ended.stdout), (Some(1), vec![]));
    }
}

#[test]
fn tungstenite_agrees() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reply-timeout", "1h", &peer.url]);
    let mut web = tungstenite::accept(peer.accept()).expect("a handshake");
    program.type_in("one\n\ntwo");
    program.end_input();
    for text in ["one\n", "\n", "two"] {
        let message = web.read().expect("a message");
        assert_eq!(message, tungstenite::Message::text(text));
        web.send(message).expect("it reads");
    }
    let close = web.read().expect("a Close frame");
    assert!(close.is_close(), "{close:?}");
    while web.read().is_ok() {}
    drop(web);
    program.ends(0, "one\n\ntwo\n", "");
}

#[test]
fn a_burst_of_our_own_comes_whole() {
    let server = Server::start(&["random=ws://127.0.0.1:0/ws?burst=true&min=7&max=7"]);
    let url = server.urls[0].split('?').next().expect("the first part");
    let ended = run(&["--on-eof", "wait", url], "50000\n");
    assert!(ended.stdout == b"7\n".repeat(50_000), "{}", ended.stdout.len());
    assert_eq!(log(&ended), ["ReadMessage() error: websocket: close 1000 (normal)"]);
    assert_eq!(ended.code, Some(0));
    let ended = run(&["--on-eof", "wait", url], "no number\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("close 1008 (policy violation): "), "{ended:?}");
}

#[test]
fn a_terminal_is_shown_a_long_message_of_control_characters() {
    // Each becomes five.
    const LENGTH: usize = 6 << 20;
    let peer = Peer::listen("ws://127.0.0.1:0/");
    let mut program = Program::connect(&[
        "--interactive",
        "--input-timeout",
        "0",
        "--max-message",
        "6MiB",
        &peer.url,
    ]);
    let web = Web::accept(&peer);
    web.send(frame(TEXT, &vec![1; LENGTH]));
    let line = program.log_line();
    assert_eq!(line.len(), "Received: ".len() + LENGTH * "\\u{1}".len());
    web.send(close_frame(1000));
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.end();
    assert_eq!(program.wait().code, Some(0));
}

#[test]
fn a_server_that_ends_in_front_of_its_answer_has_not_agreed() {
    for part in ["", "HTTP/1.1 101 Swi"] {
        let peer = web::listen();
        let program = Program::connect(&[&peer.url]);
        let server = peer.accept();
        head(&server);
        answer(&server, part.as_bytes());
        drop(server);
        let ended = program.wait();
        let place = &peer.url;
        let said = format!("Error: {place}: the server has closed the connection: bad handshake");
        assert_eq!(log(&ended), [said]);
        assert_eq!(ended.code, Some(1));
    }
}

#[test]
fn answers_that_come_behind_our_close_are_printed() {
    let peer = web::listen();
    let mut program = Program::connect(&[&peer.url]);
    let web = Web::accept(&peer);
    program.type_in("question\n");
    program.end_input();
    web.expect(TEXT, "question\n");
    // A first answer looks like all there is.
    web.send(frame(TEXT, b"one"));
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.send([frame(TEXT, b"two"), frame(BINARY, b"three\n")].concat());
    program.expect("one\ntwo\nthree\n");
    // Whoever goes on speaking, however slowly, has time.
    let last = frame(TEXT, b"four");
    for piece in last.chunks(2) {
        std::thread::sleep(std::time::Duration::from_millis(1200));
        web.send(piece);
    }
    web.send(close_frame(1000));
    web.end();
    program.expect("four\n");
    program.succeeds();
}

#[test]
fn a_message_that_comes_slowly_is_waited_for() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reply-timeout", "400ms", &peer.url]);
    let web = Web::accept(&peer);
    program.type_in("one\ntwo\n");
    program.end_input();
    web.expect(TEXT, "one\n");
    web.expect(TEXT, "two\n");
    for piece in frame(TEXT, b"long").chunks(1) {
        std::thread::sleep(std::time::Duration::from_millis(200));
        crate::peer::assert_silent(&web.socket);
        web.send(piece);
    }
    program.expect("long\n");
    web.expect_close(1000);
    program.succeeds();
}

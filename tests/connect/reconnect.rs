//! `--reconnect`: what is tried again, when, and what is not.

use crate::peer::{Peer, answer, packet, reset};
use crate::program::{Program, shown, unstamped};
use crate::support::Server;
use crate::web::{self, CLOSE, TEXT, Web, close_frame, frame, head};

/// The seconds that a line announces, and what it says in front of them.
fn announced(line: &str) -> (String, f64) {
    let (why, rest) = line.split_once("; trying again in ").unwrap_or_else(|| panic!("{line:?}"));
    let seconds = rest.strip_suffix(" s").expect("seconds").parse().expect("a number");
    (why.to_owned(), seconds)
}

#[test]
fn a_tcp_connection_that_breaks_is_made_again() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--reconnect", &peer.url]);
    let server = peer.accept();
    program.type_in("one\n");
    assert_eq!(packet(&server), b"one\n");
    reset(server);
    let (why, seconds) = announced(&program.error_line());
    assert_eq!(why, format!("{}: connection reset, 1 message was not answered", peer.url));
    assert!(seconds <= 0.5, "{seconds}");
    let server = peer.accept();
    program.type_in("two\n");
    assert_eq!(packet(&server), b"two\n");
    // A server that ends has gone as well.
    drop(server);
    let (why, seconds) = announced(&program.error_line());
    assert_eq!(why, format!("{}: EOF, 1 message was not answered", peer.url));
    assert!(seconds <= 1.0, "{seconds}");
    let server = peer.accept();
    answer(&server, b"three\n");
    program.expect("three\n");
    program.end_input();
    assert_eq!(packet(&server), b"");
    drop(server);
    program.succeeds();
}

#[test]
fn what_is_typed_meanwhile_is_sent_later() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--reconnect", &peer.url]);
    reset(peer.accept());
    announced(&program.error_line());
    program.type_in("one\ntwo\n");
    program.end_input();
    let server = peer.accept();
    assert_eq!(packet(&server), b"one\ntwo\n");
    assert_eq!(packet(&server), b"");
    drop(server);
    program.succeeds();
}

#[test]
fn a_server_that_is_restarted_is_found_again() {
    // The port of somebody who is not there yet.
    for (binding, is_web) in [("echo=tcp://127.0.0.1", false), ("echo=ws://127.0.0.1", true)] {
        let at = Peer::tcp().url.strip_prefix("tcp://").expect("tcp").to_owned();
        let url = if is_web { format!("ws://{at}/ws") } else { format!("tcp://{at}") };
        let binding = format!("{}={url}", binding.split('=').next().expect("a service"));
        let mut program = Program::connect(&["--reconnect", &url]);
        let line = program.error_line();
        let line = if is_web { unstamped(&line) } else { &line };
        assert_eq!(announced(line).0, format!("{url}: connection refused"));
        let mut server = Server::start(&[&binding]);
        program.type_in("one\n");
        program.expect("one\n");
        assert_eq!(server.stop().code(), Some(0));
        let why = loop {
            let line = program.error_line();
            let line = if is_web { unstamped(&line) } else { &line };
            let (why, _) = announced(line);
            // It may have been tried before the server was there.
            if !why.ends_with("connection refused") {
                break why;
            }
        };
        let end = if is_web { "websocket: close 1001 (going away)" } else { "EOF" };
        assert_eq!(why, format!("{url}: {end}"));
        let _server = Server::start(&[&binding]);
        program.type_in("two\n");
        program.end_input();
        program.expect("two\n");
        assert_eq!(program.wait().code, Some(0));
    }
}

#[test]
fn a_websocket_server_says_how_long_to_stay_away() {
    for (code, name, least, most) in
        [(1012, "service restart", 5.0, 30.0), (1013, "try again later", 15.0, 30.0)]
    {
        let peer = web::listen();
        let mut program = Program::connect(&["--reconnect", &peer.url]);
        let web = Web::accept(&peer);
        web.send(close_frame(code));
        web.expect(CLOSE, code.to_be_bytes());
        web.end();
        let (why, seconds) = announced(&program.log_line());
        assert_eq!(why, format!("{}: websocket: close {code} ({name})", peer.url));
        assert!((least..=most).contains(&seconds), "{seconds}");
        // It ends while it waits, too.
        program.signal(nix::sys::signal::Signal::SIGTERM);
        program.ends(143, "", "");
    }
}

#[test]
fn a_websocket_connection_that_breaks_is_made_again() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reconnect", &peer.url]);
    for end in [Some(1011), None] {
        let web = Web::accept(&peer);
        program.type_in("hi\n");
        web.expect(TEXT, "hi\n");
        match end {
            Some(code) => {
                web.send(close_frame(code));
                web.expect(CLOSE, code.to_be_bytes());
                web.end();
            }
            None => drop(web),
        }
        announced(&program.log_line());
    }
    // A server that is not well does not agree to a WebSocket for a while.
    let server = peer.accept();
    head(&server);
    answer(&server, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    drop(server);
    let (why, _) = announced(&program.log_line());
    assert_eq!(why, format!("{}: the server answered 503: bad handshake", peer.url));
    let web = Web::accept(&peer);
    program.end_input();
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.send(frame(TEXT, b"late"));
    web.send(close_frame(1000));
    web.end();
    assert_eq!(program.wait().code, Some(0));
}

#[test]
fn what_would_end_the_same_way_is_not_tried_again() {
    let peer = web::listen();
    for (code, exit) in [(1000, 0), (1002, 1), (1008, 1), (4000, 1)] {
        let program = Program::connect(&["--reconnect", &peer.url]);
        let web = Web::accept(&peer);
        web.send(close_frame(code));
        web.expect(CLOSE, code.to_be_bytes());
        web.end();
        let ended = program.wait();
        assert!(ended.stderr.contains(&format!("ReadMessage() error: websocket: close {code}")));
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(exit), 1), "{ended:?}");
    }
    for status in ["404 Not Found", "403 Forbidden", "200 OK"] {
        let program = Program::connect(&["--reconnect", &peer.url]);
        let server = peer.accept();
        head(&server);
        answer(&server, format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        let ended = program.wait();
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
    }
    // A rule that is broken: a masked frame.
    let program = Program::connect(&["--reconnect", &peer.url]);
    let web = Web::accept(&peer);
    web.send(b"\x81\x82\0\0\0\0hi");
    web.expect(CLOSE, 1002_u16.to_be_bytes());
    web.end();
    assert_eq!(program.wait().code, Some(1));
}

#[test]
fn when_the_input_has_ended_there_is_nothing_to_come_back_for() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--reconnect", &peer.url]);
    let server = peer.accept();
    program.end_input();
    assert_eq!(packet(&server), b"");
    reset(server);
    program.ends(1, "", &format!("error: {}: connection reset\n", peer.url));
}

#[test]
fn once_is_enough_without_it() {
    let peer = web::listen();
    let program = Program::connect(&[&peer.url]);
    let web = Web::accept(&peer);
    web.send(close_frame(1012));
    web.expect(CLOSE, 1012_u16.to_be_bytes());
    web.end();
    let ended = program.wait();
    assert!(ended.stderr.ends_with("websocket: close 1012 (service restart)\n"), "{ended:?}");
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_prompt_is_left_and_comes_again() {
    let peer = Peer::tcp();
    let mut program = Program::interactive(&["--reconnect", "--reply-timeout", "1h", &peer.url]);
    let server = peer.accept();
    program.expect(">> ");
    program.type_in("one\n");
    assert_eq!(packet(&server), b"one\n");
    // The reply never comes: the next prompt is of the next connection.
    reset(server);
    announced(&program.error_line());
    let server = peer.accept();
    program.expect(">> ");
    program.type_in("two\n");
    assert_eq!(packet(&server), b"two\n");
    answer(&server, b"2\n");
    program.expect("->: 2\n>> ");
}

#[test]
fn a_listener_comes_back_also_without_any_input() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--reconnect", "--on-eof", "wait", &peer.url]);
    program.end_input();
    for line in ["one\n", "two\n"] {
        let server = peer.accept();
        answer(&server, line.as_bytes());
        program.expect(line);
        drop(server);
        assert_eq!(announced(&program.error_line()).0, format!("{}: EOF", peer.url));
    }
    program.signal(nix::sys::signal::Signal::SIGTERM);
    program.ends(143, "", "");
}

#[test]
fn no_line_is_split_between_two_connections() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--reconnect", &peer.url]);
    let server = peer.accept();
    program.type_in("one\ntwo\nthr");
    let mut got = Vec::new();
    while got.len() < 8 {
        got.extend(packet(&server));
    }
    assert_eq!(shown(&got), "one\ntwo\n");
    answer(&server, b"one\n");
    program.expect("one\n");
    drop(server);
    let why = announced(&program.error_line()).0;
    assert_eq!(why, format!("{}: EOF, 1 message was not answered", peer.url));
    let server = peer.accept();
    program.type_in("ee\n");
    assert_eq!(packet(&server), b"three\n");
    program.end_input();
    drop(server);
    assert_eq!(program.wait().code, Some(0));
}

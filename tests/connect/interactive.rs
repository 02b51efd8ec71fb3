//! The interactive face, over pipes: prompts, prefixes and their order. What a terminal adds is in
//! `terminal`.

use std::net::Shutdown;

use socket2::Socket;
use tempfile::tempdir;

use crate::peer::{Peer, answer, assert_silent, packet, reset};
use crate::program::Program;
use crate::support::{Server, rest};
use crate::web::{CLOSE, TEXT, Web, close_frame, frame};

/// Longer than any test; whoever needs it must not wait for it.
const LONG: &str = "1h";

const CLOSED: &str = "the server has closed the connection\n";

/// A client of a stream with prompts, and its server.
fn connect(peer: &Peer, args: &[&str]) -> (Program, Socket) {
    let program = Program::interactive(&[args, &[&peer.url]].concat());
    (program, peer.accept())
}

#[test]
fn tcp_has_its_prompt_and_its_prefix() {
    for scheme in ["tcp", "tcp4"] {
        let peer = Peer::listen(&format!("{scheme}://127.0.0.1:0"));
        let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
        program.expect(">> ");
        program.type_in("hi 100%s\r\n");
        assert_eq!(packet(&server), b"hi 100%s\r\n");
        answer(&server, b"Hi!\r\n");
        program.expect("->: Hi!\r\n>> ");
        program.type_in("\n");
        assert_eq!(packet(&server), b"\n");
        answer(&server, b"\n");
        program.expect("->: \n>> ");
        server.shutdown(Shutdown::Write).expect("it is there");
        program.ends(0, "\n", CLOSED);
    }
}

#[test]
fn unix_has_its_prompt_and_its_prefix() {
    let directory = tempdir().expect("a directory");
    let peer = Peer::unix(directory.path());
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.expect(">> ");
    program.type_in("hi\n");
    assert_eq!(packet(&server), b"hi\n");
    answer(&server, b"hi\n");
    program.expect("Read:hi\n>> ");
    // What comes is data, not lines.
    program.type_in("no end\n");
    assert_eq!(packet(&server), b"no end\n");
    answer(&server, b"no end");
    program.expect("Read:no end>> ");
    drop(server);
    program.ends(0, "\n", CLOSED);
}

#[test]
fn unixpacket_and_unixgram_speak_like_unix() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().display();
    let peer = Peer::listen(&format!("unixpacket://{path}/packets"));
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.expect(">> ");
    program.type_in("hi\n");
    assert_eq!(packet(&server), b"hi");
    answer(&server, b"there");
    program.expect("Read:there\n>> ");
    drop(server);
    program.ends(0, "\n", CLOSED);

    let peer = Peer::listen(&format!("unixgram://{path}/datagrams"));
    let mut program = Program::interactive(&["--reply-timeout", LONG, &peer.url]);
    program.expect(">> ");
    program.type_in("hi\n");
    let (datagram, from) = peer.receive();
    assert_eq!(datagram, b"hi");
    peer.socket.send_to(b"there", &from).expect("sends");
    program.expect("Read:there\n>> ");
    program.type_in("STOP\n");
    assert_eq!(peer.receive().0, b"STOP");
    program.ends(0, "Exiting UNIX domain socket client!\n", "");
}

#[test]
fn udp_says_where_the_server_is_and_prefixes_replies() {
    for scheme in ["udp", "udp4"] {
        let peer = Peer::listen(&format!("{scheme}://127.0.0.1:0"));
        let (_, at) = peer.url.split_once("://").expect("a URL");
        let mut program = Program::interactive(&["--reply-timeout", LONG, &peer.url]);
        program.expect(format!("The UDP server is {at}\n>> "));
        for (line, reply) in [("hi\n", "814"), ("\n", "")] {
            program.type_in(line);
            let (datagram, from) = peer.receive();
            assert_eq!(datagram, line.trim_end().as_bytes());
            peer.socket.send_to(reply.as_bytes(), &from).expect("sends");
            program.expect(format!("Reply: {reply}\n>> "));
        }
        program.type_in("STOP\n");
        assert_eq!(peer.receive().0, b"STOP");
        // It leaves at once.
        program.ends(0, "Exiting UDP client!\n", "");
    }
}

#[test]
fn websocket_logs_what_it_receives() {
    let peer = crate::web::listen();
    let at = peer.url.strip_prefix("ws://").expect("ws").strip_suffix("/ws").expect("a path");
    let mut program = Program::interactive(&["--reply-timeout", LONG, &peer.url]);
    program.expect(format!("Connecting to: {at} at /ws\n"));
    let web = Web::accept(&peer);
    // Nobody waits for anybody: there is no lockstep, and STOP is data.
    program.type_in("one\nSTOP\n");
    web.expect(TEXT, "one\n");
    web.expect(TEXT, "STOP\n");
    for (text, shown) in [
        ("no end", "Received: no end"),
        ("an end\n", "Received: an end"),
        ("", "Received: "),
        ("\x1b[2J", "Received: \\u{1b}[2J"),
    ] {
        web.send(frame(TEXT, text.as_bytes()));
        assert_eq!(program.log_line(), shown);
    }
    web.send(frame(TEXT, b"two\nlines"));
    assert_eq!(program.log_line(), "Received: two");
    assert_eq!(program.error_line(), "lines");
    web.send(close_frame(1000));
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.end();
    assert_eq!(program.log_line(), "ReadMessage() error: websocket: close 1000 (normal)");
    program.succeeds();
}

#[test]
fn one_line_is_sent_at_a_time() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in("one\ntwo\nthree\n");
    for line in ["one\n", "two\n", "three\n"] {
        assert_eq!(packet(&server), line.as_bytes(), "and nothing behind it");
        answer(&server, line.to_uppercase().as_bytes());
    }
    program.expect(">> ->: ONE\n>> ->: TWO\n>> ->: THREE\n>> ");
    drop(server);
    program.ends(0, "\n", CLOSED);
}

#[test]
fn a_reply_in_pieces_is_one_reply() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in("one\ntwo\n");
    assert_eq!(packet(&server), b"one\n");
    server.set_tcp_nodelay(true).expect("TCP");
    for piece in [b"O", b"N", b"E"] {
        answer(&server, piece);
    }
    // Half a reply is none.
    assert_silent(&server);
    answer(&server, b"\n");
    assert_eq!(packet(&server), b"two\n");
    program.expect(">> ->: ONE\n>> ");
    answer(&server, b"half");
    drop(server);
    program.ends(0, "->: half\n", CLOSED);
}

#[test]
fn a_reply_without_an_end_is_shown_when_it_is_too_long_to_be_kept() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--max-message", "10"]);
    program.expect(">> ");
    program.type_in("hi\n");
    assert_eq!(packet(&server), b"hi\n");
    answer(&server, b"0123456789");
    answer(&server, b"a");
    program.expect("->: 0123456789a");
}

#[test]
fn a_service_that_says_nothing_gets_the_next_line_all_the_same() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", "20ms"]);
    program.expect(">> ");
    program.type_in("one\n");
    assert_eq!(packet(&server), b"one\n");
    program.expect(">> ");
    program.type_in("two\n");
    assert_eq!(packet(&server), b"two\n");
    program.expect(">> ");
    // A reply that comes late is printed like whatever else comes.
    answer(&server, b"ONE\n");
    program.expect("\n->: ONE\n>> ");
    drop(server);
    program.ends(0, "\n", CLOSED);
}

#[test]
fn what_nobody_has_asked_for_is_printed_at_once() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.expect(">> ");
    answer(&server, b"news\n");
    program.expect("\n->: news\n>> ");
    // Two replies in one segment: none is lost.
    program.type_in("one\n");
    assert_eq!(packet(&server), b"one\n");
    answer(&server, b"1\n2\n");
    program.expect("->: 1\n->: 2\n>> ");
    drop(server);
    program.ends(0, "\n", CLOSED);
}

#[test]
fn a_pause_comes_behind_a_reply() {
    let directory = tempdir().expect("a directory");
    let peer = Peer::unix(directory.path());
    let (mut program, server) = connect(&peer, &["--pause", "300ms", "--reply-timeout", LONG]);
    program.type_in("one\ntwo\n");
    assert_eq!(packet(&server), b"one\n");
    let before = std::time::Instant::now();
    answer(&server, b"1\n");
    program.expect(">> Read:1\n");
    assert_eq!(packet(&server), b"two\n");
    assert!(before.elapsed() >= std::time::Duration::from_millis(290), "{:?}", before.elapsed());
    answer(&server, b"2\n");
    program.expect(">> Read:2\n>> ");
    drop(server);
    program.ends(0, "\n", CLOSED);
}

#[test]
fn stop_over_tcp_waits_for_the_answer() {
    let peer = Peer::tcp();
    let (mut program, mut server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in(" STOP \r\n");
    assert_eq!(packet(&server), b" STOP \r\n");
    answer(&server, b"bye\n");
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.ends(0, ">> ->: bye\nTCP client exiting...\n", "");
}

#[test]
fn stop_over_tcp_waits_for_the_end() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    drop(server);
    program.ends(0, ">> ->: TCP client exiting...\n", "");
}

#[test]
fn stop_over_tcp_does_not_wait_for_ever() {
    let peer = Peer::tcp();
    let (mut program, mut server) = connect(&peer, &["--reply-timeout", "20ms"]);
    program.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.ends(0, ">> ->: TCP client exiting...\n", "");
}

#[test]
fn stop_over_unix_waits_for_the_answer_or_the_end_or_so_long() {
    const FAREWELL: &str = "Exiting UNIX domain socket client!\n";
    let directory = tempdir().expect("a directory");
    let peer = Peer::unix(directory.path());
    let (mut program, mut server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    answer(&server, b"STOP\n");
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.ends(0, format!(">> Read:STOP\n{FAREWELL}"), "");

    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    drop(server);
    program.ends(0, format!(">> {FAREWELL}"), "");

    let (mut program, mut server) = connect(&peer, &["--reply-timeout", "20ms"]);
    program.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.ends(0, format!(">> {FAREWELL}"), "");
}

#[test]
fn lines_that_only_look_like_stop_are_data() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    for line in ["stop\n", "STOPX\n", "STOP STOP\n"] {
        program.type_in(line);
        assert_eq!(packet(&server), line.as_bytes());
        answer(&server, line.as_bytes());
        program.expect(format!(">> ->: {line}"));
    }
    // And in a pipe STOP is data, too: nobody waits for anything behind it.
    drop(server);
    let mut program = Program::connect(&[&peer.url]);
    let server = peer.accept();
    program.type_in("STOP\n");
    assert_eq!(packet(&server), b"STOP\n");
    program.type_in("more\n");
    assert_eq!(packet(&server), b"more\n");
}

#[test]
fn a_session_with_a_server_of_our_own() {
    let directory = tempdir().expect("a directory");
    let unix = format!("echo=unix://{}/echo?framing=raw", directory.path().display());
    let server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "random=udp4://127.0.0.1:0?min=814&max=814",
        &unix,
    ]);
    let [tcp, udp, unix] = [0, 1, 2].map(|binding: usize| {
        let url: &str = &server.urls[binding];
        url.split('?').next().expect("the first part")
    });
    let mut program = Program::interactive(&[tcp]);
    program.type_in("a\nb\nSTOP\n");
    program.ends(0, ">> ->: a\n>> ->: b\n>> ->: TCP client exiting...\n", "");
    let mut program = Program::interactive(&[udp]);
    program.type_in("a\nSTOP\n");
    let at = server.address(1);
    let said = format!("The UDP server is {at}\n>> Reply: 814\n>> Exiting UDP client!\n");
    program.ends(0, said, "");
    let mut program = Program::interactive(&[unix]);
    program.type_in("a\nSTOP\n");
    let said = ">> Read:a\n>> Read:STOP\nExiting UNIX domain socket client!\n";
    program.ends(0, said, "");
}

#[test]
fn the_end_of_the_input_ends_a_session_behind_its_last_reply() {
    let peer = Peer::tcp();
    let (mut program, mut server) = connect(&peer, &["--reply-timeout", LONG]);
    program.type_in("one\nno end");
    program.end_input();
    assert_eq!(packet(&server), b"one\n");
    answer(&server, b"1\n");
    assert_eq!(packet(&server), b"no end");
    answer(&server, b"2\n");
    assert_eq!(rest(&mut server), b"");
    answer(&server, b"and more\n");
    drop(server);
    program.ends(0, ">> ->: 1\n>> ->: 2\n->: and more\n", "");
}

#[test]
fn the_end_of_the_input_at_a_prompt_leaves_it() {
    let peer = Peer::tcp();
    let (mut program, mut server) = connect(&peer, &["--reply-timeout", LONG]);
    program.expect(">> ");
    program.end_input();
    assert_eq!(rest(&mut server), b"");
    program.expect("\n");
    drop(server);
    program.succeeds();

    let peer = Peer::udp();
    let mut program = Program::interactive(&["--reply-timeout", LONG, &peer.url]);
    program.end_input();
    let ended = program.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_server_that_breaks_at_the_prompt_is_an_error() {
    let peer = Peer::tcp();
    let (mut program, server) = connect(&peer, &["--reply-timeout", LONG]);
    program.expect(">> ");
    reset(server);
    program.ends(1, "\n", &format!("error: {}: connection reset\n", peer.url));
}

#[test]
fn a_websocket_server_that_breaks_is_an_error() {
    let peer = crate::web::listen();
    for (is_reset, words) in [
        (false, "ReadMessage() error: websocket: close 1006 (abnormal closure): unexpected EOF"),
        (true, "connection reset"),
    ] {
        let mut program = Program::interactive(&[&peer.url]);
        let web = Web::accept(&peer);
        web.send(frame(TEXT, b"hi"));
        assert_eq!(program.log_line(), "Received: hi");
        if is_reset {
            reset(web.socket);
            assert_eq!(program.log_line(), format!("Error: {}: {words}", peer.url));
        } else {
            drop(web);
            assert_eq!(program.log_line(), words);
        }
        let ended = program.wait();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    }
}

#[test]
fn nobody_who_types_is_asked_for_input() {
    let peer = crate::web::listen();
    let mut program =
        Program::interactive(&["--input-timeout", "100ms", "--input-retries", "2", &peer.url]);
    let web = Web::accept(&peer);
    assert_eq!(program.log_line(), "Please give me input! 0");
    assert_eq!(program.log_line(), "Please give me input! 1");
    // What is received does not count, what is typed does.
    web.send(frame(TEXT, b"hi"));
    assert_eq!(program.log_line(), "Received: hi");
    program.type_in("here\n");
    web.expect(TEXT, "here\n");
    for count in 0..=2 {
        assert_eq!(program.log_line(), format!("Please give me input! {count}"));
    }
    assert_eq!(program.log_line(), "Caught interrupt signal - quitting!");
    web.expect_close(1000);
    assert_eq!(program.log_line(), "ReadMessage() error: websocket: close 1000 (normal)");
    let ended = program.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn who_says_so_is_never_asked_for_input() {
    let peer = crate::web::listen();
    for off in [&["--input-timeout", "0"][..], &["--input-retries", "0", "--input-timeout", "1ms"]]
    {
        let args = [off, &["--interactive", &peer.url]].concat();
        let program = Program::connect(&args);
        let web = Web::accept(&peer);
        // Not to synchronise: long enough for who would ask.
        std::thread::sleep(std::time::Duration::from_millis(100));
        web.send(close_frame(1000));
        web.expect(CLOSE, 1000_u16.to_be_bytes());
        web.end();
        let ended = program.wait();
        assert!(!ended.stderr.contains("Please"), "{off:?}: {ended:?}");
        assert_eq!(ended.code, Some(0));
    }
}

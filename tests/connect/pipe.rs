//! The pipe face: when the client sends, when it prints, and when it ends.

use std::net::Shutdown;

use tempfile::tempdir;

use crate::peer::{Peer, answer, assert_silent, packet, reset};
use crate::program::{Program, feed, run, shown};
use crate::support::{Server, expect, rest};
use crate::web::{self, BINARY, CLOSE, TEXT, Web, close_frame, frame};

/// Longer than any test; whoever needs it must not wait for it.
const LONG: &str = "1h";

#[test]
fn many_lines_come_back_in_order() {
    let directory = tempdir().expect("a directory");
    let unix = directory.path().display();
    let server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=ws://127.0.0.1:0/ws",
        "echo=udp://127.0.0.1:0",
        &format!("echo=unix://{unix}/lines"),
        &format!("echo=unixgram://{unix}/datagrams"),
        &format!("echo=unixpacket://{unix}/packets"),
        &format!("echo=ws+unix://{unix}/web:/ws"),
    ]);
    let lines: String = (0..5_000).map(|number| format!("{number}\n")).collect();
    for url in &server.urls {
        let ended = run(&[url], lines.as_str());
        assert!(shown(&ended.stdout) == shown(lines.as_bytes()), "{url}");
        assert!(ended.stdout == lines.as_bytes(), "{url}");
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{url}");
    }
}

#[test]
fn bytes_of_every_value_pass_on_streams() {
    let directory = tempdir().expect("a directory");
    let raw = format!("echo=unix://{}/raw?framing=raw", directory.path().display());
    let server = Server::start(&["echo=tcp://127.0.0.1:0?framing=raw", &raw]);
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    for url in &server.urls {
        let url = url.split('?').next().expect("the first part");
        let ended = run(&[url], bytes.clone());
        assert!(ended.stdout == bytes, "{url}");
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{url}");
    }
}

#[test]
fn a_line_of_100_000_bytes_is_a_line() {
    let directory = tempdir().expect("a directory");
    let unix = directory.path().display();
    let server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=ws://127.0.0.1:0/ws",
        &format!("echo=unix://{unix}/lines"),
        &format!("echo=unixgram://{unix}/datagrams"),
        &format!("echo=unixpacket://{unix}/packets"),
    ]);
    let lines = format!("{}\nshort\n{}\n", "x".repeat(100_000), "y".repeat(100_000));
    for url in &server.urls {
        let ended = run(&[url], lines.as_str());
        assert!(ended.stdout == lines.as_bytes(), "{url}: {}", ended.stdout.len());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{url}");
    }
}

#[test]
fn a_line_that_is_too_long_ends_the_client() {
    let peer = Peer::udp();
    let program = run(&[&peer.url], format!("first\n{}\n", "x".repeat(65_508)));
    assert_eq!(program.stderr, "error: a line of the input is longer than 65507\n");
    assert_eq!((program.code, program.stdout), (Some(1), vec![]));
    assert_eq!(peer.receive().0, b"first");

    let peer = web::listen();
    let mut program = Program::connect(&["--max-message", "10", &peer.url]);
    let web = Web::accept(&peer);
    program.type_in("123456789\n1234567890\n");
    // The end of a line counts.
    web.expect(TEXT, "123456789\n");
    web.expect_close(1000);
    let ended = program.wait();
    assert!(ended.stderr.ends_with(" Error: a line of the input is longer than 9\n"), "{ended:?}");
    assert_eq!(ended.code, Some(1));
}

#[test]
fn streams_end_one_side_and_print_on() {
    for place in ["tcp", "unix", "unixpacket"] {
        let directory = tempdir().expect("a directory");
        let place = match place {
            "tcp" => "tcp://127.0.0.1:0".to_owned(),
            _ => format!("{place}://{}/socket", directory.path().display()),
        };
        let peer = Peer::listen(&place);
        // It does not matter how long nothing comes: the server decides.
        let mut program = Program::connect(&["--reply-timeout", "10ms", &peer.url]);
        let server = peer.accept();
        program.type_in("no end");
        program.end_input();
        assert_eq!(packet(&server), b"no end");
        assert_eq!(packet(&server), b"", "{place}: it has ended its side");
        for line in ["one\n", "two\n"] {
            answer(&server, line.as_bytes());
            program.expect(line);
        }
        drop(server);
        program.succeeds();
    }
}

#[test]
fn a_stream_may_be_closed_when_everything_is_answered() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--on-eof", "close", "--reply-timeout", LONG, &peer.url]);
    let mut server = peer.accept();
    program.type_in("one\ntwo\n");
    program.end_input();
    expect(&mut server, b"one\ntwo\n");
    answer(&server, b"1\n");
    program.expect("1\n");
    assert!(program.is_running());
    answer(&server, b"2\n");
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.ends(0, "2\n", "");
}

#[test]
fn a_stream_may_be_closed_when_nothing_is_answered_any_more() {
    let peer = Peer::tcp();
    let mut program =
        Program::connect(&["--on-eof", "close", "--reply-timeout", "50ms", &peer.url]);
    let mut server = peer.accept();
    program.type_in("one\ntwo\n");
    program.end_input();
    expect(&mut server, b"one\ntwo\n");
    answer(&server, b"1\n");
    assert_eq!(rest(&mut server), b"");
    drop(server);
    program.ends(0, "1\n", "");
}

#[test]
fn every_transport_may_wait_for_the_server_to_end() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&["--on-eof", "wait", "--reply-timeout", "1ms", &peer.url]);
    let server = peer.accept();
    program.type_in("a\n");
    program.end_input();
    assert_eq!(packet(&server), b"a\n");
    answer(&server, b"b\n");
    program.expect("b\n");
    // Its side is not ended.
    assert_silent(&server);
    drop(server);
    program.succeeds();

    let peer = web::listen();
    let mut program = Program::connect(&["--on-eof", "wait", "--reply-timeout", "1ms", &peer.url]);
    let web = Web::accept(&peer);
    program.end_input();
    for text in ["a", "b"] {
        web.send(frame(TEXT, text.as_bytes()));
        program.expect(format!("{text}\n"));
    }
    web.send(close_frame(1000));
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.end();
    let ended = program.wait();
    assert_eq!((ended.code, ended.stdout), (Some(0), vec![]));
}

#[test]
fn websocket_closes_when_everything_is_answered() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reply-timeout", LONG, &peer.url]);
    let web = Web::accept(&peer);
    program.type_in("one\ntwo");
    program.end_input();
    web.expect(TEXT, "one\n");
    web.expect(TEXT, "two");
    web.send(frame(TEXT, b"1"));
    program.expect("1\n");
    assert!(program.is_running());
    web.send(frame(BINARY, b"2\n"));
    web.expect_close(1000);
    program.ends(0, "2\n", "");
}

#[test]
fn websocket_closes_when_nothing_comes_any_more() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reply-timeout", "50ms", &peer.url]);
    let web = Web::accept(&peer);
    program.type_in("one\ntwo\n");
    program.end_input();
    web.expect(TEXT, "one\n");
    web.expect(TEXT, "two\n");
    web.send(frame(TEXT, b"1"));
    web.expect_close(1000);
    program.ends(0, "1\n", "");
}

#[test]
fn what_a_server_still_sends_in_front_of_its_close_is_printed() {
    let peer = web::listen();
    let mut program = Program::connect(&["--reply-timeout", "1ms", &peer.url]);
    let web = Web::accept(&peer);
    program.type_in("one\n");
    program.end_input();
    web.expect(TEXT, "one\n");
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    web.send(frame(TEXT, b"too late"));
    web.send(close_frame(1000));
    web.end();
    program.ends(0, "too late\n", "");
}

#[test]
fn a_server_that_makes_progress_is_not_cut_off() {
    // More than the sockets hold, to a server that takes a little, and then waits for longer than a
    // quiet one is waited for.
    let input = "0123456789abcde\n".repeat(1 << 19);
    for on_eof in ["close", "half"] {
        let peer = Peer::listen("tcp://127.0.0.1:0");
        peer.socket.set_recv_buffer_size(16 * 1024).expect("a size");
        let mut program =
            Program::connect(&["--on-eof", on_eof, "--reply-timeout", "300ms", &peer.url]);
        let mut server = peer.accept();
        let feeder = feed(program.take_input(), input.clone().into_bytes());
        let mut taken = vec![0; input.len()];
        for (index, part) in taken.chunks_mut(1 << 20).enumerate() {
            if index > 0 {
                // Not to synchronise: this server is slow.
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            std::io::Read::read_exact(&mut server, part).expect("all of it");
        }
        assert!(taken == input.as_bytes(), "{on_eof}");
        feeder.join().expect("feeds");
        assert_eq!(rest(&mut server), b"");
        drop(server);
        program.succeeds();
    }
}

#[test]
fn a_server_that_takes_no_more_is_given_up() {
    // More than a UNIX socket holds (unix(7): about 200 KiB), less than stops the client from
    // reading its input to the end.
    let input = "0123456789abcde\n".repeat(300 * 1024 / 16);
    let directory = tempdir().expect("a directory");
    let unix = directory.path().display();
    let line = Peer::listen(&format!("unix://{unix}/line"));
    let web = Peer::listen(&format!("ws+unix://{unix}/web:/ws"));
    // Both at a time, because each is waited for.
    let clients = [(&line, false), (&web, true)].map(|(peer, is_web)| {
        let mut program =
            Program::connect(&["--on-eof", "close", "--reply-timeout", "50ms", &peer.url]);
        let server = if is_web { Web::accept(peer).socket } else { peer.accept() };
        feed(program.take_input(), input.clone().into_bytes()).join().expect("feeds");
        (peer, program, server)
    });
    for (peer, program, _server) in clients {
        let ended = program.wait();
        let problem = format!("rror: {}: the server takes no more input\n", peer.url);
        assert!(ended.stderr.ends_with(&problem), "{ended:?}");
        assert_eq!(ended.code, Some(1));
    }
}

#[test]
fn a_reset_is_an_error() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&[&peer.url]);
    let server = peer.accept();
    program.type_in("a\n");
    assert_eq!(packet(&server), b"a\n");
    answer(&server, b"b\n");
    program.expect("b\n");
    reset(server);
    program.ends(1, "", &format!("error: {}: connection reset\n", peer.url));
}

#[test]
fn a_reset_behind_the_end_of_the_input_is_an_error_too() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&[&peer.url]);
    let mut server = peer.accept();
    program.end_input();
    assert_eq!(rest(&mut server), b"");
    reset(server);
    program.ends(1, "", &format!("error: {}: connection reset\n", peer.url));
}

#[test]
fn a_server_that_ends_while_input_is_to_come_ends_the_client() {
    let peer = Peer::tcp();
    let mut program = Program::connect(&[&peer.url]);
    let server = peer.accept();
    program.type_in("a\n");
    assert_eq!(packet(&server), b"a\n");
    server.shutdown(Shutdown::Write).expect("it is there");
    program.ends(0, "", "the server has closed the connection\n");
}

#[test]
fn what_a_server_said_before_it_went_is_printed() {
    let directory = tempfile::tempdir().expect("a directory");
    for peer in [Peer::tcp(), Peer::unix(directory.path())] {
        let mut program = Program::connect(&[&peer.url]);
        let server = peer.accept();
        let input = program.take_input();
        // More than fits between them, so that the client is writing when the server goes.
        let feeder = feed(input, vec![b'x'; 20 << 20]);
        assert_eq!(packet(&server)[0], b'x');
        answer(&server, b"enough\n");
        program.expect("enough\n");
        answer(&server, b"really\n");
        // What is not read when a socket is closed turns its end into a reset.
        server.peek(&mut [std::mem::MaybeUninit::uninit()]).expect("there is more");
        drop(server);
        let ended = program.wait();
        let said = format!("error: {}: connection reset\n", peer.url);
        assert_eq!((shown(&ended.stdout), ended.stderr), ("really\n".to_owned(), said));
        assert_eq!(ended.code, Some(1));
        feeder.join().expect("feeds");
    }
}

#[test]
fn a_packet_that_the_socket_does_not_take_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("unixpacket://{}/socket", directory.path().display());
    let peer = Peer::listen(&url);
    let ended = run(&["--max-message", "8MiB", &url], vec![b'x'; 4 << 20]);
    let said = format!("error: {url}: the server's socket takes no packet that is so long\n");
    assert_eq!((ended.code, ended.stderr), (Some(1), said));
    drop(peer);
}

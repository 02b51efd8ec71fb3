//! Every kind of client against readily's own server and against one that knows nothing of it: what
//! is sent, what is printed, and the exit code.

use std::net::Shutdown;

use tempfile::tempdir;

use crate::client::places;
use crate::peer::{Peer, answer, packet, places_of};
use crate::program::{Program, run, shown};
use crate::support::{Server, rest};
use crate::web::{CLOSE, TEXT, Web, close_frame, field, frame};

/// Lines with whatever lines may have: nothing, a `\r`, percent signs, spaces at both ends, and at
/// the end of the input none of its own end.
const INPUT: &str = "one\n\ntwo words \r\n 100%s%d\nSTOPX\nla\u{df}t";

#[test]
fn streams_carry_the_input_as_it_is_and_print_what_comes() {
    let directory = tempdir().expect("a directory");
    for place in places_of(directory.path(), &["tcp", "tcp4", "tcp6", "unix"]) {
        let peer = Peer::listen(&place);
        let mut program = Program::connect(&[&peer.url]);
        let mut server = peer.accept();
        program.type_in(INPUT);
        program.end_input();
        assert_eq!(shown(&rest(&mut server)), INPUT, "{place}");
        // The other direction is open as long as the server likes.
        for part in [&b"A\r\nB\n\n"[..], b"\xff\0no end"] {
            answer(&server, part);
            program.expect(part);
        }
        drop(server);
        program.succeeds();
    }
}

#[test]
fn packets_and_datagrams_are_lines_without_their_end() {
    let directory = tempdir().expect("a directory");
    let lines: Vec<&str> = INPUT.split('\n').collect();
    let answers = [&b"A"[..], b"", b"with an end\n", b"\xff\0", b"%s", b"F"];
    assert_eq!(answers.len(), lines.len());
    let printed = b"A\n\nwith an end\n\xff\0\n%s\nF\n";
    for place in places_of(directory.path(), &["unixpacket", "udp", "udp4", "udp6", "unixgram"]) {
        let peer = Peer::listen(&place);
        let mut program = Program::connect(&[&peer.url]);
        program.type_in(INPUT);
        program.end_input();
        if place.starts_with("unixpacket") {
            let server = peer.accept();
            for line in &lines {
                assert_eq!(shown(&packet(&server)), *line, "{place}");
            }
            assert_eq!(packet(&server), b"", "it has ended its side");
            answers
                .iter()
                .for_each(|text| assert_eq!(server.send(text).expect("sends"), text.len()));
            drop(server);
        } else {
            for (line, text) in lines.iter().zip(answers) {
                let (datagram, from) = peer.receive();
                assert_eq!(shown(&datagram), *line, "{place}");
                peer.socket.send_to(text, &from).expect("sends");
            }
        }
        program.expect(printed);
        program.succeeds();
    }
}

#[test]
fn websocket_carries_lines_as_masked_text_frames_with_their_end() {
    let directory = tempdir().expect("a directory");
    for place in places_of(directory.path(), &["ws", "ws+unix"]) {
        let peer = Peer::listen(&place);
        let mut program = Program::connect(&[&peer.url]);
        let web = Web::accept(&peer);
        let authority = match peer.url.strip_prefix("ws://") {
            Some(rest) => rest.strip_suffix("/ws").expect("the path"),
            None => "localhost",
        };
        let key = field(&web.request, "Sec-WebSocket-Key").expect("a key");
        assert_eq!(
            web.request,
            format!(
                "GET /ws HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: readily/{}\r\n\
                 Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: {key}\r\n\
                 Sec-WebSocket-Version: 13\r\n\r\n",
                env!("CARGO_PKG_VERSION")
            )
        );
        program.type_in(INPUT);
        program.end_input();
        let mut masks = Vec::new();
        for line in INPUT.split_inclusive('\n') {
            masks.push(web.expect(TEXT, line));
            web.send(frame(TEXT, line.to_uppercase().as_bytes()));
        }
        masks.push(web.expect(CLOSE, 1000_u16.to_be_bytes()));
        web.send(close_frame(1000));
        web.end();
        masks.sort_unstable();
        masks.dedup();
        assert_eq!(masks.len(), 7, "a fresh mask for every frame");
        program.expect("ONE\n\nTWO WORDS \r\n 100%S%D\nSTOPX\nLASST\n");
        program.succeeds();
    }
}

#[test]
fn an_echo_of_our_own_gives_back_the_input_on_every_transport() {
    let directory = tempdir().expect("a directory");
    let bindings: Vec<String> =
        places(directory.path()).iter().map(|place| format!("echo={place}")).collect();
    let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
    let server = Server::start(&bindings);
    for url in &server.urls {
        let ended = run(&[url], INPUT);
        // A line server drops a last line that has no end; it was sent.
        let is_lines = url.starts_with("tcp") || url.starts_with("unix:");
        let expected = match INPUT.rsplit_once('\n') {
            Some((lines, _)) if is_lines => format!("{lines}\n"),
            _ => format!("{INPUT}\n"),
        };
        assert_eq!((shown(&ended.stdout), ended.stderr.as_str()), (expected, ""), "{url}");
        assert_eq!(ended.code, Some(0), "{url}");
    }
}

#[test]
fn an_input_of_nothing_is_nothing_and_ends_well() {
    let directory = tempdir().expect("a directory");
    let bindings: Vec<String> =
        places(directory.path()).iter().map(|place| format!("time={place}")).collect();
    let bindings: Vec<&str> = bindings.iter().map(String::as_str).collect();
    let server = Server::start(&bindings);
    for url in &server.urls {
        let ended = run(&[url], "");
        assert_eq!(
            (ended.code, shown(&ended.stdout), ended.stderr),
            (Some(0), String::new(), String::new()),
            "{url}"
        );
    }
}

#[test]
fn a_server_that_ends_first_is_told_in_one_line() {
    let directory = tempdir().expect("a directory");
    for place in places_of(directory.path(), &["tcp", "unix", "unixpacket"]) {
        let peer = Peer::listen(&place);
        let program = Program::connect(&[&peer.url]);
        let server = peer.accept();
        server.send(b"bye\n").expect("sends");
        server.shutdown(Shutdown::Both).expect("it is there");
        program.ends(0, "bye\n", "the server has closed the connection\n");
    }
}

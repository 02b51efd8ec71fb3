//! Long inputs, slow readers on either side, and how much memory they take.

use std::io::{Read as _, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use readily::codec::websocket::Opcode;
use readily::codec::websocket::deflate::{Pool, WindowBits, encode_deflated};
use socket2::Socket;
use tempfile::tempdir;
use tungstenite::Message;

use crate::peer::{Peer, answer, packet};
use crate::program::{Program, feed, run, shown};
use crate::support::{Server, memory, rest};
use crate::web::{self, CLOSE, TEXT, Web, close_frame, frame, head, switching};

/// What `seq 100000` prints.
fn sequence() -> String {
    (1..=100_000).map(|number| format!("{number}\n")).collect()
}

/// What a client may take, however long its input. That of a debug build that does nothing is a
/// third of it.
const PEAK: usize = 16 * 1024 * 1024;

/// Writes to a pipe until nothing has been taken for a while; returns how much was. Where this is
/// too early because the machine is busy, a test is easier to pass and no less correct.
pub(crate) fn write_until_stalled(pipe: &mut (impl Write + AsFd), bytes: &[u8]) -> usize {
    fcntl(pipe.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a mode");
    let mut sent = 0;
    while sent < bytes.len() {
        match pipe.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut fds, PollTimeout::from(250_u16)).expect("polls") == 0 {
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    fcntl(pipe.as_fd(), FcntlArg::F_SETFL(OFlag::empty())).expect("a mode");
    sent
}

/// Gives back what a stream's client sends, in small pieces, until its end.
fn echo_in_small_pieces(mut server: &Socket) {
    let mut piece = [0; 1500];
    loop {
        match server.read(&mut piece).expect("the client is there") {
            0 => break,
            length => server.write_all(&piece[..length]).expect("the client reads"),
        }
    }
    server.shutdown(Shutdown::Write).expect("it is there");
}

/// Starts a client with a long input, waits until everything between it and a server that does not
/// read is full, and has `serve` go on from there. The whole input must come back.
fn assert_stall_is_survived(peer: &Peer, input: &str, serve: impl FnOnce(Socket)) {
    let mut program = Program::connect(&[&peer.url]);
    let server = peer.accept();
    let mut pipe = program.take_input();
    let is_web = peer.url.starts_with("ws");
    let (server, sent) = if is_web {
        // The handshake must be over before anything is sent.
        (server, 0)
    } else {
        let sent = write_until_stalled(&mut pipe, input.as_bytes());
        (server, sent)
    };
    let feeder = feed(pipe, input.as_bytes()[sent..].to_vec());
    serve(server);
    feeder.join().expect("feeds");
    program.expect(input);
    program.succeeds();
}

#[test]
fn a_hundred_thousand_lines_come_back_from_a_slow_stream() {
    let directory = tempdir().expect("a directory");
    for peer in [Peer::tcp(), Peer::unix(directory.path())] {
        assert_stall_is_survived(&peer, &sequence(), |server| echo_in_small_pieces(&server));
    }
}

#[test]
fn a_hundred_thousand_lines_come_back_as_packets() {
    let directory = tempdir().expect("a directory");
    let peer = Peer::listen(&format!("unixpacket://{}/socket", directory.path().display()));
    let input = sequence();
    assert_stall_is_survived(&peer, &input, |server| {
        for line in input.lines() {
            assert_eq!(shown(&packet(&server)), line);
            server.send(line.as_bytes()).expect("the client reads");
        }
        assert_eq!(packet(&server), b"");
    });
}

#[test]
fn a_hundred_thousand_lines_come_back_over_websocket() {
    let directory = tempdir().expect("a directory");
    let unix = format!("ws+unix://{}/socket:/ws", directory.path().display());
    let input = sequence();
    for place in ["ws://127.0.0.1:0/ws", &unix] {
        let peer = Peer::listen(place);
        assert_stall_is_survived(&peer, &input, |server| {
            // An independent implementation.
            let mut web = tungstenite::accept(server).expect("a handshake");
            for line in input.split_inclusive('\n') {
                assert_eq!(web.read().expect("a message"), Message::text(line));
                web.write(Message::text(line)).expect("the client reads");
            }
            web.flush().expect("the client reads");
            let close = web.read().expect("a Close frame");
            assert!(
                matches!(&close, Message::Close(Some(frame)) if u16::from(frame.code) == 1000),
                "{close:?}"
            );
            while web.read().is_ok() {}
        });
    }
}

#[test]
fn a_hundred_thousand_lines_come_back_from_a_server_of_our_own() {
    let directory = tempdir().expect("a directory");
    let unix = directory.path().display();
    let server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=ws://127.0.0.1:0/ws",
        &format!("echo=unix://{unix}/lines"),
        &format!("echo=unixpacket://{unix}/packets"),
        &format!("echo=ws+unix://{unix}/web:/ws"),
    ]);
    let input = sequence();
    for url in &server.urls {
        let ended = run(&[url], input.as_str());
        assert!(ended.stdout == input.as_bytes(), "{url}: {}", ended.stdout.len());
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{url}");
    }
}

#[test]
fn a_long_input_to_a_server_that_stalls_takes_bounded_memory() {
    const LENGTH: usize = 50 << 20;
    let input = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";
    let input = input.repeat(LENGTH / input.len());
    let peer = Peer::tcp();
    let mut program = Program::connect(&[&peer.url]);
    let mut server = peer.accept();
    let mut pipe = program.take_input();
    let sent = write_until_stalled(&mut pipe, input.as_bytes());
    assert!(sent < input.len() / 2, "{sent} bytes were taken by nobody");
    let feeder = feed(pipe, input.as_bytes()[sent..].to_vec());
    assert!(rest(&mut server) == input.as_bytes());
    feeder.join().expect("feeds");
    let peak = memory(program.pid(), "VmHWM");
    assert!(peak < PEAK, "{peak} bytes");
    drop(server);
    program.succeeds();
}

#[test]
fn a_slow_reader_of_stdout_takes_bounded_memory_and_loses_nothing() {
    const LENGTH: usize = 20 << 20;
    let output = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-\n";
    let output = output.repeat(LENGTH / output.len());
    let peer = Peer::tcp();
    let (program, mut stdout) = Program::unread(&[&peer.url]);
    let mut server = peer.accept();
    let sent = write_until_stalled(&mut server, output.as_bytes());
    assert!(sent < output.len() / 2, "{sent} bytes were taken by nobody");
    let rest = output.as_bytes()[sent..].to_vec();
    let feeder = feed(server, rest);
    let mut printed = vec![0; output.len()];
    stdout.read_exact(&mut printed).expect("all of it");
    assert!(printed == output.as_bytes());
    feeder.join().expect("feeds");
    let mut more = Vec::new();
    stdout.read_to_end(&mut more).expect("the end");
    assert_eq!(shown(&more), "");
    program.ends(0, "", "the server has closed the connection\n");
}

#[test]
fn a_stalled_reader_of_stdout_takes_bounded_memory() {
    const LENGTH: usize = 50 << 20;
    let output = vec![b'x'; LENGTH];
    let peer = Peer::tcp();
    let (program, stdout) = Program::unread(&[&peer.url]);
    let mut server = peer.accept();
    let sent = write_until_stalled(&mut server, &output);
    assert!(sent < LENGTH / 2, "{sent} bytes were taken by nobody");
    let peak = memory(program.pid(), "VmHWM");
    assert!(peak < PEAK, "{peak} bytes");
    drop(stdout);
    // Nobody reads any more, which is no error.
    program.succeeds();
}

/// A server has sent half a mebibyte at once, which is half a gibibyte when inflated.
#[test]
fn what_a_server_has_compressed_a_thousandfold_takes_bounded_memory() {
    const ALONE: &str = "permessage-deflate; server_no_context_takeover";
    const COUNT: usize = 500;
    let message = vec![b'x'; 1 << 20];
    let mut frame = Vec::new();
    let window = WindowBits::MAX;
    encode_deflated(&mut frame, Opcode::Text, &message, None, window, &mut Pool::default());
    assert!(frame.len() < 1100);
    let peer = web::listen();
    let (program, mut stdout) = Program::unread(&["--deflate", "--on-eof", "wait", &peer.url]);
    let socket = peer.accept();
    let request = head(&socket);
    let response = format!("{}Sec-WebSocket-Extensions: {ALONE}\r\n\r\n", switching(&request));
    answer(&socket, response.as_bytes());
    let web = Web { socket, request };
    web.send(frame.repeat(COUNT));
    let mut printed = vec![0; (1 << 20) + 1];
    for number in 0..COUNT {
        stdout.read_exact(&mut printed).expect("all of it");
        assert!(printed[..1 << 20] == message && printed[1 << 20] == b'\n', "{number}");
    }
    let peak = memory(program.pid(), "VmHWM");
    assert!(peak < 2 * PEAK, "{peak} bytes");
    web.send(close_frame(1000));
    web.expect(CLOSE, 1000u16.to_be_bytes());
    web.end();
    assert_eq!(program.wait().code, Some(0));
}

#[test]
fn a_reader_that_is_slower_than_the_reply_timeout_gets_everything() {
    const COUNT: usize = 800;
    let peer = web::listen();
    let (mut program, mut stdout) =
        Program::unread(&["--reply-timeout", "100ms", "--on-eof", "close", &peer.url]);
    let web = Web::accept(&peer);
    program.type_in("go\n".repeat(2 * COUNT));
    program.end_input();
    let message = vec![b'x'; 4095];
    let frames = frame(TEXT, &message).repeat(COUNT);
    let serve = std::thread::spawn(move || {
        for _ in 0..2 * COUNT {
            web.expect(TEXT, "go\n");
        }
        web.send(frames);
        web.expect_close(1000);
    });
    // About 100 KB in each reply timeout: the server is not read from for much longer than one.
    let mut chunk = vec![0; 4096];
    for number in 0..COUNT {
        stdout.read_exact(&mut chunk).expect("a line");
        assert!(chunk[..4095] == message && chunk[4095] == b'\n', "{number}");
        if number % 25 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    serve.join().expect("serves");
    program.succeeds();
}

#[test]
fn a_server_that_waits_for_our_reader_is_not_taken_for_silent() {
    let peer = Peer::tcp();
    let (mut program, mut stdout) =
        Program::unread(&["--on-eof", "close", "--reply-timeout", "50ms", &peer.url]);
    let mut server = peer.accept();
    program.type_in("a line that is not answered by one\n");
    assert_eq!(packet(&server), b"a line that is not answered by one\n");
    let text = vec![b'x'; 50 << 20];
    let sent = write_until_stalled(&mut server, &text);
    program.end_input();
    // It is not heard for longer than a silent one would be given.
    let sent = sent + write_until_stalled(&mut server, &text[sent..]);
    let feeder = feed(server, text[sent..].to_vec());
    let mut printed = Vec::new();
    stdout.read_to_end(&mut printed).expect("the end");
    feeder.join().expect("feeds");
    assert!(printed == text, "{}", printed.len());
    program.ends(0, "", "");
}

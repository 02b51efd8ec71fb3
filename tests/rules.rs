//! The rules that every binding follows, one by one: lines, STOP, the ways to end, and what a peer
//! that does not read may cost.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

#[path = "support/client.rs"]
mod client;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use socket2::{Domain, Protocol, Socket, Type};
use tempfile::TempDir;
use tungstenite::Message;

use client::Client;
use support::{Server, exchange, expect, memory, readily, rest};

/// `service` over TCP and over a UNIX socket.
fn serve_lines(options: &[&str], service: &str, parameters: &str) -> (TempDir, Server) {
    let dir = tempfile::tempdir().expect("a directory");
    let tcp = format!("{service}=tcp://127.0.0.1:0{parameters}");
    let unix = format!("{service}=unix://{}/socket{parameters}", dir.path().display());
    (dir, Server::with_options(options, &[&tcp, &unix]))
}

/// Serves one binding at a UNIX socket of its own.
fn serve_unix(service: &str, scheme: &str, parameters: &str) -> (TempDir, Server) {
    let dir = tempfile::tempdir().expect("a directory");
    let binding = format!("{service}={scheme}://{}/socket{parameters}", dir.path().display());
    let server = Server::start(&[&binding]);
    (dir, server)
}

/// The bare socket of a line client.
fn lines(url: &str) -> Socket {
    match Client::connect(url) {
        Client::Lines(socket) => socket,
        _ => panic!("{url} is not for lines"),
    }
}

/// What the server answers until it closes to a client that sends `input` and leaves its own side
/// open.
fn answers(url: &str, input: &[u8]) -> Vec<u8> {
    let mut socket = lines(url);
    socket.write_all(input).expect("sends");
    rest(&mut socket)
}

/// The same for a client that half-closes behind `input`.
fn answers_before_eof(url: &str, input: &[u8]) -> Vec<u8> {
    let mut socket = lines(url);
    socket.write_all(input).expect("sends");
    socket.shutdown(Shutdown::Write).expect("half-closes");
    rest(&mut socket)
}

#[test]
fn each_line_of_a_batch_is_answered() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    for url in &server.urls {
        let mut socket = lines(url);
        for batch in [
            b"one\n".as_slice(),
            b"one\ntwo\nthree\n",
            b"\n",
            b"\n\n\n",
            b"a b\r\n",
            b"\r\n",
            b"a\rb\n",
            b"\0\n\xff\n",
            b" blanks \n\tstay\t\n",
        ] {
            exchange(&mut socket, batch, batch);
        }
    }
}

#[test]
fn a_line_may_come_in_any_pieces() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    let text = b"first line\n\nthird\r\nSTO\nP\n";
    for url in &server.urls {
        for size in [1, 2, 3, 7] {
            let mut socket = lines(url);
            for piece in text.chunks(size) {
                socket.write_all(piece).expect("sends");
            }
            expect(&mut socket, text);
        }
        // Pieces that are surely read one by one: between them another line is answered, to a
        // client that is served in order with this one.
        let (mut socket, mut other) = (lines(url), lines(url));
        for piece in text.chunks(1) {
            socket.write_all(piece).expect("sends");
            exchange(&mut other, b"turn\n", b"turn\n");
        }
        expect(&mut socket, text);
    }
}

#[test]
fn a_line_of_a_hundred_thousand_bytes_is_one_message() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    let line = [vec![b'x'; 100_000], b"\n".to_vec()].concat();
    for url in &server.urls {
        let mut socket = lines(url);
        exchange(&mut socket, &line, &line);
    }
    let (_dir, server) = serve_lines(&[], "count", "");
    for url in &server.urls {
        assert_eq!(answers_before_eof(url, &line), b"Client number: 1\n");
    }
}

#[test]
fn what_was_read_before_the_end_is_served_and_a_partial_line_is_dropped() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    for url in &server.urls {
        for (input, output) in [
            (b"".as_slice(), b"".as_slice()),
            (b"one\ntwo\n", b"one\ntwo\n"),
            (b"one\ntwo", b"one\n"),
            (b"partial", b""),
            (b"one\nSTOP", b"one\n"),
            (b"one\n\r", b"one\n"),
        ] {
            assert_eq!(answers_before_eof(url, input), output, "{}", input.escape_ascii());
        }
    }
}

#[test]
fn a_client_that_half_closes_gets_all_its_answers() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    // Far more than the system and the server hold for a client that does not read.
    let line = [vec![b'x'; 65_535], b"\n".to_vec()].concat();
    let text = line.repeat(512);
    for url in &server.urls {
        let socket = lines(url);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (&socket).write_all(&text).expect("sends");
                socket.shutdown(Shutdown::Write).expect("half-closes");
            });
            let mut reader = &socket;
            assert!(rest(&mut reader) == text, "every byte comes back");
        });
    }
}

#[test]
fn a_line_above_the_limit_is_refused_with_one_reply_and_the_end() {
    let (_dir, server) = serve_lines(&["--max-line", "1KiB"], "echo", "");
    let (fits, long) = ("x".repeat(1024), "x".repeat(1025));
    for url in &server.urls {
        let mut socket = lines(url);
        let line = format!("{fits}\n");
        exchange(&mut socket, line.as_bytes(), line.as_bytes());
        for (input, output) in [
            (long.clone(), "ERR line too long\n".to_owned()),
            (format!("{long}\n"), "ERR line too long\n".to_owned()),
            (format!("{long}\nlater\n{long}\n"), "ERR line too long\n".to_owned()),
            (format!("one\ntwo\n{long}\nlater\n"), "one\ntwo\nERR line too long\n".to_owned()),
            (format!("{fits}\n{long}"), format!("{fits}\nERR line too long\n")),
        ] {
            assert_eq!(answers(url, input.as_bytes()), output.as_bytes());
        }
    }
}

#[test]
fn the_limit_of_a_line_is_a_mebibyte_unless_chosen() {
    let (_dir, server) = serve_lines(&[], "count", "");
    for url in &server.urls {
        let mut line = vec![b'x'; 1 << 20];
        line.push(b'\n');
        assert_eq!(answers_before_eof(url, &line), b"Client number: 1\n");
        line.insert(0, b'x');
        let socket = lines(url);
        std::thread::scope(|scope| {
            scope.spawn(|| (&socket).write_all(&line).expect("sends"));
            let mut reader = &socket;
            assert_eq!(rest(&mut reader), b"ERR line too long\n");
        });
    }
}

#[test]
fn a_refusal_survives_input_that_is_still_on_its_way() {
    let (_dir, server) = serve_lines(&["--max-line", "64"], "echo", "");
    // More than one read takes, and less than the server discards before it closes.
    let flood = vec![b'x'; 1_000_000];
    for url in &server.urls {
        for _ in 0..20 {
            let mut socket = lines(url);
            socket.write_all(&flood).expect("all of it is taken");
            assert_eq!(rest(&mut socket), b"ERR line too long\n");
        }
    }
}

#[test]
fn stop_answers_what_is_in_front_of_it_and_closes() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    for url in &server.urls {
        for (input, output) in [
            (b"STOP\n".as_slice(), b"".as_slice()),
            (b"one\ntwo\nSTOP\n", b"one\ntwo\n"),
            (b"one\nSTOP\nthree\nSTOP\nfour", b"one\n"),
            (b"STOP\r\n", b""),
            (b" \t STOP \t \r\n", b""),
            (b"\rSTOP\r\r\n", b""),
        ] {
            assert_eq!(answers(url, input), output, "{}", input.escape_ascii());
        }
        for data in
            [b"stop\n".as_slice(), b"Stop\n", b"STOPX\n", b"STOP X\n", b"X STOP\n", b"ST OP\n"]
        {
            let mut socket = lines(url);
            exchange(&mut socket, data, data);
            exchange(&mut socket, b"still here\n", b"still here\n");
        }
        // A non-breaking space is no blank, and neither is a vertical tab.
        for data in [b"\xc2\xa0STOP\n".as_slice(), b"\x0bSTOP\n"] {
            exchange(&mut lines(url), data, data);
        }
    }
}

#[test]
fn stop_survives_input_that_is_still_on_its_way() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    let mut input = b"one\nSTOP\n".to_vec();
    input.resize(900_000, b'x');
    for url in &server.urls {
        for _ in 0..20 {
            assert_eq!(answers(url, &input), b"one\n");
        }
    }
}

#[test]
fn stop_closes_one_client_and_no_other() {
    let (_dir, mut server) = serve_lines(&[], "echo", "");
    for url in &server.urls {
        let mut other = lines(url);
        exchange(&mut other, b"before\n", b"before\n");
        assert_eq!(answers(url, b"STOP\n"), b"");
        exchange(&mut other, b"after\n", b"after\n");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn stop_is_data_on_websocket_and_where_framing_is_raw() {
    let dir = tempfile::tempdir().expect("a directory");
    let raw = format!("echo=unix://{}/raw?framing=raw", dir.path().display());
    let server = Server::start(&[
        "echo=ws://127.0.0.1:0/ws",
        "echo=tcp://127.0.0.1:0?framing=raw",
        raw.as_str(),
    ]);
    let mut web = Client::connect(&server.urls[0]);
    for message in [Message::text("STOP"), Message::text("STOP\n"), Message::binary("STOP")] {
        web.web().send(message.clone()).expect("sends");
        assert_eq!(web.web().read().expect("a message"), message);
    }
    for url in &server.urls[1..] {
        let mut socket = lines(url);
        for data in [b"STOP\n".as_slice(), b"STOP"] {
            exchange(&mut socket, data, data);
        }
    }
}

#[test]
fn stop_drains_the_server_where_the_binding_says_so() {
    for scheme in ["tcp", "udp", "unix", "unixgram", "unixpacket"] {
        println!("{scheme}");
        let dir = tempfile::tempdir().expect("a directory");
        let place = if scheme.starts_with("unix") {
            format!("{}/socket", dir.path().display())
        } else {
            "127.0.0.1:0".to_owned()
        };
        let mut server = Server::start(&[
            &format!("echo={scheme}://{place}?stop=server"),
            "echo=tcp://127.0.0.1:0",
            "echo=ws://127.0.0.1:0/ws",
        ]);
        let (mut bystander, mut web) = (lines(&server.urls[1]), Client::connect(&server.urls[2]));
        exchange(&mut bystander, b"before\n", b"before\n");
        let mut client = Client::connect(&server.urls[0]);
        client.send(b"one");
        client.expect(b"one");
        client.send(b" STOP\r");
        // Who is connected sees an orderly end, on a WebSocket with the code for it.
        assert_eq!(rest(&mut bystander), b"");
        assert_eq!(web.expect_end(), Some(1001));
        if let Client::Lines(_) = client {
            client.expect_end();
        }
        drop((client, bystander, web));
        assert_eq!(server.wait().code(), Some(0), "{scheme}");
        assert!(!dir.path().join("socket").exists(), "the path is gone");
    }
}

#[test]
fn stop_in_a_datagram_is_never_answered_and_stops_nothing_by_default() {
    let dir = tempfile::tempdir().expect("a directory");
    let unix = format!("echo=unixgram://{}/socket", dir.path().display());
    let mut server = Server::start(&["echo=udp://127.0.0.1:0", &unix]);
    for url in &server.urls {
        let mut client = Client::connect(url);
        for stop in [b"STOP".as_slice(), b"STOP\n", b"  STOP\r\n"] {
            client.send(stop);
        }
        // Datagrams of one sender keep their order, so a reply to the first would come first.
        for data in [b"stop".as_slice(), b"STOPX", b"after"] {
            client.send(data);
            client.expect(data);
        }
        client.assert_silent();
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_reset_ends_one_connection_and_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = readily();
    command.env("RUST_LOG", "debug").args(["serve", "echo=tcp://127.0.0.1:0"]);
    command.arg(format!("echo=unix://{}/socket", dir.path().display()));
    let mut server = Server::spawn(command, 2);
    for url in server.urls.clone() {
        let mut bystander = lines(&url);
        for _ in 0..10 {
            let mut socket = lines(&url);
            exchange(&mut socket, b"x\n", b"x\n");
            if url.starts_with("tcp") {
                // Closing without lingering is how TCP is told to reset (socket(7)).
                socket.set_linger(Some(Duration::ZERO)).expect("an option");
            } else {
                // A UNIX socket resets when it is closed in front of input (unix(7)).
                socket.write_all(b"y\n").expect("sends");
                let mut byte = [std::mem::MaybeUninit::uninit()];
                socket.peek(&mut byte).expect("a reply");
            }
            drop(socket);
            server.wait_for_line("connection reset");
            exchange(&mut bystander, b"still here\n", b"still here\n");
        }
    }
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("opened=");
    assert!(line.contains(" lost=20"), "{line}");
}

/// One receive must return all that one segment was answered with.
fn one_receive_gets_all(socket: &Socket, segment: &[u8], answer: &[u8]) {
    let mut buffer = vec![0; answer.len() + 1];
    assert_eq!(socket.send(segment).expect("sends"), segment.len());
    let length = (&mut &*socket).read(&mut buffer).expect("an answer");
    assert_eq!(&buffer[..length], answer);
}

#[test]
fn the_replies_to_one_segment_leave_in_one_write() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    let batch: Vec<u8> =
        (0..16).flat_map(|number| format!("line {number}\n").into_bytes()).collect();
    for url in &server.urls {
        let socket = lines(url);
        // Two writes would sometimes be taken for one, but not in every round.
        for _ in 0..200 {
            one_receive_gets_all(&socket, &batch, &batch);
        }
    }
    let (_dir, server) = serve_lines(&[], "random", "?min=7&max=7");
    for url in &server.urls {
        let socket = lines(url);
        for _ in 0..200 {
            // What a client sends that ends each line twice.
            one_receive_gets_all(&socket, b"hello\n\n", b"7\n7\n");
        }
    }
}

#[test]
fn urgent_data_does_not_stall_a_connection() {
    let (_dir, server) = serve_lines(&[], "echo", "");
    for url in &server.urls {
        let mut socket = lines(url);
        for _ in 0..200 {
            socket.write_all(b"before\n").expect("sends");
            match socket.send_out_of_band(b"!") {
                // Systems without urgent data on UNIX sockets have nothing to be tested.
                Err(error) if error.raw_os_error() == Some(nix::libc::EOPNOTSUPP) => return,
                sent => assert_eq!(sent.expect("sends"), 1),
            }
            socket.write_all(b"after\n").expect("sends");
            expect(&mut socket, b"before\nafter\n");
        }
        // As the last thing before the end.
        socket.write_all(b"last\n").expect("sends");
        socket.send_out_of_band(b"!").expect("sends");
        socket.shutdown(Shutdown::Write).expect("half-closes");
        assert_eq!(rest(&mut socket), b"last\n");
    }
}

/// What a peer that does not read may cost: one read, one queue at its cap, and the buffers that
/// they grow in.
const STALLED_PEER: usize = 6 * 1024 * 1024;

/// Sends `bytes` until nothing has been taken for a while; returns how much was. Where this is too
/// early because the machine is busy, a test is easier to pass and no less correct.
fn send_until_stalled(socket: &Socket, bytes: &[u8], piece: usize) -> usize {
    socket.set_nonblocking(true).expect("a mode");
    let mut sent = 0;
    while sent < bytes.len() {
        match socket.send(&bytes[sent..bytes.len().min(sent + piece)]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                if poll(&mut fds, PollTimeout::from(250u16)).expect("polls") == 0 {
                    break;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    socket.set_nonblocking(false).expect("a mode");
    sent
}

#[test]
fn a_peer_that_does_not_read_its_echo_is_not_read_from() {
    let (_dir, mut server) = serve_lines(&[], "echo", "");
    // Lines that differ, so that a lost or doubled one is seen.
    let mut text = Vec::with_capacity(64 << 20);
    for number in 0..2048 {
        let line = format!("{number:-<32767}\n");
        text.extend_from_slice(line.as_bytes());
    }
    for url in &server.urls {
        let before = memory(server.pid(), "VmHWM");
        let socket = lines(url);
        let sent = send_until_stalled(&socket, &text, 1 << 20);
        assert!(sent < text.len(), "the server took all of {sent} bytes");
        let mut other = lines(url);
        exchange(&mut other, b"served\n", b"served\n");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (&socket).write_all(&text[sent..]).expect("sends");
                socket.shutdown(Shutdown::Write).expect("half-closes");
            });
            let mut reader = &socket;
            assert!(rest(&mut reader) == text, "everything comes back, in order");
        });
        let grown = memory(server.pid(), "VmHWM") - before;
        assert!(grown < STALLED_PEER, "{url}: {grown} bytes");
    }
    // Reading stops at the high-water mark, so that no read is decoded in part: replies that are as
    // long as their questions never reach the cap.
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("opened=");
    assert!(!line.contains(" parked="), "{line}");
}

#[test]
fn a_peer_that_asks_for_more_than_it_reads_costs_bounded_memory() {
    const LINES: usize = 1_000_000;
    const REPLY: usize = "2026-11-22T00:36:12Z\n".len();
    let (_dir, server) = serve_lines(&[], "time", "");
    let questions = vec![b'\n'; LINES];
    for url in &server.urls {
        let before = memory(server.pid(), "VmHWM");
        let Client::Lines(socket) = Client::with_receive_buffer(url, Some(16 * 1024)) else {
            panic!("{url} is not for lines");
        };
        let sent = send_until_stalled(&socket, &questions, 1 << 20);
        exchange(&mut lines(url), b"\n", b"20");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (&socket).write_all(&questions[sent..]).expect("sends");
                socket.shutdown(Shutdown::Write).expect("half-closes");
            });
            let mut reader = &socket;
            let replies = rest(&mut reader);
            assert_eq!(replies.len(), LINES * REPLY);
            let mut previous = &replies[..REPLY];
            for reply in replies.chunks(REPLY) {
                assert!(reply.ends_with(b"Z\n") && reply >= previous, "{}", reply.escape_ascii());
                previous = reply;
            }
        });
        let grown = memory(server.pid(), "VmHWM") - before;
        assert!(grown < STALLED_PEER, "{url}: {grown} bytes");
    }
}

/// `random` with bursts over WebSocket, on TCP and on a UNIX socket.
fn serve_bursts(parameters: &str) -> (TempDir, Server) {
    let dir = tempfile::tempdir().expect("a directory");
    let tcp = format!("random=ws://127.0.0.1:0/ws?burst=true{parameters}");
    let unix =
        format!("random=ws+unix://{}/socket:/ws?burst=true{parameters}", dir.path().display());
    (dir, Server::start(&[&tcp, &unix]))
}

#[test]
fn a_burst_of_a_million_obeys_a_reader_that_is_slow() {
    let (_dir, server) = serve_bursts("&min=10&max=99");
    // The pages of the program that this takes are there before, and are not counted.
    for url in &server.urls {
        let mut first = Client::connect(url);
        first.web().send(Message::text("100")).expect("sends");
        (0..100).for_each(|_| assert_eq!(first.receive().len(), 2));
        assert_eq!(first.expect_end(), Some(1000));
    }
    let before = memory(server.pid(), "VmHWM");
    for (url, count) in server.urls.iter().zip([1_000_000, 300_000]) {
        let mut client = Client::with_receive_buffer(url, Some(4096));
        client.web().send(Message::text(count.to_string())).expect("sends");
        // Others are served meanwhile.
        let mut other = Client::connect(url);
        other.web().send(Message::text("1")).expect("sends");
        assert_eq!(other.receive().len(), 2);
        assert_eq!(other.expect_end(), Some(1000));
        // The frames are read as bytes: there are too many for a client of debug builds.
        let mut frames = vec![0; count * 4];
        let mut socket = client.socket();
        socket.read_exact(&mut frames).expect("all of them");
        for frame in frames.chunks(4) {
            assert!(
                frame.starts_with(&[0x81, 2]) && frame[2..].iter().all(u8::is_ascii_digit),
                "{frame:x?}"
            );
        }
        assert_eq!(client.expect_end(), Some(1000));
    }
    let grown = memory(server.pid(), "VmHWM") - before;
    // The frames of the smaller burst are more than this already.
    assert!(grown < 1024 * 1024, "{grown} bytes");
}

#[test]
fn a_burst_is_a_count_of_numbers_and_then_the_end() {
    let (_dir, server) = serve_bursts("&min=-3&max=3&limit=500");
    for url in &server.urls {
        for (count, expected) in [("0", 0), (" 0\n", 0), ("1", 1), ("7", 7), ("500", 500)] {
            let mut client = Client::connect(url);
            // Only the first message is a count.
            client.web().write(Message::text(count)).expect("sends");
            client.web().write(Message::text("9")).expect("sends");
            client.web().flush().expect("sends");
            for _ in 0..expected {
                let number = client.web().read().expect("a message");
                let value: i64 = number.to_text().expect("text").parse().expect("an integer");
                assert!(number.is_text() && (-3..=3).contains(&value), "{number:?}");
            }
            assert_eq!(client.expect_end(), Some(1000), "{count}");
        }
    }
}

#[test]
fn a_burst_without_a_count_within_the_limit_is_refused_with_1008() {
    let (_dir, server) = serve_bursts("&limit=500");
    let no_count = "the first message must be a count";
    let negative = "the count must not be negative";
    let above = "the count must not be above 500";
    for url in &server.urls {
        for (count, reason) in [
            ("", no_count),
            ("many", no_count),
            ("1 2", no_count),
            ("1.0", no_count),
            ("-1", negative),
            ("501", above),
            ("99999999999999999999999", above),
        ] {
            let mut client = Client::connect(url);
            client.web().send(Message::text(count)).expect("sends");
            let Ok(Message::Close(Some(close))) = client.web().read() else {
                panic!("no Close frame for {count:?}");
            };
            assert_eq!((u16::from(close.code), close.reason.as_str()), (1008, reason), "{count:?}");
        }
    }
    // The limit that holds where none is chosen.
    let (_dir, server) = serve_bursts("");
    let mut client = Client::connect(&server.urls[0]);
    client.web().send(Message::text("1000001")).expect("sends");
    assert_eq!(client.expect_end(), Some(1008));
}

#[test]
fn packets_keep_their_boundaries_and_may_be_empty() {
    let (_dir, server) = serve_unix("echo", "unixpacket", "");
    let mut client = Client::connect(&server.urls[0]);
    let long = vec![b'x'; 100_000];
    for packet in [b"one".as_slice(), b"", b"", b"two\nlines\n", b"\n", b"STOPX", &long, b"last"] {
        client.send(packet);
        client.expect(packet);
    }
    // The boundaries hold when many are under way, more than are served in a turn.
    let packets: Vec<String> = (0..150).map(|number| "x".repeat(number % 5)).collect();
    for packet in &packets {
        client.send(packet.as_bytes());
    }
    for packet in &packets {
        client.expect(packet.as_bytes());
    }
    client.send(b"");
    client.expect(b"");
    client.socket().shutdown(Shutdown::Write).expect("half-closes");
    client.expect_end();
}

#[test]
fn packets_in_front_of_stop_or_the_end_are_answered() {
    let (_dir, server) = serve_unix("count", "unixpacket", "?number=own");
    for (number, has_stop) in [(1, true), (2, false)] {
        let mut client = Client::connect(&server.urls[0]);
        for packet in [b"one".as_slice(), b"", b"stop"] {
            client.send(packet);
        }
        if has_stop {
            client.send(b" STOP\r\n");
        } else {
            client.socket().shutdown(Shutdown::Write).expect("half-closes");
        }
        for _ in 0..3 {
            client.expect(format!("Client number: {number}").as_bytes());
        }
        client.expect_end();
    }
}

#[test]
fn a_peer_that_does_not_read_its_packets_loses_none() {
    const PACKETS: usize = 40_000;
    let (_dir, server) = serve_unix("echo", "unixpacket", "");
    let before = memory(server.pid(), "VmHWM");
    let client = Client::connect(&server.urls[0]);
    let socket = client.socket();
    let text: Vec<u8> =
        (0..PACKETS).flat_map(|number| format!("{number:-<1024}").into_bytes()).collect();
    let sent = send_until_stalled(socket, &text, 1024);
    assert!(sent < text.len(), "the server took all");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for packet in text[sent..].chunks(1024) {
                assert_eq!(socket.send(packet).expect("sends"), packet.len());
            }
            socket.shutdown(Shutdown::Write).expect("half-closes");
        });
        let mut packet = [0; 2048];
        for expected in text.chunks(1024) {
            let length = (&mut &*socket).read(&mut packet).expect("a packet");
            assert!(&packet[..length] == expected, "the next packet");
        }
        assert_eq!((&mut &*socket).read(&mut packet).expect("the end"), 0);
    });
    let grown = memory(server.pid(), "VmHWM") - before;
    assert!(grown < STALLED_PEER, "{grown} bytes");
}

#[test]
fn a_datagram_from_nobody_gets_no_reply_and_does_no_harm() {
    let (dir, mut server) = serve_unix("echo", "unixgram", "");
    let nobody = UnixDatagram::unbound().expect("a socket");
    for message in [b"one".as_slice(), b"", b"STOP"] {
        nobody.send_to(message, dir.path().join("socket")).expect("sends");
    }
    let mut client = Client::connect(&server.urls[0]);
    client.send(b"named");
    client.expect(b"named");
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("opened=");
    assert!(line.contains(" datagrams=4 datagram_replies=1 datagrams_unanswerable=2"), "{line}");
    // A sender that is gone before its reply comes.
    let gone = Client::connect(&server.urls[0]);
    gone.socket().send(b"gone").expect("sends");
    drop(gone);
    client.send(b"after");
    client.expect(b"after");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn every_datagram_is_answered_the_empty_one_and_a_byte_too() {
    let server =
        Server::start(&["random=udp4://127.0.0.1:0?min=814&max=814", "echo=udp://127.0.0.1:0"]);
    let mut random = Client::connect(&server.urls[0]);
    // nc -uv sends these to find out whether somebody is there.
    for _ in 0..5 {
        random.send(b"X");
    }
    for _ in 0..5 {
        random.expect(b"814");
    }
    for datagram in [b"".as_slice(), b"\n", b"hello"] {
        random.send(datagram);
        random.expect(b"814");
    }
    let mut echo = Client::connect(&server.urls[1]);
    let long = vec![b'x'; 65_507];
    for datagram in [b"".as_slice(), b"\n", b"X", b"%s\0", &long] {
        echo.send(datagram);
        echo.expect(datagram);
    }
    // A sender whose socket is gone: its reply comes back as an error, which is nobody else's.
    for _ in 0..3 {
        let gone = Client::connect(&server.urls[1]);
        gone.socket().send(b"gone").expect("sends");
        drop(gone);
        echo.send(b"after");
        echo.expect(b"after");
    }
}

/// Sends a UDP datagram that says it comes from another address. Needs the right to do so.
fn send_forged(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::UDP))?;
    // The kernel writes the IP header (raw(7)), and this the source in it.
    socket.bind(&SocketAddr::new(from.ip(), 0).into())?;
    let length = u16::try_from(8 + payload.len()).expect("a short one");
    let mut datagram = Vec::new();
    for field in [from.port(), to.port(), length, 0] {
        datagram.extend_from_slice(&field.to_be_bytes());
    }
    datagram.extend_from_slice(payload);
    socket.send_to(&datagram, &SocketAddr::new(to.ip(), 0).into())?;
    Ok(())
}

#[test]
fn a_datagram_in_the_name_of_another_binding_is_not_answered() {
    let mut server =
        Server::start(&["echo=udp://127.0.0.1:0", "echo=udp4://127.0.0.1:0", "echo=udp://:0"]);
    let own: [SocketAddr; 3] = [0, 1, 2].map(|binding| server.address(binding));
    let elsewhere = SocketAddr::new([127, 0, 0, 9].into(), own[2].port());
    let mut forged = 0;
    // To another, back again, to itself, and to and from one that has every address.
    for (from, to) in [
        (own[0], own[1]),
        (own[1], own[0]),
        (own[0], own[0]),
        (own[2], own[0]),
        (elsewhere, own[0]),
        (own[0], elsewhere),
        (own[2], elsewhere),
    ] {
        match send_forged(from, to, b"ping-pong") {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                println!("not permitted to forge datagrams");
                return;
            }
            sent => sent.expect("sends"),
        }
        forged += 1;
    }
    // A neighbour in number is somebody else.
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("binds");
    stranger.set_read_timeout(Some(support::PATIENCE)).expect("a timeout");
    let at = stranger.local_addr().expect("bound");
    send_forged(at, own[0], b"a stranger").expect("sends");
    let mut reply = [0; 32];
    let length = stranger.recv(&mut reply).expect("a reply");
    assert_eq!(&reply[..length], b"a stranger");
    // One exchange at each binding, so that all that came before has been served.
    for url in &server.urls {
        let mut client = Client::connect(url);
        client.send(b"hello");
        client.expect(b"hello");
    }
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("opened=");
    let counters =
        format!(" datagrams={} datagram_replies=4 datagrams_from_ourselves={forged}", forged + 4);
    assert!(line.contains(&counters), "{line}");
}

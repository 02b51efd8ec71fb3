//! SIGINT, SIGTERM and SIGHUP: at once, whatever the client is doing; a WebSocket says goodbye.

use std::io::Read as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use socket2::Socket;
use tempfile::tempdir;

use crate::peer::Peer;
use crate::program::Program;
use crate::support::{PATIENCE, readily};
use crate::volume::write_until_stalled;
use crate::web::{self, CLOSE, TEXT, Web, close_frame, frame, head};

/// Both, and how a client ends by them.
const BOTH: [(Signal, i32); 2] = [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)];

/// At once, on a machine that is busy; every timeout of a client is longer.
const AT_ONCE: Duration = Duration::from_millis(1_500);

/// Sends a signal and waits for the end.
fn end_by(program: Program, signal: Signal, code: i32) {
    let before = Instant::now();
    program.signal(signal);
    let ended = program.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(code), ""), "{signal}");
    assert!(before.elapsed() < AT_ONCE, "{signal}: {:?}", before.elapsed());
}

#[test]
fn connected_clients_end_at_once() {
    let directory = tempdir().expect("a directory");
    let unix = directory.path().display();
    for (signal, code) in BOTH {
        for place in [
            "tcp://127.0.0.1:0".to_owned(),
            format!("unix://{unix}/{code}"),
            format!("unixpacket://{unix}/{code}.packets"),
        ] {
            let peer = Peer::listen(&place);
            let mut program = Program::connect(&[&peer.url]);
            let server = peer.accept();
            program.type_in("hi\n");
            assert_eq!(
                (&server).read(&mut [0; 8]).expect("a line"),
                3 - usize::from(place.contains("packet"))
            );
            end_by(program, signal, code);
        }
        let peer = Peer::udp();
        let mut program = Program::connect(&[&peer.url]);
        program.type_in("hi\n");
        assert_eq!(peer.receive().0, b"hi");
        end_by(program, signal, code);
    }
}

#[test]
fn a_prompt_is_left() {
    for (signal, code) in BOTH {
        let peer = Peer::tcp();
        let mut program = Program::interactive(&[&peer.url]);
        let _server = peer.accept();
        program.expect(">> ");
        program.signal(signal);
        program.ends(code, "\n", "");
    }
}

#[test]
fn a_client_that_waits_for_the_server_to_end_does_not_wait_any_more() {
    for (signal, code) in BOTH {
        let peer = Peer::tcp();
        let mut program = Program::connect(&[&peer.url]);
        let server = peer.accept();
        program.end_input();
        assert_eq!((&server).read(&mut [0]).expect("the end"), 0);
        end_by(program, signal, code);
    }
}

/// A TCP listener that takes nobody any more: its queue is full, and the system drops what else
/// comes. Whoever connects waits.
pub(crate) fn full_listener() -> (Peer, Vec<Socket>) {
    let peer = Peer::with_backlog("tcp://127.0.0.1:0", 0);
    let address = peer.socket.local_addr().expect("bound");
    let mut waiting = Vec::new();
    loop {
        let socket = Socket::new(address.domain(), socket2::Type::STREAM, None).expect("a socket");
        let is_taken = socket.connect_timeout(&address, Duration::from_millis(300)).is_ok();
        waiting.push(socket);
        if !is_taken {
            return (peer, waiting);
        }
        assert!(waiting.len() < 100, "the queue has no end");
    }
}

#[test]
fn a_client_that_is_connecting_ends_at_once() {
    let (peer, _waiting) = full_listener();
    let ws = format!("{}/ws", peer.url.replace("tcp://", "ws://"));
    for url in [&peer.url, &ws] {
        for (signal, code) in BOTH {
            let mut program = Program::connect(&["-v", url]);
            // What -v says comes before the first event, and the signal is caught before it.
            assert!(program.error_line().contains(": connecting to 127.0.0.1:"));
            let before = Instant::now();
            program.signal(signal);
            assert_eq!(program.wait().code, Some(code), "{url}: {signal}");
            assert!(before.elapsed() < AT_ONCE, "{url}: {signal}: {:?}", before.elapsed());
        }
    }
}

#[test]
fn a_client_whose_request_is_not_answered_ends_at_once() {
    let peer = web::listen();
    for (signal, code) in BOTH {
        let program = Program::connect(&[&peer.url]);
        let server = peer.accept();
        head(&server);
        end_by(program, signal, code);
    }
}

#[test]
fn a_client_ends_at_once_while_everything_is_stalled() {
    for (signal, code) in BOTH {
        let peer = Peer::tcp();
        let (mut program, stdout) = Program::unread(&[&peer.url]);
        let mut server = peer.accept();
        let mut stdin = program.take_input();
        write_until_stalled(&mut stdin, &vec![b'x'; 50 << 20]);
        write_until_stalled(&mut server, &vec![b'x'; 50 << 20]);
        end_by(program, signal, code);
        drop((server, stdin, stdout));
    }
}

#[test]
fn a_second_signal_ends_a_client_that_still_has_output() {
    let peer = Peer::tcp();
    let (program, stdout) = Program::unread(&[&peer.url]);
    let mut server = peer.accept();
    write_until_stalled(&mut server, &vec![b'x'; 150_000]);
    drop(server);
    // Its stdout is all that is left; the line on stderr tells that it is.
    let mut program = program;
    program.expect_error("the server has closed the connection\n");
    end_by(program, Signal::SIGINT, 130);
    drop(stdout);
}

/// A WebSocket client that is known to be connected, because it has sent something.
fn connected(peer: &Peer) -> (Program, Web) {
    let mut program = Program::connect(&[&peer.url]);
    let web = Web::accept(peer);
    program.type_in("hi\n");
    web.expect(TEXT, "hi\n");
    (program, web)
}

#[test]
fn a_websocket_client_says_goodbye() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        for is_interactive in [false, true] {
            let peer = web::listen();
            let face: &[&str] = if is_interactive { &["--interactive"] } else { &[] };
            let mut program = Program::connect(&[face, &[&peer.url]].concat());
            let web = Web::accept(&peer);
            program.type_in("hi\n");
            web.expect(TEXT, "hi\n");
            program.signal(signal);
            assert_eq!(program.log_line(), "Caught interrupt signal - quitting!");
            web.expect(CLOSE, 1000_u16.to_be_bytes());
            assert!(program.is_running(), "the answer is waited for");
            web.send(close_frame(1000));
            web.end();
            let ended = program.wait();
            assert_eq!(ended.code, Some(0));
            let log = ended.stderr.lines().map(crate::program::unstamped).collect::<Vec<_>>();
            let said: &[&str] = &["ReadMessage() error: websocket: close 1000 (normal)"];
            assert_eq!(log, if is_interactive { said } else { &[] });
        }
    }
}

#[test]
fn a_websocket_server_that_does_not_answer_has_two_seconds() {
    let peer = web::listen();
    let (mut program, web) = connected(&peer);
    let before = Instant::now();
    program.signal(Signal::SIGINT);
    assert_eq!(program.log_line(), "Caught interrupt signal - quitting!");
    web.expect(CLOSE, 1000_u16.to_be_bytes());
    // Whatever it says instead.
    web.send(frame(TEXT, b"not now"));
    let ended = program.wait();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(crate::program::shown(&ended.stdout), "", "nobody wants it any more");
    let elapsed = before.elapsed();
    assert!(elapsed >= Duration::from_millis(1_900), "{elapsed:?}");
    // Its next limit would be the end of a drain.
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
}

#[test]
fn a_websocket_server_that_takes_nothing_or_little_has_two_seconds_too() {
    for is_slow in [false, true] {
        let peer = web::listen();
        let (mut program, web) = connected(&peer);
        let mut stdin = program.take_input();
        write_until_stalled(&mut stdin, &b"0123456789abcde\n".repeat(4 << 20));
        let before = Instant::now();
        program.signal(Signal::SIGINT);
        assert_eq!(program.log_line(), "Caught interrupt signal - quitting!");
        // It never comes to the Close, but it may be on its way to it.
        let mut piece = vec![0; 256 * 1024];
        while is_slow && program.is_running() {
            if (&web.socket).read_exact(&mut piece).is_err() {
                // It has ended in the meantime.
                break;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        let ended = program.wait();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{is_slow}");
        assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
        drop((stdin, web));
    }
}

#[test]
fn a_second_signal_does_not_wait_for_an_answer() {
    for (second, code) in BOTH {
        let peer = web::listen();
        let (mut program, web) = connected(&peer);
        program.signal(Signal::SIGINT);
        assert_eq!(program.log_line(), "Caught interrupt signal - quitting!");
        web.expect(CLOSE, 1000_u16.to_be_bytes());
        end_by(program, second, code);
    }
}

#[test]
fn the_end_of_the_terminal_ends_a_client_which_leaves_no_path_behind() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("server");
    let server = UnixDatagram::bind(&path).expect("binds");
    server.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // Whoever runs the tests may ignore SIGHUP.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP"]).arg(readily().get_program());
    command.args(["connect", &format!("unixgram://{}", path.display())]).stdin(Stdio::piped());
    let mut program = Program::spawn(command);
    program.type_in("hi\n");
    let (_, client) = server.recv_from(&mut [0; 8]).expect("a datagram");
    let own = client.as_pathname().expect("it has a path to be answered at").to_owned();
    assert!(own.exists());
    end_by(program, Signal::SIGHUP, 129);
    assert!(!own.exists(), "it is unlinked");
}

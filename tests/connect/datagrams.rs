//! What is special about datagrams: nobody is connected, and nothing tells that one is lost.

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use tempfile::tempdir;

use crate::peer::Peer;
use crate::program::{Program, run};

/// Longer than any test; whoever needs it must not wait for it.
const LONG: &str = "1h";

#[test]
fn a_client_ends_with_its_last_reply() {
    let peer = Peer::udp();
    let mut program = Program::connect(&["--reply-timeout", LONG, &peer.url]);
    program.type_in("one\ntwo\nthree");
    program.end_input();
    for text in ["one", "two", "three"] {
        assert!(program.is_running());
        let (datagram, from) = peer.receive();
        assert_eq!(datagram, text.as_bytes());
        peer.socket.send_to(text.to_uppercase().as_bytes(), &from).expect("sends");
        program.expect(format!("{}\n", text.to_uppercase()));
    }
    program.succeeds();
}

#[test]
fn a_lost_reply_is_not_waited_for_for_ever() {
    let peer = Peer::udp();
    let mut program = Program::connect(&["--reply-timeout", "50ms", &peer.url]);
    program.type_in("one\ntwo\n");
    program.end_input();
    assert_eq!(peer.receive().0, b"one");
    let (datagram, from) = peer.receive();
    assert_eq!(datagram, b"two");
    peer.socket.send_to(b"2", &from).expect("sends");
    program.ends(0, "2\n", "");
}

#[test]
fn a_silent_server_gets_everything_and_costs_little_time() {
    // More than the window in which replies are waited for.
    const COUNT: usize = 200;
    let peer = Peer::udp();
    let mut program = Program::connect(&["--reply-timeout", "50ms", &peer.url]);
    program.type_in("x\n".repeat(COUNT));
    program.end_input();
    for _ in 0..COUNT {
        assert_eq!(peer.receive().0, b"x");
    }
    program.succeeds();
}

#[test]
fn a_server_that_answers_is_not_run_over() {
    // No more is sent ahead of the replies than a queue of the smallest size holds.
    const COUNT: usize = 2_000;
    let peer = Peer::udp();
    peer.socket.set_recv_buffer_size(1).expect("as small as may be");
    peer.socket.set_recv_buffer_size(128 * 1024).expect("a size");
    let input: String = (0..COUNT).map(|number| format!("{number}\n")).collect();
    let mut program = Program::connect(&["--reply-timeout", LONG, &peer.url]);
    let feeder = crate::program::feed(program.take_input(), input.clone().into_bytes());
    for number in 0..COUNT {
        let (datagram, from) = peer.receive();
        assert_eq!(datagram, number.to_string().as_bytes());
        peer.socket.send_to(&datagram, &from).expect("sends");
    }
    feeder.join().expect("feeds");
    program.expect(input);
    program.succeeds();
}

#[test]
fn an_empty_reply_is_a_reply() {
    let peer = Peer::udp();
    let mut program = Program::connect(&["--reply-timeout", LONG, &peer.url]);
    program.type_in("\n");
    program.end_input();
    let (datagram, from) = peer.receive();
    assert_eq!(datagram, b"");
    peer.socket.send_to(b"", &from).expect("sends");
    program.ends(0, "\n", "");
}

#[test]
fn a_reply_of_another_sender_is_ignored() {
    let peer = Peer::udp();
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("binds");
    let mut program = Program::connect(&["--reply-timeout", LONG, &peer.url]);
    program.type_in("hi\n");
    program.end_input();
    let (_, from) = peer.receive();
    let client = from.as_socket().expect("UDP");
    stranger.send_to(b"not for you", client).expect("sends");
    peer.socket.send_to(b"for you", &from).expect("sends");
    program.ends(0, "for you\n", "");
}

#[test]
fn nobody_there_is_told_by_the_system() {
    // A port that was somebody's a moment ago.
    let url = Peer::udp().url;
    let ended = run(&["--reply-timeout", LONG, &url], "hi\n");
    assert_eq!(ended.stderr, format!("error: {url}: connection refused\n"));
    assert_eq!((ended.code, ended.stdout), (Some(1), vec![]));
    // At a prompt it is noticed at once.
    let mut program = Program::interactive(&["--reply-timeout", LONG, &url]);
    let at = url.strip_prefix("udp://").expect("udp");
    program.expect(format!("The UDP server is {at}\n>> "));
    program.type_in("hi\n");
    program.ends(1, "", &format!("error: {url}: connection refused\n"));
}

#[test]
fn the_path_of_a_unixgram_client_is_its_own_and_goes_with_it() {
    let directory = tempdir().expect("a directory");
    for signal in [None, Some(nix::sys::signal::Signal::SIGINT)] {
        let peer = Peer::listen(&format!("unixgram://@readily-{}-path", std::process::id()));
        let mut command = crate::support::readily();
        command.args(["connect", "--reply-timeout", LONG, &peer.url]);
        command.env("TMPDIR", directory.path()).stdin(std::process::Stdio::piped());
        let mut program = Program::spawn(command);
        program.type_in("hi\n");
        let (_, from) = peer.receive();
        let path: PathBuf = from.as_pathname().expect("a path").to_owned();
        assert!(path.starts_with(directory.path()) && path.exists(), "{}", path.display());
        if let Some(signal) = signal {
            program.signal(signal);
            assert_eq!(program.wait().code, Some(130));
        } else {
            program.end_input();
            peer.socket.send_to(b"there", &from).expect("sends");
            program.ends(0, "there\n", "");
        }
        assert!(!path.exists(), "{}", path.display());
    }
}

#[test]
fn a_unixgram_server_that_has_gone_is_told() {
    let directory = tempdir().expect("a directory");
    let peer = Peer::listen(&format!("unixgram://{}/socket", directory.path().display()));
    let mut program = Program::connect(&["--reply-timeout", LONG, &peer.url]);
    program.type_in("one\n");
    assert_eq!(peer.receive().0, b"one");
    let url = peer.url.clone();
    drop(peer);
    program.type_in("two\n");
    program.ends(1, "", &format!("error: {url}: connection refused\n"));
}

#[test]
fn a_unixgram_server_that_does_not_read_makes_the_client_wait() {
    const COUNT: usize = 500;
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let server = UnixDatagram::bind(&path).expect("binds");
    server.set_read_timeout(Some(crate::support::PATIENCE)).expect("a timeout");
    let url = format!("unixgram://{}", path.display());
    let mut program = Program::connect(&["--reply-timeout", "100ms", &url]);
    let input: String = (0..COUNT).map(|number| format!("{number}\n")).collect();
    // Its queue holds a few (unix(7), max_dgram_qlen): nothing is lost for that.
    program.type_in(&input);
    program.end_input();
    let mut datagram = [0; 16];
    for number in 0..COUNT {
        let length = server.recv(&mut datagram).expect("a datagram");
        assert_eq!(&datagram[..length], number.to_string().as_bytes());
    }
    program.succeeds();
}

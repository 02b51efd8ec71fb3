//! Making the connection: addresses in turn, timeouts, queues that are full, what `-v` says.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use tempfile::tempdir;

use crate::peer::{Peer, answer, packet};
use crate::program::{Program, run};
use crate::support::ipv6::has_ipv6;
use crate::support::{PATIENCE, readily};
use crate::web::{self, Web, head};

/// A port that is free on both families; `None` where there is only one.
fn port_of_both() -> Option<u16> {
    let port = (0..100).find_map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = listener.local_addr().ok()?.port();
        TcpListener::bind(("::1", port)).ok().map(|_| port)
    });
    assert!(port.is_some() || !has_ipv6());
    port
}

/// Runs the client where `both.test` has the addresses ::1 and 127.0.0.1, in that order. That takes a
/// mount namespace with a hosts file of its own; `None` where there can be none.
fn with_hosts(args: &[&str]) -> Option<Program> {
    let directory = tempdir().expect("a directory");
    let hosts = directory.path().join("hosts");
    fs::write(&hosts, "127.0.0.1 localhost both.test\n::1 localhost both.test\n").expect("writes");
    let unshare = |program: &OsStr| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        // What comes behind the script is its `$0` and `$@`.
        command.arg(format!("mount --bind {} /etc/hosts && exec \"$0\" \"$@\"", hosts.display()));
        command.arg(program).env_remove("RUST_LOG").env("TZ", "UTC");
        command
    };
    let found = unshare("getent".as_ref()).args(["ahosts", "both.test"]).output().ok()?;
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    if !(found.starts_with("::1") && found.contains("127.0.0.1")) {
        println!("no hosts file of our own here");
        return None;
    }
    let mut command = unshare(readily().get_program());
    command.arg("connect").args(args).stdin(Stdio::piped());
    let mut program = Program::spawn(command);
    program.keep(directory);
    Some(program)
}

#[test]
fn the_addresses_of_a_name_are_tried_in_turn() {
    let Some(port) = port_of_both() else { return };
    for (listening, tried) in [("::1", 1), ("127.0.0.1", 2)] {
        let at = SocketAddr::new(listening.parse().expect("an address"), port);
        let peer = Peer::listen(&format!("tcp://{at}"));
        let url = format!("tcp://both.test:{port}");
        let Some(mut program) = with_hosts(&["-v", &url]) else { return };
        let server = peer.accept();
        for address in [format!("[::1]:{port}"), format!("127.0.0.1:{port}")].iter().take(tried) {
            let line = program.error_line();
            assert!(line.ends_with(&format!(": connecting to {address}")), "{line}");
            if tried == 2 && address.starts_with('[') {
                let line = program.error_line();
                assert!(line.contains("refused"), "{line}");
                let line = program.error_line();
                assert!(line.ends_with(": connection refused"), "{line}");
            }
        }
        let line = program.error_line();
        let at = at.to_string();
        assert!(line.contains(&format!("connected to {at} from ")), "{line}");
        program.end_input();
        assert_eq!(packet(&server), b"");
        drop(server);
        assert_eq!(program.wait().code, Some(0));
    }
    // Nobody on either: what is said is about the last.
    let url = format!("tcp://both.test:{port}");
    let Some(program) = with_hosts(&[&url]) else { return };
    program.ends(1, "", &format!("error: {url}: connection refused\n"));
}

#[test]
fn who_has_answered_is_the_server() {
    let Some(port) = port_of_both() else { return };
    let refusing = Peer::listen(&format!("ws://[::1]:{port}/ws"));
    let other = Peer::listen(&format!("ws://127.0.0.1:{port}/ws"));
    let url = format!("ws://both.test:{port}/ws");
    let Some(program) = with_hosts(&[&url]) else { return };
    let server = refusing.accept();
    let request = head(&server);
    assert_eq!(web::field(&request, "Host"), Some(format!("both.test:{port}").as_str()));
    answer(&server, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let ended = program.wait();
    let error = format!("Error: {url}: the server answered 403: bad handshake\n");
    assert!(ended.stderr.ends_with(&error), "{ended:?}");
    assert_eq!(ended.code, Some(1));
    other.socket.set_nonblocking(true).expect("a mode");
    assert!(other.socket.accept().is_err(), "the other one was not asked");
}

#[test]
fn localhost_is_found_wherever_it_is() {
    let addresses: Vec<SocketAddr> =
        "localhost:0".to_socket_addrs().expect("it is known").collect();
    for address in addresses {
        let peer = Peer::listen(&format!("tcp://{address}"));
        let port = peer.socket.local_addr().expect("bound").as_socket().expect("TCP").port();
        for host in ["localhost", ""] {
            let program = Program::connect(&[&format!("tcp://{host}:{port}")]);
            let server = peer.accept();
            answer(&server, b"hi\n");
            drop(server);
            program.ends(0, "hi\n", "the server has closed the connection\n");
        }
    }
}

#[test]
fn a_family_is_kept_to() {
    let peer = Peer::listen("tcp4://127.0.0.1:0");
    let port = peer.socket.local_addr().expect("bound").as_socket().expect("TCP").port();
    let program = Program::connect(&[&format!("tcp4://localhost:{port}")]);
    drop(peer.accept());
    program.ends(0, "", "the server has closed the connection\n");
    for (url, network) in [("tcp6://127.0.0.1:1", "IPv6"), ("udp4://[::1]:1", "IPv4")] {
        let ended = run(&[url], "");
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains(network), "{ended:?}");
    }
}

#[test]
fn an_address_that_does_not_answer_is_given_up() {
    // Its queue is full, so that the system drops what comes.
    let (peer, waiting) = crate::signals::full_listener();
    let url = &peer.url;
    let ended = run(&["--connect-timeout", "100ms", url], "");
    assert_eq!(ended.stderr, format!("error: {url}: no answer in time\n"));
    assert_eq!((ended.code, ended.stdout), (Some(1), vec![]));
    drop(waiting);
}

#[test]
fn a_request_that_is_not_answered_is_given_up() {
    let peer = web::listen();
    let program = Program::connect(&["--connect-timeout", "100ms", &peer.url]);
    let server = peer.accept();
    head(&server);
    // Part of an answer is none.
    answer(&server, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n");
    let ended = program.wait();
    assert!(
        ended.stderr.ends_with(&format!("Error: {}: no answer in time\n", peer.url)),
        "{ended:?}"
    );
    assert_eq!(ended.code, Some(1));
}

#[test]
fn a_full_queue_of_a_unix_socket_is_waited_for_and_not_for_ever() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("socket");
    for scheme in ["unix", "ws+unix"] {
        let _ = fs::remove_file(&path);
        let suffix = if scheme == "unix" { "" } else { ":/ws" };
        let url = format!("{scheme}://{}{suffix}", path.display());
        let peer = Peer::with_backlog(&url, 0);
        // One fits into a queue of none.
        let first = UnixStream::connect(&path).expect("connects");
        let ended = run(&["--connect-timeout", "200ms", &url], "");
        let problem = format!("rror: {url}: the server accepts nobody\n");
        assert!(ended.stderr.ends_with(&problem), "{ended:?}");
        assert_eq!((ended.code, ended.stdout), (Some(1), vec![]));

        let mut program = Program::connect(&["-v", &url]);
        let deadline = std::time::Instant::now() + PATIENCE;
        while !program.error_line().to_lowercase().contains("would block") {
            assert!(std::time::Instant::now() < deadline, "it is not tried");
        }
        drop((peer.accept(), first));
        if scheme == "unix" {
            let server = peer.accept();
            program.type_in("hi\n");
            assert_eq!(packet(&server), b"hi\n");
        } else {
            let web = Web::accept(&peer);
            program.end_input();
            web.expect_close(1000);
            assert_eq!(program.wait().code, Some(0));
        }
    }
}

#[test]
fn verbose_shows_addresses_and_the_head_of_the_answer() {
    let peer = web::listen();
    let at = peer.url.strip_prefix("ws://").expect("ws").strip_suffix("/ws").expect("a path");
    let program = Program::connect(&["-v", &peer.url]);
    let socket = peer.accept();
    let request = head(&socket);
    let switching = web::switching(&request);
    answer(&socket, format!("{switching}X-Y: \u{9b}2Jz\r\n\r\n").as_bytes());
    let web = Web { socket, request };
    let mut program = program;
    program.end_input();
    web.expect_close(1000);
    let ended = program.wait();
    assert_eq!((ended.code, ended.stdout), (Some(0), vec![]));
    let log = ended.stderr;
    assert!(log.contains(&format!(": connecting to {at}\n")), "{log}");
    assert!(log.contains(&format!("connected to {at} from 127.0.0.1:")), "{log}");
    for line in switching.lines().chain(["X-Y: \\u{9b}2Jz"]) {
        assert!(log.contains(&format!(": < {line}\n")), "{line} in {log}");
    }
}

#[test]
fn what_is_not_there_is_said_in_one_line() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().display();
    fs::write(directory.path().join("file"), "").expect("writes");
    drop(Peer::listen(&format!("unix://{path}/stale")));
    let stream = Peer::listen(&format!("unix://{path}/stream"));
    let nobody = Peer::tcp().url;
    let nobody_web = web::listen().url;
    let table: &[(String, &str)] = &[
        (nobody, "connection refused"),
        (nobody_web, "connection refused"),
        (format!("unix://{path}/none"), "no such socket"),
        (format!("unixgram://{path}/none"), "no such socket"),
        (format!("unixpacket://{path}/none"), "no such socket"),
        (format!("ws+unix://{path}/none:/ws"), "no such socket"),
        (format!("unix://{path}/stale"), "connection refused"),
        (format!("unix://{path}/file"), "connection refused"),
        (format!("unixpacket://{path}/stream"), "the socket there is of another type"),
        (format!("unixgram://{path}/stream"), "the socket there is of another type"),
        (format!("unix://@readily-{}-nobody", std::process::id()), "connection refused"),
    ];
    for (url, problem) in table {
        for face in [&[][..], &["--interactive"]] {
            let ended = run(&[face, &[url]].concat(), "hi\n");
            let line = ended.stderr.strip_suffix('\n').expect("a line");
            assert!(!line.contains('\n'), "{line:?}");
            if url.starts_with("ws") {
                let line = crate::program::unstamped(line);
                assert_eq!(line, format!("Error: {url}: {problem}"));
            } else {
                assert_eq!(line, format!("error: {url}: {problem}"));
            }
            assert_eq!(ended.code, Some(1), "{url}");
        }
    }
    let ended = run(&["tcp://no-such-host.invalid:1"], "");
    assert!(
        ended.stderr.starts_with("error: the host no-such-host.invalid is unknown: "),
        "{ended:?}"
    );
    assert_eq!((ended.stderr.lines().count(), ended.code), (1, Some(1)));
    drop(stream);
}

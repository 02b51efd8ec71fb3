//! How a server stops: what each kind of client sees, and how long it may take.
//!
//! The rules are those of the first and second SIGINT or SIGTERM, of SIGHUP, of SIGUSR1, and of STOP
//! where the binding says `stop=server`.

#[allow(unreachable_pub, reason = "a test program has nobody to export to")]
mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{SocketAddr as UnixSocketAddr, UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty;
use nix::sys::signal::Signal;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::tempdir;

use support::{PATIENCE, Server, exchange, expect, line, patient_tcp, readily, rest};

/// Close 1001 from a server, without a reason.
const GOING_AWAY: &[u8] = b"\x88\x02\x03\xe9";

/// The same from a client: with a mask, which is zero here.
const GOING_AWAY_MASKED: &[u8] = b"\x88\x82\0\0\0\0\x03\xe9";

/// Upgrades and reads the response head.
fn upgrade(stream: &mut (impl Read + Write), path: &str) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("writes");
    assert_eq!(line(stream), "HTTP/1.1 101 Switching Protocols\r\n");
    while line(stream) != "\r\n" {}
}

/// Whether a connection to a listener that was closed is refused, as it must be soon.
fn is_refused(mut connect: impl FnMut() -> std::io::Result<()>) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        // One that is in time for the last turn of the listener is closed with it.
        match connect() {
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return true,
            _ => std::thread::yield_now(),
        }
    }
    false
}

/// Asserts that a client is still waited for, and so that the server has not simply ended.
fn assert_held(client: &TcpStream) {
    client.set_nonblocking(true).expect("a mode");
    let ended = client.peek(&mut [0]).map_err(|error| error.kind());
    assert_eq!(ended, Err(std::io::ErrorKind::WouldBlock));
    client.set_nonblocking(false).expect("a mode");
}

/// A client that takes in little, so that what it does not read stays with the server.
fn narrow_tcp(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a size");
    socket.connect(&address.into()).expect("connects");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Has `client` sent so long a line that most of the answer waits in the server: it answers only
/// when it has the whole line, so the first byte of the answer tells that it has.
fn owe(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut text: Vec<u8> =
        b"abcdefghijklmnopqrstuvw".iter().copied().cycle().take(length).collect();
    text.push(b'\n');
    client.write_all(&text).expect("writes");
    expect(client, &text[..1]);
    text
}

#[test]
fn the_first_signal_is_logged_in_one_line_that_names_it() {
    for (signal, name) in [(Signal::SIGTERM, "SIGTERM"), (Signal::SIGINT, "SIGINT")] {
        let mut server = Server::start(&["echo=tcp://127.0.0.1:0"]);
        let mut client = server.connect(0);
        exchange(&mut client, b"hi\n", b"hi\n");
        server.signal(signal);
        assert_eq!(rest(&mut client), b"");
        drop(client);
        assert_eq!(server.wait().code(), Some(0), "{name}");
        let log = server.rest_of_stderr();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("SIG")).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains("INFO") && lines[0].ends_with(": draining 1 connections"));
        assert!(lines[0].contains(&format!(" INFO  {name}: ")), "{log}");
        assert!(log.lines().last().expect("lines").ends_with(" INFO  stopped"), "{log}");
    }
}

#[test]
fn an_idle_server_stops_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=udp://127.0.0.1:0"]);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}");
    }
}

#[test]
fn nobody_can_connect_any_more_while_others_are_still_served_their_end() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("echo");
    let packets = directory.path().join("packets");
    let datagrams = directory.path().join("datagrams");
    let mut server = Server::start(&[
        "echo=ws://127.0.0.1:0/ws",
        "echo=tcp://127.0.0.1:0",
        &format!("echo=unix://{}", path.display()),
        &format!("echo=unixpacket://{}", packets.display()),
        &format!("echo=unixgram://{}", datagrams.display()),
        "echo=udp://127.0.0.1:0",
    ]);
    let mut held = server.connect(0);
    upgrade(&mut held, "/ws");
    let udp = server.udp(5);
    server.signal(Signal::SIGTERM);
    expect(&mut held, GOING_AWAY);
    // The one that is held has five seconds, and the listeners are closed before.
    for binding in [0, 1] {
        let address = server.address(binding);
        assert!(is_refused(|| TcpStream::connect(address).map(drop)), "{address}");
    }
    assert!(is_refused(|| UnixStream::connect(&path).map(drop)));
    // The first one may still be taken; each later one meets the error of the one before.
    assert!(is_refused(|| udp.send(b"x").map(drop)));
    for path in [&path, &packets, &datagrams] {
        assert!(!path.exists(), "{} is unlinked", path.display());
    }
    assert_held(&held);
    held.write_all(GOING_AWAY_MASKED).expect("still there");
    assert_eq!(rest(&mut held), b"");
    drop(held);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_line_client_gets_what_it_is_owed_and_then_the_end_of_the_stream() {
    let mut server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let mut client = narrow_tcp(server.address(0));
    let text = owe(&mut client, 900_000);
    server.signal(Signal::SIGTERM);
    server.wait_for_line("draining");
    // `rest` ends by FIN; after an RST it would fail.
    assert!(rest(&mut client) == text[1..], "the whole answer");
    drop(client);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn every_kind_of_line_client_sees_the_end_and_never_a_reset() {
    let directory = tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let mut server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=tcp://127.0.0.1:0?framing=raw",
        &format!("echo=unix://{}", path("lines")),
        &format!("echo=unix://{}?framing=raw", path("raw")),
        &format!("echo=unixpacket://{}", path("packets")),
    ]);
    let (mut lines, mut raw) = (server.connect(0), server.connect(1));
    let (mut unix_lines, mut unix_raw) = (server.unix(2), server.unix(3));
    let mut packets = Socket::new(Domain::UNIX, Type::SEQPACKET, None).expect("a socket");
    packets.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    packets.connect(&SockAddr::unix(path("packets")).expect("fits")).expect("connects");
    exchange(&mut lines, b"1\n", b"1\n");
    exchange(&mut raw, b"2", b"2");
    exchange(&mut unix_lines, b"3\n", b"3\n");
    exchange(&mut unix_raw, b"4", b"4");
    exchange(&mut packets, b"5", b"5");
    // An incomplete line is in the server's hands and does not turn the end into a reset.
    lines.write_all(b"incomplete").expect("writes");
    server.signal(Signal::SIGTERM);
    assert_eq!(rest(&mut lines), b"");
    assert_eq!(rest(&mut raw), b"");
    assert_eq!(rest(&mut unix_lines), b"");
    assert_eq!(rest(&mut unix_raw), b"");
    assert_eq!(rest(&mut packets), b"");
    drop((lines, raw, unix_lines, unix_raw, packets));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_line_client_that_stays_has_one_second_and_may_go_on_sending() {
    let mut server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let mut client = server.connect(0);
    exchange(&mut client, b"hi\n", b"hi\n");
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(rest(&mut client), b"");
    // An RST in answer to the first of these would make the second one fail.
    client.write_all(b"late\n").expect("our side is open");
    client.write_all(b"later\n").expect("our side is open");
    assert_eq!(server.wait().code(), Some(0));
    assert!(start.elapsed() >= Duration::from_millis(900), "{:?}", start.elapsed());
    assert_eq!(client.read(&mut [0; 8]).expect("no RST"), 0);
}

#[test]
fn a_websocket_client_gets_close_1001_and_may_answer() {
    let directory = tempdir().expect("a directory");
    let mut server = Server::start(&[
        "echo=ws://127.0.0.1:0/ws",
        &format!("echo=ws+unix://{}:/ws", directory.path().join("web").display()),
    ]);
    let (mut tcp, mut unix) = (server.connect(0), server.unix(1));
    upgrade(&mut tcp, "/ws");
    upgrade(&mut unix, "/ws");
    exchange(&mut tcp, b"\x81\x82\0\0\0\0hi", b"\x81\x02hi");
    server.signal(Signal::SIGTERM);
    expect(&mut tcp, GOING_AWAY);
    expect(&mut unix, GOING_AWAY);
    // Data in front of the answer is read and not answered (RFC 6455 section 5.5.1).
    tcp.write_all(b"\x81\x82\0\0\0\0hi").expect("writes");
    tcp.write_all(GOING_AWAY_MASKED).expect("writes");
    unix.write_all(GOING_AWAY_MASKED).expect("writes");
    // The server closes first (section 7.1.1).
    assert_eq!(rest(&mut tcp), b"");
    assert_eq!(rest(&mut unix), b"");
    drop((tcp, unix));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn close_1001_comes_behind_what_a_websocket_client_is_owed() {
    let mut server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let mut client = narrow_tcp(server.address(0));
    upgrade(&mut client, "/ws");
    let payload = vec![b'x'; 900_000];
    let length = 900_000_u64.to_be_bytes();
    client.write_all(&[b"\x82\xff", &length[..], b"\0\0\0\0"].concat()).expect("writes");
    client.write_all(&payload).expect("writes");
    // It is echoed when all of it has come.
    expect(&mut client, b"\x82\x7f");
    server.signal(Signal::SIGTERM);
    server.wait_for_line("draining");
    expect(&mut client, &length);
    expect(&mut client, &payload);
    expect(&mut client, GOING_AWAY);
    client.write_all(GOING_AWAY_MASKED).expect("still there");
    assert_eq!(rest(&mut client), b"");
    drop(client);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_websocket_client_that_never_answers_is_given_up_after_five_seconds() {
    let mut server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let mut client = server.connect(0);
    upgrade(&mut client, "/ws");
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    expect(&mut client, GOING_AWAY);
    // Five for the answer, and one for the peer to take notice of the end: far from the thirty
    // of the whole drain.
    assert_eq!(rest(&mut client), b"");
    assert!(start.elapsed() >= Duration::from_millis(4_900), "{:?}", start.elapsed());
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_connection_kept_alive_for_the_next_request_is_closed() {
    let mut server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let mut client = server.connect(0);
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").expect("writes");
    while line(&mut client) != "\r\n" {}
    expect(&mut client, b"Welcome!\nPlease use /ws for WebSocket!");
    let mut fresh = server.connect(0);
    let mut begun = server.connect(0);
    begun.write_all(b"GET / HT").expect("writes");
    // An answer on a fourth connection tells that the three were accepted.
    let mut last = server.connect(0);
    last.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").expect("writes");
    assert!(rest(&mut last).ends_with(b"WebSocket!"));
    server.signal(Signal::SIGTERM);
    for client in [&mut client, &mut fresh, &mut begun] {
        assert_eq!(rest(client), b"");
    }
    drop((client, fresh, begun, last));
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_drain_ends_in_time_whoever_is_left() {
    let mut server = Server::with_options(
        &["--drain-timeout", "300ms", "--max-line", "8MiB"],
        &["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"],
    );
    let mut deaf = narrow_tcp(server.address(0));
    owe(&mut deaf, 6_000_000);
    let mut silent = server.connect(1);
    upgrade(&mut silent, "/ws");
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait().code(), Some(0));
    let elapsed = start.elapsed();
    assert!(elapsed >= Duration::from_millis(300), "{elapsed:?}");
    // The next deadline would be that of the Close frame.
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    let log = server.rest_of_stderr();
    assert!(log.contains(" WARN  the drain timeout is over: cutting 2 connections off\n"), "{log}");
}

#[test]
fn a_second_signal_stops_at_once_with_128_and_its_number() {
    use Signal::{SIGINT, SIGTERM};
    for (first, second, code) in [
        (SIGTERM, SIGTERM, 143),
        (SIGINT, SIGINT, 130),
        (SIGINT, SIGTERM, 143),
        (SIGTERM, SIGINT, 130),
    ] {
        let directory = tempdir().expect("a directory");
        let path = directory.path().join("echo");
        let mut server = Server::start(&[
            "echo=ws://127.0.0.1:0/ws",
            &format!("echo=unix://{}", path.display()),
        ]);
        let mut held = server.connect(0);
        upgrade(&mut held, "/ws");
        let start = Instant::now();
        server.signal(first);
        expect(&mut held, GOING_AWAY);
        server.signal(second);
        let status = server.wait();
        assert_eq!(status.code(), Some(code), "{first} and {second}: {status}");
        // The one that is held would have five seconds.
        assert!(start.elapsed() < Duration::from_millis(4_500), "{:?}", start.elapsed());
        let log = server.rest_of_stderr();
        let last = log.lines().last().expect("lines");
        assert!(last.ends_with(&format!(" INFO  {}: stopping at once", second.as_str())), "{log}");
        assert!(!path.exists());
    }
}

/// A server that was started with SIGHUP ignored, or not: whoever runs the tests may ignore it.
fn server_with_sighup(disposition: &str, bindings: &[&str]) -> Server {
    let mut command = Command::new("env");
    command.arg(disposition).arg(readily().get_program()).arg("serve").args(bindings);
    command.env_remove("RUST_LOG");
    Server::spawn(command, bindings.len())
}

#[test]
fn sighup_drains_and_a_second_one_changes_nothing() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("echo");
    let bindings = ["echo=ws://127.0.0.1:0/ws", &format!("echo=unix://{}", path.display())];
    let mut server = server_with_sighup("--default-signal=HUP", &bindings);
    let mut held = server.connect(0);
    upgrade(&mut held, "/ws");
    server.signal(Signal::SIGHUP);
    expect(&mut held, GOING_AWAY);
    // SIGUSR1 is obeyed behind it: by then it has been.
    server.signal(Signal::SIGHUP);
    server.wait_for_line(" SIGHUP: draining 1 connections");
    server.signal(Signal::SIGUSR1);
    server.wait_for_line("open=1");
    assert_held(&held);
    held.write_all(GOING_AWAY_MASKED).expect("still there");
    assert_eq!(rest(&mut held), b"");
    drop(held);
    assert_eq!(server.wait().code(), Some(0));
    assert!(!path.exists(), "it is unlinked");
}

#[test]
fn sighup_is_nothing_to_who_was_started_with_it_ignored() {
    let mut server = server_with_sighup("--ignore-signal=HUP", &["echo=tcp://127.0.0.1:0"]);
    let mut client = server.connect(0);
    server.signal(Signal::SIGHUP);
    server.signal(Signal::SIGUSR1);
    server.wait_for_line("open=");
    exchange(&mut client, b"hi\n", b"hi\n");
    drop(client);
    assert_eq!(server.stop().code(), Some(0));
    assert!(!server.rest_of_stderr().contains("SIGHUP"));
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_terminal_that_is_closed_leaves_no_path_behind() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("echo");
    // Nobody but us has the other side: it is closed in every process that others start.
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let terminal = pty::posix_openpt(flags).expect("a terminal");
    pty::grantpt(&terminal).and_then(|()| pty::unlockpt(&terminal)).expect("it is ours");
    let name = pty::ptsname_r(&terminal).expect("it has a name");
    let mut options = File::options();
    options.read(true).write(true).custom_flags(OFlag::O_NOCTTY.bits());
    let slave = || options.open(&name).expect("it is there");
    let mut command = Command::new("env");
    // The terminal is the one that the server belongs to.
    command.args(["--default-signal=HUP", "setsid", "--ctty"]).arg(readily().get_program());
    command.arg("serve").arg(format!("echo=unix://{}", path.display())).env_remove("RUST_LOG");
    command.stdin(slave()).stdout(slave()).stderr(slave());
    let mut server = Ended(command.spawn().expect("spawns"));
    drop(command);
    let deadline = Instant::now() + PATIENCE;
    let mut client = loop {
        match UnixStream::connect(&path) {
            Ok(client) => break client,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    exchange(&mut client, b"hi\n", b"hi\n");
    drop(terminal);
    assert_eq!(rest(&mut client), b"");
    drop(client);
    let code = loop {
        if let Some(status) = server.0.try_wait().expect("it is our child") {
            break status.code();
        }
        assert!(Instant::now() < deadline, "the server does not end");
        std::thread::sleep(Duration::from_millis(2));
    };
    assert_eq!(code, Some(0));
    assert!(!path.exists(), "it is unlinked");
}

#[test]
fn sigusr1_logs_the_counters_and_serving_goes_on() {
    let mut server = Server::start(&["echo=tcp://127.0.0.1:0", "echo=udp://127.0.0.1:0"]);
    let (mut client, udp) = (server.connect(0), server.udp(1));
    exchange(&mut client, b"one\ntwo\n", b"one\ntwo\n");
    udp.send(b"hi").expect("sends");
    assert_eq!(udp.recv(&mut [0; 8]).expect("answered"), 2);
    for _ in 0..2 {
        server.signal(Signal::SIGUSR1);
        let counters = server.wait_for_line("opened=");
        assert!(
            counters.contains(
                " INFO  open=1 opened=1 closed=0 messages=2 bytes_received=8 bytes_sent=8 \
                 datagrams=1 datagram_replies=1 memory="
            ) && counters.ends_with(" output=0"),
            "{counters}"
        );
        let value = |name: &str| {
            let value = counters.split(' ').find_map(|word| word.strip_prefix(name));
            value.expect("it is there").parse::<usize>().expect("a number")
        };
        assert_eq!(value("memory="), value("lent=") + value("kept=") + value("deflate="));
    }
    exchange(&mut client, b"three\n", b"three\n");
    drop(client);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn sigusr1_during_a_drain_is_no_second_signal() {
    let mut server = Server::start(&["echo=ws://127.0.0.1:0/ws"]);
    let mut held = server.connect(0);
    upgrade(&mut held, "/ws");
    server.signal(Signal::SIGTERM);
    expect(&mut held, GOING_AWAY);
    server.signal(Signal::SIGUSR1);
    let counters = server.wait_for_line("open=1 opened=1");
    assert!(counters.contains(" draining=1 memory="), "{counters}");
    held.write_all(GOING_AWAY_MASKED).expect("still there");
    assert_eq!(rest(&mut held), b"");
    drop(held);
    assert_eq!(server.wait().code(), Some(0));
}

/// Sends STOP to the second binding of a server and sees it drain: a WebSocket client on the first
/// one gets Close 1001.
fn stop_drains(binding: &str, send: impl FnOnce(&Server)) {
    let mut server = Server::start(&["echo=ws://127.0.0.1:0/ws", binding]);
    let mut held = server.connect(0);
    upgrade(&mut held, "/ws");
    send(&server);
    expect(&mut held, GOING_AWAY);
    server.wait_for_line("asked to stop");
    held.write_all(GOING_AWAY_MASKED).expect("still there");
    assert_eq!(rest(&mut held), b"");
    drop(held);
    assert_eq!(server.wait().code(), Some(0), "{binding}");
}

#[test]
fn stop_drains_the_server_where_the_binding_says_so() {
    let directory = tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();

    stop_drains("echo=tcp://127.0.0.1:0?stop=server", |server| {
        let mut client = server.connect(1);
        // The line in front of it is answered.
        client.write_all(b"first\n STOP \r\nnever\n").expect("writes");
        assert_eq!(rest(&mut client), b"first\n");
    });
    stop_drains("echo=udp://127.0.0.1:0?stop=server", |server| {
        server.udp(1).send(b"STOP\n").expect("sends");
    });
    stop_drains(&format!("echo=unix://{}?stop=server", path("line")), |server| {
        server.unix(1).write_all(b"STOP\n").expect("writes");
    });
    stop_drains(&format!("echo=unixgram://{}?stop=server", path("datagram")), |_| {
        let client = UnixDatagram::unbound().expect("a socket");
        client.send_to(b"STOP", path("datagram")).expect("sends");
    });
    stop_drains(&format!("echo=unixpacket://{}?stop=server", path("packet")), |_| {
        let client = Socket::new(Domain::UNIX, Type::SEQPACKET, None).expect("a socket");
        client.connect(&SockAddr::unix(path("packet")).expect("fits")).expect("connects");
        client.send(b"STOP").expect("sends");
    });
    for name in ["line", "datagram", "packet"] {
        assert!(!Path::new(&path(name)).exists(), "{name} is unlinked");
    }
}

#[test]
fn stop_ends_nothing_but_its_own_connection_by_default() {
    let mut server = Server::start(&[
        "echo=tcp://127.0.0.1:0",
        "echo=udp://127.0.0.1:0",
        "echo=tcp://127.0.0.1:0?framing=raw",
        "echo=tcp://127.0.0.1:0?stop=server",
    ]);
    let mut other = server.connect(0);
    let mut client = server.connect(0);
    client.write_all(b"a\nSTOP\n").expect("writes");
    assert_eq!(rest(&mut client), b"a\n");
    let udp = server.udp(1);
    udp.send(b"STOP").expect("sends");
    udp.send(b"hi").expect("sends");
    let mut buffer = [0; 8];
    let length = udp.recv(&mut buffer).expect("answered");
    assert_eq!(&buffer[..length], b"hi", "STOP has no reply");
    exchange(&mut server.connect(2), b"STOP\n", b"STOP\n");
    // What only looks like STOP is data.
    exchange(&mut server.connect(3), b"stop\nSTOPX\nSTOP it\n", b"stop\nSTOPX\nSTOP it\n");
    exchange(&mut other, b"b\n", b"b\n");
    drop((other, client));
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn abstract_listeners_are_gone_too() {
    let name = format!("readily-drain-{}", std::process::id());
    let address = UnixSocketAddr::from_abstract_name(&name).expect("fits");
    let mut server = Server::start(&[&format!("echo=unix://@{name}"), "echo=ws://127.0.0.1:0/ws"]);
    let mut client = UnixStream::connect_addr(&address).expect("connects");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut held = server.connect(1);
    upgrade(&mut held, "/ws");
    exchange(&mut client, b"hi\n", b"hi\n");
    server.signal(Signal::SIGTERM);
    assert_eq!(rest(&mut client), b"");
    assert!(is_refused(|| UnixStream::connect_addr(&address).map(drop)));
    expect(&mut held, GOING_AWAY);
    assert_held(&held);
    held.write_all(GOING_AWAY_MASKED).expect("still there");
    drop((client, held));
    assert_eq!(server.wait().code(), Some(0));
}

/// Sends numbered lines and reads their echoes until the server ends the stream; returns how many
/// came back. Every echo is whole, and the end is no reset.
fn send_until_the_end(mut client: TcpStream) -> u32 {
    let mut answered = 0;
    loop {
        let text = format!("line {answered}\n");
        client.write_all(text.as_bytes()).expect("the server reads on after its FIN");
        let mut got = Vec::new();
        while got.last() != Some(&b'\n') {
            let mut buffer = [0; 64];
            let count = client.read(&mut buffer).expect("FIN and not RST");
            if count == 0 {
                assert_eq!(got, b"", "half an echo");
                return answered;
            }
            got.extend_from_slice(&buffer[..count]);
        }
        assert_eq!(got, text.as_bytes());
        answered += 1;
    }
}

#[test]
fn two_hundred_clients_that_keep_sending_all_see_a_clean_end() {
    let mut server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let address = server.address(0);
    let start = std::sync::Barrier::new(201);
    let answered: Vec<u32> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..200)
            .map(|_| {
                let mut client = patient_tcp(address);
                let start = &start;
                scope.spawn(move || {
                    exchange(&mut client, b"ready\n", b"ready\n");
                    start.wait();
                    send_until_the_end(client)
                })
            })
            .collect();
        start.wait();
        server.signal(Signal::SIGTERM);
        clients.into_iter().map(|client| client.join().expect("a clean end")).collect()
    });
    assert_eq!(answered.len(), 200);
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.rest_of_stderr().contains("draining 200 connections"));
}

#[test]
fn a_client_that_has_ended_its_side_still_gets_all_it_is_owed() {
    let mut server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let mut client = narrow_tcp(server.address(0));
    let text = owe(&mut client, 900_000);
    client.shutdown(Shutdown::Write).expect("open");
    server.signal(Signal::SIGTERM);
    server.wait_for_line("draining");
    assert!(rest(&mut client) == text[1..], "the whole answer");
    assert_eq!(server.wait().code(), Some(0));
}

//! Who is let in: connections of one address, counted over every way in which they can come and end.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use support::ipv6::has_ipv6;
use support::{
    PATIENCE, SWITCHING, Server, UPGRADE, counters, exchange, expect, is_served, meet, rest, settle,
};

/// A client that comes from `source`.
fn come_from(source: &str, server: SocketAddr) -> TcpStream {
    let source: IpAddr = source.parse().expect("an address");
    let socket = Socket::new(Domain::for_address(server), Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::new(source, 0).into()).expect("one of loopback");
    let stream = meet(socket, server);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

#[test]
fn each_address_has_as_many_places_as_every_other_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let unix = format!("echo=unix://{}", directory.path().join("echo").display());
    let (second, third) = if has_ipv6() {
        ("echo=tcp6://[::1]:0", "::1")
    } else {
        ("echo=tcp4://127.0.0.1:0", "127.0.0.3")
    };
    let bindings = ["echo=tcp://127.0.0.1:0", second, &unix, "echo=ws://127.0.0.1:0/ws"];
    let mut server = Server::with_options(&["--max-per-ip", "2"], &bindings);
    let started = server.wait_for_line("descriptors: ");
    assert!(started.ends_with(", 2 of one IP address"), "{started}");
    let (one, two, web) = (server.address(0), server.address(1), server.address(3));
    let mut clients = Vec::new();
    for (source, at) in [("127.0.0.1", one), ("127.0.0.2", one), (third, two)] {
        for _ in 0..2 {
            let mut client = come_from(source, at);
            assert!(is_served(&mut client), "{source}");
            clients.push(client);
        }
        for _ in 0..3 {
            assert!(!is_served(&mut come_from(source, at)), "{source}");
        }
    }
    // All bindings count together, and UNIX sockets have no address.
    let ended = come_from("127.0.0.1", web).read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(ended, Err(ErrorKind::ConnectionReset));
    let mut others: Vec<_> = (0..5).map(|_| server.unix(2)).collect();
    for other in &mut others {
        exchange(other, b"hi\n", b"hi\n");
    }
    let (now, lines) = counters(&mut server);
    assert_eq!((now["opened"], now["open"]), (11, 11));
    assert_eq!(now["refused_per_ip"], 10);
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains(" WARN ")).collect();
    assert_eq!(warnings.len(), 1, "one line each 5 s: {lines:#?}");
    assert!(warnings[0].contains(" refused 127.0.0.1:"), "{warnings:?}");
    assert!(
        warnings[0].ends_with(": there are 2 connections of 127.0.0.1 already"),
        "{warnings:?}"
    );

    // Who leaves makes room for another of his address, and of no other.
    drop(clients.remove(2));
    settle(&mut server, 10);
    assert!(!is_served(&mut come_from("127.0.0.1", one)));
    let mut newcomer = come_from("127.0.0.2", one);
    assert!(is_served(&mut newcomer));
    assert!(!is_served(&mut come_from("127.0.0.2", one)));
    for client in &mut clients {
        assert!(is_served(client), "who is there has noticed nothing");
    }
}

#[test]
fn by_default_an_address_may_have_all_places() {
    let mut server = Server::start(&["echo=tcp://127.0.0.1:0"]);
    let mut clients: Vec<_> = (0..100).map(|_| server.connect(0)).collect();
    assert!(clients.iter_mut().all(is_served));
    assert!(!counters(&mut server).0.contains_key("refused_per_ip"));
}

/// A way to end a connection, from the client's side or from the server's.
type Ending = (&'static str, usize, fn(TcpStream) -> Option<TcpStream>);

const LINE: usize = 0;
const WEB: usize = 1;

/// A connection that has become a WebSocket.
fn upgraded(mut client: TcpStream) -> TcpStream {
    exchange(&mut client, UPGRADE.as_bytes(), SWITCHING);
    client
}

/// All ways in which a connection can end. What is returned is kept until the next one is served.
const ENDINGS: &[Ending] = &[
    ("FIN", LINE, |_| None),
    ("RST", LINE, |client| {
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("an option");
        None
    }),
    ("half-close", LINE, |mut client| {
        client.shutdown(Shutdown::Write).expect("open");
        assert_eq!(rest(&mut client), b"");
        None
    }),
    ("STOP", LINE, |mut client| {
        client.write_all(b"STOP\n").expect("writes");
        assert_eq!(rest(&mut client), b"");
        None
    }),
    ("STOP, and the client stays", LINE, |mut client| {
        client.write_all(b"STOP\n").expect("writes");
        Some(client)
    }),
    ("a line that is too long", LINE, |mut client| {
        client.write_all(&[b'x'; 2_000]).expect("writes");
        assert_eq!(rest(&mut client), b"ERR line too long\n");
        None
    }),
    ("no request", WEB, Some),
    ("a request that is refused", WEB, |mut client| {
        client.write_all(b"garbage\r\n\r\n").expect("writes");
        assert!(rest(&mut client).starts_with(b"HTTP/1.1 400 "));
        None
    }),
    ("a response", WEB, |mut client| {
        client.write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n").expect("writes");
        assert!(rest(&mut client).starts_with(b"HTTP/1.1 200 "));
        None
    }),
    ("keep-alive", WEB, |mut client| {
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("writes");
        Some(client)
    }),
    ("Close", WEB, |client| {
        let mut client = upgraded(client);
        client.write_all(b"\x88\x80\0\0\0\0").expect("writes");
        expect(&mut client, b"\x88\0");
        None
    }),
    ("a frame that is refused", WEB, |client| {
        let mut client = upgraded(client);
        client.write_all(b"\x81\x01x").expect("writes");
        expect(&mut client, b"\x88\x02\x03\xea");
        Some(client)
    }),
    ("no pong", WEB, |client| Some(upgraded(client))),
];

#[test]
fn however_a_connection_ends_its_place_is_free_again() {
    let options = "--max-per-ip 1 --max-line 1000 --handshake-timeout 200ms --keepalive-timeout 200ms \
                   --ping-interval 200ms --pong-timeout 200ms";
    let options: Vec<_> = options.split_whitespace().collect();
    let bindings = ["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"];
    let mut server = Server::with_options(&options, &bindings);
    for (name, binding, end) in ENDINGS {
        // One that comes before the server has seen the end of the last one is refused.
        let deadline = Instant::now() + PATIENCE;
        while !is_served(&mut come_from("127.0.0.1", server.address(LINE))) {
            assert!(Instant::now() < deadline, "nobody is let in before {name}");
        }
        settle(&mut server, 0);
        let kept = end(come_from("127.0.0.1", server.address(*binding)));
        settle(&mut server, 0);
        drop(kept);
    }
    let mut last = come_from("127.0.0.1", server.address(LINE));
    assert!(is_served(&mut last));
    assert!(!is_served(&mut come_from("127.0.0.1", server.address(LINE))), "it is counted still");
}

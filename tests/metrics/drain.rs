//! A server that drains is looked at until it is gone.

use std::io::{Read as _, Write as _};
use std::time::Instant;

use nix::sys::signal::Signal;

use super::support::{PATIENCE, SWITCHING, Server, UPGRADE, exchange, rest};
use super::{get, patient_tcp, scrape};

#[test]
fn who_looks_on_is_answered_until_everybody_else_is_gone_and_keeps_nobody_here() {
    let mut server = Server::start(&["metrics=http://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    let mut client = server.connect(1);
    exchange(&mut client, UPGRADE.as_bytes(), SWITCHING);
    let mut onlooker = server.connect(0);
    assert_eq!(get(&mut onlooker, "/readyz").status(), "200");
    server.signal(Signal::SIGTERM);
    // The client is told, does not answer, and holds up the drain.
    let mut close = [0; 4];
    client.read_exact(&mut close).expect("a Close frame");
    assert_eq!(close, *b"\x88\x02\x03\xe9");
    let mut newcomer = server.connect(0);
    for stream in [&mut onlooker, &mut newcomer] {
        let ready = get(stream, "/readyz");
        assert_eq!((ready.status(), ready.body.as_str()), ("503", "draining\n"));
        assert_eq!(get(stream, "/healthz").status(), "200");
        assert_eq!(scrape(stream).value("readily_draining", &[]), 1.0);
    }
    // The client goes. Both onlookers stay connected, and are let go.
    client.write_all(b"\x88\x82\0\0\0\0\x03\xe9").expect("writes");
    assert_eq!(rest(&mut client), b"");
    assert_eq!(rest(&mut onlooker), b"", "a clean end");
    assert_eq!(rest(&mut newcomer), b"");
    let started = Instant::now();
    assert_eq!(server.wait().code(), Some(0));
    assert!(started.elapsed() < PATIENCE);
    assert!(!server.rest_of_stderr().contains("cutting"), "nobody was cut off");
}

#[test]
fn a_server_that_nobody_uses_but_onlookers_ends_at_once() {
    let mut server = Server::with_options(
        &["--drain-timeout", "1h"],
        &["metrics=http://127.0.0.1:0", "echo=tcp://127.0.0.1:0"],
    );
    let mut idle = server.connect(0);
    assert_eq!(get(&mut idle, "/healthz").status(), "200");
    // One that never asks, and one in the middle of a request.
    let _silent = server.connect(0);
    let mut slow = server.connect(0);
    slow.write_all(b"GET /metr").expect("writes");
    assert_eq!(server.stop().code(), Some(0));
    assert!(patient_connect_is_refused(&server));
}

/// Whether nobody listens for onlookers any more.
fn patient_connect_is_refused(server: &Server) -> bool {
    std::net::TcpStream::connect(server.address(0)).is_err()
}

#[test]
fn the_drain_timeout_holds_for_onlookers_too() {
    let mut server = Server::with_options(
        &["--drain-timeout", "500ms"],
        &["metrics=http://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"],
    );
    let mut client = patient_tcp(server.address(1));
    exchange(&mut client, UPGRADE.as_bytes(), SWITCHING);
    let mut onlooker = server.connect(0);
    assert_eq!(get(&mut onlooker, "/healthz").status(), "200");
    assert_eq!(server.stop().code(), Some(0));
    let log = server.rest_of_stderr();
    assert!(log.contains("cutting 1 connections off"), "the client, and not who looks on: {log}");
}

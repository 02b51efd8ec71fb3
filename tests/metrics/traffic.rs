//! What goes through each binding, and how long the loop takes.

use std::time::Instant;

use nix::sys::signal::Signal;

use super::scrape::Scrape;
use super::support::{PATIENCE, SWITCHING, Server, UPGRADE, exchange};
use super::{get, scrape};

/// All that is told of a transport and a service: connections, arrivals, messages and bytes in and out.
fn traffic(scrape: &Scrape, transport: &str, service: &str) -> [f64; 6] {
    ["connections", "arrivals_total", "messages_received_total", "messages_sent_total"]
        .into_iter()
        .chain(["received_bytes_total", "sent_bytes_total"])
        .map(|name| {
            let labels = [("transport", transport), ("service", service)];
            scrape.value(&format!("readily_{name}"), &labels)
        })
        .collect::<Vec<_>>()
        .try_into()
        .expect("six of them")
}

#[test]
fn what_is_said_is_counted_by_transport_and_service() {
    let mut server = Server::start(&[
        "metrics=http://127.0.0.1:0",
        "echo=tcp://127.0.0.1:0",
        "echo=tcp4://127.0.0.1:0",
        "discard=tcp://127.0.0.1:0",
        "echo=udp://127.0.0.1:0",
        "echo=ws://127.0.0.1:0/ws",
    ]);
    let mut onlooker = server.connect(0);
    let before = scrape(&mut onlooker);
    assert_eq!(traffic(&before, "tcp", "echo"), [0.0; 6]);
    let (mut one, mut other, mut silent) =
        (server.connect(1), server.connect(2), server.connect(3));
    exchange(&mut one, b"one\ntwo\n", b"one\ntwo\n");
    exchange(&mut other, b"three\n", b"three\n");
    // STOP is no message, but bytes.
    exchange(&mut silent, b"unheard\nSTOP\n", b"");
    let udp = server.udp(4);
    udp.send(b"hi").expect("sends");
    assert_eq!(udp.recv(&mut [0; 8]).expect("answered"), 2);
    let mut web = server.connect(5);
    exchange(&mut web, UPGRADE.as_bytes(), SWITCHING);
    exchange(&mut web, b"\x81\x82\0\0\0\0hi", b"\x81\x02hi");
    drop(other);
    // It has an end when the server has seen that.
    let deadline = Instant::now() + PATIENCE;
    let after = loop {
        let after = scrape(&mut onlooker);
        let closed = after.value("readily_connections_closed_total", &[]);
        if closed == 2.0 {
            break after;
        }
        assert!(Instant::now() < deadline, "{closed} are closed");
    };
    assert_eq!(traffic(&after, "tcp", "echo"), [1.0, 2.0, 3.0, 3.0, 14.0, 14.0]);
    assert_eq!(traffic(&after, "tcp", "discard"), [0.0, 1.0, 1.0, 0.0, 13.0, 0.0]);
    assert_eq!(traffic(&after, "udp", "echo"), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    // With the answer to the upgrade, which it is by then.
    let sent = (SWITCHING.len() + 4) as f64;
    assert_eq!(traffic(&after, "ws", "echo"), [1.0, 1.0, 1.0, 1.0, 8.0, sent]);
    // The onlooker, and the request of who has become a WebSocket.
    let requests = traffic(&after, "http", "none");
    assert_eq!(requests[..4], [1.0, 2.0, 0.0, 0.0]);
    assert!(requests[4] > traffic(&before, "http", "none")[4] + UPGRADE.len() as f64);
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("tcp echo: ");
    assert!(
        line.ends_with(
            "tcp echo: connections=1 arrivals=2 messages_received=3 messages_sent=3 \
             bytes_received=14 bytes_sent=14"
        ),
        "{line}"
    );
}

#[test]
fn turns_and_lag_are_told_of_how_long_they_were() {
    let mut server =
        Server::start(&["metrics=http://127.0.0.1:0", "stream=tcp://127.0.0.1:0?source=counter"]);
    let mut onlooker = server.connect(0);
    let before = scrape(&mut onlooker);
    assert_eq!(before.value("readily_lag_seconds_count", &[]), 0.0, "nothing was due");
    let mut stream = server.connect(1);
    exchange(&mut stream, b"START 1000 5\n", b"1 1\n2 2\n3 3\n4 4\n5 5\n");
    let after = scrape(&mut onlooker);
    assert!(after.value("readily_lag_seconds_count", &[]) >= 1.0);
    assert!(after.value("readily_lag_seconds_sum", &[]) > 0.0);
    let turns = |scrape: &Scrape| scrape.value("readily_turn_seconds_count", &[]);
    assert!(turns(&after) > turns(&before));
    assert!(after.value("readily_turn_seconds_sum", &[]) > 0.0);
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("loop: turns=");
    let turns_then: f64 = line
        .split_once("turns=")
        .and_then(|(_, rest)| rest.split(' ').next().and_then(|number| number.parse().ok()))
        .expect("a number");
    assert!(turns_then >= turns(&after), "{line}");
    assert!(get(&mut onlooker, "/healthz").status() == "200");
}

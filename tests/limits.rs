//! Limits that are options of the program, and what they do there.

#[path = "support/client.rs"]
mod client;
#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::io::{Read as _, Write as _};
use std::time::Instant;

use client::Client;
use support::{PATIENCE, SWITCHING, Server, UPGRADE, counters, exchange, rest};

#[test]
fn the_least_budget_to_read_has_room_for_every_datagram() {
    let server = Server::with_options(&["--read-budget", "64KiB"], &["echo=udp://127.0.0.1:0"]);
    let socket = server.udp(0);
    // The longest that IPv4 can carry.
    let datagram: Vec<u8> = (0..=250).cycle().take(65_507).collect();
    socket.send(&datagram).expect("sends");
    let mut reply = vec![0; 70_000];
    let count = socket.recv(&mut reply).expect("an answer");
    assert!(reply[..count] == datagram, "{count} bytes");
}

#[test]
fn what_is_longer_than_the_read_buffer_is_dropped_whole_and_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = |scheme, name| format!("echo={scheme}://{}/{name}", directory.path().display());
    let mut server = Server::with_options(
        &["--read-budget", "64KiB"],
        &[&url("unixpacket", "packet"), &url("unixgram", "gram")],
    );
    for (number, url) in server.urls.clone().iter().enumerate() {
        let mut client = Client::connect(url);
        client.send(&[b'x'; 64 * 1024 + 1]);
        // Whoever sent it stays, and no part of it is answered.
        client.send(b"next");
        client.expect(b"next");
        client.send(&[b'x'; 64 * 1024]);
        client.expect(&[b'x'; 64 * 1024]);
        let (counters, _) = counters(&mut server);
        assert_eq!(counters["oversize"], number as u64 + 1, "{url}");
    }
}

#[test]
fn a_message_of_more_fragments_than_there_may_be_is_refused() {
    let server = Server::with_options(&["--max-fragments", "3"], &["echo=ws://127.0.0.1:0/ws"]);
    let frame = |first: u8| [first, 0x81, 0, 0, 0, 0, b'x'];
    let (begin, middle, last) = (frame(0x01), frame(0x00), frame(0x80));
    let mut stream = server.connect(0);
    exchange(&mut stream, UPGRADE.as_bytes(), SWITCHING);
    exchange(&mut stream, &[begin, middle, last].concat(), b"\x81\x03xxx");
    stream.write_all(&[begin, middle, middle, last].concat()).expect("writes");
    // Close 1008, policy violation (RFC 6455 section 7.4.1).
    assert_eq!(rest(&mut stream), b"\x88\x02\x03\xf0");
}

#[test]
fn a_burst_that_nobody_reads_waits_at_the_mark_that_was_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let url = format!("ws+unix://{}/burst:/random", directory.path().display());
    let mut server = Server::with_options(
        &["--high-water", "4KiB", "--low-water", "1KiB"],
        &[&format!("random={url}?burst=true&min=7&max=7")],
    );
    let mut stream = server.unix(0);
    exchange(&mut stream, UPGRADE.replace("/ws", "/random").as_bytes(), SWITCHING);
    stream.write_all(b"\x81\x87\0\0\0\x001000000").expect("writes");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (counters, _) = counters(&mut server);
        let waiting = counters["output"];
        assert!(waiting <= 4_096 + 3, "{waiting} bytes wait");
        // Above the low mark nothing more comes, and the socket takes no more of it.
        if waiting > 1_024 {
            break;
        }
        assert!(Instant::now() < deadline, "{waiting} bytes wait");
    }
    // All of them come, as they are read.
    let mut numbers = vec![0; 3 * 1_000_000];
    stream.read_exact(&mut numbers).expect("all of them");
    assert!(numbers.chunks(3).all(|frame| frame == b"\x81\x017"));
}

//! Very many connections, one crowd after the other: what they took is given back.
//!
//! ```sh
//! READILY_CONNECTS=200000 cargo test --test soak
//! ```

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use socket2::SockRef;

use support::{PATIENCE, SWITCHING, Server, UPGRADE, exchange, rest, settle};

/// How many connections there are when nobody says otherwise.
const CONNECTS: usize = 20_000;

/// So many are there at a time.
const CROWD: usize = 500;

/// They come in so many waves of crowds, and behind each the server has a rest.
const WAVES: usize = 4;

const LINE: usize = 0;
const WEB: usize = 1;
const UNIX: usize = 2;

/// A client of either family.
trait Client: Read + Write + AsFd {
    fn end(&self);
}

impl Client for TcpStream {
    fn end(&self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

impl Client for UnixStream {
    fn end(&self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

/// Client number `number`, who has been served.
fn come(server: &Server, number: usize) -> Box<dyn Client> {
    match number % 4 {
        0 => {
            let mut web = server.connect(WEB);
            exchange(&mut web, UPGRADE.as_bytes(), SWITCHING);
            // Long enough for buffers of its own, and masked with zeros.
            let payload = vec![b'x'; 300 * (1 + number % 97)];
            let length = u16::try_from(payload.len()).expect("short").to_be_bytes();
            let asked = [&[0x82, 0xfe][..], &length, &[0; 4], &payload].concat();
            let answered = [&[0x82, 0x7e][..], &length, &payload].concat();
            exchange(&mut web, &asked, &answered);
            Box::new(web)
        }
        1 => {
            let mut line = server.connect(LINE);
            exchange(&mut line, b"hello\n", b"hello\n");
            Box::new(line)
        }
        _ => {
            let mut line = server.unix(UNIX);
            exchange(&mut line, b"hello\n", b"hello\n");
            Box::new(line)
        }
    }
}

/// It goes, in one of many ways.
fn go(mut client: Box<dyn Client>, number: usize) {
    match number / 4 % 5 {
        // With an RST, as far as its family has one.
        0 | 1 => SockRef::from(&client).set_linger(Some(Duration::ZERO)).expect("an option"),
        // At the server's word.
        2 => {
            client.end();
            drop(rest(&mut client));
        }
        // In the middle of something.
        3 => client.write_all(&[0x82, 0xfe, 0x40]).expect("there is room"),
        // With an answer on its way.
        _ => client.write_all(b"and another\n").expect("there is room"),
    }
}

/// What the server holds: descriptors, and KiB of memory.
fn held(server: &Server) -> (usize, usize) {
    let of = format!("/proc/{}", server.pid());
    let status = fs::read_to_string(format!("{of}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a process has one");
    let size = line.split_ascii_whitespace().nth(1).expect("a number");
    let descriptors = fs::read_dir(format!("{of}/fd")).expect("it runs").count();
    (descriptors, size.parse().expect("a number"))
}

/// The same, once all buffers are given back that nobody needs.
fn rested(server: &mut Server) -> (usize, usize) {
    let deadline = Instant::now() + PATIENCE;
    while settle(server, 1).0["memory"] > 0 {
        assert!(Instant::now() < deadline, "buffers are kept");
        sleep(Duration::from_millis(50));
    }
    held(server)
}

#[test]
fn after_very_many_connections_the_server_holds_what_it_held_before() {
    let connects = env::var("READILY_CONNECTS");
    let connects = connects.map_or(CONNECTS, |text| text.parse().expect("a number"));
    let dir = tempfile::tempdir().expect("a directory");
    let unix = format!("echo=unix://{}", dir.path().join("echo").display());
    let bindings = ["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws", &unix];
    let mut server = Server::start(&bindings);
    let mut friend = server.connect(LINE);
    friend.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let crowds = connects.div_ceil(CROWD * WAVES) * WAVES;
    // Descriptors and memory behind each wave.
    let mut rests = Vec::new();
    let mut highest = 0;
    for crowd in 0..crowds {
        let numbers = crowd * CROWD..(crowd + 1) * CROWD;
        let clients: Vec<_> = numbers.clone().map(|number| come(&server, number)).collect();
        exchange(&mut friend, b"still here\n", b"still here\n");
        highest = highest.max(held(&server).0);
        for (client, number) in clients.into_iter().zip(numbers) {
            go(client, number);
        }
        settle(&mut server, 1);
        if (crowd + 1).is_multiple_of(crowds / WAVES) {
            rests.push(rested(&mut server));
        }
    }
    println!("{connects} connections, descriptors and KiB at rest: {rests:?}");
    let (half, end) = (rests[WAVES / 2 - 1], rests[WAVES - 1]);
    assert!(highest >= half.0 + CROWD, "nobody was there: {highest} descriptors");
    assert_eq!(end.0, half.0, "descriptors");
    assert!(end.1 * 100 <= half.1 * 105, "{rests:?}");
    let (counters, _) = settle(&mut server, 1);
    assert_eq!(counters["opened"], 1 + crowds as u64 * CROWD as u64);
    assert_eq!(counters["closed"], counters["opened"] - 1);
    exchange(&mut friend, b"and I am\n", b"and I am\n");
    drop(friend);
    assert!(server.stop().success());
}

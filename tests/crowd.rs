//! A thousand clients at a time, of every kind, each with questions of its own.
//!
//! A reply that reached the wrong client, or came out of order, would not be the one it waits for:
//! every question differs from all others.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

#[path = "support/client.rs"]
mod client;

use std::net::Shutdown;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use client::{Client, places};
use support::Server;

const CLIENTS: usize = 1_000;
const ROUNDS: usize = 6;

/// Sees to it that this process may have a descriptor for each client of the tests here, which run at
/// the same time. The server raises its own limit.
fn raise_descriptor_limit() {
    let wanted = 3 * CLIENTS as u64 + 200;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    if soft < wanted {
        assert!(hard >= wanted, "{hard} descriptors are too few for {CLIENTS} clients");
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).expect("up to the hard limit");
    }
}

/// A client and what it has asked.
struct Member {
    client: Client,
    number: usize,
    is_random: bool,
    /// The replies that it waits for.
    expected: Vec<Vec<u8>>,
}

impl Member {
    /// Asks one to three questions at once.
    fn ask(&mut self, rng: &mut StdRng, round: usize) {
        for part in 0..rng.random_range(1..=3) {
            let unique = (round * CLIENTS + self.number) * 3 + part;
            let (question, answer) = if self.is_random {
                // A range of one integer has an answer that is known.
                (format!("{unique} {unique}"), unique.to_string())
            } else {
                let text = format!("{unique} {}", "x".repeat(rng.random_range(0..300)));
                (text.clone(), text)
            };
            self.client.send(question.as_bytes());
            self.expected.push(answer.into_bytes());
        }
    }

    /// Reads the replies to all of them.
    fn listen(&mut self) {
        for answer in self.expected.drain(..) {
            self.client.expect(&answer);
        }
    }

    /// Leaves in one of the ways to leave.
    fn leave(mut self, way: usize) {
        let is_connected = match &self.client {
            Client::Web(_) => true,
            Client::Lines(socket) | Client::Messages(socket) => {
                socket.r#type().expect("a socket") != socket2::Type::DGRAM
            }
        };
        match (&mut self.client, way % 3) {
            // Without a word.
            (_, 0) => {}
            (Client::Web(web), _) => {
                web.close(None).expect("sends a Close frame");
                assert_eq!(self.client.expect_end(), None);
            }
            _ if !is_connected => {}
            (client, 1) => {
                client.send(b"STOP");
                client.expect_end();
            }
            (client, _) => {
                client.socket().shutdown(Shutdown::Write).expect("half-closes");
                client.expect_end();
            }
        }
    }
}

#[test]
fn a_thousand_clients_of_every_kind_are_served_at_a_time() {
    raise_descriptor_limit();
    let seed = 20_261_122;
    let mut rng = StdRng::seed_from_u64(seed);
    println!("seed {seed}");
    let dir = tempfile::tempdir().expect("a directory");
    let mut bindings = Vec::new();
    for (position, service) in ["echo", "random"].into_iter().enumerate() {
        let dir = dir.path().join(position.to_string());
        std::fs::create_dir(&dir).expect("a directory");
        bindings.extend(places(&dir).into_iter().map(|place| format!("{service}={place}")));
    }
    let half = bindings.len() / 2;
    let mut server = Server::start(&bindings.iter().map(String::as_str).collect::<Vec<_>>());

    let mut order: Vec<usize> = (0..CLIENTS).collect();
    order.shuffle(&mut rng);
    let mut members: Vec<Member> = order
        .into_iter()
        .map(|number| {
            let binding = number % bindings.len();
            let client = Client::connect(&server.urls[binding]);
            Member { client, number, is_random: binding >= half, expected: Vec::new() }
        })
        .collect();

    for round in 0..ROUNDS {
        members.shuffle(&mut rng);
        for member in &mut members {
            member.ask(&mut rng, round);
            // Some wait for their replies at once, most while the others ask. Nobody holds many
            // datagrams for a client, so who sends them waits.
            if matches!(member.client, Client::Messages(_)) || rng.random_ratio(1, 4) {
                member.listen();
            }
        }
        members.shuffle(&mut rng);
        members.iter_mut().for_each(Member::listen);
    }

    // All of them are still there.
    let datagrams = |url: &&String| url.starts_with("udp") || url.starts_with("unixgram");
    let connectionless =
        (0..CLIENTS).filter(|number| datagrams(&&server.urls[number % bindings.len()])).count();
    server.signal(Signal::SIGUSR1);
    let line = server.wait_for_line("opened=");
    let connected = CLIENTS - connectionless;
    assert!(line.contains(&format!("open={connected} opened={connected} closed=0 ")), "{line}");
    for trouble in ["lost=", "errors=", "not_sent=", "failures=", "refused"] {
        assert!(!line.contains(trouble), "{line}");
    }

    for (way, member) in members.into_iter().enumerate() {
        member.leave(way);
    }
    // Until the server has seen the last of them go.
    loop {
        server.signal(Signal::SIGUSR1);
        let line = server.wait_for_line("opened=");
        if line.contains(&format!("open=0 opened={connected} closed={connected} ")) {
            break;
        }
    }

    let newcomers: Vec<Client> = server
        .urls
        .iter()
        .zip(0..)
        .map(|(url, position)| {
            let mut client = Client::connect(url);
            client.send(b"7 7");
            client.expect(if position < half { b"7 7" } else { b"7" });
            client
        })
        .collect();
    drop(newcomers);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_crowd_that_is_connected_is_drained() {
    raise_descriptor_limit();
    let dir = tempfile::tempdir().expect("a directory");
    let places: Vec<String> = places(dir.path())
        .into_iter()
        .filter(|place| !place.starts_with("udp") && !place.starts_with("unixgram"))
        .map(|place| format!("echo={place}"))
        .collect();
    let mut server = Server::start(&places.iter().map(String::as_str).collect::<Vec<_>>());
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::connect(&server.urls[number % server.urls.len()]))
        .collect();
    for client in &mut clients {
        client.send(b"hello");
        client.expect(b"hello");
    }
    server.signal(Signal::SIGTERM);
    for client in &mut clients {
        let code = client.expect_end();
        assert_eq!(code, matches!(client, Client::Web(_)).then_some(1001));
    }
    drop(clients);
    assert_eq!(server.wait().code(), Some(0));
}

#[test]
fn a_crowd_that_comes_all_at_once_is_let_in_without_a_word() {
    let dir = tempfile::tempdir().expect("a directory");
    let unix = format!("unix://{}/socket", dir.path().display());
    for place in ["tcp://127.0.0.1:0", &unix] {
        let mut server = Server::start(&[&format!("echo={place}")]);
        // More than a turn takes wait when the server wakes up, and where nothing but their coming
        // tells of them, because all but the last are silent, the loop must not go to sleep.
        server.signal(Signal::SIGSTOP);
        let mut clients: Vec<Client> = (0..120).map(|_| Client::connect(&server.urls[0])).collect();
        server.signal(Signal::SIGCONT);
        let last = clients.last_mut().expect("there are some");
        last.send(b"the last");
        last.expect(b"the last");
        drop(clients);
        assert_eq!(server.stop().code(), Some(0));
    }
}

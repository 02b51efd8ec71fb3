//! The bound on memory, on the real program: hundreds of peers do all that they can to fill it, and the
//! process stays within what the formula says, while a bystander gets every echo.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use readily::codec::websocket::Opcode;
use readily::codec::websocket::deflate::{Pool, WindowBits, encode_deflated};
use readily::engine::Limits;
use support::{SWITCHING, Server, UPGRADE, counters, exchange, memory, patient_tcp};

const MIB: usize = 1024 * 1024;

/// What all buffers may hold together.
const MAX_MEMORY: usize = 8 * MIB;

/// What a connection may take beside its buffers.
const CONNECTION: usize = 1024;

/// So many at a time of each kind.
const HOSTILE: usize = 50;

/// How often each of them comes.
const ROUNDS: usize = 2;

const LINES: usize = 0;
const WEB: usize = 1;

/// Where the server is.
#[derive(Clone)]
struct Places {
    web: SocketAddr,
    lines: PathBuf,
    topics: PathBuf,
    burst: PathBuf,
}

/// What somebody has of a server who never reads and is closed at any time.
enum Peer {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Peer {
    /// Writes until all is written or nothing more is taken.
    fn push(&mut self, bytes: &[u8]) {
        let writer: &mut dyn Write = match self {
            Peer::Tcp(stream) => stream,
            Peer::Unix(stream) => stream,
        };
        // It may have been closed already, which is what this is about.
        let _ = writer.write_all(bytes);
    }

    fn tcp(address: SocketAddr) -> Peer {
        let stream = patient_tcp(address);
        stream.set_write_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        Peer::Tcp(stream)
    }

    fn unix(path: &Path) -> Peer {
        let stream = UnixStream::connect(path).expect("connects");
        stream.set_write_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        Peer::Unix(stream)
    }

    /// Becomes a WebSocket, if it is not closed before.
    fn upgrade(mut self, path: &str) -> Peer {
        let offer = "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        let request = UPGRADE.replace("/ws", path).replace("\r\n\r\n", offer);
        self.push(request.as_bytes());
        let reader: &mut dyn Read = match &mut self {
            Peer::Tcp(stream) => stream,
            Peer::Unix(stream) => stream,
        };
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && reader.read(&mut byte).is_ok_and(|count| count == 1) {
            head.extend(byte);
        }
        self
    }
}

/// Half of a message of a mebibyte.
fn half_message(places: &Places) -> Peer {
    let mut peer = Peer::tcp(places.web).upgrade("/ws");
    peer.push(&[0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
    peer.push(&vec![b'x'; 900_000]);
    peer
}

/// Asks for much, and reads nothing.
fn slow_reader(places: &Places) -> Peer {
    let mut peer = Peer::unix(&places.lines);
    let line = [vec![b'x'; 400_000], vec![b'\n']].concat();
    peer.push(&line.repeat(4));
    peer
}

/// Wants all that is published, publishes, and reads nothing.
fn slow_consumer(places: &Places) -> Peer {
    let mut peer = Peer::unix(&places.topics);
    let publication = [b"PUB t ", &[b'x'; 60_000][..], b"\n"].concat();
    peer.push(b"SUB t\n");
    peer.push(&publication.repeat(2));
    peer
}

/// Most of a request.
fn half_head(places: &Places) -> Peer {
    let mut peer = Peer::tcp(places.web);
    peer.push(b"GET /ws HTTP/1.1\r\nHost: x\r\nX-Long: ");
    peer.push(&[b'x'; 15_000]);
    peer
}

/// Asks for a million numbers, and reads none.
fn unread_burst(places: &Places) -> Peer {
    let mut peer = Peer::unix(&places.burst).upgrade("/random");
    peer.push(&[&[0x81, 0x87, 0, 0, 0, 0][..], b"1000000"].concat());
    peer
}

/// A message of a kilobyte that becomes 900 KiB, and does not end; and then one that is too long.
fn bomb(places: &Places) -> Peer {
    let mut peer = Peer::tcp(places.web).upgrade("/ws");
    let mut frame = Vec::new();
    let (mask, window) = (Some([1, 2, 3, 4]), WindowBits::MAX);
    encode_deflated(&mut frame, Opcode::Text, &[b'x'; 900_000], mask, window, &mut Pool::new(0));
    frame[0] &= 0x7f;
    peer.push(&frame);
    peer
}

#[test]
fn hostile_peers_fill_what_they_may_and_a_bystander_gets_every_echo() {
    let directory = tempfile::tempdir().expect("a directory");
    let [lines, topics, burst] =
        ["lines", "topics", "burst"].map(|name| directory.path().join(name));
    let mut server = Server::with_options(
        &["--max-memory", "8MiB", "--max-connections", "1000"],
        &[
            "echo=tcp://127.0.0.1:0",
            "echo=ws://127.0.0.1:0/ws?deflate=true",
            &format!("echo=unix://{}", lines.display()),
            &format!("notify=unix://{}", topics.display()),
            &format!("random=ws+unix://{}:/random?burst=true", burst.display()),
        ],
    );
    let base = memory(server.pid(), "VmRSS");
    let places = Places { web: server.address(WEB), lines, topics, burst };
    let is_over = Arc::new(AtomicBool::new(false));
    let bystander = {
        let (mut line, mut web) = (server.connect(LINES), server.connect(WEB));
        exchange(&mut web, UPGRADE.as_bytes(), SWITCHING);
        let is_over = Arc::clone(&is_over);
        thread::spawn(move || {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                let text = format!("{count:08}\n");
                exchange(&mut line, text.as_bytes(), text.as_bytes());
                let frame = [&[0x82, 0x89, 0, 0, 0, 0], text.as_bytes()].concat();
                exchange(&mut web, &frame, &[&[0x82, 9], text.as_bytes()].concat());
                count += 1;
            }
            count
        })
    };
    let kinds = [half_message, slow_reader, slow_consumer, half_head, unread_burst, bomb];
    let hostile: Vec<_> = kinds
        .into_iter()
        .map(|kind| {
            let places = places.clone();
            thread::spawn(move || {
                let mut peers: Vec<Peer> = Vec::new();
                for number in 0..HOSTILE * ROUNDS {
                    let peer = kind(&places);
                    if peers.len() < HOSTILE {
                        peers.push(peer);
                    } else {
                        peers[number % HOSTILE] = peer;
                    }
                }
                peers
            })
        })
        .collect();
    let peers: Vec<Vec<Peer>> =
        hostile.into_iter().map(|thread| thread.join().expect("it goes on")).collect();
    is_over.store(true, Ordering::Relaxed);
    let echoes = bystander.join().expect("every echo has come");
    assert!(echoes > 10, "{echoes} echoes");
    let peak = memory(server.pid(), "VmHWM");
    let (counters, _) = counters(&mut server);
    assert!(counters["memory"] <= MAX_MEMORY as u64, "{counters:?}");
    assert!(counters["shed"] > 100, "{counters:?}");
    assert!(!counters.contains_key("refused_connections"), "{counters:?}");
    // The formula. What the allocator holds in pieces has to find room in it, too.
    let slack = Limits::default().memory_slack();
    let connections = 2 + kinds.len() * HOSTILE;
    let bound = base + connections * CONNECTION + MAX_MEMORY + slack;
    println!("{base} bytes at the start, {peak} at the peak, {echoes} echoes; {counters:?}");
    assert!(peak <= bound, "{peak} bytes at the peak, where {bound} are allowed");
    drop(peers);
    assert_eq!(server.stop().code(), Some(0));
}

//! What an idle WebSocket connection costs the server in user-space memory, and what comes back
//! when it is closed.
//!
//! ```text
//! cargo bench --bench idle
//! ```
//!
//! Starts the real program, opens connections in steps, and reads its resident set after each. The
//! slope between two steps is the cost of a connection; the process itself, its buffers and its
//! tables for few connections are in both and cancel out. (The kernel's own memory for a socket,
//! 3 to 4 KiB, is outside any process and not counted.)

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Numbers of connections at which memory is read.
const STEPS: [usize; 4] = [1_000, 5_000, 10_000, 15_000];

const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn main() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("up to the hard limit");
    assert!(hard > 15_200, "needs a hard limit of more than 15,200 descriptors, has {hard}");

    let (mut server, address) = start();
    let mut connections = Vec::new();
    let before = resident_kib(&server);
    println!("{:>12} {:>10} {:>20}", "connections", "RSS KiB", "bytes a connection");
    println!("{:>12} {before:>10}", 0);
    let mut last: Option<(usize, i64)> = None;
    let mut first: Option<(usize, i64)> = None;
    for step in STEPS {
        while connections.len() < step {
            connections.push(upgrade(address));
        }
        let resident = resident_kib(&server);
        let slope = last.map(|last| slope(last, (step, resident)));
        let slope = slope.map_or(String::new(), |slope| format!("{slope:.0}"));
        println!("{step:>12} {resident:>10} {slope:>20}");
        last = Some((step, resident));
        first = first.or(last);
    }
    let (first, last) = (first.expect("there are steps"), last.expect("there are steps"));
    println!("slope from {} to {}: {:.1} bytes a connection", first.0, last.0, slope(first, last));

    connections.clear();
    let deadline = Instant::now() + Duration::from_secs(20);
    while descriptors(&server) > 64 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let after = resident_kib(&server);
    println!("after all have closed: {after} KiB, {:+} KiB against the start", after - before);
    server.kill().expect("it runs");
    server.wait().expect("it is our child");
}

/// Starts a server on a free port.
fn start() -> (Child, SocketAddr) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_readily"))
        .args(["serve", "echo=ws://127.0.0.1:0/ws"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let stderr = BufReader::new(server.stderr.take().expect("piped"));
    let mut lines = stderr.lines().map_while(Result::ok);
    let row = lines.find(|line| line.starts_with("ws://")).expect("a row");
    let authority = row["ws://".len()..].split('/').next().expect("an authority");
    let address = authority.parse().expect("an address");
    std::thread::spawn(move || lines.count());
    (server, address)
}

/// Opens one WebSocket connection.
fn upgrade(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(REQUEST).expect("writes");
    let mut answer = [0; 1024];
    let count = stream.read(&mut answer).expect("reads");
    assert!(answer[..count].starts_with(b"HTTP/1.1 101 "), "no WebSocket");
    stream
}

/// Bytes a connection between two readings.
fn slope(from: (usize, i64), to: (usize, i64)) -> f64 {
    let kib = to.1 as f64 - from.1 as f64;
    kib * 1024.0 / (to.0 - from.0) as f64
}

/// The resident set of the server (proc(5): `VmRSS`), in KiB.
fn resident_kib(server: &Child) -> i64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// How many descriptors the server has open.
fn descriptors(server: &Child) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.id())).expect("procfs").count()
}

//! A readily of our own for each test: the real program on real sockets, port 0 everywhere.
//!
//! Nothing here sleeps to synchronise: clients read to a deadline, and the server is known to
//! listen when it has printed its table. A server that is dropped is stopped by its process id.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod ipv6;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::{Domain, Socket, Type};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A request for the WebSocket at `/ws`, with the key of RFC 6455 section 1.3.
pub(crate) const UPGRADE: &str = "GET /ws HTTP/1.1\r\n\
    Host: x\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// The whole answer to it.
pub(crate) const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

/// The program.
pub(crate) fn readily() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readily"));
    command.env_remove("RUST_LOG").env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// The real URLs of its bindings, in order.
    pub(crate) urls: Vec<String>,
    stderr: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// Serves `bindings`.
    pub(crate) fn start(bindings: &[&str]) -> Server {
        Server::with_options(&[], bindings)
    }

    /// Serves `bindings` with more arguments in front of them.
    pub(crate) fn with_options(options: &[&str], bindings: &[&str]) -> Server {
        let mut command = readily();
        command.arg("serve").args(options).args(bindings);
        Server::spawn(command, bindings.len())
    }

    /// Runs a command that prints a table of `count` bindings on stderr.
    pub(crate) fn spawn(mut command: Command, count: usize) -> Server {
        let mut child =
            command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("spawns");
        let pipe = child.stderr.take().expect("piped");
        let (sender, stderr) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Server { child, urls: Vec::new(), stderr, seen: Vec::new() };
        server.wait_for_line("URL ");
        for _ in 0..count {
            let row = server.next_line().expect("the table has a row for each binding");
            server.urls.push(row.split_whitespace().next().expect("a URL").to_owned());
        }
        server
    }

    /// Waits for a line on stderr that contains `text` and returns it.
    pub(crate) fn wait_for_line(&mut self, text: &str) -> String {
        loop {
            let Some(line) = self.next_line() else {
                panic!("no line with {text:?} in {:#?}", self.seen);
            };
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The next line on stderr; `None` at its end.
    pub(crate) fn next_line(&mut self) -> Option<String> {
        let line = match self.stderr.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                panic!("stderr is silent after {:#?}", self.seen)
            }
        };
        self.seen.push(line.clone());
        Some(line)
    }

    /// Everything on stderr so far, and what comes until it ends. Call when the server stops.
    pub(crate) fn rest_of_stderr(&mut self) -> String {
        while self.next_line().is_some() {}
        self.seen.join("\n")
    }

    /// What the server writes to stdout, as a reader.
    pub(crate) fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("taken once")
    }

    /// The process id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self::signal(&self.child, signal);
    }

    /// Asks the server to stop and waits for it.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Waits for the server to end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end: {:#?}", self.seen);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The socket address of a binding on an internet address.
    pub(crate) fn address(&self, binding: usize) -> SocketAddr {
        let (_, rest) = self.urls[binding].split_once("://").expect("a URL");
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = &rest[..end];
        match authority.strip_prefix(':') {
            Some(port) => SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port"))),
            None => authority.parse().expect("an address"),
        }
    }

    /// A connection to a stream binding.
    pub(crate) fn connect(&self, binding: usize) -> TcpStream {
        patient_tcp(self.address(binding))
    }

    /// A UDP socket connected to a binding.
    pub(crate) fn udp(&self, binding: usize) -> UdpSocket {
        let server = self.address(binding);
        let local = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(local).expect("binds");
        socket.connect(server).expect("connects");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    }

    /// A connection to a UNIX binding with a path.
    pub(crate) fn unix(&self, binding: usize) -> UnixStream {
        let (_, rest) = self.urls[binding].split_once("://").expect("a URL");
        let end = rest.find([':', '?']).unwrap_or(rest.len());
        let stream = UnixStream::connect(&rest[..end]).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The counters, and what was logged in front of them.
pub(crate) fn counters(server: &mut Server) -> (BTreeMap<String, u64>, Vec<String>) {
    server.signal(Signal::SIGUSR1);
    let mut lines = Vec::new();
    loop {
        let line = server.next_line().expect("the server runs");
        if line.contains("open=") {
            let entries = line.split(' ').filter_map(|word| word.split_once('='));
            let number = |value: &str| value.parse().expect("a number");
            let entries = entries.map(|(name, value)| (name.to_owned(), number(value)));
            return (entries.collect(), lines);
        }
        lines.push(line);
    }
}

/// Waits until the server has `open` connections; returns the counters and what was logged.
pub(crate) fn settle(server: &mut Server, open: u64) -> (BTreeMap<String, u64>, Vec<String>) {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    loop {
        let (counters, lines) = counters(server);
        all.extend(lines);
        if counters["open"] == open {
            return (counters, all);
        }
        assert!(Instant::now() < deadline, "not {open} connections but {counters:?}: {all:#?}");
    }
}

/// What a process has of something, in bytes: `VmRSS` now, `VmHWM` at most (proc(5)).
pub(crate) fn memory(pid: impl Display, field: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = value.and_then(|value| value.trim().strip_suffix(" kB")).expect("KiB");
    kib.parse::<usize>().expect("a number") * 1024
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: impl Display) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count()
}

/// A TCP connection whose reads do not wait for ever.
pub(crate) fn patient_tcp(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
    let stream = meet(socket, address);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_nodelay(true).expect("TCP");
    stream
}

/// Connects. Whoever is turned away may learn of it before he learns that he was connected; what he has
/// then is broken, as it would be a moment later.
pub(crate) fn meet(socket: Socket, address: SocketAddr) -> TcpStream {
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{address}: {error}"),
    }
    socket.into()
}

/// Sends `request` and reads exactly as much as `expected` is long; they must be equal.
pub(crate) fn exchange(stream: &mut (impl Read + Write), request: &[u8], expected: &[u8]) {
    stream.write_all(request).expect("writes");
    expect(stream, expected);
}

/// Reads exactly as much as `expected` is long; they must be equal.
pub(crate) fn expect(stream: &mut impl Read, expected: &[u8]) {
    let mut got = vec![0; expected.len()];
    if let Err(error) = stream.read_exact(&mut got) {
        panic!("{error} instead of {}", expected.escape_ascii());
    }
    assert!(got == expected, "{} instead of {}", got.escape_ascii(), expected.escape_ascii());
}

/// Reads until the server ends its side.
pub(crate) fn rest(stream: &mut impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("ends, and not by RST");
    all
}

/// Reads one line, with its `\n`, byte by byte.
pub(crate) fn line(stream: &mut impl Read) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a line");
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("text")
}

/// Whether a client of an echo of lines is served; else its connection is broken.
pub(crate) fn is_served(client: &mut TcpStream) -> bool {
    let mut reply = [0; 3];
    match client.write_all(b"hi\n").and_then(|()| client.read_exact(&mut reply)) {
        Ok(()) => true,
        Err(error) => {
            let broken = [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::BrokenPipe];
            assert!(broken.contains(&error.kind()), "{error}");
            false
        }
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).expect("a process id");
    kill(Pid::from_raw(id), signal).expect("it runs");
}

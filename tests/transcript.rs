//! `--transcript`: what is printed for each exchange, byte for byte, and that printing it never
//! holds up the loop.

#[allow(dead_code, reason = "only the end of a program is waited for")]
#[path = "support/bounded.rs"]
mod bounded;
#[allow(unreachable_pub, reason = "a test program has nobody to export to")]
mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tempfile::tempdir;

use support::{PATIENCE, exchange, expect, line, memory, patient_tcp, readily, rest};

/// A server with a transcript. Its ports are not in the transcript, so they are taken from the
/// log, which is asked for by the environment where a test needs them.
struct Transcribed {
    child: Child,
    ports: Vec<u16>,
    stderr: Receiver<String>,
    stdout: Option<ChildStdout>,
}

impl Transcribed {
    /// Serves `bindings` and learns their ports.
    fn start(bindings: &[&str]) -> Transcribed {
        let mut server = Transcribed::spawn(bindings, Some("info"));
        for _ in bindings {
            let line = server.wait_for_line("serving ");
            let (_, url) = line.split_once("://").expect("a URL");
            let authority = url.split(['/', '?']).next().expect("an authority");
            let port = authority.rsplit(':').next().and_then(|port| port.parse().ok());
            server.ports.push(port.unwrap_or(0));
        }
        server
    }

    fn spawn(bindings: &[&str], log: Option<&str>) -> Transcribed {
        let mut command = readily();
        command.args(["serve", "--transcript"]).args(bindings);
        command.envs(log.map(|log| ("RUST_LOG", log)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("spawns");
        let stdout = child.stdout.take();
        let pipe = child.stderr.take().expect("piped");
        let (sender, stderr) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Transcribed { child, ports: Vec::new(), stderr, stdout }
    }

    /// The next line on stderr that contains `text`.
    fn wait_for_line(&mut self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?}: {error}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    fn tcp(&self, binding: usize) -> TcpStream {
        patient_tcp(([127, 0, 0, 1], self.ports[binding]).into())
    }

    fn udp(&self, binding: usize) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("binds");
        socket.connect(("127.0.0.1", self.ports[binding])).expect("connects");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        socket
    }

    /// Reads as much of stdout as `expected` is long.
    fn prints(&mut self, expected: &str) {
        expect(self.stdout.as_mut().expect("not closed"), expected.as_bytes());
    }

    fn signal(&self, signal: Signal) {
        support::signal(&self.child, signal);
    }

    /// Waits for the end and returns the exit code.
    fn wait(&mut self) -> Option<i32> {
        bounded::wait(&mut self.child)
    }

    /// Stops the server and returns what is left of stdout, and of stderr.
    fn stop(mut self) -> (String, String) {
        self.signal(Signal::SIGTERM);
        let mut stdout = String::new();
        let mut pipe = self.stdout.take().expect("not closed");
        pipe.read_to_string(&mut stdout).expect("text");
        assert_eq!(self.wait(), Some(0));
        (stdout, self.stderr.iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Transcribed {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn patient_unix(path: &str) -> UnixStream {
    // A server without ports and without a log says nothing when it starts.
    let deadline = Instant::now() + PATIENCE;
    let stream = loop {
        match UnixStream::connect(path) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{path}: {error}"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Upgrades; `host` is what the client calls the server.
fn upgrade(stream: &mut (impl Read + Write), host: &str, path: &str) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("writes");
    assert_eq!(line(stream), "HTTP/1.1 101 Switching Protocols\r\n");
    while line(stream) != "\r\n" {}
}

/// A short frame from a client, with a mask of zeros.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    [&[0x80 | opcode, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Closes with an RST.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
    drop(stream);
}

#[test]
fn the_date_server_shows_lines_stop_and_the_end() {
    let mut server = Transcribed::start(&["time=tcp://127.0.0.1:0"]);
    let mut client = server.tcp(0);
    // A carriage return belongs to the line, and so do spaces; an empty line is one.
    client.write_all(b"what time\n  spaced \n\ncr\r\n").expect("writes");
    for _ in 0..4 {
        line(&mut client);
    }
    client.shutdown(Shutdown::Write).expect("open");
    rest(&mut client);
    let mut client = server.tcp(0);
    client.write_all(b"last\nSTOP\n").expect("writes");
    line(&mut client);
    assert_eq!(rest(&mut client), b"");
    drop(client);
    server.prints("-> what time\n->   spaced \n-> \n-> cr\r\nEOF\n-> last\nExiting TCP server!\n");
    assert_eq!(server.stop().0, "");
}

#[test]
fn the_echo_server_shows_lines_stop_and_the_end() {
    let mut server = Transcribed::start(&["echo=tcp4://127.0.0.1:0"]);
    let mut client = server.tcp(0);
    exchange(&mut client, b"hello\n\xff\x1b[m\r\n", b"hello\n\xff\x1b[m\r\n");
    client.shutdown(Shutdown::Write).expect("open");
    assert_eq!(rest(&mut client), b"");
    let mut client = server.tcp(0);
    client.write_all(b"a\n STOP \r\nnever\n").expect("writes");
    assert_eq!(rest(&mut client), b"a\n");
    // Bytes, as they came: what is in them is for the one who asked to see them.
    let expected = b"> hello\n> \xff\x1b[m\r\nEOF\n> a\nExiting TCP server!\n";
    expect(server.stdout.as_mut().expect("open"), expected);
    assert_eq!(server.stop().0, "");
}

#[test]
fn the_random_server_shows_datagrams_and_its_answers() {
    let mut server = Transcribed::start(&["random=udp4://127.0.0.1:0"]);
    let client = server.udp(0);
    for (datagram, shown) in [
        (b"hi".as_slice(), "hi"),
        (b"with newline\r\n", "with newline"),
        (b"\n\n", ""),
        (b"", ""),
        (b" inner\nnewline ", " inner\nnewline "),
        (b"7 7", "7 7"),
        (b"stop", "stop"),
    ] {
        client.send(datagram).expect("sends");
        let mut buffer = [0; 64];
        let count = client.recv(&mut buffer).expect("answered");
        let answer = std::str::from_utf8(&buffer[..count]).expect("text");
        server.prints(&format!("-> {shown}\ndata: {answer}\n"));
    }
    client.send(b"STOP\n").expect("sends");
    server.prints("-> STOP\nExiting UDP server!\n");
    // It exits only where the binding says so.
    client.send(b"7 7").expect("sends");
    server.prints("-> 7 7\ndata: 7\n");
    assert_eq!(server.stop().0, "");
}

#[test]
fn the_random_server_exits_where_stop_means_the_server() {
    let mut server = Transcribed::start(&["random=udp4://127.0.0.1:0?stop=server"]);
    server.udp(0).send(b"STOP").expect("sends");
    server.prints("-> STOP\nExiting UDP server!\n");
    assert_eq!(server.wait(), Some(0));
    assert_eq!(rest(server.stdout.as_mut().expect("open")), b"");
}

#[test]
fn the_concurrent_server_shows_a_dot_for_each_connection_and_trimmed_lines() {
    let mut server = Transcribed::start(&["count=tcp4://127.0.0.1:0"]);
    let mut first = server.tcp(0);
    exchange(&mut first, b" hi \r\n", b"Client number: 1\n");
    server.prints(".hi\n");
    let mut second = server.tcp(0);
    exchange(&mut second, b"\n", b"Client number: 2\n");
    server.prints(".\n");
    // Two that say nothing: their dots stand side by side.
    let (third, fourth) = (server.tcp(0), server.tcp(0));
    server.prints("..");
    exchange(&mut first, b"again\n", b"Client number: 4\n");
    server.prints("again\n");
    // STOP closes the one that says it, and shows nothing.
    second.write_all(b"STOP\n").expect("writes");
    assert_eq!(rest(&mut second), b"");
    drop(second);
    first.shutdown(Shutdown::Write).expect("open");
    assert_eq!(rest(&mut first), b"");
    server.prints("EOF\n");
    reset(third);
    server.prints("connection reset\n");
    drop(fourth);
    server.prints("EOF\n");
    assert_eq!(server.stop().0, "");
}

#[test]
fn the_unix_echo_server_shows_data_verbatim_and_what_it_deletes() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("echo").display().to_string();
    // std does not unlink, so this is stale.
    drop(UnixListener::bind(&path).expect("binds"));
    let binding = format!("echo=unix://{path}?framing=raw");
    let mut server = Transcribed::start(&[&binding]);
    server.prints(&format!("Deleting existing {path}\n"));
    let mut client = patient_unix(&path);
    exchange(&mut client, b"no newline", b"no newline");
    server.prints("Server got: no newline");
    exchange(&mut client, b"two\nlines\n", b"two\nlines\n");
    server.prints("Server got: two\nlines\n");
    exchange(&mut client, b"STOP\n", b"STOP\n");
    server.prints("Server got: STOP\n");
    client.shutdown(Shutdown::Write).expect("open");
    assert_eq!(rest(&mut client), b"");
    server.prints("Read: EOF\n");
    assert_eq!(server.stop().0, "");
}

#[test]
fn the_unix_echo_server_deletes_nothing_where_there_is_nothing() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("echo").display().to_string();
    let binding = format!("echo=unix://{path}?framing=raw");
    let server = Transcribed::spawn(&[&binding], None);
    exchange(&mut patient_unix(&path), b"x", b"x");
    let (stdout, stderr) = server.stop();
    // The end of the client may be seen before the signal or not at all.
    assert_eq!(stdout.strip_suffix("Read: EOF\n").unwrap_or(&stdout), "Server got: x");
    assert_eq!(stderr, "");
}

/// Takes date and time off a line: `2026/11/22 00:36:12 text`.
fn untimed(line: &str) -> &str {
    let (stamp, text) = line.split_at_checked(20).unwrap_or_else(|| panic!("too short: {line:?}"));
    let shape: String = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000/00/00 00:00:00 ", "{line}");
    text
}

#[test]
fn the_websocket_server_logs_with_date_and_time_on_stderr() {
    let mut server = Transcribed::spawn(&["echo=ws://127.0.0.1:0/ws"], None);
    let first = server.wait_for_line("");
    let port = untimed(&first).strip_prefix("Listening to TCP Port :").expect("the first line");
    server.ports.push(port.parse().expect("a port"));
    let mut texts = Vec::new();
    let mut next = |server: &mut Transcribed| {
        let line = server.wait_for_line("");
        texts.push(untimed(&line).to_owned());
    };

    // An HTTP request is no client of the WebSocket.
    let mut http = server.tcp(0);
    http.write_all(b"GET / HTTP/1.1\r\nHost: page\r\nConnection: close\r\n\r\n").expect("writes");
    assert!(rest(&mut http).ends_with(b"WebSocket!"));

    let mut client = server.tcp(0);
    upgrade(&mut client, "localhost:1234", "/ws");
    next(&mut server);
    client.write_all(&frame(1, b"hello")).expect("writes");
    next(&mut server);
    // It ends in a newline and gets no second one.
    client.write_all(&frame(1, b"hello\n")).expect("writes");
    next(&mut server);
    // STOP is data here.
    client.write_all(&frame(1, b"STOP")).expect("writes");
    next(&mut server);
    client.write_all(&frame(8, b"\x03\xe8bye")).expect("writes");
    next(&mut server);
    for (close, host) in [
        (Some(frame(8, b"\x03\xe8")), "a"),
        (Some(frame(8, b"")), "b"),
        (Some(frame(8, b"\x0f\xa0app")), "c"),
        (None, "d"),
    ] {
        let mut client = server.tcp(0);
        upgrade(&mut client, host, "/ws");
        next(&mut server);
        match close {
            Some(close) => client.write_all(&close).expect("writes"),
            None => drop(client),
        }
        next(&mut server);
    }
    let (stdout, rest) = server.stop();
    assert_eq!(
        texts,
        [
            "Connection from: localhost:1234",
            "Received: hello",
            "Received: hello",
            "Received: STOP",
            "From localhost:1234 read websocket: close 1000 (normal): bye",
            "Connection from: a",
            "From a read websocket: close 1000 (normal)",
            "Connection from: b",
            "From b read websocket: close 1005 (no status)",
            "Connection from: c",
            "From c read websocket: close 4000: app",
            "Connection from: d",
            "From d read websocket: close 1006 (abnormal closure): unexpected EOF",
        ]
    );
    // Not a line more, in particular no empty one, no table and no log.
    assert_eq!((stdout.as_str(), rest.as_str()), ("", ""));
}

#[test]
fn any_other_cell_shows_an_arrow_and_the_message() {
    let directory = tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let mut server = Transcribed::start(&[
        "random=tcp://127.0.0.1:0",
        "discard=tcp://127.0.0.1:0",
        "echo=tcp://127.0.0.1:0?framing=raw",
        "time=udp://127.0.0.1:0",
        "echo=udp://127.0.0.1:0",
        "count=ws://127.0.0.1:0/count",
        &format!("echo=unix://{}", path("line")),
        &format!("time=unix://{}", path("time")),
        &format!("count=unix://{}", path("count")),
        &format!("echo=unixgram://{}", path("datagram")),
        &format!("echo=unixpacket://{}", path("packet")),
    ]);

    exchange(&mut server.tcp(0), b"7 7\n", b"7\n");
    server.prints("-> 7 7\n");
    server.tcp(1).write_all(b"gone\n").expect("writes");
    server.prints("-> gone\n");
    exchange(&mut server.tcp(2), b"raw", b"raw");
    server.prints("-> raw\n");
    for binding in [3, 4] {
        let client = server.udp(binding);
        client.send(b"ask").expect("sends");
        client.recv(&mut [0; 64]).expect("answered");
        server.prints("-> ask\n");
    }
    let mut web = server.tcp(5);
    upgrade(&mut web, "h", "/count");
    exchange(&mut web, &frame(1, b"who"), b"\x81\x10Client number: 1");
    server.prints("-> who\n");
    for name in ["line", "time", "count"] {
        let mut client = patient_unix(&path(name));
        client.write_all(b" text\r\nSTOP\n").expect("writes");
        rest(&mut client);
        server.prints("->  text\r\n");
    }
    let client = UnixDatagram::bind(path("client")).expect("binds");
    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    client.send_to(b"gram", path("datagram")).expect("sends");
    client.recv(&mut [0; 64]).expect("answered");
    server.prints("-> gram\n");
    let mut packets = Socket::new(Domain::UNIX, Type::SEQPACKET, None).expect("a socket");
    packets.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    packets.connect(&SockAddr::unix(path("packet")).expect("fits")).expect("connects");
    exchange(&mut packets, b"pack", b"pack");
    server.prints("-> pack\n");
    drop((web, packets));
    assert_eq!(server.stop().0, "");
}

#[test]
fn nothing_stands_between_the_lines_of_a_transcript() {
    let directory = tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let server = Transcribed::spawn(
        &[&format!("echo=unix://{}", path("echo")), &format!("time=unix://{}", path("time"))],
        None,
    );
    let mut client = patient_unix(&path("time"));
    client.write_all(b"one\n").expect("writes");
    line(&mut client);
    exchange(&mut patient_unix(&path("echo")), b"two\n", b"two\n");
    server.signal(Signal::SIGUSR1);
    exchange(&mut patient_unix(&path("echo")), b"three\n", b"three\n");
    drop(client);
    let (stdout, stderr) = server.stop();
    assert_eq!(stdout, "-> one\n-> two\n-> three\n");
    // No table, no line that says what is served, no signal, no counters.
    assert_eq!(stderr, "");
}

#[test]
fn without_a_transcript_no_payload_is_printed() {
    let mut server =
        support::Server::with_options(&["-v"], &["echo=tcp://127.0.0.1:0", "echo=ws://:0/ws"]);
    let mut stdout = server.stdout();
    exchange(&mut server.connect(0), b"sesame\n", b"sesame\n");
    let mut web = server.connect(1);
    upgrade(&mut web, "h", "/ws");
    exchange(&mut web, &frame(1, b"sesame"), b"\x81\x06sesame");
    drop(web);
    assert_eq!(server.stop().code(), Some(0));
    assert!(!server.rest_of_stderr().contains("sesame"));
    assert_eq!(rest(&mut stdout), b"");
}

/// How much of the lines sent has to be dropped: the pipe takes 64 KiB, and 1 MiB is kept.
const STALLED_LINES: usize = 4096;

/// With its newline.
const LINE_BYTES: usize = 1024;

/// One of the lines, numbered.
fn numbered(number: usize) -> Vec<u8> {
    let mut line = format!("{number:06} ").into_bytes();
    line.resize(LINE_BYTES - 1, b'x');
    line.push(b'\n');
    line
}

#[test]
fn a_reader_that_stalls_loses_lines_and_holds_up_nobody() {
    let mut server = Transcribed::start(&["echo=tcp://127.0.0.1:0"]);
    let mut other = server.tcp(0);
    let mut client = server.tcp(0);
    let before = memory(server.child.id(), "VmHWM");
    for number in 0..STALLED_LINES {
        let line = numbered(number);
        exchange(&mut client, &line, &line);
    }
    // Everybody is still served,
    exchange(&mut other, b"still\n", b"still\n");
    // and memory has grown by what is kept and no more: the rest is for the allocator.
    let grown = memory(server.child.id(), "VmHWM") - before;
    assert!(grown < 8 * 1024 * 1024, "grown by {grown} bytes");
    // The loss is told while it happens, not only to a reader who comes back.
    let told = server.wait_for_line("WARN");
    assert!(told.contains("the transcript is not read: "), "{told}");

    // The reader comes back as the server stops: it gets what was kept, in whole lines.
    drop((client, other));
    server.signal(Signal::SIGTERM);
    let all = rest(server.stdout.as_mut().expect("open"));
    assert_eq!(server.wait(), Some(0));
    let mut kept = 0;
    for printed in all.split_inclusive(|byte| *byte == b'\n') {
        if printed == b"> still\n" || printed == b"EOF\n" {
            continue;
        }
        assert_eq!(printed, [b"> ", &numbered(kept)[..]].concat());
        kept += 1;
    }
    // What is kept and what is dropped are all there was: the lines, one from the other client,
    // and the ends of both, if they were seen before the signal.
    let mut warnings = vec![told];
    warnings.extend(server.stderr.iter().filter(|line| line.contains("WARN")));
    let dropped: usize = warnings
        .iter()
        .map(|line| {
            let (_, rest) = line.split_once("not read: ").expect("a number");
            let number = rest.split(' ').next().expect("a number");
            number.parse::<usize>().expect("a number")
        })
        .sum();
    let missing = STALLED_LINES - kept;
    assert!(kept >= 1024 && missing >= 2048, "{kept} kept");
    assert!((missing..=missing + 3).contains(&dropped), "{dropped} dropped, {missing} missing");
}

#[test]
fn a_reader_that_is_slow_gets_everything_that_is_kept_for_it() {
    let mut server = Transcribed::start(&["echo=tcp://127.0.0.1:0"]);
    let mut client = server.tcp(0);
    // More than a pipe takes, less than is kept.
    for number in 0..512 {
        let line = numbered(number);
        exchange(&mut client, &line, &line);
    }
    // Nothing happens on any socket from here on: what is left is passed on by itself.
    for number in 0..512 {
        let expected = [b"> ", &numbered(number)[..]].concat();
        expect(server.stdout.as_mut().expect("open"), &expected);
    }
    drop(client);
    server.prints("EOF\n");
    assert_eq!(server.stop().0, "");
}

#[test]
fn a_stalled_reader_of_both_outputs_cannot_hold_up_the_end() {
    let directory = tempdir().expect("a directory");
    let path = directory.path().join("echo").display().to_string();
    // One pipe for both, as behind `2>&1 |`.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = readily();
    command.args(["serve", "--transcript", &format!("echo=unix://{path}")]);
    command.stdout(writer.try_clone().expect("a descriptor")).stderr(writer);
    let child = command.spawn().expect("spawns");
    drop(command);
    let (_, stderr) = channel();
    let mut server = Transcribed { child, ports: Vec::new(), stderr, stdout: None };
    let mut client = patient_unix(&path);
    // With `-> ` in front each fills a page of the pipe to its last byte, so that a full pipe has
    // no room for the shortest of lines.
    let mut line = vec![b'x'; 4092];
    line.push(b'\n');
    for _ in 0..1024 {
        exchange(&mut client, &line, &line);
    }
    drop(client);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
    drop(reader);
}

#[test]
fn a_terminal_with_little_room_holds_up_nobody() {
    // A terminal is ready as soon as it has room for a byte, and a write of more waits.
    let terminal = nix::pty::openpty(None, None).expect("a terminal");
    let mut screen = File::from(terminal.master);
    let mut command = readily();
    let binding = "echo=unix://./echo";
    let directory = tempdir().expect("a directory");
    command.args(["serve", "--transcript", binding]).current_dir(directory.path());
    command.stdout(terminal.slave).stderr(Stdio::null());
    let child = command.spawn().expect("spawns");
    drop(command);
    let (_, stderr) = channel();
    let mut server = Transcribed { child, ports: Vec::new(), stderr, stdout: None };
    let path = directory.path().join("echo").display().to_string();
    let mut client = patient_unix(&path);
    for number in 0..256 {
        let line = numbered(number);
        exchange(&mut client, &line, &line);
        if number % 16 == 0 {
            // Somebody scrolls a little.
            assert!(screen.read(&mut [0; 100]).expect("shows something") > 0);
        }
    }
    drop(client);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_reader_that_is_gone_ends_the_transcript_and_not_the_server() {
    let mut server = Transcribed::start(&["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    let mut client = server.tcp(0);
    exchange(&mut client, b"seen\n", b"seen\n");
    server.prints("> seen\n");
    drop(server.stdout.take());
    for _ in 0..100 {
        exchange(&mut client, b"unseen\n", b"unseen\n");
    }
    exchange(&mut server.tcp(0), b"new\n", b"new\n");
    let mut web = server.tcp(1);
    upgrade(&mut web, "h", "/ws");
    exchange(&mut web, &frame(1, b"hi"), b"\x81\x02hi");
    // What goes to stderr still does.
    server.wait_for_line("Received: hi");
    drop((client, web));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait(), Some(0));
}

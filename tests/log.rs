//! The log goes to whoever reads stderr, and whoever does not read it holds up nobody.

#[allow(dead_code, reason = "only the end of a program is waited for")]
#[path = "support/bounded.rs"]
mod bounded;
#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::io::{BufRead as _, BufReader, PipeReader, Read as _};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tempfile::{TempDir, tempdir};

use support::{PATIENCE, exchange, readily};

/// A server that logs every event to a pipe that nobody reads.
struct Unread {
    child: Child,
    stderr: PipeReader,
    directory: TempDir,
}

impl Unread {
    fn start() -> Unread {
        let directory = tempdir().expect("a directory");
        let (stderr, writer) = std::io::pipe().expect("a pipe");
        let mut command = readily();
        let path = directory.path().join("echo");
        command.args(["serve", "-vv", &format!("echo=unix://{}", path.display())]);
        let child = command.stderr(writer).spawn().expect("spawns");
        Unread { child, stderr, directory }
    }

    /// Connects as soon as the server listens.
    fn connect(&self) -> UnixStream {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(self.directory.path().join("echo")) {
                Ok(client) => {
                    client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                    return client;
                }
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Reads what is logged from here on, line by line.
    fn read(&self) -> Receiver<String> {
        let mut pipe = BufReader::new(self.stderr.try_clone().expect("a descriptor"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while pipe.read_line(&mut line).is_ok_and(|length| length > 0)
                && sender.send(std::mem::take(&mut line)).is_ok()
            {}
        });
        lines
    }

    fn signal(&self, signal: Signal) {
        support::signal(&self.child, signal);
    }

    fn wait(&mut self) -> Option<i32> {
        bounded::wait(&mut self.child)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Has so much been said that neither the pipe nor the server can hold what is logged of it: each
/// message is an event, and each event a line of a hundred bytes.
fn say_much(client: &mut UnixStream) {
    for _ in 0..20_000 {
        exchange(client, b"hi\n", b"hi\n");
    }
}

#[test]
fn a_reader_of_the_log_that_stalls_holds_up_nobody_and_is_told_what_it_missed() {
    let mut server = Unread::start();
    let mut client = server.connect();
    say_much(&mut client);
    // The reader comes back. By itself the server passes on what it has kept, and says what it has
    // not: nobody says anything to it.
    let log = server.read();
    let next = || log.recv_timeout(PATIENCE).expect("a line in time");
    let mut lines = Vec::new();
    let dropped: u64 = loop {
        let line = next();
        let is_table = ["URL ", "unix://", "limits: ", "descriptors: "]
            .iter()
            .any(|start| line.starts_with(start));
        let is_entry = ["Z TRACE ", "Z DEBUG ", "Z INFO "].iter().any(|level| line.contains(level));
        if let Some((_, number)) = line.split_once(" WARN  the log was not taken: ") {
            break number
                .strip_suffix(" lines dropped\n")
                .and_then(|n| n.parse().ok())
                .expect("a number");
        }
        assert!((is_table || is_entry) && line.ends_with('\n'), "cut: {line:?}");
        lines.push(line);
    };
    assert!(dropped > 1_000 && lines.len() > 5_000, "{dropped} dropped, {} kept", lines.len());
    // From here on all is logged again, in its place.
    drop(client);
    loop {
        let line = next();
        assert!(!line.contains(" WARN "), "{line:?}");
        if line.ends_with(": EOF\n") {
            break;
        }
    }
    server.signal(Signal::SIGTERM);
    while !next().ends_with(" INFO  stopped\n") {}
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_reader_of_the_log_that_never_comes_back_cannot_hold_up_the_end() {
    let mut server = Unread::start();
    let mut client = server.connect();
    say_much(&mut client);
    exchange(&mut server.connect(), b"new\n", b"new\n");
    server.signal(Signal::SIGTERM);
    let mut end = Vec::new();
    client.read_to_end(&mut end).expect("it drains");
    assert_eq!(end, b"");
    drop(client);
    assert_eq!(server.wait(), Some(0));
}

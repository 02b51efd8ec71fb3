//! Clients that are stopped by a signal: their sockets live on and take what fits, and nobody is there.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use support::{PATIENCE, Server, counters, exchange, readily, settle, signal};

const ECHO: usize = 0;

/// `readily connect`, which is stopped and goes on as it is told.
struct Client {
    child: Child,
    stdin: ChildStdin,
    heard: Receiver<String>,
}

impl Client {
    fn start(url: &str) -> Client {
        let mut command = readily();
        command.args(["-q", "connect", url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, heard) = sync_channel(1_000);
        // It ends with the pipe, or when nobody listens any more.
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Client { child, stdin, heard }
    }

    fn say(&mut self, line: &str) {
        self.stdin.write_all(line.as_bytes()).expect("it reads");
    }

    /// The next line; nothing, at the end.
    fn hear(&mut self) -> String {
        match self.heard.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => panic!("nothing is heard"),
            heard => heard.unwrap_or_default(),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process, too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_client_that_is_stopped_holds_up_nobody_and_misses_nothing() {
    /// Far more than the sockets between the two can hold.
    const SAMPLES: u64 = 2_000_000;
    let bindings = ["echo=tcp://127.0.0.1:0", "stream=tcp://127.0.0.1:0"];
    let mut server = Server::start(&bindings);
    let mut bystander = server.connect(ECHO);
    let mut client = Client::start(&server.urls[1]);
    client.say(&format!("START 1000000 {SAMPLES}\n"));
    assert_eq!(client.hear(), "1 1");
    signal(&client.child, Signal::SIGSTOP);

    // Until all sockets are full, and the stream waits.
    let deadline = Instant::now() + PATIENCE;
    let mut before = counters(&mut server).0;
    let sent = loop {
        sleep(Duration::from_millis(100));
        exchange(&mut bystander, b"still here\n", b"still here\n");
        let now = counters(&mut server).0;
        assert!(now["output"] < 512 * 1024 && now["memory"] < 4 * 1024 * 1024, "{now:?}");
        // Besides the reply to the bystander.
        let more = now["bytes_sent"] - before["bytes_sent"] - 11;
        if more == 0 && now["output"] > 0 {
            break now["bytes_sent"];
        }
        assert!(Instant::now() < deadline, "it goes on sending: {now:?}");
        before = now;
    };
    assert!(sent < SAMPLES * 10, "{sent} bytes are nearly all of it");

    signal(&client.child, Signal::SIGCONT);
    for seq in 2..=SAMPLES {
        assert_eq!(client.hear(), format!("{seq} {seq}"));
    }
    // And the bystander has been there all the while.
    exchange(&mut bystander, b"and now\n", b"and now\n");
    assert!(server.stop().success());
}

#[test]
fn a_client_that_is_stopped_answers_no_ping_and_is_closed() {
    let options = ["--ping-interval", "100ms", "--pong-timeout", "300ms"];
    let mut server =
        Server::with_options(&options, &["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    let mut bystander = server.connect(ECHO);
    let mut client = Client::start(&server.urls[1]);
    client.say("hello\n");
    assert_eq!(client.hear(), "hello");
    settle(&mut server, 2);
    signal(&client.child, Signal::SIGSTOP);
    let (counters, _) = settle(&mut server, 1);
    assert_eq!(counters["pong_timeouts"], 1, "{counters:?}");
    exchange(&mut bystander, b"still here\n", b"still here\n");
    signal(&client.child, Signal::SIGCONT);
    assert_eq!(client.hear(), "", "it hears the end");
    assert!(server.stop().success());
}

#[test]
fn a_client_that_is_stopped_and_killed_is_counted_as_lost() {
    let bindings = ["echo=tcp://127.0.0.1:0", "stream=tcp://127.0.0.1:0"];
    let mut server = Server::start(&bindings);
    let mut bystander = server.connect(ECHO);
    let mut client = Client::start(&server.urls[1]);
    client.say("START 1000000\n");
    assert_eq!(client.hear(), "1 1");
    signal(&client.child, Signal::SIGSTOP);
    // Much is on its way to it; of somebody to whom nothing is, the system says that he has ended.
    let deadline = Instant::now() + PATIENCE;
    while counters(&mut server).0["bytes_sent"] < 50_000 {
        assert!(Instant::now() < deadline, "it sends nothing");
    }
    exchange(&mut bystander, b"still here\n", b"still here\n");
    drop(client);
    let (counters, _) = settle(&mut server, 1);
    assert_eq!(counters.get("lost"), Some(&1), "{counters:?}");
    exchange(&mut bystander, b"and now\n", b"and now\n");
    assert!(server.stop().success());
}

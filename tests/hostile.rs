//! Peers that break the rules, and peers that just vanish: the process goes on, nobody else
//! notices, one counter moves by one, and one line of the log says what it was.
//!
//! Beside every attack a [`Bystander`] exchanges messages with the same server all the while.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use socket2::SockRef;

use support::{
    PATIENCE, SWITCHING, Server, UPGRADE, counters, descriptors, exchange, is_served, patient_tcp,
    readily, rest, settle,
};

const LINE: usize = 0;
const WEB: usize = 1;

const BINDINGS: [&str; 2] = ["echo=tcp://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"];

/// How a TLS client begins: a record with a handshake message, the client hello.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03random\r\n\r\n";

/// The counters that say that something was wrong with a peer.
const OFFENCES: [&str; 8] = [
    "protocol_errors",
    "requests_refused",
    "lost",
    "abnormal",
    "handshake_timeouts",
    "pong_timeouts",
    "close_timeouts",
    "slow_consumers",
];

fn upgraded(server: &Server) -> TcpStream {
    let mut stream = server.connect(WEB);
    exchange(&mut stream, UPGRADE.as_bytes(), SWITCHING);
    stream
}

/// A masked frame with a short payload; the key is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("short");
    assert!(length <= 125);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Ends a connection with an RST.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an option");
    drop(stream);
}

/// A client of both bindings that must be served while others misbehave.
struct Bystander {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Bystander {
    /// How many connections it has.
    const CONNECTIONS: u64 = 2;

    fn start(server: &Server) -> Bystander {
        let (mut line, mut web) = (server.connect(LINE), upgraded(server));
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut count = 0;
            loop {
                let text = format!("message {count}");
                let expected = format!("{text}\n");
                exchange(&mut line, expected.as_bytes(), expected.as_bytes());
                let length = u8::try_from(text.len()).expect("short");
                let reply = [&[0x81, length], text.as_bytes()].concat();
                exchange(&mut web, &frame(0x81, text.as_bytes()), &reply);
                count += 1;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            count
        });
        Bystander { is_over, thread }
    }

    /// Stops it; it must have been served all along.
    fn finish(self) {
        self.is_over.store(true, Ordering::Relaxed);
        let count = self.thread.join().expect("a bystander is served");
        assert!(count > 0);
    }
}

/// How the counters of offences have moved, without those that have not.
fn moved<'a>(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<&'a str, u64> {
    let count = |counters: &BTreeMap<String, u64>, name| counters.get(name).copied().unwrap_or(0);
    let moved = OFFENCES.map(|name| (name, count(after, name) - count(before, name)));
    moved.into_iter().filter(|(_, by)| *by > 0).collect()
}

/// What was logged about connections besides that they came.
fn remarks(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line.split_once(" DEBUG ").map(|(_, text)| text))
        .filter(|text| !text.contains(": from "))
        .collect()
}

/// What a peer did wrong, and what is to be found of it.
struct Offence {
    what: &'static str,
    commit: Box<dyn Fn(&Server)>,
    /// The counter that moves by one; none where nothing was wrong.
    counter: Option<&'static str>,
    /// The remarks in the log, without `connection N: `.
    remarks: &'static [&'static str],
}

impl Offence {
    fn new(
        what: &'static str,
        counter: &'static str,
        remark: &'static [&'static str],
        commit: impl Fn(&Server) + 'static,
    ) -> Offence {
        Offence { what, commit: Box::new(commit), counter: Some(counter), remarks: remark }
    }

    /// Bytes on the port of the front door after which the server closes.
    fn request(remark: &'static [&'static str], bytes: &'static [u8]) -> Offence {
        Offence::new("request", "requests_refused", remark, move |server| {
            let mut stream = server.connect(WEB);
            stream.write_all(bytes).expect("writes");
            assert!(rest(&mut stream).starts_with(b"HTTP/1.1 4"));
        })
    }

    /// Bytes on a WebSocket after which the server closes.
    fn frames(code: u16, remark: &'static [&'static str], bytes: &'static [u8]) -> Offence {
        Offence::new("frame", "protocol_errors", remark, move |server| {
            let mut stream = upgraded(server);
            stream.write_all(bytes).expect("writes");
            let [high, low] = code.to_be_bytes();
            assert_eq!(rest(&mut stream), [0x88, 2, high, low]);
        })
    }

    /// A peer that leaves with an RST when `commit` has made its connection.
    fn vanishing(what: &'static str, commit: impl Fn(&Server) -> TcpStream + 'static) -> Offence {
        let remark = &["connection reset"];
        Offence::new(what, "lost", remark, move |server| reset(commit(server)))
    }
}

/// Commits each offence beside a bystander and compares what has come of it.
fn check(options: &[&str], offences: &[Offence]) {
    let mut server = Server::with_options(&[&["-v"], options].concat(), &BINDINGS);
    let bystander = Bystander::start(&server);
    let (mut before, _) = settle(&mut server, Bystander::CONNECTIONS);
    for Offence { what, commit, counter, remarks: expected } in offences {
        commit(&server);
        let (after, lines) = settle_after(&mut server, &before);
        let expected_move: BTreeMap<&str, u64> = counter.iter().map(|name| (*name, 1)).collect();
        assert_eq!(moved(&before, &after), expected_move, "{what}: {lines:#?}");
        let got = remarks(&lines);
        assert_eq!(got.len(), expected.len(), "{what}: {got:#?}");
        for (got, expected) in got.iter().zip(*expected) {
            let text = got.strip_prefix("connection ").and_then(|rest| rest.split_once(": "));
            assert_eq!(text.map(|(_, text)| text), Some(*expected), "{what}: {got}");
        }
        before = after;
    }
    bystander.finish();
    assert!(server.stop().success(), "it ends as if nothing had happened");
}

/// Waits until one more connection has come and gone.
fn settle_after(
    server: &mut Server,
    before: &BTreeMap<String, u64>,
) -> (BTreeMap<String, u64>, Vec<String>) {
    let deadline = Instant::now() + PATIENCE;
    let mut all = Vec::new();
    loop {
        let (after, lines) = counters(server);
        all.extend(lines);
        if after["closed"] == before["closed"] + 1 && after["open"] == before["open"] {
            return (after, all);
        }
        assert!(Instant::now() < deadline, "{before:?}, then {after:?}: {all:#?}");
    }
}

#[test]
fn a_refused_request_is_counted_once_and_logged_once() {
    let kept = |remark, bytes: &'static [u8]| {
        Offence::new("kept", "requests_refused", remark, move |server: &Server| {
            let mut stream = server.connect(WEB);
            stream.write_all(bytes).expect("writes");
            stream.shutdown(Shutdown::Write).expect("half-closes");
            assert!(rest(&mut stream).starts_with(b"HTTP/1.1 4"));
        })
    };
    check(
        &["--allow-host", "x", "--allow-host", "y"],
        &[
            Offence::request(&["answered 400 Bad Request"], b"garbage\r\n\r\n"),
            Offence::request(&["answered 400 Bad Request"], b"GET / HTTP/1.1\r\n\r\n"),
            Offence::request(&["answered 400 Bad Request"], CLIENT_HELLO),
            Offence::request(
                &["answered 431 Request Header Fields Too Large"],
                &[b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 16 * 1024]].concat().leak()[..],
            ),
            Offence::request(
                &["answered 404 Not Found"],
                b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            ),
            Offence::request(
                &["answered 403 Forbidden to the host \"\""],
                b"GET / HTTP/1.0\r\n\r\n",
            ),
            kept(&["answered 404 Not Found", "EOF"], b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n"),
            kept(
                &["answered 405 Method Not Allowed", "EOF"],
                b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
            ),
            kept(&["answered 400 Bad Request", "EOF"], b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n"),
            kept(
                &["answered 403 Forbidden to the host \"evil.example\"", "EOF"],
                b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            ),
            kept(
                &["answered 403 Forbidden to the origin \"http://evil\\x9b\"", "EOF"],
                [
                    UPGRADE.as_bytes().strip_suffix(b"\r\n").expect("a head"),
                    b"Origin: http://evil\x9b\r\n\r\n",
                ]
                .concat()
                .leak(),
            ),
            Offence {
                what: "sound",
                commit: Box::new(|server| {
                    let mut stream = server.connect(WEB);
                    stream.write_all(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n").expect("writes");
                    assert!(rest(&mut stream).starts_with(b"HTTP/1.1 200 OK\r\n"));
                }),
                counter: None,
                remarks: &["answered"],
            },
        ],
    );
}

#[test]
fn every_refused_request_of_a_pipeline_is_counted() {
    let mut server = Server::with_options(&["-v"], &BINDINGS);
    let mut stream = server.connect(WEB);
    let mut requests = b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n".repeat(300);
    requests.extend_from_slice(b"GET / HTTP/1.0\r\n\r\n");
    stream.write_all(&requests).expect("writes");
    let responses = String::from_utf8(rest(&mut stream)).expect("text");
    assert_eq!(responses.matches("HTTP/1.1 404 Not Found\r\n").count(), 300);
    drop(stream);
    let (counters, lines) = settle(&mut server, 0);
    assert_eq!(counters["requests_refused"], 300);
    let lines = remarks(&lines);
    assert_eq!(lines.iter().filter(|line| line.ends_with(": answered 404 Not Found")).count(), 300);
}

#[test]
fn a_malformed_frame_is_counted_once_and_logged_once() {
    let too_long = [vec![b'x'; 1001], b"\n".to_vec()].concat();
    check(
        &["--max-message", "1000", "--max-line", "1000"],
        &[
            Offence::frames(1002, &["refused: unmasked"], b"\x81\x01x"),
            Offence::frames(1002, &["refused: reserved_bits"], b"\xc1\x80\0\0\0\0"),
            Offence::frames(1002, &["refused: reserved_opcode"], b"\x83\x80\0\0\0\0"),
            Offence::frames(1002, &["refused: fragmented_control"], b"\x09\x80\0\0\0\0"),
            Offence::frames(1002, &["refused: long_control"], b"\x89\xfe\0\x7e\0\0\0\0"),
            Offence::frames(1002, &["refused: length_overflow"], b"\x82\xff\x80\0\0\0\0\0\0\0"),
            Offence::frames(1002, &["refused: stray_continuation"], b"\x80\x80\0\0\0\0"),
            Offence::frames(
                1002,
                &["refused: interleaved_message"],
                b"\x01\x80\0\0\0\0\x01\x80\0\0\0\0",
            ),
            Offence::frames(1002, &["refused: short_close"], b"\x88\x81\0\0\0\0\x03"),
            Offence::frames(1002, &["refused: invalid_close_code"], b"\x88\x82\0\0\0\0\x03\xed"),
            Offence::frames(1007, &["refused: invalid_utf8"], b"\x81\x81\0\0\0\0\xff"),
            Offence::frames(1009, &["refused: message_too_big"], b"\x82\xfe\x03\xe9\0\0\0\0"),
            Offence::frames(
                1008,
                &["refused: too_many_fragments"],
                [b"\x02\x80\0\0\0\0".as_slice(), &b"\0\x80\0\0\0\0".repeat(2000)].concat().leak(),
            ),
            Offence::new("line", "protocol_errors", &["refused: line too long"], move |server| {
                let mut stream = server.connect(LINE);
                stream.write_all(&too_long).expect("writes");
                assert_eq!(rest(&mut stream), b"ERR line too long\n");
            }),
            // One that is told, and then vanishes: the offence is the same one.
            Offence::new("and RST", "protocol_errors", &["refused: unmasked"], |server| {
                let mut stream = upgraded(server);
                exchange(&mut stream, b"\x81\x01x", b"\x88\x02\x03\xea");
                reset(stream);
            }),
        ],
    );
}

#[test]
fn a_peer_that_vanishes_with_an_rst_is_counted_as_lost_at_every_stage() {
    /// A connection on which `bytes` were sent.
    fn sent(mut stream: TcpStream, bytes: &[u8]) -> TcpStream {
        stream.write_all(bytes).expect("writes");
        stream
    }
    let web = |what, bytes: &'static [u8]| {
        Offence::vanishing(what, move |server| sent(server.connect(WEB), bytes))
    };
    let socket = |what, bytes: &'static [u8]| {
        Offence::vanishing(what, move |server| sent(upgraded(server), bytes))
    };
    let line = |what, bytes: &'static [u8]| {
        Offence::vanishing(what, move |server| sent(server.connect(LINE), bytes))
    };
    check(
        &[],
        &[
            line("accepted", b""),
            line("half a line", b"half"),
            Offence::vanishing("an answered line", |server| {
                let mut stream = server.connect(LINE);
                exchange(&mut stream, b"line\nhalf", b"line\n");
                stream
            }),
            web("accepted by the front door", b""),
            web("half a request", b"GET / HTTP/1.1\r\nHost:"),
            web("half a body", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nbody"),
            Offence::vanishing("between requests", |server| {
                let mut stream = server.connect(WEB);
                stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("writes");
                let mut seen = Vec::new();
                while !seen.ends_with(b"WebSocket!") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).expect("a response");
                    seen.extend(byte);
                }
                stream
            }),
            socket("upgraded", b""),
            socket("half a header", b"\x81"),
            socket("half a key", b"\x81\x85\0\0"),
            socket("half a payload", b"\x81\x85\0\0\0\0he"),
            socket("between fragments", b"\x01\x85\0\0\0\0hello"),
            socket("half a control frame", b"\x89\x85\0\0\0\0he"),
        ],
    );
}

#[test]
fn a_peer_that_vanishes_while_much_is_on_its_way_to_it_is_counted_as_lost() {
    let mut server = Server::with_options(&["-v"], &BINDINGS);
    let bystander = Bystander::start(&server);
    let (before, _) = settle(&mut server, Bystander::CONNECTIONS);
    // More than both sockets hold, so that the server has output it cannot write.
    let line = [vec![b'x'; 60_000], b"\n".to_vec()].concat();
    let mut stream = server.connect(LINE);
    stream.set_write_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    while stream.write(&line).is_ok() {}
    reset(stream);
    let (after, lines) = settle_after(&mut server, &before);
    assert_eq!(moved(&before, &after), BTreeMap::from([("lost", 1)]));
    assert_eq!(remarks(&lines).len(), 1, "{lines:#?}");
    bystander.finish();
}

#[test]
fn a_peer_that_ends_its_side_is_served_and_closed() {
    let half_close = |mut stream: TcpStream, bytes: &[u8], expected: &[u8]| {
        stream.write_all(bytes).expect("writes");
        stream.shutdown(Shutdown::Write).expect("half-closes");
        assert_eq!(rest(&mut stream), expected);
    };
    let end = |what, remarks, commit: Box<dyn Fn(&Server)>| Offence {
        what,
        commit,
        counter: None,
        remarks,
    };
    let abnormal = "websocket: close 1006 (abnormal closure): unexpected EOF";
    let remark: &'static [&'static str] = Box::leak(Box::new([abnormal]));
    check(
        &[],
        &[
            end(
                "line",
                &["EOF"],
                Box::new(move |server| {
                    half_close(server.connect(LINE), b"a\nb\npartial", b"a\nb\n");
                }),
            ),
            end(
                "silence",
                &["EOF"],
                Box::new(move |server| {
                    half_close(server.connect(WEB), b"", b"");
                }),
            ),
            end(
                "half a request",
                &["EOF"],
                Box::new(move |server| {
                    half_close(server.connect(WEB), b"GET / HT", b"");
                }),
            ),
            Offence::new("upgraded", "abnormal", remark, move |server| {
                half_close(upgraded(server), &frame(0x81, b"x"), b"\x81\x01x");
            }),
            Offence::new("inside a frame", "abnormal", remark, move |server| {
                half_close(upgraded(server), b"\x81\x85\0\0\0\0he", b"");
            }),
            Offence::new("gone at once", "abnormal", remark, |server| drop(upgraded(server))),
            end(
                "a Close",
                &["websocket: close 4000: bye \\u{1b}[31m"],
                Box::new(move |server| {
                    let close = frame(0x88, b"\x0f\xa0bye \x1b[31m");
                    half_close(upgraded(server), &close, b"\x88\x02\x0f\xa0");
                }),
            ),
        ],
    );
}

#[test]
fn a_request_that_is_late_is_counted_once_and_logged_once() {
    let late = |what, bytes: &'static [u8], status: &'static [u8]| {
        Offence::new(what, "handshake_timeouts", &["request timeout"], move |server: &Server| {
            let mut stream = server.connect(WEB);
            stream.write_all(bytes).expect("writes");
            let got = rest(&mut stream);
            assert!(got.starts_with(status), "{}", got.escape_ascii());
            assert_eq!(got.is_empty(), status.is_empty(), "{}", got.escape_ascii());
        })
    };
    check(
        &["--handshake-timeout", "150ms"],
        &[
            late("silence", b"", b""),
            late("half a request", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 408 Request Timeout\r\n"),
            late(
                "half a body",
                b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nbody",
                b"HTTP/1.1 200 OK\r\n",
            ),
        ],
    );
}

#[test]
fn three_hundred_connections_of_random_bytes_leave_nothing_behind() {
    const CONNECTIONS: u64 = 300;
    let mut server = Server::with_options(&["-v", "--handshake-timeout", "100ms"], &BINDINGS);
    settle(&mut server, 0);
    let at_start = descriptors(server.pid());
    let bystander = Bystander::start(&server);
    let (before, _) = settle(&mut server, Bystander::CONNECTIONS);
    let mut rng = StdRng::seed_from_u64(0x7ead_111e);
    for number in 0..CONNECTIONS {
        let mut stream = match number % 3 {
            0 => server.connect(LINE),
            1 => server.connect(WEB),
            _ => upgraded(&server),
        };
        let mut bytes = vec![0; rng.random_range(0..3000)];
        rng.fill_bytes(&mut bytes);
        if rng.random_ratio(1, 3) {
            // A sound beginning gets further.
            let start =
                if number % 3 == 1 { b"GET / HTTP/1.1\r\n".as_slice() } else { b"\x81\xfe" };
            bytes.splice(..0, start.iter().copied());
        }
        // The server may have closed already.
        let _ = stream.write_all(&bytes);
        match rng.random_range(0..4) {
            0 => reset(stream),
            1 => drop(stream),
            2 => {
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            }
            _ => {
                // A while, but not until the server gives up.
                stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
                let _ = stream.read(&mut [0; 100]);
            }
        }
    }
    let (after, lines) = settle(&mut server, Bystander::CONNECTIONS);
    assert_eq!(after["closed"], CONNECTIONS);

    // The log tells of each connection once, and of each offence that was counted.
    let lines = remarks(&lines);
    assert_eq!(lines.len() as u64, CONNECTIONS, "{lines:#?}");
    let told = |what: &[&str]| {
        let is_told = |line: &&&str| what.iter().any(|what| line.contains(what));
        lines.iter().filter(is_told).count() as u64
    };
    let moved = moved(&before, &after);
    let counted = |name| moved.get(name).copied().unwrap_or(0);
    assert_eq!(counted("protocol_errors"), told(&[": refused: "]), "{moved:?} {lines:#?}");
    assert_eq!(counted("requests_refused"), told(&[": answered "]), "{moved:?} {lines:#?}");
    assert_eq!(counted("abnormal"), told(&["close 1006"]), "{moved:?} {lines:#?}");
    assert_eq!(counted("lost"), told(&[": connection reset", ": broken pipe"]), "{moved:?}");
    assert_eq!(counted("handshake_timeouts"), told(&[": request timeout"]), "{moved:?}");
    for (name, count) in [("protocol_errors", 50), ("requests_refused", 50), ("lost", 20)] {
        assert!(counted(name) > count, "these bytes are too tame: {moved:?}");
    }

    bystander.finish();
    settle(&mut server, 0);
    assert_eq!(descriptors(server.pid()), at_start);
    assert!(server.stop().success());
}

#[test]
fn a_unix_peer_that_vanishes_is_counted_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let url = format!("echo=unix://{}", dir.path().join("echo").display());
    let mut server = Server::with_options(&["-v"], &[&url]);
    let mut other = server.unix(0);
    exchange(&mut other, b"first\n", b"first\n");
    let (before, _) = settle(&mut server, 1);
    // Closing with input unread is what an RST is between UNIX sockets.
    let mut stream: UnixStream = server.unix(0);
    stream.write_all(b"never read\n").expect("writes");
    stream.read_exact(&mut [0]).expect("the reply has come");
    drop(stream);
    let (after, lines) = settle_after(&mut server, &before);
    assert_eq!(moved(&before, &after), BTreeMap::from([("lost", 1)]), "{lines:#?}");
    assert_eq!(remarks(&lines).len(), 1, "{lines:#?}");
    exchange(&mut other, b"still\n", b"still\n");
}

/// Processor time that the server has used, in clock ticks of 10 ms (proc_pid_stat(5)).
fn cpu_ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("it runs");
    // The name of the program is in parentheses and may contain anything.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let fields: Vec<&str> = fields.split(' ').collect();
    // Fields 14 and 15, and the first one here is the third.
    [fields[11], fields[12]].iter().map(|field| field.parse::<u64>().expect("a number")).sum()
}

#[test]
fn without_descriptors_others_are_turned_away_at_once_and_nobody_else_notices() {
    const LIMIT: usize = 64;
    let mut command = Command::new("bash");
    let binary = readily().get_program().to_owned();
    command
        .args(["-c", &format!("ulimit -n {LIMIT}; exec \"$0\" serve \"$@\"")])
        .arg(binary)
        // More than there are descriptors for, so that running out of them is what happens.
        .args(["--max-connections", "1000"])
        .args(BINDINGS)
        .env_remove("RUST_LOG");
    let mut server = Server::spawn(command, 2);
    settle(&mut server, 0);
    let at_start = descriptors(server.pid());
    let start = Instant::now();
    let bystander = Bystander::start(&server);

    // The first ones are served, until no descriptor is left but the one in reserve.
    let mut crowd: Vec<TcpStream> = (0..300).map(|_| server.connect(LINE)).collect();
    let found: Vec<bool> = crowd.iter_mut().map(is_served).collect();
    let served = found.iter().filter(|is_served| **is_served).count();
    assert!((30..LIMIT).contains(&served), "{served} were served");
    // Whoever is turned away may know before the descriptor is in reserve again; at the end of a turn
    // it is. More only where the test itself was started with a descriptor above the limit.
    let (_, mut lines) = settle(&mut server, served as u64 + Bystander::CONNECTIONS);
    assert!(descriptors(server.pid()) >= LIMIT);
    // At the other door it is the same.
    let ended = server.connect(WEB).read(&mut [0]).map_err(|error| error.kind());
    let broken = [std::io::ErrorKind::ConnectionReset, std::io::ErrorKind::NotConnected];
    assert!(ended.is_err_and(|kind| broken.contains(&kind)));

    // Whoever is connected has been served all the while. Others take its places.
    bystander.finish();
    let (_, more) = settle(&mut server, served as u64);
    lines.extend(more);
    for _ in 0..Bystander::CONNECTIONS {
        let mut client = server.connect(LINE);
        assert!(is_served(&mut client));
        crowd.push(client);
    }

    // Turning people away costs little: of a loop that spins this would all be processor time.
    let (before, begun) = (cpu_ticks(&server), Instant::now());
    for _ in 0..900 {
        assert!(!is_served(&mut server.connect(LINE)));
    }
    let used = Duration::from_millis(10 * (cpu_ticks(&server) - before));
    assert!(used < begun.elapsed() / 5, "{used:?} of {:?}", begun.elapsed());

    // When others leave newcomers are served.
    drop(crowd);
    let (counters, more) = settle(&mut server, 0);
    lines.extend(more);
    let mut newcomer = server.connect(LINE);
    assert!(is_served(&mut newcomer));
    assert_eq!(counters["refused_no_descriptor"], 300 - served as u64 + 1 + 900);
    assert_eq!(counters["opened"], served as u64 + 2 * Bystander::CONNECTIONS);
    assert!(!counters.contains_key("accept_failures"), "{counters:?}");
    let warnings = lines.iter().filter(|line| line.contains("WARN")).collect::<Vec<_>>();
    assert!(warnings[0].contains(" refused 127.0.0.1:"), "{warnings:#?}");
    assert!(warnings.len() as u64 <= 1 + start.elapsed().as_secs() / 5, "{warnings:#?}");
    drop(newcomer);
    settle(&mut server, 0);
    assert_eq!(descriptors(server.pid()), at_start);
    assert!(server.stop().success());
}

#[test]
fn by_default_connections_end_where_descriptors_do() {
    let mut command = Command::new("bash");
    let binary = readily().get_program().to_owned();
    command
        .args(["-c", "ulimit -n 64; exec \"$0\" serve \"$@\""])
        .arg(binary)
        .arg(BINDINGS[0])
        .env_remove("RUST_LOG");
    let mut server = Server::spawn(command, 1);
    let mut served = server.connect(LINE);
    exchange(&mut served, b"first\n", b"first\n");
    let crowd: Vec<TcpStream> = (0..200).map(|_| server.connect(LINE)).collect();
    let deadline = Instant::now() + PATIENCE;
    let counters = loop {
        let (counters, _) = counters(&mut server);
        let refused = counters.get("refused_connections").copied().unwrap_or(0);
        if counters["opened"] + refused == 201 {
            break counters;
        }
        assert!(Instant::now() < deadline, "{counters:?}");
    };
    assert!(counters["open"] >= 32, "{counters:?}");
    assert!(counters["refused_connections"] >= 137, "{counters:?}");
    for name in ["refused_no_descriptor", "accept_failures"] {
        assert!(!counters.contains_key(name), "it never ran out: {counters:?}");
    }
    exchange(&mut served, b"still\n", b"still\n");
    drop(crowd);
    settle(&mut server, 1);
    exchange(&mut server.connect(LINE), b"new\n", b"new\n");
}

#[test]
fn above_max_connections_others_are_refused_until_somebody_leaves() {
    let mut server = Server::with_options(&["--max-connections", "3"], &BINDINGS);
    let address = server.address(LINE);
    // The cap holds for all bindings together.
    let mut web = upgraded(&server);
    let mut clients = vec![server.connect(LINE), server.connect(LINE)];
    for client in &mut clients {
        exchange(client, b"in\n", b"in\n");
    }
    for _ in 0..10 {
        assert!(!is_served(&mut patient_tcp(address)));
        assert!(!is_served(&mut patient_tcp(server.address(WEB))));
    }
    exchange(&mut web, &frame(0x81, b"x"), b"\x81\x01x");
    let (now, lines) = counters(&mut server);
    assert_eq!(now["refused_connections"], 20);
    assert_eq!((now["opened"], now["open"]), (3, 3));
    assert_eq!(lines.iter().filter(|line| line.contains("refused")).count(), 1, "{lines:#?}");
    drop(clients.pop());
    settle(&mut server, 2);
    assert!(is_served(&mut patient_tcp(address)));
    drop((clients, web));
    settle(&mut server, 0);
    for _ in 0..3 {
        clients_in_turn(address);
    }
}

/// Three at a time, as often as one likes.
fn clients_in_turn(address: SocketAddr) {
    let mut clients: Vec<TcpStream> = (0..3).map(|_| patient_tcp(address)).collect();
    for client in &mut clients {
        exchange(client, b"in\n", b"in\n");
    }
    for mut client in clients {
        // When our end has come back, the server has forgotten the connection or is about to.
        client.shutdown(Shutdown::Write).expect("half-closes");
        assert_eq!(rest(&mut client), b"");
    }
}

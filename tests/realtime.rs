//! Rooms, topics and streams over real sockets, with clients of all kinds at once.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

#[path = "support/client.rs"]
mod client;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use nix::sys::signal::Signal;
use socket2::Socket;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::{Message, WebSocket};

use client::Client;
use support::{Server, line, patient_tcp, readily, rest};

/// A WebSocket whose client chooses `chat.v1`.
fn json_client(server: &Server, binding: usize) -> WebSocket<TcpStream> {
    let mut request = server.urls[binding].as_str().into_client_request().expect("a URL");
    let name = "chat.v1".parse().expect("a token");
    request.headers_mut().insert("Sec-WebSocket-Protocol", name);
    let stream = patient_tcp(server.address(binding));
    let (web, response) = tungstenite::client(request, stream).expect("upgrades");
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "chat.v1");
    web
}

#[test]
fn nc_a_unix_socket_and_two_browsers_meet_in_one_room() {
    let dir = tempfile::tempdir().expect("a directory");
    let unix = format!("chat=unix://{}/chat.sock", dir.path().display());
    let server = Server::start(&["chat=tcp://127.0.0.1:0", &unix, "chat=ws://127.0.0.1:0/chat"]);
    let mut nc = server.connect(0);
    nc.write_all(b"/who\n").expect("writes");
    assert_eq!(line(&mut nc), "* lobby: guest-1\n");
    let mut socket = server.unix(1);
    assert_eq!(line(&mut nc), "* guest-2 joined\n");
    let mut browser = Client::connect(&server.urls[2]);
    assert_eq!(line(&mut nc), "* guest-3 joined\n");
    assert_eq!(line(&mut socket), "* guest-3 joined\n");
    let mut json = json_client(&server, 2);
    let mut hears = || json.read().expect("a message").into_text().expect("text");
    assert_eq!(hears().as_str(), r#"{"type":"welcome","room":"lobby","name":"guest-4"}"#);
    browser.expect(b"* guest-4 joined");

    nc.write_all(b"hello\r\n").expect("writes");
    assert_eq!(line(&mut socket), "* guest-4 joined\n");
    assert_eq!(line(&mut socket), "guest-1: hello\n");
    browser.expect(b"guest-1: hello");
    assert_eq!(
        hears().as_str(),
        r#"{"type":"message","room":"lobby","from":"guest-1","text":"hello","seq":5}"#
    );
    json.send(Message::text(r#"{"type":"message","text":"na\u00efve"}"#)).expect("sends");
    assert_eq!(line(&mut nc), "* guest-4 joined\n");
    assert_eq!(line(&mut nc), "guest-4: na\u{ef}ve\n");
    socket.write_all(b"/name ada\n/quit\n").expect("writes");
    assert_eq!(line(&mut nc), "* guest-2 is now ada\n");
    assert_eq!(line(&mut nc), "* ada left\n");
    browser.send(b"/quit");
    assert_eq!(line(&mut nc), "* guest-3 left\n");
}

/// A client of lines that reads many bytes at a time.
struct Lines {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Lines {
    fn connect(server: &Server, binding: usize) -> Lines {
        let stream = server.connect(binding);
        let reader = BufReader::with_capacity(1 << 18, stream.try_clone().expect("clones"));
        Lines { stream, reader }
    }

    fn send(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\n").as_bytes()).expect("writes");
    }

    /// The next line, without its end; `None` at the end of all.
    fn receive(&mut self) -> Option<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("reads");
        line.strip_suffix('\n').map(str::to_owned)
    }

    fn expect(&mut self, expected: &str) {
        let line = self.receive().expect("a line");
        assert!(line == expected, "{:.80} instead of {expected:.80}", line);
    }
}

/// A client of lines that does not read for now, with this much room.
fn stalled(server: &Server, room: Option<usize>, command: &str) -> BufReader<Socket> {
    let mut client = Client::with_receive_buffer(&server.urls[0], room);
    client.send(command.as_bytes());
    match client {
        Client::Lines(socket) => BufReader::with_capacity(1 << 18, socket),
        _ => panic!("no lines"),
    }
}

/// How many messages the server says that it has not pushed; it has closed nobody for them.
fn dropped(server: &mut Server) -> usize {
    server.signal(Signal::SIGUSR1);
    let counters = server.wait_for_line("open=");
    assert!(!counters.contains("slow_consumers"), "{counters}");
    let dropped = counters.split(' ').find_map(|word| word.strip_prefix("dropped_messages="));
    dropped.map_or(0, |number| number.parse().expect("a number"))
}

/// Longer than what the buffers of a socket hold, many times.
const MESSAGES: usize = 200;

#[test]
fn a_slow_subscriber_goes_and_fast_ones_of_every_kind_get_everything() {
    let server = Server::start(&["notify=tcp://127.0.0.1:0", "notify=ws://127.0.0.1:0/notify"]);
    let mut slow = stalled(&server, Some(4_096), "SUB t\nPUB t it is there");
    let mut first = String::new();
    slow.read_line(&mut first).expect("a line");
    assert_eq!(first, "t it is there\n");
    let mut lines = [(); 2].map(|()| Lines::connect(&server, 0));
    let mut web = [(); 2].map(|()| Client::connect(&server.urls[1]));
    for client in &mut lines {
        client.send("SUB t\nSUB");
        client.expect("ERR a topic is missing");
    }
    for client in &mut web {
        client.send(b"SUB t");
        client.send(b"SUB");
        client.expect(b"ERR a topic is missing");
    }
    let mut publisher = server.connect(0);
    let text = "x".repeat(60_000);
    for number in 0..MESSAGES {
        let message = format!("t {number} {text}");
        publisher.write_all(format!("PUB {message}\n").as_bytes()).expect("writes");
        lines.iter_mut().for_each(|client| client.expect(&message));
        web.iter_mut().for_each(|client| client.expect(message.as_bytes()));
    }
    // The slow one was closed: behind what it had been sent, there is an end.
    let mut received = Vec::new();
    let _ = slow.read_to_end(&mut received);
    assert!(received.len() < MESSAGES * text.len() / 2, "{} bytes", received.len());
}

#[test]
fn a_slow_subscriber_who_is_left_out_stays_and_misses_whole_messages() {
    let mut server = Server::start(&["notify=tcp://127.0.0.1:0?slow=drop"]);
    let mut slow = stalled(&server, Some(4_096), "SUB t\nPUB t it is there");
    let mut first = String::new();
    slow.read_line(&mut first).expect("a line");
    assert_eq!(first, "t it is there\n");
    let mut fast = Lines::connect(&server, 0);
    fast.send("SUB t");
    let text = "x".repeat(60_000);
    for number in 1..=MESSAGES {
        fast.send(&format!("PUB t {number} {text}"));
        fast.expect(&format!("t {number} {text}"));
    }
    // It reads again, and hears again what is said.
    let mut heard = Vec::new();
    let mut numbers = MESSAGES + 1..;
    while heard.last() <= Some(&MESSAGES) {
        fast.send(&format!("PUB t {} {text}", numbers.next().expect("a number")));
        let mut line = String::new();
        slow.read_line(&mut line).expect("a line");
        let mut words = line.split_ascii_whitespace().skip(1);
        heard.push(words.next().expect("a number").parse::<usize>().expect("a number"));
        assert_eq!(words.next(), Some(&*text), "whole");
    }
    assert!(heard.is_sorted_by(|earlier, later| earlier < later), "{heard:?}");
    let dropped = dropped(&mut server);
    let (last, count) = (heard[heard.len() - 1], heard.len());
    assert!(
        (last - count..last).contains(&dropped),
        "{dropped} were dropped, {count} of {last} came"
    );
}

#[test]
fn a_slow_subscriber_with_a_history_stays_and_is_told_what_it_has_missed() {
    let server = Server::start(&["notify=tcp://127.0.0.1:0?history=50"]);
    let mut slow = stalled(&server, Some(4_096), "SUB t\nPUB t it is there");
    let mut fast = Lines::connect(&server, 0);
    fast.send("SUB t SINCE 0");
    fast.expect("t 1 it is there");
    let text = "x".repeat(60_000);
    let last = MESSAGES + 1;
    for number in 2..=last {
        fast.send(&format!("PUB t {text}"));
        fast.expect(&format!("t {number} {text}"));
    }
    let (mut next, mut gaps) = (1, 0);
    while next <= last {
        let mut line = String::new();
        slow.read_line(&mut line).expect("a line");
        let words: Vec<&str> = line.trim_end().splitn(4, ' ').collect();
        match words[..] {
            ["GAP", "t", from, to] => {
                assert_eq!(from, next.to_string(), "in front of what follows");
                next = to.parse::<usize>().expect("a number") + 1;
                gaps += 1;
            }
            ["t", number, what, ..] => {
                assert_eq!(number, next.to_string());
                assert!(what == text || next == 1);
                next += 1;
            }
            _ => panic!("{line:.80}"),
        }
    }
    assert!(gaps >= 1, "nothing was dropped");
}

#[test]
fn who_comes_back_in_time_misses_nothing_and_who_comes_too_late_is_told() {
    let server = Server::start(&[
        "notify=tcp://127.0.0.1:0?history=3",
        "notify=ws://127.0.0.1:0/n?history=3",
    ]);
    let mut publisher = Client::connect(&server.urls[0]);
    publisher.send(b"SUB news/*");
    for url in &server.urls {
        let topic = format!("news/{}", &url[..2]);
        let mut publish = |number: usize| {
            publisher.send(format!("PUB {topic} m{number}").as_bytes());
            publisher.expect(format!("{topic} {number} m{number}").as_bytes());
        };
        publish(1);
        let mut client = Client::connect(url);
        client.send(format!("SUB {topic} SINCE 0").as_bytes());
        client.expect(format!("{topic} 1 m1").as_bytes());
        drop(client);
        (2..=4).for_each(&mut publish);
        let mut client = Client::connect(url);
        client.send(format!("SUB {topic} SINCE 1").as_bytes());
        for number in 2..=4 {
            client.expect(format!("{topic} {number} m{number}").as_bytes());
        }
        publish(5);
        client.expect(format!("{topic} 5 m5").as_bytes());
        drop(client);
        (6..=9).for_each(&mut publish);
        let mut client = Client::connect(url);
        client.send(format!("SUB {topic} SINCE 5").as_bytes());
        client.expect(format!("GAP {topic} 6 6").as_bytes());
        for number in 7..=9 {
            client.expect(format!("{topic} {number} m{number}").as_bytes());
        }
    }
}

#[test]
fn a_binding_of_one_topic_joins_publishers_and_subscribers() {
    let server = Server::start(&[
        "notify=tcp://127.0.0.1:0?topic=temperature&role=publish",
        "notify=ws://127.0.0.1:0/temperature?topic=temperature&role=subscribe",
        "notify=tcp://127.0.0.1:0",
    ]);
    let mut reader = Client::connect(&server.urls[1]);
    let mut other = Client::connect(&server.urls[2]);
    other.send(b"SUB *");
    other.send(b"?");
    other.receive();
    // It is there for its topic when the handshake is over.
    let mut sensor = Client::connect(&server.urls[0]);
    sensor.send(b"21.5");
    reader.expect(b"21.5");
    other.expect(b"temperature 21.5");
    reader.send(b"means nothing");
    sensor.send(b"SUB temperature");
    reader.expect(b"SUB temperature");
}

/// Asks with POST, and returns the status and the body.
fn post(server: &Server, binding: usize, path: &str, fields: &str, body: &str) -> (String, String) {
    let mut stream = server.connect(binding);
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .expect("writes");
    let response = String::from_utf8(rest(&mut stream)).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    (status.to_owned(), body.to_owned())
}

#[test]
fn who_knows_the_token_publishes_with_a_post() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("token");
    std::fs::write(&file, "s3cret\n").expect("writes");
    let mut command = readily();
    command.arg("serve").arg("--publish-token-file").arg(&file);
    command.args(["notify=tcp://127.0.0.1:0", "notify=ws://127.0.0.1:0/any/path?history=5"]);
    let server = Server::spawn(command, 2);
    let (mut nc, mut web) = (Lines::connect(&server, 0), Client::connect(&server.urls[1]));
    nc.send("SUB news/*\nSUB");
    nc.expect("ERR a topic is missing");
    web.send(b"SUB news/t\xc3\xa9ch");
    web.send(b"SUB");
    web.expect(b"ERR a topic is missing");
    const RIGHT: &str = "Authorization: Bearer s3cret\r\n";
    let ask = |path: &str, fields: &str, body: &str| post(&server, 1, path, fields, body);
    let answer = |status: &str, body: &str| (status.to_owned(), body.to_owned());
    assert_eq!(ask("/notify/news/t%C3%A9ch", RIGHT, "hi\r\n"), answer("200", "2\n"));
    nc.expect("news/t\u{e9}ch hi");
    web.expect("news/t\u{e9}ch 1 hi".as_bytes());
    assert_eq!(ask("/notify/nobody", RIGHT, "hi"), answer("200", "0\n"));
    for fields in ["", "Authorization: Bearer s3cre\r\n", "Authorization: Basic s3cret\r\n"] {
        assert_eq!(ask("/notify/news/x", fields, "no"), answer("403", "Forbidden\n"));
    }
    let foreign = format!("{RIGHT}Origin: http://evil.example\r\n");
    assert_eq!(ask("/notify/news/x", &foreign, "no").0, "403");
    for (path, body, said) in [
        ("/notify/", "x", "a topic is missing\n"),
        ("/notify/news/*", "x", "a pattern is no topic\n"),
        ("/notify/a%20b", "x", "a topic is words with slashes between them\n"),
        ("/notify/GAP", "x", "ERR and GAP are no topics\n"),
        ("/notify/news/x", "a\nb", "what is published is one line\n"),
    ] {
        assert_eq!(ask(path, RIGHT, body), answer("400", said), "{path}");
    }
    nc.send("PUB news/x last");
    nc.expect("news/x last");
}

#[test]
fn nobody_publishes_with_a_post_where_there_is_no_token() {
    let server = Server::start(&["notify=ws://127.0.0.1:0/notify", "echo=ws://127.0.0.1:0/ws"]);
    for fields in ["", "Authorization: Bearer \r\n", "Authorization: Bearer x\r\n"] {
        assert_eq!(post(&server, 0, "/notify/news", fields, "x").0, "403");
    }
    let mut stream = server.connect(0);
    stream.write_all(b"GET /notify/news HTTP/1.0\r\nHost: a\r\n\r\n").expect("writes");
    let response = String::from_utf8(rest(&mut stream)).expect("text");
    assert!(response.starts_with("HTTP/1.1 405 ") && response.contains("\r\nAllow: POST\r\n"));
}

#[test]
fn a_fast_stream_is_whole_and_stop_ends_it() {
    let server = Server::start(&["stream=tcp://127.0.0.1:0", "stream=ws://127.0.0.1:0/stream"]);
    let (mut fast, mut slow) = (Lines::connect(&server, 0), Lines::connect(&server, 0));
    fast.send("START 100000 20000");
    slow.send("START 50 3");
    (1..=20_000).for_each(|seq| fast.expect(&format!("{seq} {seq}")));
    (1..=3).for_each(|seq| slow.expect(&format!("{seq} {seq}")));
    fast.send("START 1000");
    fast.expect("1 1");
    fast.send("STOP");
    // What was on its way comes first, and then the end.
    while let Some(line) = fast.receive() {
        assert!(line.as_bytes()[0].is_ascii_digit(), "{line}");
    }

    let mut web = Client::connect(&server.urls[1]);
    web.send(b"START 100000 5000");
    (1..=5_000).for_each(|seq| web.expect(format!("{seq} {seq}").as_bytes()));
    web.send(b"START 1000");
    web.expect(b"1 1");
    web.send(b"STOP");
    web.send(b"?");
    let mut messages = std::iter::repeat_with(|| web.receive());
    let refusal = messages.find(|message| !message[0].is_ascii_digit());
    assert!(refusal.expect("it is there still").starts_with(b"ERR "));
}

#[test]
fn a_stream_whose_reader_stalls_goes_on_where_it_was() {
    // More than the buffers of its socket hold.
    const SAMPLES: u64 = 800_000;
    let server = Server::start(&["stream=tcp://127.0.0.1:0"]);
    let stalled = stalled(&server, None, &format!("START 1000000 {SAMPLES}"));
    let mut fast = Lines::connect(&server, 0);
    fast.send("START 1000 300");
    (1..=300).for_each(|seq| fast.expect(&format!("{seq} {seq}")));
    let mut count = 0;
    for (seq, line) in (1..=SAMPLES).zip(stalled.lines()) {
        assert_eq!(line.expect("a line"), format!("{seq} {seq}"));
        count += 1;
    }
    assert_eq!(count, SAMPLES);
}

#[test]
fn a_stream_that_leaves_out_what_there_is_no_room_for_does_not_wait() {
    let mut server = Server::start(&["stream=tcp://127.0.0.1:0?slow=drop"]);
    let stalled = stalled(&server, Some(4_096), "START 1000000");
    let mut fast = Lines::connect(&server, 0);
    let mut rounds = 0..100;
    while dropped(&mut server) < 1_000 {
        rounds.next().expect("it waits for its reader");
        fast.send("START 100 10");
        (1..=10).for_each(|seq| fast.expect(&format!("{seq} {seq}")));
    }
    let mut last = 0;
    for line in stalled.lines() {
        let line = line.expect("a line");
        let seq: u64 = line.split(' ').next().expect("a number").parse().expect("a number");
        assert_eq!(line, format!("{seq} {seq}"), "whole");
        assert!(seq > last, "{seq} behind {last}");
        if seq > last + 1 {
            return;
        }
        last = seq;
    }
    panic!("an end and not a gap");
}

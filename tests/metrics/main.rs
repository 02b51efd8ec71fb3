//! What those see who look after a server: counters for Prometheus, and whether it is well.

mod scrape;
#[allow(unreachable_pub, reason = "a test program has nobody to export to")]
#[path = "../support/mod.rs"]
mod support;

mod drain;
mod traffic;

use std::io::{Read, Write};
use std::net::TcpStream;

use support::{Server, patient_tcp};

use scrape::Scrape;

/// A response: its status line and fields, and its body.
#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> &str {
        &self.head["HTTP/1.1 ".len()..][..3]
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(other, _)| *other == name).map(|(_, value)| value)
    }
}

/// Sends a request for `target` and reads the whole answer, of which HEAD has no body.
fn ask(stream: &mut (impl Read + Write), method: &str, target: &str, host: &str) -> Answer {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("writes");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let mut answer = Answer { head: String::from_utf8(head).expect("ASCII"), body: String::new() };
    if method != "HEAD" {
        let length = answer.field("Content-Length").expect("a length").parse().expect("a number");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        answer.body = String::from_utf8(body).expect("text");
    }
    answer
}

fn get(stream: &mut (impl Read + Write), target: &str) -> Answer {
    ask(stream, "GET", target, "x")
}

/// Scrapes a server.
fn scrape(stream: &mut TcpStream) -> Scrape {
    let answer = get(stream, "/metrics");
    assert_eq!(answer.status(), "200", "{}", answer.head);
    Scrape::read(&answer.body)
}

#[test]
fn whoever_looks_after_a_server_is_told_how_it_is() {
    let server = Server::start(&["metrics=http://127.0.0.1:0", "echo=ws://127.0.0.1:0/ws"]);
    let mut stream = server.connect(0);
    for (target, status, body) in [
        ("/healthz", "200", "ok\n"),
        ("/readyz", "200", "ready\n"),
        ("/readyz?verbose", "200", "ready\n"),
        ("/", "200", "/metrics\n/healthz\n/readyz\n"),
        ("/metrics/", "404", "Not Found\n"),
        // There is no page here, which would have nothing to talk to.
        ("/services.json", "404", "Not Found\n"),
        ("/ws", "404", "Not Found\n"),
    ] {
        let answer = get(&mut stream, target);
        assert_eq!((answer.status(), answer.body.as_str()), (status, body), "{target}");
    }
    let answer = ask(&mut stream, "POST", "/metrics", "x");
    assert_eq!((answer.status(), answer.field("Allow")), ("405", Some("GET, HEAD")));
    let answer = ask(&mut stream, "HEAD", "/healthz", "x");
    assert_eq!((answer.status(), answer.field("Content-Length")), ("200", Some("3")));
    let answer = get(&mut stream, "/metrics");
    let content_type = answer.field("Content-Type");
    assert_eq!(content_type, Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    // And the WebSocket listener has nothing of it.
    assert_eq!(get(&mut server.connect(1), "/metrics").status(), "404");
}

#[test]
fn a_host_that_is_not_allowed_learns_nothing() {
    let options = ["--allow-host", "inside:9100"];
    let server = Server::with_options(&options, &["metrics=http://127.0.0.1:0"]);
    let mut stream = server.connect(0);
    assert_eq!(ask(&mut stream, "GET", "/metrics", "rebound.example").status(), "403");
    assert_eq!(ask(&mut stream, "GET", "/metrics", "inside:9100").status(), "200");
}

#[test]
fn a_unix_socket_will_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let binding = format!("metrics=http+unix://{}/m", directory.path().display());
    let server = Server::start(&[&binding]);
    assert_eq!(get(&mut server.unix(0), "/readyz").body, "ready\n");
}

#[test]
fn every_counter_is_scraped_and_says_what_it_counts() {
    let server = Server::start(&["metrics=http://127.0.0.1:0"]);
    let mut stream = server.connect(0);
    for _ in 0..2 {
        get(&mut stream, "/none");
    }
    let scrape = scrape(&mut stream);
    let of_requests = [("transport", "http"), ("service", "none")];
    assert_eq!(scrape.value("readily_connections", &of_requests), 1.0);
    assert_eq!(scrape.value("readily_connections_opened_total", &[]), 1.0);
    assert_eq!(scrape.value("readily_http_requests_answered_total", &[]), 1.0);
    assert_eq!(scrape.value("readily_http_requests_refused_total", &[]), 2.0);
    let refused = "readily_connections_refused_total";
    assert_eq!(scrape.value(refused, &[("reason", "too_many")]), 0.0);
    assert_eq!(scrape.value("readily_draining", &[]), 0.0);
    assert_eq!(scrape.value("readily_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert!(scrape.value("readily_buffer_bytes", &[("state", "lent")]) > 0.0, "this very answer");
    let started = scrape.value("readily_start_time_seconds", &[]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("1970");
    assert!((now.as_secs_f64() - started).abs() < 60.0, "{started}");
    for (name, family) in &scrape.families {
        assert!(family.help.ends_with('.') && family.help.len() > 10, "{name}: {}", family.help);
    }
}

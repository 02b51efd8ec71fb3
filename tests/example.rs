//! The services of one's own in `examples/` do what they say, with clients of both transports.

#[path = "support/example.rs"]
mod program;
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use program::{Running, example};
use support::{line, patient_tcp};
use tungstenite::{Message, WebSocket};

/// Starts an example with a TCP address and a WebSocket, and returns what they have become.
fn start(name: &str) -> (Running, Vec<String>) {
    let mut service = Command::new(example(name))
        .args(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/path"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let stderr = BufReader::new(service.stderr.take().expect("piped"));
    let running = Running(service);
    (running, stderr.lines().take(2).map(|line| line.expect("text")).collect())
}

fn address(url: &str) -> SocketAddr {
    let rest = url.split("://").nth(1).expect("a URL");
    rest.split('/').next().expect("an authority").parse().expect("an address")
}

/// A WebSocket client.
fn browser(url: &str) -> WebSocket<TcpStream> {
    let (browser, _) = tungstenite::client(url, patient_tcp(address(url))).expect("upgrades");
    browser
}

#[test]
fn a_service_of_ones_own_is_served_on_tcp_and_websocket_at_once() {
    let (_running, urls) = start("custom_service");
    let mut nc = patient_tcp(address(&urls[0]));
    assert_eq!(line(&mut nc), "* welcome, there are 1 here\n");
    let mut browser = browser(&urls[1]);
    assert_eq!(line(&mut nc), "* somebody came\n");
    let welcome = browser.read().expect("reads");
    assert_eq!(welcome, Message::text("* welcome, there are 2 here"));

    nc.write_all(b"hello from nc\r\n").expect("writes");
    assert_eq!(browser.read().expect("reads"), Message::text("hello from nc"));
    browser.send(Message::text("hello from a browser")).expect("sends");
    assert_eq!(line(&mut nc), "hello from a browser\n");
    nc.write_all(b"\xff\n").expect("writes");
    assert_eq!(line(&mut nc), "* please speak UTF-8\n");

    drop(nc);
    assert_eq!(browser.read().expect("reads"), Message::text("* somebody left"));
}

#[test]
fn topics_of_ones_own_are_served_on_tcp_and_websocket_at_once() {
    let (_running, urls) = start("notifier");
    let mut nc = patient_tcp(address(&urls[0]));
    nc.write_all(b"+news\n+sport/*\n+a b\n").expect("writes");
    assert_eq!(line(&mut nc), "ERR a topic is words with slashes between them\n");
    let mut browser = browser(&urls[1]);
    for message in ["news It works", "arts nobody", "sport/tennis 6:4\n"] {
        browser.send(Message::text(message)).expect("sends");
    }
    assert_eq!(line(&mut nc), "news It works\n");
    assert_eq!(line(&mut nc), "sport/tennis 6:4\n");
    nc.write_all(b"-news\n-news\n").expect("writes");
    assert_eq!(line(&mut nc), "ERR not subscribed to that\n");
    browser.send(Message::text("+news")).expect("sends");
    browser.send(Message::text("news to oneself")).expect("sends");
    assert_eq!(browser.read().expect("reads"), Message::text("news to oneself"));
    browser.send(Message::text("sport/golf over")).expect("sends");
    assert_eq!(line(&mut nc), "sport/golf over\n", "and no news");
}

#[test]
fn an_address_that_cannot_be_had_is_told_in_a_line_for_people() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("tcp://{}", taken.local_addr().expect("bound"));
    for (url, told) in [(url.as_str(), "already in use"), ("tcp://:99999", "bad port")] {
        let output = Command::new(example("custom_service")).arg(url).output().expect("runs");
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr.starts_with(&format!("Error: room={url}: ")), "{stderr}");
        assert!(stderr.contains(told) && stderr.lines().count() == 1, "{stderr}");
    }
}

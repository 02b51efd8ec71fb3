//! The service of one's own in `examples/` does what it says, with clients of both transports.

#[path = "support/example.rs"]
mod program;
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use program::{Running, example};
use support::{line, patient_tcp};
use tungstenite::Message;

#[test]
fn a_service_of_ones_own_is_served_on_tcp_and_websocket_at_once() {
    let mut room = Command::new(example("custom_service"))
        .args(["tcp://127.0.0.1:0", "ws://127.0.0.1:0/room"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let stderr = BufReader::new(room.stderr.take().expect("piped"));
    let _running = Running(room);
    let urls: Vec<String> = stderr.lines().take(2).map(|line| line.expect("text")).collect();
    let address = |url: &str| {
        let rest = url.split("://").nth(1).expect("a URL");
        rest.split('/').next().expect("an authority").parse().expect("an address")
    };

    let mut nc = patient_tcp(address(&urls[0]));
    assert_eq!(line(&mut nc), "* welcome, there are 1 here\n");
    let stream = patient_tcp(address(&urls[1]));
    let (mut browser, _) = tungstenite::client(urls[1].as_str(), stream).expect("upgrades");
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

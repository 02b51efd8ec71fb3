//! Requests that services answer.

use std::io::Write as _;
use std::time::Duration;

use super::{Answer, Closed, GET, HEAD, Kept, WebSocket, answers, check, field, handshake};
use crate::engine::tests::world::{Socket, World};
use crate::engine::{Context, Limits};
use crate::service::{ConnId, Message, Request, Resource, Response, Service, Status};

/// Echoes messages, and says what it is asked for over HTTP.
pub(super) struct Desk;

impl Service for Desk {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        cx.send(from, message);
    }

    fn resources(&self, path: &str) -> Vec<Resource> {
        vec![
            Resource::below("/all/", &["GET", "POST", "PUT"]),
            Resource::below("/all/but/", &["POST"]),
            Resource::at("/all/but/one", &["GET"]),
            Resource::below(format!("{path}/"), &["POST"]),
            // A WebSocket goes before it.
            Resource::at("/ws", &["POST"]),
        ]
    }

    fn on_request(&mut self, _: &mut Context<'_>, request: &Request<'_>, response: &mut Response) {
        match request.below() {
            "nothing" => return,
            "empty" => {}
            "error" => {
                response.status = Status::Forbidden;
                response.field("X-Why", "a\r\nb: c");
                return;
            }
            below => {
                let name = request.field("authorization").unwrap_or(b"-").escape_ascii();
                let query = request.query().unwrap_or("-");
                let body = request.body().escape_ascii();
                let (method, path) = (request.method(), request.path());
                write!(response.body(), "{method} {path} {below} {query} {name} {body}").unwrap();
            }
        }
        response.status = Status::Ok;
        response.content_type = "text/x-desk";
    }
}

fn ask(line: &str, fields: &str, body: &str) -> String {
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n{body}")
}

fn bodies(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.body.as_str()).collect()
}

#[test]
fn a_service_is_asked_with_all_there_is_of_a_request() {
    let get = "GET /all/%61%2fb?q=%41 HTTP/1.1\r\nHost: a\r\nauthorization: Bearer x\r\n\r\n";
    let got = check("GET", get, &[200], Kept);
    assert_eq!(bodies(&got), ["GET /all/a/b a/b q=%41 Bearer x "]);
    assert_eq!(field(&got[0], "Content-Type"), Some("text/x-desk"));
    let got = check("HEAD", get.replacen("GET", "HEAD", 1), &[HEAD + 200], Kept);
    assert_eq!(field(&got[0], "Content-Length"), Some("32"), "as long as that of the GET");
    let got = check("POST", ask("POST /desk/t", "", "a\r\n\r\nb"), &[200], Kept);
    assert_eq!(bodies(&got), [r"POST /desk/t t - - a\r\n\r\nb"]);
    let got = check("nobody", "POST /desk/t HTTP/1.1\r\nHost: a\r\n\r\n", &[200], Kept);
    assert_eq!(bodies(&got), ["POST /desk/t t - - "]);
    let got = check(
        "two names",
        ask("POST /desk/t", &"Authorization: x\r\n".repeat(2), ""),
        &[200],
        Kept,
    );
    assert_eq!(bodies(&got), ["POST /desk/t t - - "], "neither of two is the one");
    let got = check("GET with a body", ask("GET /all/x", "", GET), &[200], Kept);
    assert!(got[0].body.ends_with(r" - - GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "{got:?}");
    check("HTTP/1.0", ask("POST /desk/t", "", "b").replace("1.1", "1.0"), &[200], Closed);
    check("the last", ask("POST /desk/t", "Connection: close\r\n", "b") + GET, &[200], Closed);
}

#[test]
fn requests_and_their_bodies_are_answered_in_their_order() {
    let all = [
        ask("POST /desk/1", "", "one"),
        GET.to_owned(),
        ask("POST /", "", "nobody's"),
        ask("PUT /all/2", "", &"2".repeat(300)),
        ask("POST /desk/3", "", ""),
        ask("HEAD /all/4", "", "four"),
        handshake(""),
    ];
    let statuses = [200, 200, 405, 200, 200, HEAD + 200, 101];
    let got = check("pipelined", all.concat(), &statuses, WebSocket(b""));
    assert!(got[0].body.ends_with("one") && got[3].body.ends_with("222"), "{got:?}");
}

#[test]
fn a_response_says_what_the_service_has_left_out() {
    let got = check("nothing", ask("POST /desk/nothing", "", "x"), &[404], Kept);
    assert_eq!(bodies(&got), ["Not Found\n"]);
    let got = check("an error", ask("POST /desk/error", "", "x"), &[403], Kept);
    assert_eq!(bodies(&got), ["Forbidden\n"]);
    assert_eq!(field(&got[0], "X-Why"), Some("a  b: c"), "no line of its own");
    let got = check("empty", ask("POST /desk/empty", "", "x"), &[200], Kept);
    assert_eq!((bodies(&got), field(&got[0], "Content-Length")), (vec![""], Some("0")));
}

#[test]
fn the_longest_name_is_the_one_that_is_meant() {
    for (line, status, what) in [
        ("GET /all/", 200, "GET /all/  - - "),
        ("PUT /all/but", 200, "PUT /all/but but - - "),
        ("POST /all/but/", 200, "POST /all/but/  - - "),
        ("PUT /all/but/x", 405, "POST"),
        ("GET /all/but/one", 200, "GET /all/but/one  - - "),
        ("HEAD /all/but/one", HEAD + 200, ""),
        ("POST /all/but/one", 405, "GET, HEAD"),
        ("GET /all/but/one/", 405, "POST"),
        ("DELETE /all/x", 405, "GET, HEAD, POST, PUT"),
        ("get /all/x", 405, "GET, HEAD, POST, PUT"),
        ("HEAD /desk/x", HEAD + 405, "POST"),
        ("POST /ws", 405, "GET"),
        ("GET /all", 404, ""),
        ("GET /x/all/", 404, ""),
    ] {
        let got = check(line, format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"), &[status], Kept);
        match status {
            200 => assert_eq!(got[0].body, what, "{line}"),
            405 => assert_eq!(field(&got[0], "Allow"), Some(what), "{line}"),
            _ => {}
        }
    }
}

/// RFC 9110 section 10.1.1.
#[test]
fn who_asks_whether_to_send_a_body_is_told_to() {
    let expect = "Expect: 100-continue\r\n";
    let got = check("asked for", ask("POST /desk/t", expect, "12345"), &[100, 200], Kept);
    assert!(got[1].body.ends_with(" 12345"), "{got:?}");
    check("asked for, none", ask("POST /desk/t", expect, ""), &[200], Kept);
    check("of HTTP/1.0", ask("POST /desk/t", expect, "x").replace("1.1", "1.0"), &[200], Closed);
    // Nobody can tell what follows: the body, or the next request.
    check("refused", ask("PUT /desk/t", expect, "12345"), &[405], Closed);
    check(
        "refused, not sent",
        ask("PUT /desk/t", expect, "").replace(": 0", ": 5"),
        &[405],
        Closed,
    );
}

/// A stranger's page may have a browser send a POST.
#[test]
fn a_page_of_another_origin_changes_nothing() {
    check("ours", ask("POST /desk/t", "Origin: http://a\r\n", "x"), &[200], Kept);
    check("another", ask("POST /desk/t", "Origin: http://b\r\n", "x"), &[403], Kept);
    check("two", ask("POST /desk/t", &"Origin: http://a\r\n".repeat(2), "x"), &[403], Kept);
    check("nobody's", ask("PUT /all/t", "Origin: null\r\n", "x"), &[403], Kept);
    check("to look", ask("GET /all/t", "Origin: http://b\r\n", ""), &[200], Kept);
}

#[test]
fn a_body_is_as_long_as_a_message_at_most() {
    let max = 100_000;
    let mut world = World::with(Limits::default().with_max_message(max));
    let desk = world.web(Desk);
    let head = |length: usize| ask("POST /desk/t", "", "").replace(": 0", &format!(": {length}"));
    let id = world.open(desk);
    let output = world.send(id, &[head(max), "x".repeat(max)].concat().into_bytes());
    assert_eq!(answers(&output).0[0].body.len(), "POST /desk/t t - - ".len() + max);
    world.engine.check_invariants();
    // It is refused by its head.
    let output = world.send(id, head(max + 1).as_bytes());
    assert_eq!(answers(&output).0[0].status, 413);
    assert_eq!(world.socket(id), Socket::WriteEnded);
    // What can be skipped is.
    let mut world = World::with(Limits::default().with_max_message(3));
    let desk = world.web(Desk);
    let id = world.open(desk);
    for _ in 0..2 {
        let output = world.send(id, ask("POST /desk/t", "", "1234").as_bytes());
        assert_eq!(answers(&output).0[0].status, 413);
    }
    assert_eq!(world.socket(id), Socket::Open);
}

#[test]
fn what_is_announced_takes_no_memory_until_it_comes() {
    let mut world = World::new();
    let desk = world.web(Desk);
    let id = world.open(desk);
    let head = ask("POST /desk/t", "", "").replace(": 0", ": 1000000");
    assert_eq!(world.send(id, head.as_bytes()), b"");
    assert_eq!(world.send(id, b"12345"), b"");
    world.engine.check_invariants();
    assert!(world.engine.memory().lent_bytes < 10_000, "{:?}", world.engine.memory());
    world.engine.receive_eof(id, world.now);
    let kept = world.engine.core.pool.kept_bytes();
    assert!((head.len()..10_000).contains(&kept), "{kept} bytes, and all of them are back");
}

#[test]
fn a_body_that_does_not_come_in_time_is_not_waited_for() {
    for is_first in [true, false] {
        let mut world = World::new();
        let desk = world.web(Desk);
        let id = world.open(desk);
        if !is_first {
            world.send(id, GET.as_bytes());
            world.pass(Duration::from_secs(5));
        }
        let head = ask("POST /desk/t", "", "").replace(": 0", ": 1000");
        world.send(id, head.as_bytes());
        for _ in 0..9 {
            assert_eq!(world.send(id, b"x"), b"");
            world.pass(Duration::from_secs(1));
        }
        assert_eq!(world.send(id, b"x"), b"", "first: {is_first}");
        world.pass(Duration::from_millis(1_100));
        let output = world.take(id);
        assert_eq!(answers(&output).0[0].status, 408, "first: {is_first}");
        assert_eq!(world.engine.stats().handshake_timeouts, 1);
        assert_eq!(world.engine.stats().requests, 0);
    }
}

#[test]
fn requests_that_services_answer_are_counted() {
    let mut world = World::new();
    let desk = world.web(Desk);
    let id = world.open(desk);
    for line in ["POST /desk/t", "POST /desk/nothing", "PUT /desk/t", "GET /", "GET /none"] {
        world.send(id, ask(line, "", "").as_bytes());
    }
    let stats = world.engine.stats();
    assert_eq!((stats.requests, stats.requests_refused), (2, 3));
}

//! The front door before anything is a WebSocket: plain HTTP over plain sockets, byte for byte.
//!
//! A response is compared as a whole. Only the value of its Date field depends on when it was
//! made; it is checked to be a date and replaced by `DATE`.

#[allow(unreachable_pub, reason = "each test file is a crate of its own")]
mod support;

use std::io::{ErrorKind, Read, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use support::{PATIENCE, Server, exchange, rest};

const WELCOME: &str = "HTTP/1.1 200 OK\r\n\
    Date: DATE\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 38\r\n\
    Vary: Accept\r\n\
    \r\n\
    Welcome!\nPlease use /ws for WebSocket!";

const WELCOME_AND_CLOSE: &str = "HTTP/1.1 200 OK\r\n\
    Date: DATE\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 38\r\n\
    Vary: Accept\r\n\
    Connection: close\r\n\
    \r\n\
    Welcome!\nPlease use /ws for WebSocket!";

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/// The field that tells a client which WebSocket version would have been right.
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

const CLOSE: &str = "Connection: close\r\n";

/// An error response with these fields behind the ones that all have.
fn error(status: &str, fields: &str) -> String {
    let reason = &status[4..];
    format!(
        "HTTP/1.1 {status}\r\n\
         Date: DATE\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\n\
         {fields}\r\n\
         {reason}\n",
        reason.len() + 1
    )
}

/// A server with one WebSocket path.
fn server() -> Server {
    Server::start(&["echo=ws://127.0.0.1:0/ws"])
}

/// Reads a response and nothing behind it.
fn response(stream: &mut impl Read) -> String {
    let head = head(stream);
    let mut body = vec![0; content_length(&head)];
    stream.read_exact(&mut body).expect("a body as long as it says");
    head + &String::from_utf8(body).expect("text")
}

/// Reads the head of a response, with its date replaced.
fn head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read_exact(&mut byte) {
            Ok(()) => head.push(byte[0]),
            Err(error) => panic!("{error} behind {}", head.escape_ascii()),
        }
    }
    without_date(&String::from_utf8(head).expect("ASCII"))
}

fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    value.expect("every response has a length").parse().expect("a number")
}

/// Puts `DATE` in the place of each date, which must be one.
fn without_date(text: &str) -> String {
    let mut parts = text.split("\r\nDate: ");
    let mut text = parts.next().expect("split yields something").to_owned();
    for part in parts {
        let (date, rest) = part.split_at(29);
        let date = jiff::fmt::rfc2822::parse(date).expect("a date").timestamp();
        let age = jiff::Timestamp::now().as_second() - date.as_second();
        assert!((0..=60).contains(&age), "the date is {age} seconds off");
        text.push_str("\r\nDate: DATE");
        text.push_str(rest);
    }
    text
}

/// Sends a request and expects this response.
#[track_caller]
fn ask(stream: &mut TcpStream, request: &str, expected: &str) {
    stream.write_all(request.as_bytes()).expect("writes");
    assert_eq!(response(stream), expected, "to {request:?}");
}

/// Sends a request and expects this response, and then FIN.
#[track_caller]
fn ask_last(stream: &mut TcpStream, request: &[u8], expected: &str) {
    stream.write_all(request).expect("writes");
    let got = String::from_utf8(rest(stream)).expect("text");
    assert_eq!(without_date(&got), expected, "to {}", request.escape_ascii());
}

#[test]
fn get_of_the_root_answers_38_bytes_and_a_query_changes_nothing() {
    let server = server();
    let mut stream = server.connect(0);
    for target in ["/", "/?", "/?a=b&c=/ws", "http://x/", "http://x"] {
        ask(&mut stream, &format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"), WELCOME);
    }
}

#[test]
fn a_client_that_prefers_html_gets_the_page() {
    const PAGE: &str = include_str!("../web/index.html");
    let server = server();
    let mut stream = server.connect(0);
    let firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (accept, is_page) in [
        (firefox, true),
        ("text/html", true),
        ("text/html, text/plain;q=0.9", true),
        ("*/*", false),
        ("text/*", false),
        ("text/plain, text/html", false),
        ("text/html;q=0, */*", false),
        ("nonsense", false),
        ("", false),
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("writes");
        let got = response(&mut stream);
        let (head, body) = got.split_once("\r\n\r\n").expect("an empty line");
        if is_page {
            assert_eq!(body, PAGE, "{accept}");
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
            assert!(head.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"), "{head}");
            assert!(head.contains("\r\nVary: Accept\r\n"), "{head}");
        } else {
            assert_eq!(got, WELCOME, "{accept}");
        }
    }
}

#[test]
fn the_files_of_the_page_are_resources_like_others() {
    const SCRIPT: &str = include_str!("../web/main.js");
    let server = Server::start(&["echo=ws://127.0.0.1:0/ws", "time=ws://127.0.0.1:0/page/time.js"]);
    let mut stream = server.connect(0);
    let mut ask_head = |request: &str| {
        stream
            .write_all(format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())
            .expect("writes");
        head(&mut stream)
    };
    let without_body = ask_head("HEAD /page/main.js?x");
    assert!(without_body.starts_with("HTTP/1.1 200 OK\r\n"), "{without_body}");
    assert!(without_body.contains("\r\nContent-Type: text/javascript; charset=utf-8\r\n"));
    assert!(without_body.contains(&format!("\r\nContent-Length: {}\r\n", SCRIPT.len())));
    // A body would stand in front of this response.
    assert!(ask_head("HEAD /services.json").contains("\r\nContent-Type: application/json\r\n"));
    let mut stream = server.connect(0);
    stream.write_all(b"GET /page/main.js HTTP/1.1\r\nHost: x\r\n\r\n").expect("writes");
    assert_eq!(response(&mut stream), without_body.clone() + SCRIPT);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        for target in ["/", "/page/main.js", "/services.json"] {
            let request = format!("{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n");
            ask(&mut stream, &request, &error("405 Method Not Allowed", "Allow: GET, HEAD\r\n"));
        }
    }
    for target in ["/page/", "/page/none.js", "/page/main.js/", "/main.js", "/services"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        ask(&mut stream, &request, &error("404 Not Found", ""));
    }
    // What a binding takes is the binding's.
    let mut stream = server.connect(1);
    let request = "GET /page/time.js HTTP/1.1\r\nHost: x\r\n\r\n";
    ask(&mut stream, request, &error("400 Bad Request", VERSION));
}

#[test]
fn a_listener_says_which_services_it_has_and_not_those_of_others() {
    let server = Server::start(&[
        "echo=ws://127.0.0.1:0/ws?deflate=true",
        "echo=tcp://127.0.0.1:0",
        "random=ws://127.0.0.1:0/dice?min=1&max=6&burst=true",
    ]);
    for (row, service) in [
        (0, r#"{"service":"echo","path":"/ws","parameters":{"deflate":"true"},"subprotocols":[]}"#),
        (
            2,
            r#"{"service":"random","path":"/dice","parameters":{"min":"1","max":"6","burst":"true"},"subprotocols":[]}"#,
        ),
    ] {
        let mut stream = server.connect(row);
        stream.write_all(b"GET /services.json HTTP/1.1\r\nHost: x\r\n\r\n").expect("writes");
        let answer = response(&mut stream);
        let body = answer.split("\r\n\r\n").nth(1).expect("a body");
        assert_eq!(body, format!("{{\"services\":[\n{service}\n]}}\n"));
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let server = server();
    let mut stream = server.connect(0);
    for (target, full) in [("/", WELCOME), ("/none", &error("404 Not Found", ""))] {
        let request = format!("HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("writes");
        let expected = &full[..full.find("\r\n\r\n").expect("an empty line") + 4];
        assert_eq!(head(&mut stream), expected);
        // A body would stand in front of this response.
        ask(&mut stream, GET, WELCOME);
    }
    let request = "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let expected = &WELCOME_AND_CLOSE[..WELCOME_AND_CLOSE.len() - 38];
    ask_last(&mut stream, request.as_bytes(), expected);
}

#[test]
fn a_connection_is_kept_for_one_request_after_the_other() {
    let server = server();
    let mut stream = server.connect(0);
    for _ in 0..50 {
        ask(&mut stream, GET, WELCOME);
    }
}

#[test]
fn sixteen_requests_in_one_segment_get_sixteen_responses_in_their_order() {
    let server = server();
    let mut stream = server.connect(0);
    let statuses = ["200 OK", "404 Not Found", "405 Method Not Allowed", "400 Bad Request"];
    let requests = ["GET /", "GET /none", "POST /", "GET /ws"];
    let all: String = (0..16)
        .map(|number| format!("{} HTTP/1.1\r\nHost: x\r\n\r\n", requests[number % 4]))
        .collect();
    stream.write_all(all.as_bytes()).expect("writes");
    for number in 0..16 {
        let response = response(&mut stream);
        let expected = format!("HTTP/1.1 {}\r\n", statuses[number % 4]);
        assert!(response.starts_with(&expected), "{number}: {response}");
    }
    ask(&mut stream, GET, WELCOME);
}

#[test]
fn nothing_behind_a_last_request_is_answered() {
    let server = server();
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{GET}{GET}");
    ask_last(&mut server.connect(0), request.as_bytes(), WELCOME_AND_CLOSE);
}

#[test]
fn http_1_0_and_connection_close_end_with_fin_even_where_input_is_unread() {
    let server = server();
    for request in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nconnection: foo, CLOSE\r\n\r\n",
    ] {
        ask_last(&mut server.connect(0), request.as_bytes(), WELCOME_AND_CLOSE);
        // What the server never looks at must not turn its FIN into an RST, which would destroy
        // the response on its way: less than is discarded while the connection lingers, but much
        // more than one read takes.
        let mut stream = server.connect(0);
        let mut bytes = request.as_bytes().to_vec();
        bytes.resize(900_000, b'x');
        ask_last(&mut stream, &bytes, WELCOME_AND_CLOSE);
    }
}

#[test]
fn errors_about_the_resource_keep_the_connection() {
    let server = server();
    let mut stream = server.connect(0);
    let not_found = error("404 Not Found", "");
    let at_root = error("405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    let at_ws = error("405 Method Not Allowed", "Allow: GET\r\n");
    for (line, expected) in [
        ("GET /none", &not_found),
        ("POST /none", &not_found),
        ("GET /ws/", &not_found),
        ("GET /WS", &not_found),
        ("GET //", &not_found),
        ("GET /..", &not_found),
        ("GET /%", &not_found),
        ("GET /%3f", &not_found),
        ("GET /ws%00", &not_found),
        ("OPTIONS *", &not_found),
        ("POST /", &at_root),
        ("DELETE /?x", &at_root),
        ("get /", &at_root),
        ("POST /ws", &at_ws),
        ("PUT /ws?x", &at_ws),
        ("OPTIONS /ws", &at_ws),
    ] {
        ask(&mut stream, &format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"), expected);
        ask(&mut stream, GET, WELCOME);
    }
}

#[test]
fn a_body_is_skipped_and_the_next_request_served() {
    let server = server();
    let expected = error("405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    let mut stream = server.connect(0);
    for length in [0, 1, 1000, 64 * 1024] {
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        // A body that looks like a request must not be taken for one.
        let body: String = GET.chars().cycle().take(length).collect();
        stream.write_all(head.as_bytes()).expect("writes");
        assert_eq!(response(&mut stream), expected, "the body is not waited for");
        stream.write_all(body.as_bytes()).expect("writes");
        ask(&mut stream, GET, WELCOME);

        let all = format!("{head}{body}{head}{body}{GET}");
        stream.write_all(all.as_bytes()).expect("writes");
        assert_eq!(response(&mut stream), expected, "{length}");
        assert_eq!(response(&mut stream), expected, "{length}");
        assert_eq!(response(&mut stream), WELCOME, "{length}");
    }
    // What is longer is not worth its transport.
    for length in [64 * 1024 + 1, u64::MAX] {
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{GET}");
        let fields = format!("Allow: GET, HEAD\r\n{CLOSE}");
        let expected = error("405 Method Not Allowed", &fields);
        ask_last(&mut server.connect(0), head.as_bytes(), &expected);
    }
}

#[test]
fn behind_a_body_that_may_not_come_nothing_is_taken_for_a_request() {
    let server = server();
    // A client that asks whether to send its body may leave it out once it is refused. What follows
    // is a body for one reader and a request for another.
    for expect in ["100-continue", "100-Continue"] {
        let head =
            format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: {expect}\r\n\r\n");
        let fields = format!("Allow: GET, HEAD\r\n{CLOSE}");
        let expected = error("405 Method Not Allowed", &fields);
        ask_last(&mut server.connect(0), format!("{head}{GET}").as_bytes(), &expected);
        ask_last(&mut server.connect(0), format!("{head}12345{GET}").as_bytes(), &expected);
    }
    // What follows a request for a WebSocket is frames, or the body.
    let head = handshake("/ws", "", "Content-Length: 5\r\n");
    let expected = error("400 Bad Request", &format!("{VERSION}{CLOSE}"));
    ask_last(&mut server.connect(0), format!("{head}{GET}").as_bytes(), &expected);
    // Without a body there is nothing to wait for.
    let get = "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n";
    let mut stream = server.connect(0);
    ask(&mut stream, get, WELCOME);
    ask(&mut stream, GET, WELCOME);
}

#[test]
fn what_is_no_sound_request_is_refused_and_the_connection_closed() {
    let server = server();
    let (bad, version, coded) =
        ("400 Bad Request", "505 HTTP Version Not Supported", "501 Not Implemented");
    for (request, status) in [
        ("garbage\r\n\r\n", bad),
        ("garbage\n", bad),
        ("\x16\x03\x01\x02\x00\x01", bad),
        ("GET / HTTP/1.1\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n", bad),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: b\0\r\n\r\n", bad),
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", bad),
        ("GET / http/1.1\r\nHost: x\r\n\r\n", bad),
        ("GET / HTTP/11.1\r\nHost: x\r\n\r\n", bad),
        ("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", bad),
        ("GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", bad),
        ("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", bad),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", bad),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", bad),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            bad,
        ),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", coded),
        ("GET / HTTP/9.9\r\nHost: x\r\n\r\n", version),
        ("GET / HTTP/9.9\n", version),
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", version),
    ] {
        let expected = error(status, CLOSE);
        ask_last(&mut server.connect(0), request.as_bytes(), &expected);
        // Behind another request it is the same.
        let mut stream = server.connect(0);
        ask(&mut stream, GET, WELCOME);
        ask_last(&mut stream, format!("{request}{GET}").as_bytes(), &expected);
    }
}

#[test]
fn two_readers_of_a_field_must_not_disagree() {
    let server = server();
    let refused = error("400 Bad Request", CLOSE);
    let chunked = error("501 Not Implemented", CLOSE);
    let post = "Content-Length: 5\r\n";
    for (fields, expected) in [
        ("A: b\0c\r\n", &refused),
        ("A\0: b\r\n", &refused),
        ("A: b\rc\r\n", &refused),
        ("A: b\r\r\n", &refused),
        ("A : b\r\n", &refused),
        ("A\t: b\r\n", &refused),
        (" A: b\r\n", &refused),
        ("A: b\r\n\tc: d\r\n", &refused),
        (": b\r\n", &refused),
        ("A\r\n", &refused),
        ("A(b): c\r\n", &refused),
        ("Content-Length: 5, 5\r\n", &refused),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", &refused),
        ("Content-Length: 0x5\r\n", &refused),
        ("Content-Length: -1\r\n", &refused),
        ("Content-Length: 99999999999999999999\r\n", &refused),
        ("Content-Length:\r\n", &refused),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", &refused),
        ("Transfer-Encoding: identity\r\n", &chunked),
        ("Transfer-Encoding: xchunked\r\n", &chunked),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", &chunked),
        ("Transfer-Encoding:\tchunked\r\n", &chunked),
        ("transfer-encoding: chunked\r\ncontent-length: 5\r\n", &refused),
        ("HOST: x\r\n", &refused),
        ("Host: y\r\n", &refused),
    ] {
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n12345{GET}");
        ask_last(&mut server.connect(0), request.as_bytes(), expected);
        // It does not help to hide it behind a field that would be right.
        if !fields.to_lowercase().contains("content-length") && expected == &refused {
            let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{post}{fields}\r\n12345{GET}");
            ask_last(&mut server.connect(0), request.as_bytes(), expected);
        }
    }
    // Lines may all end without a CR, and a value may have anything but a control character.
    ask(&mut server.connect(0), "GET / HTTP/1.1\nHost: x\nA:b\nB: \u{e9}\t~\n\n", WELCOME);
}

#[test]
fn what_a_target_means_is_not_guessed() {
    let server = server();
    let (missing, refused) = (error("404 Not Found", ""), error("400 Bad Request", CLOSE));
    for target in ["//ws", "/./ws", "/x/../ws", "/ws/.", "/ws//", "/ws;a=b", "/ws%2f", "/%2e/ws"] {
        ask(&mut server.connect(0), &handshake(target, "", ""), &missing);
    }
    // In absolute form the host is that of the target (RFC 9112 section 3.2.2).
    for target in ["http://y/ws", "http://y:81/ws?x"] {
        let request = handshake(target, "", "");
        exchange(&mut server.connect(0), request.as_bytes(), SWITCHING.as_bytes());
    }
    ask(&mut server.connect(0), &handshake("http://y/none", "", ""), &missing);
    ask(&mut server.connect(0), "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", WELCOME);
    for target in
        ["ws", "x:80", "http://", "http:///ws", "http://x y/ws", "ftp://x/ws", "*", "/ws\\"]
    {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut stream = server.connect(0);
        stream.write_all(request.as_bytes()).expect("writes");
        let got = response(&mut stream);
        assert!(got == refused || got == missing, "{target}: {got}");
        assert_eq!(got == missing, target.starts_with('/'), "{target}: {got}");
    }
}

#[test]
fn other_protocols_are_not_switched_to() {
    let server = server();
    // An offer that is not taken is no error (RFC 9110 section 7.8), and the connection goes on.
    let mut stream = server.connect(0);
    for offer in ["h2c", "TLS/1.3, HTTP/2.0", "websocket, h2c"] {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: {offer}\r\n\
             Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        );
        ask(&mut stream, &request, WELCOME);
    }
    // The preface of HTTP/2, with what follows it in one segment.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let refused = error("505 HTTP Version Not Supported", CLOSE);
    ask_last(&mut server.connect(0), preface, &refused);
}

#[test]
fn behind_an_upgrade_there_are_frames_and_nothing_else() {
    let server = server();
    // A request is no frame: `G` has reserved bits.
    let mut stream = server.connect(0);
    let all = format!("{GET}{}{GET}", handshake("/ws", "", ""));
    stream.write_all(all.as_bytes()).expect("writes");
    assert_eq!(response(&mut stream), WELCOME);
    let closed = [SWITCHING.as_bytes(), b"\x88\x02\x03\xea"].concat();
    assert_eq!(rest(&mut stream), closed);
    // A handshake has no body: it could be taken for frames.
    let bad = error("400 Bad Request", &format!("{VERSION}{CLOSE}"));
    let with_body = format!("{}12345", handshake("/ws", "", "Content-Length: 5\r\n"));
    ask_last(&mut server.connect(0), with_body.as_bytes(), &bad);
    let coded = handshake("/ws", "", "Transfer-Encoding: chunked\r\n");
    let refused = error("501 Not Implemented", CLOSE);
    ask_last(&mut server.connect(0), coded.as_bytes(), &refused);
}

#[test]
fn a_head_of_more_than_16_kib_or_64_fields_is_refused() {
    let server = server();
    let refused = error("431 Request Header Fields Too Large", CLOSE);
    let with_fields =
        |count: usize| format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(count - 1));
    let with_length = |length: usize| {
        let start = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
        format!("{start}{}\r\n\r\n", "b".repeat(length - start.len() - 4))
    };
    ask(&mut server.connect(0), &with_fields(64), WELCOME);
    ask_last(&mut server.connect(0), with_fields(65).as_bytes(), &refused);
    ask(&mut server.connect(0), &with_length(16 * 1024), WELCOME);
    ask_last(&mut server.connect(0), with_length(16 * 1024 + 1).as_bytes(), &refused);
    // Nobody waits for the end of a head that is too large already, and what is behind is no
    // reason for an RST.
    ask_last(&mut server.connect(0), &with_length(20_000).as_bytes()[..16 * 1024], &refused);
    ask_last(&mut server.connect(0), with_length(700_000).as_bytes(), &refused);
    // The limit holds for each head, not for all of a connection.
    let mut stream = server.connect(0);
    for _ in 0..5 {
        ask(&mut stream, &with_length(16 * 1024), WELCOME);
    }
}

#[test]
fn a_request_that_has_begun_and_is_not_complete_in_time_gets_408() {
    let server =
        Server::with_options(&["--handshake-timeout", "300ms"], &["echo=ws://127.0.0.1:0/ws"]);
    let expected = error("408 Request Timeout", CLOSE);
    let begun = ["G", "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n"];
    let mut streams: Vec<TcpStream> = begun.iter().map(|_| server.connect(0)).collect();
    let start = Instant::now();
    for (stream, begun) in streams.iter_mut().zip(begun) {
        stream.write_all(begun.as_bytes()).expect("writes");
    }
    let mut later = server.connect(0);
    ask(&mut later, GET, WELCOME);
    let mut body = server.connect(0);
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345";
    ask(&mut body, post, &error("405 Method Not Allowed", "Allow: GET, HEAD\r\n"));
    for stream in &mut streams {
        ask_last(stream, b"", &expected);
    }
    assert!(start.elapsed() >= Duration::from_millis(300));
    // Between requests another timeout counts, so this connection is still there.
    ask(&mut later, GET, WELCOME);
    ask_last(&mut later, b"GET /", &expected);
    // That request was answered as soon as its head was there, and a request has one answer.
    assert_eq!(rest(&mut body), b"");
}

#[test]
fn bytes_that_trickle_in_do_not_move_the_deadline() {
    let server =
        Server::with_options(&["--handshake-timeout", "300ms"], &["echo=ws://127.0.0.1:0/ws"]);
    for mut stream in [server.connect(0), {
        let mut stream = server.connect(0);
        ask(&mut stream, GET, WELCOME);
        stream
    }] {
        let start = Instant::now();
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        let mut first = [0];
        loop {
            stream.write_all(b"G").expect("the server reads on");
            match stream.read(&mut first) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(start.elapsed() < PATIENCE, "every byte moves the deadline");
                }
                outcome => break assert_eq!(outcome.expect("an answer"), 1),
            }
        }
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let got = [&first, rest(&mut stream).as_slice()].concat();
        let got = String::from_utf8(got).expect("text");
        assert_eq!(without_date(&got), error("408 Request Timeout", CLOSE));
    }
}

#[test]
fn a_connection_that_never_sent_a_byte_just_closes() {
    let server =
        Server::with_options(&["--handshake-timeout", "300ms"], &["echo=ws://127.0.0.1:0/ws"]);
    let start = Instant::now();
    assert_eq!(rest(&mut server.connect(0)), b"");
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn an_idle_connection_closes_after_the_keepalive_timeout() {
    let server =
        Server::with_options(&["--keepalive-timeout", "300ms"], &["echo=ws://127.0.0.1:0/ws"]);
    let mut stream = server.connect(0);
    // Each request starts the time anew.
    stream.set_read_timeout(Some(Duration::from_millis(150))).expect("a timeout");
    for _ in 0..4 {
        ask(&mut stream, GET, WELCOME);
        let error = stream.read(&mut [0]).expect_err("not yet");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let start = Instant::now();
    ask_last(&mut stream, GET.as_bytes(), WELCOME);
    let idle = start.elapsed();
    assert!(idle >= Duration::from_millis(300), "closed after {idle:?}");
    assert!(idle < Duration::from_secs(5), "closed after {idle:?}, as if still in a request");
}

#[test]
fn requests_may_come_byte_by_byte() {
    let server = server();
    let mut stream = server.connect(0);
    for request in [GET, "\r\n\nGET / HTTP/1.1\nHost: x\n\n"] {
        for byte in request.as_bytes() {
            stream.write_all(&[*byte]).expect("writes");
        }
        assert_eq!(response(&mut stream), WELCOME);
    }
}

/// A sound handshake in which the field `name` is replaced by `lines`.
fn handshake(target: &str, name: &str, lines: &str) -> String {
    let mut request = format!("GET {target} HTTP/1.1\r\n");
    for (other, line) in [
        ("Host", "Host: x\r\n"),
        ("Upgrade", "Upgrade: websocket\r\n"),
        ("Connection", "Connection: Upgrade\r\n"),
        ("Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        ("Version", "Sec-WebSocket-Version: 13\r\n"),
    ] {
        request.push_str(if other == name { lines } else { line });
    }
    if name.is_empty() {
        request.push_str(lines);
    }
    request + "\r\n"
}

const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn a_websocket_path_without_a_sound_upgrade_says_what_would_be_right() {
    let server = server();
    let bad = error("400 Bad Request", VERSION);
    let mut stream = server.connect(0);
    ask(&mut stream, "GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", &bad);
    ask(&mut stream, "GET /ws?a HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n", &bad);
    for (name, lines) in [
        ("Upgrade", ""),
        ("Upgrade", "Upgrade: h2c\r\n"),
        ("Connection", ""),
        ("Connection", "Connection: keep-alive\r\n"),
        ("Version", ""),
        ("Key", ""),
        ("Key", "Sec-WebSocket-Key:\r\n"),
        ("Key", "Sec-WebSocket-Key: c2hvcnQ=\r\n"),
        ("Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZTE3Yg==\r\n"),
        ("Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n"),
        (
            "Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ),
    ] {
        ask(&mut stream, &handshake("/ws", name, lines), &bad);
    }
    let fields = format!("Upgrade: websocket\r\nConnection: Upgrade\r\n{VERSION}");
    let other_version = error("426 Upgrade Required", &fields);
    for version in ["8", "14", "0", "13, 8", "x"] {
        let line = format!("Sec-WebSocket-Version: {version}\r\n");
        ask(&mut stream, &handshake("/ws", "Version", &line), &other_version);
    }
    // HTTP/1.0 has no upgrades, and its connections are closed.
    let old = handshake("/ws", "", "").replace("HTTP/1.1", "HTTP/1.0");
    let mut closed = server.connect(0);
    ask_last(&mut closed, old.as_bytes(), &error("400 Bad Request", &format!("{VERSION}{CLOSE}")));
    let post = handshake("/ws", "", "").replace("GET", "POST");
    ask(&mut stream, &post, &error("405 Method Not Allowed", "Allow: GET\r\n"));
    // After all that the connection can still become a WebSocket.
    exchange(&mut stream, handshake("/ws", "", "").as_bytes(), SWITCHING.as_bytes());
}

/// A masked frame with a payload of at most 125 bytes; the key is zero.
fn text_frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).expect("short");
    [&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat()
}

/// Opens a WebSocket at `path` and expects `reply` to the message `x`.
fn talk(stream: &mut TcpStream, path: &str, reply: &str) {
    exchange(stream, handshake(path, "", "").as_bytes(), SWITCHING.as_bytes());
    let length = u8::try_from(reply.len()).expect("short");
    exchange(stream, &text_frame("x"), &[&[0x81, length], reply.as_bytes()].concat());
}

#[test]
fn a_pipeline_may_end_in_an_upgrade_and_does_there() {
    let server = server();
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    let requests = format!("{GET}{post}{}", handshake("/ws", "", ""));
    let not_allowed = error("405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    let input = [requests.as_bytes(), &text_frame("hi"), GET.as_bytes()].concat();
    for size in [1, 7, input.len()] {
        let mut stream = server.connect(0);
        for piece in input.chunks(size) {
            stream.write_all(piece).expect("writes");
        }
        assert_eq!(response(&mut stream), WELCOME);
        assert_eq!(response(&mut stream), not_allowed);
        // The last request is a frame with a reserved bit: 1002.
        let expected = [SWITCHING.as_bytes(), b"\x81\x02hi\x88\x02\x03\xea"].concat();
        assert_eq!(
            rest(&mut stream).escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }
}

#[test]
fn several_bindings_share_a_listener_by_path() {
    // A port of 0 is another one each time, so the port is taken here: a socket that is bound but
    // does not listen lets another one with SO_REUSEADDR do so.
    let place = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    place.set_reuse_address(true).expect("an option");
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().expect("an address");
    place.bind(&any.into()).expect("binds");
    let address = place.local_addr().expect("bound").as_socket().expect("internet");
    let url = format!("ws://{address}");
    let server = Server::start(&[
        &format!("echo={url}/ws"),
        &format!("random={url}/dice?min=7&max=7"),
        &format!("count={url}/count"),
    ]);
    for (path, reply) in [("/ws", "x"), ("/dice", "7"), ("/count", "Client number: 1")] {
        talk(&mut server.connect(0), path, reply);
    }
    talk(&mut server.connect(2), "/count", "Client number: 2");
    let mut stream = server.connect(1);
    ask(&mut stream, GET, WELCOME);
    ask(&mut stream, &handshake("/other", "", ""), &error("404 Not Found", ""));
}

#[test]
fn a_subprotocol_that_both_want_is_chosen() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(&[
        "echo=ws://127.0.0.1:0/ws?subprotocol=chat.v1,json",
        &format!("echo=ws+unix://{}/web:/ws?subprotocol=json", dir.path().display()),
    ]);
    let name = "Sec-WebSocket-Protocol";
    let json = SWITCHING.replace("\r\n\r\n", &format!("\r\n{name}: json\r\n\r\n"));
    for (lines, expected) in [
        (format!("{name}: json, chat.v1\r\n"), json.as_str()),
        (format!("{name}: xml\r\n{name}: json\r\n"), &json),
        (format!("{name}: xml\r\n"), SWITCHING),
        (String::new(), SWITCHING),
    ] {
        let request = handshake("/ws", "", &lines);
        let (mut tcp, mut unix) = (server.connect(0), server.unix(1));
        exchange(&mut tcp, request.as_bytes(), expected.as_bytes());
        exchange(&mut tcp, &text_frame("hi"), b"\x81\x02hi");
        exchange(&mut unix, request.as_bytes(), expected.as_bytes());
        exchange(&mut unix, &text_frame("hi"), b"\x81\x02hi");
    }
    let bad = error("400 Bad Request", VERSION);
    for value in ["", "json, json", "a b"] {
        let line = format!("{name}: {value}\r\n");
        ask(&mut server.connect(0), &handshake("/ws", "", &line), &bad);
    }
}

#[test]
fn a_front_door_may_be_a_unix_socket() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("web");
    let url = format!("ws+unix://{}", path.display());
    let server = Server::start(&[&format!("echo={url}:/ws"), &format!("time={url}:/time")]);
    let mut stream = server.unix(0);
    stream.write_all(GET.as_bytes()).expect("writes");
    assert_eq!(response(&mut stream), WELCOME);
    exchange(&mut stream, handshake("/ws", "", "").as_bytes(), SWITCHING.as_bytes());
    exchange(&mut stream, &text_frame("unix"), b"\x81\x04unix");
}

#[test]
fn paths_are_compared_decoded() {
    let server = Server::start(&["echo=ws://127.0.0.1:0/a%20b/%C3%A9"]);
    for path in ["/a%20b/%C3%A9", "/a%20b/%c3%a9", "/%61%20%62/%c3%a9?x", "/a%20b%2f%c3%a9"] {
        talk(&mut server.connect(0), path, "x");
    }
    for path in ["/a+b/%C3%A9", "/a%2520b/%C3%A9", "/a%20b/%C3", "/a%20b/e", "/ws"] {
        ask(&mut server.connect(0), &handshake(path, "", ""), &error("404 Not Found", ""));
    }
}

/// What a server started with `options` says to handshakes with these Origin lines: whether it
/// upgrades. The Host is `HOST` as the client wrote it, `x:81`.
fn check_origins(options: &[&str], table: &[(&str, bool)]) {
    let server = Server::with_options(options, &["echo=ws://127.0.0.1:0/ws"]);
    let mut kept = server.connect(0);
    for (origin, is_allowed) in table {
        let lines = format!("Host: x:81\r\nOrigin: {origin}\r\n");
        let request = handshake("/ws", "Host", &lines);
        if *is_allowed {
            exchange(&mut server.connect(0), request.as_bytes(), SWITCHING.as_bytes());
        } else {
            ask(&mut kept, &request, &error("403 Forbidden", ""));
        }
        // An origin says nothing about plain requests.
        ask(&mut kept, &format!("GET / HTTP/1.1\r\n{lines}\r\n"), WELCOME);
    }
    let without = handshake("/ws", "Host", "Host: x:81\r\n");
    exchange(&mut server.connect(0), without.as_bytes(), SWITCHING.as_bytes());
}

#[test]
fn a_page_of_another_origin_is_refused() {
    check_origins(
        &[],
        &[
            ("http://x:81", true),
            ("https://x:81", true),
            ("HTTP://X:81", true),
            ("http://x", false),
            ("http://x:82", false),
            ("http://y:81", false),
            ("http://x.y:81", false),
            ("http://x:81.y", false),
            ("http://x:81/", false),
            ("http://y:81@x:81", false),
            ("x:81", false),
            ("null", false),
            ("*", false),
            ("", false),
            ("http://x:81\r\nOrigin: http://x:81", false),
            ("http://x:81 http://y", false),
        ],
    );
}

#[test]
fn origins_can_be_allowed_by_name() {
    check_origins(
        &["--allow-origin", "https://App.example", "--allow-origin", "http://localhost:3000"],
        &[
            ("https://app.example", true),
            ("https://app.example:443", true),
            ("http://localhost:3000", true),
            ("http://x:81", true),
            ("http://app.example", false),
            ("https://app.example:8443", false),
            ("https://evil.app.example", false),
            ("https://localhost:3000", false),
            ("null", false),
        ],
    );
    check_origins(&["--allow-origin", "null"], &[("null", true), ("http://y", false)]);
    check_origins(&["--allow-origin", "*"], &[("null", true), ("http://y", true), ("?", true)]);
}

#[test]
fn the_host_counts_as_the_client_wrote_it() {
    let server = server();
    for (host, origin, is_allowed) in [
        ("x", "http://x", true),
        ("x", "https://x", true),
        ("x:80", "http://x", true),
        ("x:443", "https://x", true),
        ("x:80", "https://x", false),
        ("x", "http://x:8080", false),
        ("[::1]:81", "http://[0:0::1]:81", true),
        ("127.0.0.1:81", "http://localhost:81", false),
    ] {
        let lines = format!("Host: {host}\r\nOrigin: {origin}\r\n");
        let request = handshake("/ws", "Host", &lines);
        let mut stream = server.connect(0);
        if is_allowed {
            exchange(&mut stream, request.as_bytes(), SWITCHING.as_bytes());
        } else {
            ask(&mut stream, &request, &error("403 Forbidden", ""));
        }
    }
}

#[test]
fn where_hosts_are_named_all_others_are_refused() {
    let server = Server::with_options(
        &["--allow-host", "Example.com", "--allow-host", "localhost:81"],
        &["echo=ws://127.0.0.1:0/ws"],
    );
    let mut stream = server.connect(0);
    for (host, is_allowed) in [
        ("example.com", true),
        ("EXAMPLE.com:8080", true),
        ("localhost:81", true),
        ("localhost", false),
        ("localhost:82", false),
        ("evil.example", false),
        ("evil.example.com", false),
        ("127.0.0.1", false),
    ] {
        let line = format!("Host: {host}\r\n");
        let forbidden = error("403 Forbidden", "");
        let expected = if is_allowed { WELCOME } else { &forbidden };
        ask(&mut stream, &format!("GET / HTTP/1.1\r\n{line}\r\n"), expected);
        if is_allowed {
            let request = handshake("/ws", "Host", &line);
            exchange(&mut server.connect(0), request.as_bytes(), SWITCHING.as_bytes());
        } else {
            ask(&mut stream, &handshake("/ws", "Host", &line), &forbidden);
            ask(&mut stream, &format!("GET /none HTTP/1.1\r\n{line}\r\n"), &forbidden);
        }
    }
    // A client of HTTP/1.0 may leave the host out, and then names none that is allowed.
    ask_last(&mut stream, b"GET / HTTP/1.0\r\n\r\n", &error("403 Forbidden", CLOSE));
}

#[test]
fn curl_is_served() {
    let server = server();
    let url = format!("http://{}/", server.address(0));
    let curl = |args: &[&str]| {
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "*", "--max-time", "10"])
            .args(args)
            .output();
        output.map(|output| String::from_utf8(output.stdout).expect("text"))
    };
    // Where there is no curl there is nothing to be tried.
    let Ok(plain) = curl(&[&url]) else { return };
    assert_eq!(plain, "Welcome!\nPlease use /ws for WebSocket!");
    let text = |args: &[&str]| without_date(&curl(args).expect("it ran before"));
    assert_eq!(text(&["-i", &url]), WELCOME);
    assert_eq!(text(&["-i", &url, &url]), WELCOME.repeat(2));
    assert_eq!(text(&["-i", "--http1.0", &url]), WELCOME_AND_CLOSE);
    assert_eq!(text(&["-I", &url]), WELCOME[..WELCOME.len() - 38]);
    assert!(text(&["-H", "Accept: text/html", &url]).starts_with("<!"));
    let posted = text(&["-i", "--data", &"x".repeat(3000), &url]);
    assert_eq!(posted, error("405 Method Not Allowed", "Allow: GET, HEAD\r\n"));
    let both = ["-o", "/dev/null", "-w", "%{num_connects} ", &url, "-o", "/dev/null", &url];
    assert_eq!(text(&both), "1 0 ", "the second request came on the same connection");
}

//! Requests that are taken, and why others are not.

use super::*;
use proptest::prelude::*;

fn parse(head: &str) -> Result<Request<'_>, Status> {
    parse_request(head.as_bytes())
}

#[test]
fn a_request_as_browsers_send_it() {
    let request = parse(
        "GET /a%20b?c=d&e HTTP/1.1\r\nHost: localhost:1234\r\nAccept: */*\r\n\
         accept:  text/html \r\nX-Empty:\r\n\r\n",
    )
    .unwrap();
    assert_eq!((request.method, request.path), ("GET", "/a%20b"));
    assert_eq!(request.query, Some("c=d&e"));
    assert_eq!((request.version, request.host), (Version::Http11, "localhost:1234"));
    assert_eq!((request.body, request.persistence), (Body::None, Persistence::KeepAlive));
    assert_eq!(request.field("ACCEPT"), Some(&b"*/*"[..]));
    assert_eq!(request.fields("accept").last(), Some(&b"text/html"[..]));
    assert_eq!(request.single_field("accept"), None);
    assert_eq!(request.field("x-empty"), Some(&b""[..]));
}

#[test]
fn a_request_as_people_type_it() {
    let request = parse("\n\r\nGET / HTTP/1.1\nHost: x\n\n").unwrap();
    assert_eq!((request.path, request.host), ("/", "x"));
    let request = parse("HEAD / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!((request.method, request.host), ("HEAD", ""));
    assert_eq!(request.persistence, Persistence::Close);
}

#[test]
fn an_absolute_target_brings_its_own_host() {
    let request = parse("GET http://A:1?q HTTP/1.1\r\nHost: b\r\n\r\n").unwrap();
    assert_eq!((request.host, request.path, request.query), ("A:1", "/", Some("q")));
    let request = parse("GET http://a/ws HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!((request.host, request.path), ("a", "/ws"));
}

#[test]
fn request_lines_that_are_refused() {
    use Status::{BadRequest, VersionNotSupported};
    let table = [
        ("GET / HTTP/9.9", VersionNotSupported),
        ("GET / HTTP/0.9", VersionNotSupported),
        ("GET / HTTP/1.2", VersionNotSupported),
        ("PRI * HTTP/2.0", VersionNotSupported),
        ("GET / HTTP/1", BadRequest),
        ("GET / HTTP/11.1", BadRequest),
        ("GET / http/1.1", BadRequest),
        ("GET / FOO/1.1", BadRequest),
        ("GET / HTTP/1.1 ", BadRequest),
        ("GET /", BadRequest),
        ("GET", BadRequest),
        ("GET  / HTTP/1.1", BadRequest),
        ("GET /  HTTP/1.1", BadRequest),
        ("GET\t/ HTTP/1.1", BadRequest),
        (" GET / HTTP/1.1", BadRequest),
        ("G(T / HTTP/1.1", BadRequest),
        ("GET /#top HTTP/1.1", BadRequest),
        ("GET /\u{e9} HTTP/1.1", BadRequest),
        ("GET /\u{e9} HTTP/9.9", BadRequest),
        ("GET /\x01 HTTP/1.1", BadRequest),
        ("GET * HTTP/1.1", BadRequest),
        ("GET ws HTTP/1.1", BadRequest),
        ("CONNECT x:80 HTTP/1.1", BadRequest),
        ("\r\rGET / HTTP/1.1", BadRequest),
    ];
    for (line, expected) in table {
        let head = format!("{line}\r\nHost: x\r\n\r\n");
        assert_eq!(parse(&head).err(), Some(expected), "{line:?}");
        let first = format!("{line}\n");
        assert_eq!(check_request_line(first.as_bytes()), Err(expected), "{line:?}");
    }
    for line in ["OPTIONS * HTTP/1.1", "get / HTTP/1.1", "CONNECT / HTTP/1.1"] {
        assert!(parse(&format!("{line}\r\nHost: x\r\n\r\n")).is_ok(), "{line:?}");
        assert_eq!(check_request_line(format!("{line}\r\n").as_bytes()), Ok(()));
    }
}

#[test]
fn framing_that_two_readers_could_understand_differently_is_refused() {
    use Status::{BadRequest, NotImplemented};
    let table = [
        ("", BadRequest),
        ("Host: x\r\nHost: x\r\n", BadRequest),
        ("Host:\r\n", BadRequest),
        ("Host: a b\r\n", BadRequest),
        ("Host: a/b\r\n", BadRequest),
        ("Host: x:y\r\n", BadRequest),
        ("Host: \u{e9}\r\n", BadRequest),
        ("Host : x\r\n", BadRequest),
        ("Host: x\r\n folded\r\n", BadRequest),
        (" Host: x\r\n", BadRequest),
        ("Host: x\r\n: no name\r\n", BadRequest),
        ("Host: x\r\nno colon\r\n", BadRequest),
        ("Host: x\r\nX: a\rb\r\n", BadRequest),
        ("Host: x\r\nX: a\0b\r\n", BadRequest),
        ("Host: x\nX: a\r\n", BadRequest),
        ("Host: x\r\nX: a\n", BadRequest),
        ("Host: x\r\nX\0: a\r\n", BadRequest),
        ("Host: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n", BadRequest),
        ("Host: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n", BadRequest),
        ("Host: x\r\nContent-Length: 1, 1\r\n", BadRequest),
        ("Host: x\r\nContent-Length: +1\r\n", BadRequest),
        ("Host: x\r\nContent-Length: -1\r\n", BadRequest),
        ("Host: x\r\nContent-Length: 0x1\r\n", BadRequest),
        ("Host: x\r\nContent-Length:\r\n", BadRequest),
        ("Host: x\r\nContent-Length: 18446744073709551616\r\n", BadRequest),
        ("Host: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", BadRequest),
        ("Host: x\r\ntransfer-encoding: identity\r\n", NotImplemented),
        ("Host: x\r\nTransfer-Encoding: chunked\r\n", NotImplemented),
    ];
    for (fields, expected) in table {
        let head = format!("POST / HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(parse(&head).err(), Some(expected), "{fields:?}");
    }
    let coded_1_0 = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(parse(coded_1_0).err(), Some(BadRequest));
    let two_hosts_1_0 = "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n";
    assert_eq!(parse(two_hosts_1_0).err(), Some(BadRequest));
    let absolute_without_host = "GET http://a/ HTTP/1.1\r\n\r\n";
    assert_eq!(parse(absolute_without_host).err(), Some(BadRequest));
}

#[test]
fn bodies_and_persistence() {
    let table = [
        ("1.1", "", Body::None, Persistence::KeepAlive),
        ("1.1", "Content-Length: 0\r\n", Body::None, Persistence::KeepAlive),
        ("1.1", "content-length: 007 \r\n", Body::Length(7), Persistence::KeepAlive),
        ("1.1", "Connection: a, CLOSE\r\n", Body::None, Persistence::Close),
        ("1.1", "Connection: x\r\nConnection: close\r\n", Body::None, Persistence::Close),
        ("1.1", "Connection: closed\r\n", Body::None, Persistence::KeepAlive),
        ("1.0", "Connection: keep-alive\r\n", Body::None, Persistence::Close),
        (
            "1.1",
            "Content-Length: 18446744073709551615\r\n",
            Body::Length(u64::MAX),
            Persistence::KeepAlive,
        ),
    ];
    for (version, fields, body, persistence) in table {
        let head = format!("POST / HTTP/{version}\r\nHost: x\r\n{fields}\r\n");
        let request = parse(&head).unwrap();
        assert_eq!((request.body, request.persistence), (body, persistence), "{fields:?}");
    }
}

#[test]
fn half_a_head_and_a_head_with_more_are_the_callers_mistake_and_no_panic() {
    assert_eq!(parse("GET / HTTP/1.1\r\nHost: x\r\n").err(), Some(Status::BadRequest));
    assert_eq!(parse("GET / HTTP/1.1\r\nHost: x\r\n\r\nX").err(), Some(Status::BadRequest));
    assert_eq!(parse("").err(), Some(Status::BadRequest));
    assert_eq!(check_request_line(b""), Err(Status::BadRequest));
}

#[test]
fn more_fields_than_the_table_holds_are_too_many() {
    let head = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65));
    assert_eq!(parse(&head).err(), Some(Status::HeaderTooLarge));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_request(&bytes);
        let _ = check_request_line(&bytes);
    }

    #[test]
    fn no_bytes_inside_a_request_panic_and_what_is_taken_is_sound(
        target in "[/?#*a:h. \\x01é-]{0,8}", name in "[A-Za-z: -]{0,17}", value in any::<Vec<u8>>(),
    ) {
        let mut head = format!("GET /{target} HTTP/1.1\r\nHost: x\r\n{name}: ").into_bytes();
        head.extend_from_slice(&value);
        head.extend_from_slice(b"\r\n\r\n");
        if let Ok(request) = parse_request(&head) {
            prop_assert!(Authority::parse(request.host).is_some());
            prop_assert!(request.path.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(request.path.starts_with('/') && !request.path.contains('?'));
        }
    }
}

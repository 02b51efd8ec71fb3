//! What a request is for: host, target and version (RFC 9112 sections 2.3 and 3).

use super::{Closed, GET, HEAD, Kept, WebSocket, answers, check, handshake};
use crate::engine::Endpoint;
use crate::engine::tests::world::World;
use crate::protocol::{Route, Site};
use crate::service::Echo;

/// RFC 9112 section 3.2, RFC 9110 section 7.2.
#[test]
fn a_host_is_there_once_and_is_one() {
    for fields in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nHost: b\r\n",
        "Host: a\r\nhOST: a\r\n",
        "Host:\r\n",
        "Host: \t\r\n",
        "Host: a b\r\n",
        "Host: a, b\r\n",
        "Host: a/b\r\n",
        "Host: a@b\r\n",
        "Host: a:b\r\n",
        "Host: a:65536\r\n",
        "Host: http://a\r\n",
        "Host: [::1\r\n",
        "Host: a\\b\r\n",
        "Host: a?b\r\n",
        "Host: a#b\r\n",
    ] {
        check(fields, format!("GET / HTTP/1.1\r\n{fields}\r\n{GET}"), &[400], Closed);
    }
    check("two, of HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", &[400], Closed);
    check("none, of HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", &[200], Closed);
    for host in ["a:", "a:80", "[::1]", "[::1]:80", "127.0.0.1", "A_b.example."] {
        check(host, format!("GET / HTTP/1.1\r\nHost:{host} \t\r\n\r\n"), &[200], Kept);
    }
}

/// RFC 9112 section 3.2. A path is compared as it is, once it is decoded: nothing is joined, resolved
/// or left out, so no two readers can take it for different ones.
#[test]
fn a_target_is_what_it_says() {
    let line = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    for target in
        ["/", "/?", "/?/ws", "/?//", "http://b", "http://b/", "HTTP://b:1?x", "wss://[::1]/"]
    {
        check(target, line(target), &[200], Kept);
    }
    for target in [
        "//",
        "//ws",
        "//b/ws",
        "///ws",
        "/ws/",
        "/ws//",
        "/./ws",
        "/../ws",
        "/x/../ws",
        "/ws/.",
        "/ws/..",
        "/%2e/ws",
        "/%2E%2e/ws",
        "/%2fws",
        "/ws%2f",
        "/ws%00",
        "/ws%20",
        "/ws;x",
        "/ws%3f",
        "/ws%23",
        "/\\ws",
        "/WS",
        "/%",
        "/%w",
        "/%ff",
        "/.",
        "/..",
        "http://b//ws",
        "http://b/./ws",
        "http://b/../ws",
        "http://b/x",
    ] {
        check(target, line(target), &[404], Kept);
        let asked = handshake("").replace("/ws", target);
        check(target, asked, &[404], Kept);
    }
    for target in [
        "ws",
        "*",
        "?x",
        "a:80",
        "/#",
        "/ws#x",
        "/\u{e9}",
        "/\0",
        "/\x7f",
        "/\t",
        "http:",
        "http:/",
        "http:///",
        "http:///ws",
        "http://?x",
        "http://b c/",
        "http://x@b/",
        "http://b:x/",
        "ftp://b/",
        "file:///",
        "http://b/#",
    ] {
        check(target, format!("{}{GET}", line(target)), &[400], Closed);
    }
    for target in ["/%77%73", "/ws?", "/ws?a=/../b", "http://b/ws", "ws://b/ws", "wss://b:1/%77s?x"]
    {
        check(target, handshake("").replace("/ws", target), &[101], WebSocket(b""));
    }
    check("the authority form", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", &[400], Closed);
    check("the asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", &[404], Kept);
    check("without a Host beside it", "GET http://a/ HTTP/1.1\r\n\r\n", &[400], Closed);
}

/// RFC 9112 section 3.2.2: the host of an absolute target counts, and not the field.
#[test]
fn an_absolute_target_brings_its_own_host() {
    let mut world = World::new();
    let binding = world.bind(Echo).index();
    let routes = vec![Route { path: "/ws".to_owned(), binding, ..Route::default() }];
    let mut site = Site { routes, ..Site::default() };
    site.hosts.allowed = vec!["good:80".parse().expect("a host")];
    let web = world.engine.add_endpoint(Endpoint::Web(site));
    for (target, host, status) in [
        ("/", "good:80", 200),
        ("/", "bad", 403),
        ("http://good:80/", "bad", 200),
        ("http://bad/", "good:80", 403),
        ("http://bad/ws", "good:80", 403),
        ("http://good:80/x", "bad", 404),
    ] {
        let id = world.open(web);
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let output = world.send(id, request.as_bytes());
        assert_eq!(answers(&output).0[0].status, status, "{target} {host}");
    }
    // The origin of a page is compared with the same host.
    for (origin, status) in [("http://good:80", 101), ("http://bad", 403)] {
        let id = world.open(web);
        let request = handshake(&format!("Origin: {origin}\r\n"));
        let request = request.replace("/ws", "http://good:80/ws").replace("Host: a", "Host: bad");
        let output = world.send(id, request.as_bytes());
        assert_eq!(answers(&output).0[0].status, status, "{origin}");
    }
}

/// RFC 9112 section 2.3, RFC 9113 section 3.4.
#[test]
fn other_versions_and_other_protocols() {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    check("the preface of HTTP/2", preface, &[505], Closed);
    let hidden = [GET.as_bytes(), preface].concat();
    check("the preface of HTTP/2, behind a request", hidden, &[200, 505], Closed);
    for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"] {
        let request = format!("GET / {version}\r\nHost: a\r\n\r\n{GET}");
        check(version, &request, &[505], Closed);
        check(version, request.replace("GET", "HEAD"), &[HEAD + 505], Closed);
    }
    for version in
        ["HTTP/1", "HTTP/1.10", "HTTP/01.1", "HTTP/+1.1", "HTTP/1,1", "http/1.1", "H", ""]
    {
        check(version, format!("GET / {version}\r\nHost: a\r\n\r\n{GET}"), &[400], Closed);
    }
    check("HTTP/0.9", "GET /\r\n", &[400], Closed);
    check("TLS", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", &[400], Closed);
    check("a line", "hello\n", &[400], Closed);
}

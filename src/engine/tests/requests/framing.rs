//! Where a request ends: its body, its fields, its lines and its limits (RFC 9112).

use super::{Closed, GET, HEAD, Kept, WebSocket, check, get, handshake};

/// RFC 9112 sections 6.1, 6.3 and 11.2: where a body ends must not be a matter of opinion.
#[test]
fn a_body_of_two_lengths_or_of_none_that_is_sure() {
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n0\r\n\r\n{GET}");
    for (fields, status) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 400),
        ("Transfer-Encoding:\r\ncontent-length: 0\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Content-Length: 5, 5\r\n", 400),
        ("Content-Length: 5 5\r\n", 400),
        ("Content-Length: +5\r\n", 400),
        ("Content-Length: -5\r\n", 400),
        ("Content-Length: 0x5\r\n", 400),
        ("Content-Length: 5.0\r\n", 400),
        ("Content-Length:\r\n", 400),
        ("Content-Length: 18446744073709551616\r\n", 400),
        ("Content-Length:\x0b5\r\n", 400),
        ("Content-Length : 5\r\n", 400),
        ("Content-Length\t: 5\r\n", 400),
        ("Transfer-Encoding : chunked\r\n", 400),
        ("Transfer-Encoding:\x0bchunked\r\n", 400),
        ("X: y\nTransfer-Encoding: chunked\r\n", 400),
        ("X: y\rTransfer-Encoding: chunked\r\n", 400),
        ("X: y\0Transfer-Encoding: chunked\r\n", 400),
        ("X:\r\n Transfer-Encoding: chunked\r\n", 400),
        // RFC 9112 section 6.1: a coding that is not understood.
        ("Transfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 501),
        ("Transfer-Encoding: xchunked\r\n", 501),
        ("Transfer-Encoding: identity\r\n", 501),
        ("Transfer-Encoding:\r\n", 501),
    ] {
        check(fields, post(fields), &[status], Closed);
    }
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    check("HTTP/1.0 has no codings", old, &[400], Closed);
}

/// RFC 9110 sections 9.3 and 10.1.1.
#[test]
fn a_body_where_none_belongs() {
    let with_body = |line: &str, body: &str| {
        let length = body.len();
        format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}{GET}")
    };
    // It is skipped, and not taken for a request.
    check("GET", with_body("GET /", GET), &[200, 200], Kept);
    check("HEAD", with_body("HEAD /", "12345"), &[HEAD + 200, 200], Kept);
    check("GET, an unknown path", with_body("GET /x", GET), &[404, 200], Kept);
    check("POST", with_body("POST /", GET), &[405, 200], Kept);
    check("GET of a WebSocket", with_body("GET /ws", GET), &[400, 200], Kept);
    check("POST to a WebSocket", with_body("POST /ws", GET), &[405, 200], Kept);
    // Behind a handshake frames are sent: whether what follows is those or a body is not certain.
    let upgrade = format!("{}12345{GET}", handshake("Content-Length: 5\r\n"));
    check("a handshake", &upgrade, &[400], Closed);
    check("a handshake, an unknown path", upgrade.replace("/ws", "/x"), &[404], Closed);
    let upgrade = format!("{}0\r\n\r\n", handshake("Transfer-Encoding: chunked\r\n"));
    check("a handshake, coded", upgrade, &[501], Closed);
    check("a handshake, empty", handshake("Content-Length: 0\r\n"), &[101], WebSocket(b""));

    let expect = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    let post = get(expect).replace("GET", "POST");
    check("asked for, POST", format!("{post}12345{GET}"), &[405], Closed);
    check("asked for, and not sent", format!("{post}{GET}"), &[405], Closed);
    check("asked for, GET", format!("{}{GET}", get(expect)), &[200], Closed);
    check("asked for, a handshake", handshake(expect), &[400], Closed);
    check("asked for, none", get("Expect: 100-continue\r\n"), &[200], Kept);
    check("asked for, of HTTP/1.0", post.replace("1.1", "1.0"), &[405], Closed);
}

/// RFC 9112 sections 2.2 and 5, RFC 9110 sections 5.5 and 5.6.2.
#[test]
fn a_field_is_a_name_a_colon_and_a_line() {
    for fields in [
        // Folded (section 5.2).
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X:\r\n b\r\n",
        "X: a\r\n \r\n",
        // Space around the name (section 5.1), and names that are none.
        "X : a\r\n",
        "X\t: a\r\n",
        " X: a\r\n",
        "X Y: a\r\n",
        ": a\r\n",
        "X\r\n",
        "X(: a\r\n",
        "X\0: a\r\n",
        "\u{e9}: a\r\n",
        // What no value may hold.
        "X: a\0b\r\n",
        "X: a\rb\r\n",
        "X: a\r\r\n",
        "X: a\x0bb\r\n",
        "X: a\x1bb\r\n",
        "X: a\x7f\r\n",
        // One LF without CR between others that have it: to some readers it is no line end.
        "X: a\nY: b\r\n",
        "X: a\n",
        "X: a\r\n\n",
    ] {
        check(fields, format!("{}{GET}", get(fields)), &[400], Closed);
    }
    for fields in
        ["X:\r\n", "X:a\r\n", "X: \t a \t\r\n", "X: \u{e9}\r\n", "x!#$%&'*+-.^_`|~9: a\r\n"]
    {
        check(fields, get(fields), &[200], Kept);
    }
    // As a person types it.
    let typed = "GET / HTTP/1.1\nHost: a\nX: b\n\n";
    check("LF alone, in every line", typed, &[200], Kept);
    check("empty lines in front", format!("\r\n\n\r\n{typed}\n\r\n{GET}"), &[200, 200], Kept);
    check("LF in the first line only", "GET / HTTP/1.1\nHost: a\r\n\r\n", &[400], Closed);
    check("LF in the last line only", "GET / HTTP/1.1\r\nHost: a\r\n\n", &[400], Closed);
    check("CR LF in the last line only", "GET / HTTP/1.1\nHost: a\n\r\n", &[400], Closed);
    check("CR alone, in every line", "GET / HTTP/1.1\rHost: a\r\r\n\n", &[400], Closed);
    check("CR in front", format!("\r{GET}"), &[400], Closed);
}

/// A head has at most 16 KiB and 64 fields (RFC 6585 section 5).
#[test]
fn a_head_has_a_limit() {
    let fields = |count: usize| get(&"A: b\r\n".repeat(count - 1));
    let length =
        |length: usize| get(&format!("A: {}\r\n", "b".repeat(length - get("A: \r\n").len())));
    let target = |length: usize| {
        let request = format!("GET /?{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length));
        let surplus = request.len() - length;
        request.replacen(&"x".repeat(surplus), "", 1)
    };
    check("64 fields", fields(64), &[200], Kept);
    check("65 fields", fields(65) + GET, &[431], Closed);
    check("65 fields, HEAD", fields(65).replace("GET", "HEAD"), &[HEAD + 431], Closed);
    check("a thousand fields", fields(1000), &[431], Closed);
    check("16 KiB", length(16 * 1024), &[200], Kept);
    check("a byte more", length(16 * 1024 + 1) + GET, &[431], Closed);
    check("a byte more, HEAD", length(16 * 1024).replace("GET", "HEAD"), &[HEAD + 431], Closed);
    check("a target of 16 KiB", target(16 * 1024), &[200], Kept);
    check("a target of more", target(16 * 1024 + 1), &[431], Closed);
    check("a target without an end", "GET /".to_owned() + &"x".repeat(16 * 1024), &[431], Closed);
    check("a field without an end", get("") + &get(&"x".repeat(16 * 1024)), &[200, 431], Closed);
    check("empty lines without an end", "\r\n".repeat(9000), &[431], Closed);
    check("behind another", format!("{GET}{}", fields(65)), &[200, 431], Closed);
}

//! Heads of requests and of responses: what is found does not depend on how the bytes were cut, ends
//! where httparse says that it ends, and is never taken for two things.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use readily::codec::http::{
    Authority, Body, HeadKind, HeadScanner, MAX_FIELDS, MAX_HEAD_BYTES, Request, Status, Version,
    parse_request, prefers_html,
};
use readily::codec::websocket::handshake::{HandshakeError, check_response, check_upgrade};
use readily_fuzz::{Input, at_once, one_by_one};

fuzz_target!(|input: Input| {
    let Input { choice, bytes, .. } = input;
    let all_reads = [at_once(bytes.len()), input.reads(), one_by_one(bytes.len())];
    if choice & 1 == 0 {
        let [whole, others @ ..] = all_reads.map(|reads| requests(bytes, &reads));
        for cut in others {
            assert_eq!(cut, whole, "{}", bytes.escape_ascii());
        }
        // An empty line in front of it makes no difference.
        if bytes.len() < MAX_HEAD_BYTES - 2 {
            let later = [b"\r\n", bytes].concat();
            assert_eq!(requests(&later, &at_once(later.len())), whole);
        }
    } else {
        let [whole, others @ ..] = all_reads.map(|reads| response(bytes, &reads));
        for cut in others {
            assert_eq!(cut, whole, "{}", bytes.escape_ascii());
        }
    }
});

/// What a server makes of the bytes, one request after the other, bodies left out: what it answers
/// to, as it is printed, and the status that it ends with.
fn requests(bytes: &[u8], reads: &[Range<usize>]) -> (Vec<String>, Option<Status>) {
    let (mut scanner, mut start, mut found) = (HeadScanner::new(HeadKind::Request), 0, Vec::new());
    for read in reads {
        loop {
            let rest = &bytes[start..read.end];
            let length = match scanner.scan(rest) {
                Ok(None) => break,
                Ok(Some(length)) => length,
                Err(status) => return (found, Some(status)),
            };
            assert!(length <= MAX_HEAD_BYTES && length <= rest.len());
            match check_request(&rest[..length]) {
                Ok(request) => found.push(request),
                Err(status) => return (found, Some(status)),
            }
            start += length;
        }
    }
    // Nobody else sees an end where we wait for one.
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let theirs = httparse::Request::new(&mut fields).parse(&bytes[start..]);
    assert!(!theirs.is_ok_and(|status| status.is_complete()), "httparse is ready");
    (found, None)
}

/// Parses a head, and holds it against what httparse finds in it.
fn check_request(head: &[u8]) -> Result<String, Status> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut theirs = httparse::Request::new(&mut fields);
    let parsed = theirs.parse(head);
    let request = parse_request(head).inspect_err(|status| assert!(status.code() >= 400))?;
    assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())), "it ends where we do");
    assert_eq!(theirs.method, Some(request.method));
    assert_eq!(theirs.version, Some(u8::from(request.version == Version::Http11)));
    check_target(&request, theirs.path.expect("a target"));
    check_framing(&request, theirs.headers);
    let answer = (prefers_html(&request), check_upgrade(&request));
    Ok(format!("{request:?} {answer:?}"))
}

/// Path, query and host are parts of what was sent.
fn check_target(request: &Request<'_>, target: &str) {
    let origin_form = match request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.to_owned(),
    };
    let is_absolute = !target.starts_with(['/', '*']);
    if !is_absolute {
        assert_eq!(origin_form, target);
    } else if !target.ends_with(&origin_form) {
        // An absolute target may leave the path out.
        assert!(request.path == "/" && request.query.is_none_or(|query| target.ends_with(query)));
    }
    assert!(request.host.is_empty() || Authority::parse(request.host).is_some());
    assert!(!request.host.is_empty() || request.version == Version::Http10);
}

/// No other reader can see another request in it: what decides where a request ends is there once at
/// most, and is what we have made of it.
fn check_framing(request: &Request<'_>, theirs: &[httparse::Header<'_>]) {
    let all = |name: &str| -> Vec<&[u8]> {
        let fields = theirs.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        fields.map(|field| field.value).collect()
    };
    for name in ["Host", "Content-Length", "Upgrade", "Accept"] {
        assert_eq!(request.fields(name).collect::<Vec<_>>(), all(name), "{name}");
    }
    assert!(all("Host").len() <= 1 && all("Transfer-Encoding").is_empty());
    let length = match all("Content-Length")[..] {
        [] => 0,
        [value] => std::str::from_utf8(value).expect("digits").parse().expect("a number"),
        _ => panic!("two lengths"),
    };
    assert_eq!(request.body, if length == 0 { Body::None } else { Body::Length(length) });
}

/// What a client makes of the bytes. All that is no response head is the same to it, whether the
/// scanner says so or the parser.
fn response(bytes: &[u8], reads: &[Range<usize>]) -> Result<Option<usize>, HandshakeError> {
    let mut scanner = HeadScanner::new(HeadKind::Response);
    for read in reads {
        let Some(length) = scanner.scan(&bytes[..read.end]).map_err(|_| HandshakeError::NotHttp)?
        else {
            continue;
        };
        assert!(length <= MAX_HEAD_BYTES && length <= read.end);
        let head = &bytes[..length];
        let offered = [("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Extensions", "x")];
        let checked = check_response(head, &[0; 16], &offered).map(|fields| fields.len());
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let theirs = httparse::Response::new(&mut fields).parse(head);
        let is_http = theirs == Ok(httparse::Status::Complete(length));
        assert_eq!(checked == Err(HandshakeError::NotHttp), !is_http);
        return checked.map(Some);
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let theirs = httparse::Response::new(&mut fields).parse(bytes);
    assert!(!theirs.is_ok_and(|status| status.is_complete()), "httparse is ready");
    Ok(None)
}

//! What `GET /` answers: a line of text for programs, a page for browsers.
//!
//! Called by the HTTP protocol once per request for `/`. Both are constants; who gets which is
//! content negotiation ([`prefers_html`]).

use crate::codec::http::{Request, Response, Status, prefers_html};

/// The page: it connects to `/ws` of its own host and lets a person type.
pub(crate) const PAGE: &str = include_str!("page.html");

/// What everybody else reads; 38 bytes, without a newline at the end.
pub(crate) const WELCOME: &str = "Welcome!\nPlease use /ws for WebSocket!";

/// The answer to a GET or HEAD of `/`.
pub(crate) fn front_page(request: &Request<'_>) -> Response<'static> {
    if prefers_html(request) {
        Response {
            status: Status::Ok,
            content_type: "text/html; charset=utf-8",
            fields: &[VARY, CONTENT_SECURITY_POLICY, ("X-Content-Type-Options", "nosniff")],
            body: PAGE.as_bytes(),
        }
    } else {
        Response {
            status: Status::Ok,
            content_type: "text/plain; charset=utf-8",
            fields: &[VARY],
            body: WELCOME.as_bytes(),
        }
    }
}

/// The same URL has two representations: a cache must keep them apart (RFC 9110 §12.5.5).
const VARY: (&str, &str) = ("Vary", "Accept");

/// The page may do what it does and nothing else: no other script, no picture, no form target, no
/// frame around it.
///
/// `'unsafe-inline'` is safe here because the page is a constant: nothing of a request or a peer
/// is ever written into it. `'self'` in connect-src ought to cover WebSocket to the same host,
/// but Safari before 15.4 takes it for http only, hence the schemes.
const CONTENT_SECURITY_POLICY: (&str, &str) = (
    "Content-Security-Policy",
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; \
     connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::http::{Payload, Persistence, parse_request};

    fn answer(target: &str, accept: &str) -> String {
        let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n");
        let request = parse_request(head.as_bytes()).unwrap();
        let mut out = Vec::new();
        front_page(&request).encode(&mut out, Payload::Body, Persistence::KeepAlive, 0);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn programs_get_exactly_this() {
        assert_eq!(
            answer("/", "*/*"),
            "HTTP/1.1 200 OK\r\n\
             Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 38\r\n\
             Vary: Accept\r\n\
             \r\n\
             Welcome!\nPlease use /ws for WebSocket!"
        );
    }

    #[test]
    fn browsers_get_the_page_and_a_policy() {
        let answer = answer("/?x", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(answer.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"));
        assert!(answer.contains("\r\nContent-Security-Policy: default-src 'none';"));
        assert!(answer.contains("\r\nX-Content-Type-Options: nosniff\r\n"));
        assert!(answer.contains("\r\nVary: Accept\r\n"));
        assert!(answer.ends_with(PAGE));
    }

    #[test]
    fn the_page_has_its_words_and_nothing_from_outside() {
        for words in [
            "\"Trying to connect to server.\"",
            "\"Connected!\"",
            "\"Hello From the Client!\"",
            "`[message] Data received from server: ${text}`",
            "`[close] Connection closed cleanly, code=${event.code} reason=${event.reason}`",
            "\"Socket Closed Connection: \"",
            "\"Socket Error: \"",
            "close(1000, \"Work complete\")",
        ] {
            assert!(PAGE.contains(words), "{words}");
        }
        for outside in ["http:", "https://", "src=", "innerHTML", "@import"] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
    }
}

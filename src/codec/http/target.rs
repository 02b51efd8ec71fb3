//! The request target in its four forms (RFC 9112 §3.2).
//!
//! Called by [`parse_request`](super::parse_request) only.

use super::{Authority, Status};

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target<'a> {
    /// From the slash on, without the query; `*` where the server itself is meant.
    pub(super) path: &'a str,
    /// What stands behind the first question mark.
    pub(super) query: Option<&'a str>,
    /// The authority of an absolute target; it counts instead of the Host field.
    pub(super) authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the target of a request with this method.
    ///
    /// # Errors
    /// Bytes that no target may contain (controls, non-ASCII, a fragment), a malformed authority,
    /// the authority form (it belongs to CONNECT, and we are no proxy), and `*` with another
    /// method than OPTIONS: all [`Status::BadRequest`].
    pub(super) fn parse(method: &str, target: &'a str) -> Result<Target<'a>, Status> {
        if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            return Err(Status::BadRequest);
        }
        if target.starts_with('/') {
            let (path, query) = split_query(target);
            return Ok(Target { path, query, authority: None });
        }
        if target == "*" && method == "OPTIONS" {
            return Ok(Target { path: target, query: None, authority: None });
        }
        Target::parse_absolute(target).ok_or(Status::BadRequest)
    }

    /// `http://host:port/path?query`, which proxies send and every server must accept
    /// (RFC 9112 §3.2.2). An empty path means `/` (RFC 9110 §4.2.3).
    fn parse_absolute(target: &'a str) -> Option<Target<'a>> {
        let (scheme, rest) = target.split_once("://")?;
        if !SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            return None;
        }
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(authority_end);
        Authority::parse(authority)?;
        let (path, query) = split_query(rest);
        let path = if path.is_empty() { "/" } else { path };
        Some(Target { path, query, authority: Some(authority) })
    }
}

/// What a URL of this server may begin with; a proxy that ends TLS may leave the `s` in.
const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

fn split_query(target: &str) -> (&str, Option<&str>) {
    match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms() {
        let good = [
            ("GET", "/", "/", None, None),
            ("GET", "/a?b?c", "/a", Some("b?c"), None),
            ("GET", "//x/y?", "//x/y", Some(""), None),
            ("GET", "http://h:1/ws?q", "/ws", Some("q"), Some("h:1")),
            ("GET", "HTTP://h", "/", None, Some("h")),
            ("GET", "https://[::1]:8?q/r", "/", Some("q/r"), Some("[::1]:8")),
            ("OPTIONS", "*", "*", None, None),
        ];
        for (method, target, path, query, authority) in good {
            assert_eq!(Target::parse(method, target), Ok(Target { path, query, authority }));
        }
        let bad = [
            "*",
            "h:1",
            "ws",
            "?q",
            "",
            "http:/h/",
            "http://",
            "http:///p",
            "http://u@h/",
            "ftp://h/",
            "/a#b",
            "/\u{e9}",
            "/a\x7f",
            "/a b",
            "http://h:x/",
        ];
        for target in bad {
            assert_eq!(Target::parse("GET", target), Err(Status::BadRequest), "{target}");
        }
    }
}

//! Writes a response: status line, fields, body.
//!
//! Called by the HTTP protocol for everything but a WebSocket upgrade, which has a template of its
//! own. The whole response is appended to the output in one go; bodies here are small and known.

use super::{Persistence, Status, imf_fixdate};

/// A reply whose body is known as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Response<'a> {
    /// The status.
    pub status: Status,
    /// The media type of the body.
    pub content_type: &'a str,
    /// Further fields, written as they are: a line end in one would be another field, so nothing of a
    /// peer's may be in one before it was looked at.
    pub fields: &'a [(&'a str, &'a str)],
    /// The body, also where only its length is sent.
    pub body: &'a [u8],
}

/// How much of a response is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload {
    /// Head and body.
    Body,
    /// The head, with the length that the body would have: the answer to HEAD (RFC 9110 §9.3.2).
    HeadOnly,
}

impl<'a> Response<'a> {
    /// The reply that only says its status: as text, the reason phrase and a newline.
    pub fn plain(status: Status, fields: &'a [(&'a str, &'a str)]) -> Response<'a> {
        let body = status.line().as_bytes();
        Response { status, content_type: TEXT_PLAIN, fields, body }
    }

    /// Appends the response to `out`. `unix_seconds` is the time for the Date field.
    ///
    /// `Connection: close` stands in the head where the connection is going to be closed, so that
    /// the client does not send another request into it (RFC 9112 §9.6).
    pub fn encode(
        &self,
        out: &mut Vec<u8>,
        payload: Payload,
        persistence: Persistence,
        unix_seconds: i64,
    ) {
        debug_assert!(
            self.fields.iter().all(|(name, value)| is_one_line(name) && is_one_line(value)),
            "a line end in a field is another field: {:?}",
            self.fields
        );
        let date = imf_fixdate(unix_seconds);
        let date = str::from_utf8(&date).expect("a date is ASCII");
        let mut head = format!(
            "HTTP/1.1 {}\r\nDate: {date}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
            self.status,
            self.content_type,
            self.body.len(),
        );
        for (name, value) in self.fields {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if persistence == Persistence::Close {
            head.push_str("Connection: close\r\n");
        }
        head.push_str("\r\n");
        out.extend_from_slice(head.as_bytes());
        // RFC 9110 §15.4.5: behind 304 there is no body, whatever its length would be.
        if payload == Payload::Body && self.status != Status::NotModified {
            out.extend_from_slice(self.body);
        }
    }
}

/// The media type of what people read as it is.
pub(crate) const TEXT_PLAIN: &str = "text/plain; charset=utf-8";

fn is_one_line(text: &str) -> bool {
    !text.contains(['\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(response: &Response<'_>, payload: Payload, persistence: Persistence) -> String {
        let mut out = b"before".to_vec();
        response.encode(&mut out, payload, persistence, 784_111_777);
        let text = String::from_utf8(out).unwrap();
        text.strip_prefix("before").expect("it appends").to_owned()
    }

    #[test]
    fn an_error_says_its_phrase_and_closes() {
        let response = Response::plain(Status::BadRequest, &[]);
        assert_eq!(
            encoded(&response, Payload::Body, Persistence::Close),
            "HTTP/1.1 400 Bad Request\r\n\
             Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 12\r\n\
             Connection: close\r\n\
             \r\n\
             Bad Request\n"
        );
    }

    #[test]
    fn head_has_the_length_of_the_body_it_leaves_out() {
        let response = Response::plain(Status::MethodNotAllowed, &[("Allow", "GET, HEAD")]);
        let head = encoded(&response, Payload::HeadOnly, Persistence::KeepAlive);
        assert!(head.contains("\r\nContent-Length: 19\r\nAllow: GET, HEAD\r\n\r\n"), "{head}");
        assert!(head.ends_with("\r\n\r\n"));
        assert!(!head.contains("Connection"));
        let whole = encoded(&response, Payload::Body, Persistence::KeepAlive);
        assert_eq!(whole, head + "Method Not Allowed\n");
    }

    #[test]
    fn what_is_written_is_what_a_parser_reads() {
        let response = Response {
            status: Status::Ok,
            content_type: "text/html; charset=utf-8",
            fields: &[("Vary", "Accept")],
            body: b"<!doctype html>",
        };
        let text = encoded(&response, Payload::Body, Persistence::KeepAlive);
        let mut entries = [httparse::EMPTY_HEADER; 8];
        let mut parsed = httparse::Response::new(&mut entries);
        let length = parsed.parse(text.as_bytes()).unwrap().unwrap();
        assert_eq!((parsed.code, parsed.reason), (Some(200), Some("OK")));
        assert_eq!(parsed.headers.len(), 4);
        assert_eq!(&text.as_bytes()[length..], b"<!doctype html>");
    }
}

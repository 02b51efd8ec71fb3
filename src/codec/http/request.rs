//! Reads a request head, and refuses what two readers could understand differently.
//!
//! Called with a whole head, as [`HeadScanner`](super::HeadScanner) found it. httparse splits the
//! head into tokens; the rules that need the whole request are here. For every error the
//! connection must be closed behind the reply, because we cannot know where the next request
//! begins.

use memchr::memchr_iter;

use super::target::Target;
use super::{Authority, Fields, Status};
use crate::decimal;

/// A sound request head. Everything in it borrows from the bytes it was read from.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// `GET`, `HEAD`, … as sent: methods have case (RFC 9110 §9.1).
    pub method: &'a str,
    /// From the slash on, not decoded, without the query. `*` for `OPTIONS *`.
    pub path: &'a str,
    /// What stands behind the first `?`, not decoded.
    pub query: Option<&'a str>,
    /// The version of the client.
    pub version: Version,
    /// Host and perhaps port, from the target if it is absolute, else from the Host field. Empty
    /// only for an HTTP/1.0 request without one; it is a well-formed [`Authority`] otherwise.
    pub host: &'a str,
    /// What follows the head.
    pub body: Body,
    /// What the client wants to happen to the connection after the reply.
    pub persistence: Persistence,
    fields: Fields<'a>,
}

/// The two versions there are of HTTP/1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// What follows a request head (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// Nothing: the next byte begins the next request.
    None,
    /// So many bytes, at least one.
    Length(u64),
}

/// What happens to a connection after the reply (RFC 9112 §9.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Persistence {
    /// It waits for the next request.
    KeepAlive,
    /// It is closed.
    Close,
}

impl<'a> Request<'a> {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.first(name)
    }

    /// The values of all fields of this name.
    pub fn fields(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.all(name)
    }

    /// The value of the field of this name where there is exactly one.
    pub fn single_field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.single(name)
    }

    /// Whether `token` is in the comma-separated list of the fields of this name, without case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.fields.has_token(name, token)
    }

    /// Whether the client waits to be told to send its body (RFC 9110 section 10.1.1); one that speaks
    /// HTTP/1.0 does not know how to.
    pub fn expects_continue(&self) -> bool {
        self.version == Version::Http11 && self.has_token("Expect", "100-continue")
    }
}

/// Reads a whole head, from its first byte to its empty line.
///
/// # Errors
/// - [`Status::BadRequest`]: anything malformed. In particular what request smuggling is made of
///   (RFC 9112 §11.2): a Host that is missing (in HTTP/1.1), repeated or no host; a Content-Length
///   that is repeated, no number, or beside a Transfer-Encoding; white space in front of a colon;
///   a folded line; a CR without LF; a NUL; a bare LF between lines that end with CR LF. Empty lines
///   in front of the head, and LF alone as the end of all its lines, are fine (RFC 9112 §2.2).
/// - [`Status::NotImplemented`]: a Transfer-Encoding. We read no coded bodies, and so do not know
///   where this one ends.
/// - [`Status::VersionNotSupported`]: `HTTP/` and two digits that are neither 1.0 nor 1.1.
/// - [`Status::HeaderTooLarge`]: more than [`MAX_FIELDS`](super::MAX_FIELDS) fields.
pub fn parse_request(head: &[u8]) -> Result<Request<'_>, Status> {
    let (line, fields) = Fields::parsed_by(|entries| {
        let mut parsed = httparse::Request::new(entries);
        let outcome = parsed.parse(head);
        let line = RequestLine::of(&parsed, outcome.err(), head)?;
        match outcome {
            Ok(httparse::Status::Complete(length)) if length == head.len() => {
                Ok((line, parsed.headers.len()))
            }
            // The caller gave us half a head, or a head and more.
            _ => Err(Status::BadRequest),
        }
    })?;
    if !ends_its_lines_alike(head) {
        return Err(Status::BadRequest);
    }
    let RequestLine { method, target, version } = line;
    let host_field = host_field(&fields, version)?;
    let body = body(&fields, version)?;
    Ok(Request {
        method,
        path: target.path,
        query: target.query,
        version,
        // RFC 9112 §3.2.2: the Host field beside an absolute target is ignored, if well-formed.
        host: target.authority.or(host_field).unwrap_or_default(),
        body,
        persistence: persistence(&fields, version),
        fields,
    })
}

/// What [`parse_request`] would say to a head that begins with this line; its LF is included.
pub(super) fn check_request_line(line: &[u8]) -> Result<(), Status> {
    let mut parsed = httparse::Request::new(&mut []);
    let outcome = parsed.parse(line);
    RequestLine::of(&parsed, outcome.err(), line).map(drop)
}

/// `method SP request-target SP HTTP-version` (RFC 9112 §3).
struct RequestLine<'a> {
    method: &'a str,
    target: Target<'a>,
    version: Version,
}

impl<'a> RequestLine<'a> {
    /// Takes what httparse found in `head`, and perhaps what it stumbled over.
    fn of(
        parsed: &httparse::Request<'_, 'a>,
        error: Option<httparse::Error>,
        head: &[u8],
    ) -> Result<RequestLine<'a>, Status> {
        match (error, parsed.method, parsed.path, parsed.version) {
            (None, Some(method), Some(target), Some(minor)) => Ok(RequestLine {
                method,
                target: Target::parse(method, target)?,
                version: if minor == 0 { Version::Http10 } else { Version::Http11 },
            }),
            (Some(httparse::Error::TooManyHeaders), ..) => Err(Status::HeaderTooLarge),
            (Some(httparse::Error::Version), _, Some(target), _)
                if target.is_ascii() && names_a_version(head) =>
            {
                Err(Status::VersionNotSupported)
            }
            _ => Err(Status::BadRequest),
        }
    }
}

/// Whether the first line of `head` ends in `HTTP/` DIGIT `.` DIGIT (RFC 9112 §2.3), so that a
/// version is what is wrong with it. `PRI * HTTP/2.0`, how HTTP/2 begins, is such a line.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let word = line.splitn(3, |&byte| byte == b' ').nth(2).unwrap_or_default();
    matches!(word, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
}

/// Whether the lines of `head` end all with CR LF, or all with LF alone. Where only some do, a reader
/// who knows CR LF only, perhaps a proxy in front of us, sees other lines than we do.
fn ends_its_lines_alike(head: &[u8]) -> bool {
    let start = head.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(head.len());
    let lines = &head[start..];
    let mut ends = memchr_iter(b'\n', lines).map(|end| lines[..end].ends_with(b"\r"));
    let first = ends.next();
    ends.all(|end| Some(end) == first)
}

/// RFC 9112 §3.2: exactly one well-formed Host, which only HTTP/1.0 may leave out.
fn host_field<'a>(fields: &Fields<'a>, version: Version) -> Result<Option<&'a str>, Status> {
    if version == Version::Http10 && fields.first("Host").is_none() {
        return Ok(None);
    }
    let value = fields.single("Host").ok_or(Status::BadRequest)?;
    let host = str::from_utf8(value).map_err(|_| Status::BadRequest)?;
    Authority::parse(host).ok_or(Status::BadRequest)?;
    Ok(Some(host))
}

/// RFC 9112 §6.3, without the cases that only a server which reads coded bodies can allow itself.
fn body(fields: &Fields<'_>, version: Version) -> Result<Body, Status> {
    let is_coded = fields.first("Transfer-Encoding").is_some();
    let has_length = fields.first("Content-Length").is_some();
    match (is_coded, has_length) {
        (false, false) => Ok(Body::None),
        (false, true) => {
            let length = fields.single("Content-Length").and_then(parse_decimal);
            match length.ok_or(Status::BadRequest)? {
                0 => Ok(Body::None),
                length => Ok(Body::Length(length)),
            }
        }
        (true, true) => Err(Status::BadRequest),
        // RFC 9112 §6.1: HTTP/1.0 has no transfer codings, so the framing is faulty.
        (true, false) if version == Version::Http10 => Err(Status::BadRequest),
        (true, false) => Err(Status::NotImplemented),
    }
}

/// HTTP/1.0 connections are always closed: none of its clients needs more, and the `keep-alive`
/// they may ask for is not reliable behind old proxies (RFC 9112 appendix C.2.2).
fn persistence(fields: &Fields<'_>, version: Version) -> Persistence {
    if version == Version::Http10 || fields.has_token("Connection", "close") {
        Persistence::Close
    } else {
        Persistence::KeepAlive
    }
}

/// A length as it is written: digits.
fn parse_decimal(digits: &[u8]) -> Option<u64> {
    decimal::parse(str::from_utf8(digits).ok()?)
}

#[cfg(test)]
mod tests;

//! What a service answers over HTTP besides its WebSockets: a path, or everything below one.
//!
//! A [`Site`](super::Site) lists the resources of its bindings, and [`Http`](super::Http) finds the
//! one that a request is for. The engine then hands the [`Request`] to the service, which fills in
//! the [`Response`].

use std::borrow::Cow;

use super::Asked;
use crate::buffer::{Buffer, BufferPool};
use crate::codec::http::{self, Status, parse_request};

/// A path of a web listener, or what is below it, and the methods that are taken there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    path: String,
    extent: Extent,
    methods: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    /// The path and nothing else.
    Exact,
    /// Every path that begins with it.
    Below,
}

impl Resource {
    /// A resource at exactly this path (decoded). Where GET is taken, so is HEAD.
    pub fn at(path: impl Into<String>, methods: &'static [&'static str]) -> Resource {
        Resource { path: path.into(), extent: Extent::Exact, methods }
    }

    /// Every path that begins with this one (decoded), which ends in `/`.
    pub fn below(path: impl Into<String>, methods: &'static [&'static str]) -> Resource {
        Resource { path: path.into(), extent: Extent::Below, methods }
    }

    /// How much of `path` it answers to by name: a longer name is a better one, and a whole path the
    /// best. `None` if it is another path.
    pub(super) fn matches(&self, path: &str) -> Option<usize> {
        match self.extent {
            Extent::Exact => (path == self.path).then_some(usize::MAX),
            Extent::Below => path.starts_with(&self.path).then_some(self.path.len()),
        }
    }

    /// Whether it takes this method.
    pub(super) fn takes(&self, method: &str) -> bool {
        self.methods.contains(&without_head(method))
    }

    /// The length of its path, in bytes.
    pub(super) fn path_len(&self) -> usize {
        self.path.len()
    }

    /// The value of the Allow field.
    pub(super) fn allow(&self) -> String {
        let mut methods = self.methods.to_vec();
        if let Some(position) = methods.iter().position(|method| *method == "GET") {
            methods.insert(position + 1, "HEAD");
        }
        methods.join(", ")
    }
}

/// What is asked with HEAD is a GET whose answer has no body (RFC 9110 section 9.3.2).
fn without_head(method: &str) -> &str {
    if method == "HEAD" { "GET" } else { method }
}

/// A whole request for a resource, as a service sees it.
#[derive(Debug)]
pub struct Request<'a> {
    head: http::Request<'a>,
    path: Cow<'a, str>,
    below: usize,
    body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads what was [asked](super::Event::Asked) once more: the table of its fields refers to its bytes,
    /// and is not kept while they are moved.
    pub(crate) fn new(asked: &'a Asked<'_>) -> Request<'a> {
        let head = parse_request(&asked.head).expect("it was read before");
        let path = percent_encoding::percent_decode_str(head.path).decode_utf8_lossy();
        Request { head, path, below: asked.below, body: &asked.body }
    }

    /// `GET`, `POST` and so on. What is asked with HEAD is a GET: the body is left out later.
    pub fn method(&self) -> &'a str {
        without_head(self.head.method)
    }

    /// The path, decoded, with its leading `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What stands in the path behind that of the resource; empty where it is the whole of it.
    pub fn below(&self) -> &str {
        &self.path[self.below..]
    }

    /// What stands behind the `?`, not decoded.
    pub fn query(&self) -> Option<&'a str> {
        self.head.query
    }

    /// The value of the field of this name, without case, where there is exactly one.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.head.single_field(name)
    }

    /// The body, empty where there is none.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// What a request is answered with. It begins as "404 Not Found".
#[derive(Debug)]
pub struct Response {
    /// The status. The body of an error is its phrase, unless there is another one.
    pub status: Status,
    /// The media type of the body: text, unless it is said to be something else.
    pub content_type: &'static str,
    fields: Vec<(&'static str, String)>,
    body: Box<Buffer>,
}

impl Response {
    pub(crate) fn new(pool: &mut BufferPool) -> Response {
        Response {
            status: Status::NotFound,
            content_type: http::TEXT_PLAIN,
            fields: Vec::new(),
            body: pool.take(),
        }
    }

    /// Adds a field, such as `WWW-Authenticate`. A control character in its value, which a peer may
    /// have brought, is a space: a line end would begin another field (RFC 9110 section 5.5).
    pub fn field(&mut self, name: &'static str, value: &str) {
        let value = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.fields.push((name, value));
    }

    /// The body, to be appended to.
    pub fn body(&mut self) -> &mut Vec<u8> {
        self.body.tail()
    }

    /// Calls `use_it` with the response as it is written.
    pub(super) fn with<T>(&self, use_it: impl FnOnce(&http::Response<'_>) -> T) -> T {
        let fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, content_type) = (self.status, self.content_type);
        if self.body.is_empty() && status.is_error() {
            use_it(&http::Response::plain(status, &fields))
        } else {
            let body = self.body.as_slice();
            use_it(&http::Response { status, content_type, fields: &fields, body })
        }
    }

    pub(crate) fn recycle(self, pool: &mut BufferPool) {
        pool.give(self.body);
    }
}

//! A web client before it is a WebSocket client: requests and responses (RFC 9112).
//!
//! ```text
//!    ┌───────┐ whole head   ┌─────────┐ first byte  ┌───────┐
//!    │ First │ ───────────► │ Between │ ──────────► │ Later │
//!    └───────┘  answered    └─────────┘ ◄────────── └───────┘
//!        │                       │       answered       │
//!        └───────────────────────┴──────────┬───────────┘
//!                                           ▼
//!                101: the connection is a WebSocket     error, HTTP/1.0, Connection: close:
//!                                                       answered, then closed
//! ```
//!
//! The stages differ in their deadlines: the first request has to be complete a while after
//! accept, a later one a while after its first byte, and between requests a client may idle for a
//! while. A client that trickles bytes moves none of them. (From `First`, too, a request leads to
//! `Later` where it is answered before its body has come; the end of the body leads to `Between`.)

use std::fmt;

use super::head::HeadBuffer;
use super::page::Shown;
use super::{CloseReason, Event, Route, Site, Wire};
use crate::address::Escaped;
use crate::buffer::BufferPool;
use crate::codec::Payload;
use crate::codec::http::{
    self, Body, HeadKind, Persistence, Request, Response, Status, parse_request,
};
use crate::codec::websocket::deflate::{Agreement, negotiation};
use crate::codec::websocket::handshake;

/// A request may carry a body of this length, which is skipped. Nothing here takes a body, and a
/// longer one is not worth its transport: the connection is closed behind the response.
const MAX_SKIPPED_BYTES: u32 = 64 * 1024;

/// A server's side of one HTTP connection.
#[derive(Debug)]
pub struct Http {
    head: HeadBuffer,
    stage: Stage,
    /// How much of a body is still to be skipped.
    body_left: u32,
    /// The deadline of the stage counts from the moment of the last bytes.
    is_restarted: bool,
}

/// A request that was answered with an error. It prints as the one line that a log has for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    status: Status,
    /// The origin or the host that is not allowed, escaped.
    not_allowed: Option<Box<str>>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answered {}", self.status)?;
        match &self.not_allowed {
            Some(who) => write!(f, " to {who}"),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// Nothing was answered yet.
    First,
    /// Everything that was asked is answered.
    Between,
    /// A request has begun behind another, or the body of one that is answered has not ended.
    Later,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            head: HeadBuffer::new(HeadKind::Request),
            stage: Stage::First,
            body_left: 0,
            is_restarted: false,
        }
    }
}

/// What became of a request.
enum Outcome {
    /// A response, which was an error or not, and what follows it.
    Answered(Persistence, Option<Refusal>),
    /// The connection is a WebSocket, a client of this binding, and may compress.
    Upgraded(u16, Option<Agreement>),
}

impl Http {
    /// Whether everything that was asked is answered, and something was.
    pub fn is_between_requests(&self) -> bool {
        self.stage == Stage::Between
    }

    /// Whether the deadline has to be counted anew; says so once.
    pub fn take_deadline_restart(&mut self) -> bool {
        std::mem::take(&mut self.is_restarted)
    }

    /// Time is up: says so (408) if a request has begun and is not answered. One whose body does
    /// not come was answered as soon as its head was there, and a request has one answer. (This
    /// is a missed deadline and counted as such, not a refused request as well.)
    pub fn time_out(&self, wire: &mut Wire<'_>) {
        if self.head.has_begun() {
            let response = Response::plain(Status::RequestTimeout, &[]);
            let method = Method::of_head(self.head.beginning(&[]));
            respond(&response, Persistence::Close, method, wire);
        }
    }

    /// Takes the next request, if it is complete, and answers it.
    ///
    /// Out of line: the table of its fields takes two KiB of stack, which would be a part of the
    /// frame in which every WebSocket message is decoded.
    #[inline(never)]
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
    ) -> Option<Event<'a>> {
        self.skip_body(input);
        self.note_beginning(input);
        let head = match self.head.take(input, wire.pool) {
            Ok(Some(head)) => head,
            Ok(None) => return None,
            Err(status) => {
                let method = Method::of_head(self.head.beginning(input));
                *input = &mut [];
                let outcome = refuse(status, Persistence::Close, &[], method, wire);
                return Some(self.event(outcome, Payload::Borrowed(&[]), wire));
            }
        };
        let outcome = match parse_request(head.as_slice()) {
            Ok(request) => self.answer(&request, wire),
            Err(status) => {
                let method = Method::of_head(head.as_slice());
                refuse(status, Persistence::Close, &[], method, wire)
            }
        };
        if let Outcome::Answered(Persistence::Close, _) = outcome {
            *input = &mut [];
        }
        Some(self.event(outcome, head, wire))
    }

    /// The memory held for an incomplete head, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.head.buffered_bytes()
    }

    /// Gives the buffer of an incomplete head back.
    pub(super) fn release(&mut self, pool: &mut BufferPool) {
        self.head.release(pool);
    }

    fn event<'a>(&mut self, outcome: Outcome, head: Payload<'a>, wire: &mut Wire<'_>) -> Event<'a> {
        let (persistence, refusal) = match outcome {
            Outcome::Upgraded(binding, deflate) => {
                return Event::Upgraded { binding, head, deflate };
            }
            Outcome::Answered(persistence, refusal) => (persistence, refusal),
        };
        head.recycle(wire.pool);
        self.release(wire.pool);
        match (persistence, refusal) {
            (Persistence::Close, None) => Event::Finished(CloseReason::Answered),
            (Persistence::Close, Some(refusal)) => Event::Finished(CloseReason::Denied(refusal)),
            (Persistence::KeepAlive, refusal) => {
                self.move_to(if self.body_left > 0 { Stage::Later } else { Stage::Between });
                self.is_restarted = true;
                Event::Answered(refusal)
            }
        }
    }

    /// Skips what is left of the body of the last request.
    fn skip_body(&mut self, input: &mut &mut [u8]) {
        if self.body_left == 0 {
            return;
        }
        let count = input.len().min(self.body_left as usize);
        *input = &mut std::mem::take(input)[count..];
        self.body_left -= u32::try_from(count).expect("it is no more than what was left");
        if self.body_left == 0 {
            self.move_to(Stage::Between);
        }
    }

    /// A request begins with its first byte, and empty lines in front of it are none of it: some
    /// clients send one behind a body.
    fn note_beginning(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Between && bytes.iter().any(|byte| !b"\r\n".contains(byte)) {
            self.move_to(Stage::Later);
        }
    }

    fn move_to(&mut self, stage: Stage) {
        self.is_restarted |= self.stage != stage;
        self.stage = stage;
    }

    /// Answers a sound request.
    fn answer(&mut self, request: &Request<'_>, wire: &mut Wire<'_>) -> Outcome {
        let site = wire.site.expect("HTTP is spoken at web listeners only");
        let mut persistence = request.persistence;
        if let Body::Length(length) = request.body {
            // Who asks before it sends a body, and is answered, may send it all the same or send the
            // next request in its place (RFC 9110 section 10.1.1); and who wants a WebSocket may send
            // frames. Nobody can tell which, so nothing more is read.
            let is_certain = !request.has_token("Expect", "100-continue")
                && !request.has_token("Upgrade", "websocket");
            match u32::try_from(length) {
                Ok(length) if is_certain && length <= MAX_SKIPPED_BYTES => self.body_left = length,
                _ => persistence = Persistence::Close,
            }
        }
        let method = Method::of(request);
        if !site.hosts.allows(request.host) {
            return forbid("the host", request.host.as_bytes(), persistence, method, wire);
        }
        let path = percent_encoding::percent_decode_str(request.path).decode_utf8_lossy();
        match (site.route(&path), Shown::find(&path), method) {
            (Some(route), _, Method::Get) => upgrade(request, site, route, persistence, wire),
            (Some(_), _, _) => {
                refuse(Status::MethodNotAllowed, persistence, &[("Allow", "GET")], method, wire)
            }
            (None, Some(shown), Method::Get | Method::Head) => {
                shown
                    .answer(request, site, |response| respond(response, persistence, method, wire));
                Outcome::Answered(persistence, None)
            }
            (None, Some(_), Method::Other) => {
                let allow = &[("Allow", "GET, HEAD")];
                refuse(Status::MethodNotAllowed, persistence, allow, method, wire)
            }
            (None, None, _) => refuse(Status::NotFound, persistence, &[], method, wire),
        }
    }
}

/// Answers a request for a WebSocket (RFC 6455 section 4.2). What it offers of extensions is taken or
/// left, and never a reason to refuse it (section 9.1).
fn upgrade(
    request: &Request<'_>,
    site: &Site,
    route: &Route,
    persistence: Persistence,
    wire: &mut Wire<'_>,
) -> Outcome {
    let checked = handshake::check_upgrade(request)
        .and_then(|accept| Ok((accept, route.subprotocols.choose(request)?)));
    let (accept, subprotocol) = match checked {
        Ok(checked) => checked,
        Err(refusal) => {
            let (status, fields) = (refusal.status(), refusal.fields());
            return refuse(status, persistence, fields, Method::Get, wire);
        }
    };
    if let Err(origin) = check_origin(request, site) {
        return forbid("the origin", origin, persistence, Method::Get, wire);
    }
    let accepted = negotiation::accept(route.deflate, request.fields(negotiation::FIELD));
    let mut fields: Vec<(&str, &str)> = Vec::new();
    fields.extend(subprotocol.map(|name| (handshake::SUBPROTOCOL, name)));
    fields.extend(accepted.as_ref().map(|accepted| (negotiation::FIELD, &*accepted.response)));
    handshake::encode_accept(wire.tail(), &accept, &fields);
    Outcome::Upgraded(route.binding, accepted.map(|accepted| accepted.agreement))
}

/// Answers with an error, whose body is its reason phrase.
fn refuse(
    status: Status,
    persistence: Persistence,
    fields: &[(&str, &str)],
    method: Method,
    wire: &mut Wire<'_>,
) -> Outcome {
    respond(&Response::plain(status, fields), persistence, method, wire);
    Outcome::Answered(persistence, Some(Refusal { status, not_allowed: None }))
}

/// Answers 403 to a host or origin that is not allowed; the log names it, the peer knows it.
fn forbid(
    what: &str,
    who: &[u8],
    persistence: Persistence,
    method: Method,
    wire: &mut Wire<'_>,
) -> Outcome {
    let status = Status::Forbidden;
    respond(&Response::plain(status, &[]), persistence, method, wire);
    let not_allowed = Some(format!("{what} \"{}\"", Escaped(who)).into_boxed_str());
    Outcome::Answered(persistence, Some(Refusal { status, not_allowed }))
}

/// The methods that are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Head,
    Other,
}

impl Method {
    /// The method of a head that is not sound, or not whole: HEAD gets no body, whatever else is
    /// wrong.
    fn of_head(head: &[u8]) -> Method {
        let start = head.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(head.len());
        if head[start..].starts_with(b"HEAD ") { Method::Head } else { Method::Other }
    }

    fn of(request: &Request<'_>) -> Method {
        match request.method {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            _ => Method::Other,
        }
    }
}

/// Appends a response; HEAD gets no body.
fn respond(response: &Response<'_>, persistence: Persistence, method: Method, wire: &mut Wire<'_>) {
    let parts = if method == Method::Head { http::Payload::HeadOnly } else { http::Payload::Body };
    let unix_seconds = wire.unix_seconds;
    response.encode(wire.tail(), parts, persistence, unix_seconds);
}

/// Whether the page that a request comes from may open a WebSocket here; if not, the origin that it
/// gave. Who sends no Origin is no browser, and nobody's page.
fn check_origin<'a>(request: &Request<'a>, site: &Site) -> Result<(), &'a [u8]> {
    let mut origins = request.fields("origin");
    let Some(origin) = origins.next() else { return Ok(()) };
    let is_allowed = origins.next().is_none()
        && str::from_utf8(origin).is_ok_and(|origin| site.origins.allows(origin, request.host));
    if is_allowed { Ok(()) } else { Err(origin) }
}

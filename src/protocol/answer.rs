//! What a sound request is answered with, and by whom.
//!
//! Called by the HTTP protocol once per request. Most of it is answered here; a request for a
//! [`Resource`] is left to the service behind it.

use std::fmt;

use super::page::Shown;
use super::resource::Resource;
use super::{Route, Site, Wire};
use crate::address::Escaped;
use crate::codec::http::{self, Body, Persistence, Request, Response, Status};
use crate::codec::websocket::deflate::{Agreement, negotiation};
use crate::codec::websocket::handshake;

/// A request that was answered with an error. It prints as the one line that a log has for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub(super) status: Status,
    /// The origin or the host that is not allowed, escaped.
    pub(super) not_allowed: Option<Box<str>>,
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

/// What becomes of a request that is not refused.
pub(super) enum Outcome {
    /// It is answered.
    Answered,
    /// The connection is a WebSocket, a client of this binding, and may compress.
    Upgraded(u16, Option<Agreement>),
    /// It is for a resource of this binding, which answers it when the body is there.
    Asked {
        /// The index of the binding.
        binding: u16,
        /// How much of the path is that of the resource, in bytes.
        below: usize,
        /// The length of the body.
        length: usize,
    },
}

/// How a request is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Manner {
    /// What follows the response.
    pub(super) persistence: Persistence,
    method: Method,
}

impl Manner {
    /// The one for a head that is not sound, or not whole: what follows it is anybody's guess.
    pub(super) fn of_head(head: &[u8]) -> Manner {
        Manner { persistence: Persistence::Close, method: Method::of_head(head) }
    }

    /// The one for a sound request of which nothing is unread when it is answered.
    pub(super) fn of(request: &Request<'_>) -> Manner {
        Manner { persistence: request.persistence, method: Method::of(request) }
    }
}

/// Answers a sound request in this manner, or finds out who is to.
pub(super) fn answer(
    request: &Request<'_>,
    manner: Manner,
    wire: &mut Wire<'_>,
) -> Result<Outcome, Refusal> {
    let site = wire.site.expect("HTTP is spoken at web listeners only");
    if !site.hosts.allows(request.host) {
        return Err(forbid("the host", request.host.as_bytes(), manner, wire));
    }
    let path = percent_encoding::percent_decode_str(request.path).decode_utf8_lossy();
    if let Some(route) = site.route(&path) {
        return match manner.method {
            Method::Get => upgrade(request, site, route, manner, wire),
            Method::Head | Method::Other => Err(not_allowed("GET", manner, wire)),
        };
    }
    if let Some((resource, binding)) = site.resource(&path) {
        let length = ask(request, site, resource, manner, wire)?;
        return Ok(Outcome::Asked { binding, below: resource.path_len(), length });
    }
    // A site without WebSockets has nothing for a page to talk to.
    let shown = if site.routes.is_empty() { None } else { Shown::find(&path) };
    match (shown, manner.method) {
        (Some(shown), Method::Get | Method::Head) => {
            shown.answer(request, site, |response| respond(response, manner, wire));
            Ok(Outcome::Answered)
        }
        (Some(_), Method::Other) => Err(not_allowed("GET, HEAD", manner, wire)),
        (None, _) => Err(refuse(Status::NotFound, &[], manner, wire)),
    }
}

/// Sees whether a service is to answer a request; the length of its body.
fn ask(
    request: &Request<'_>,
    site: &Site,
    resource: &Resource,
    manner: Manner,
    wire: &mut Wire<'_>,
) -> Result<usize, Refusal> {
    if !resource.takes(request.method) {
        return Err(not_allowed(&resource.allow(), manner, wire));
    }
    // A page of anybody's may have a browser ask for something, but not read the answer; what changes
    // something is not asked for by strangers.
    if manner.method == Method::Other {
        check_origin(request, site).map_err(|origin| forbid("the origin", origin, manner, wire))?;
    }
    let Body::Length(length) = request.body else { return Ok(0) };
    match usize::try_from(length) {
        Ok(length) if length <= wire.limits.frames.max_message => {
            // RFC 9110 section 10.1.1.
            if request.expects_continue() {
                wire.tail().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
            Ok(length)
        }
        _ => Err(refuse(Status::ContentTooLarge, &[], manner, wire)),
    }
}

/// Answers a request for a WebSocket (RFC 6455 section 4.2). What it offers of extensions is taken or
/// left, and never a reason to refuse it (section 9.1).
fn upgrade(
    request: &Request<'_>,
    site: &Site,
    route: &Route,
    manner: Manner,
    wire: &mut Wire<'_>,
) -> Result<Outcome, Refusal> {
    let checked = handshake::check_upgrade(request)
        .and_then(|accept| Ok((accept, route.subprotocols.choose(request)?)));
    let (accept, subprotocol) = match checked {
        Ok(checked) => checked,
        Err(refusal) => {
            let (status, fields) = (refusal.status(), refusal.fields());
            return Err(refuse(status, fields, manner, wire));
        }
    };
    check_origin(request, site).map_err(|origin| forbid("the origin", origin, manner, wire))?;
    let accepted = negotiation::accept(route.deflate, request.fields(negotiation::FIELD));
    let mut fields: Vec<(&str, &str)> = Vec::new();
    fields.extend(subprotocol.map(|name| (handshake::SUBPROTOCOL, name)));
    fields.extend(accepted.as_ref().map(|accepted| (negotiation::FIELD, &*accepted.response)));
    handshake::encode_accept(wire.tail(), &accept, &fields);
    Ok(Outcome::Upgraded(route.binding, accepted.map(|accepted| accepted.agreement)))
}

/// Answers with an error, whose body is its reason phrase.
pub(super) fn refuse(
    status: Status,
    fields: &[(&str, &str)],
    manner: Manner,
    wire: &mut Wire<'_>,
) -> Refusal {
    respond(&Response::plain(status, fields), manner, wire);
    Refusal { status, not_allowed: None }
}

/// Answers 405 where only these methods are taken.
fn not_allowed(methods: &str, manner: Manner, wire: &mut Wire<'_>) -> Refusal {
    refuse(Status::MethodNotAllowed, &[("Allow", methods)], manner, wire)
}

/// Answers 403 to a host or origin that is not allowed; the log names it, the peer knows it.
fn forbid(what: &str, who: &[u8], manner: Manner, wire: &mut Wire<'_>) -> Refusal {
    let who = format!("{what} \"{}\"", Escaped(who)).into_boxed_str();
    Refusal { not_allowed: Some(who), ..refuse(Status::Forbidden, &[], manner, wire) }
}

/// The methods that are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
pub(super) fn respond(response: &Response<'_>, manner: Manner, wire: &mut Wire<'_>) {
    let parts = match manner.method {
        Method::Head => http::Payload::HeadOnly,
        Method::Get | Method::Other => http::Payload::Body,
    };
    let unix_seconds = wire.unix_seconds;
    response.encode(wire.tail(), parts, manner.persistence, unix_seconds);
}

/// Whether the page that a request comes from may do more here than to look; if not, the origin that it
/// gave. Who sends no Origin is no browser, and nobody's page.
fn check_origin<'a>(request: &Request<'a>, site: &Site) -> Result<(), &'a [u8]> {
    let mut origins = request.fields("origin");
    let Some(origin) = origins.next() else { return Ok(()) };
    let is_allowed = origins.next().is_none()
        && str::from_utf8(origin).is_ok_and(|origin| site.origins.allows(origin, request.host));
    if is_allowed { Ok(()) } else { Err(origin) }
}

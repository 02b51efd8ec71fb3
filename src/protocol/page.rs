//! What a web listener shows by itself: the page for browsers, the line of text for programs, and
//! the list of what else is there.
//!
//! ```text
//!   GET /               a line of text, or the page: content negotiation ([`prefers_html`])
//!   GET /page/NAME      a file of the page (the folder web/, compiled in)
//!   GET /services.json  which WebSocket path leads to which service, for the page to know
//! ```
//!
//! Called by the HTTP protocol for every path that is no WebSocket's and no resource's. Files are constants with an
//! entity tag, and a browser asks each time whether its copy is still good: then what it shows is
//! never older than the server it shows.

use std::fmt::{self, Write as _};

use super::Site;
use crate::codec::http::{Request, Response, Status, TEXT_PLAIN, prefers_html};
use crate::json::Quoted;

/// What everybody but a browser reads at `/`; 38 bytes, without a newline at the end.
pub(crate) const WELCOME: &str = "Welcome!\nPlease use /ws for WebSocket!";

/// Something that can be asked for with GET and HEAD.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    /// `/`, in two representations.
    Front,
    /// A file of the page.
    File(&'static File),
    /// The list of WebSocket paths.
    Services,
}

impl Shown {
    /// What is at `path` (decoded), if anything is.
    pub(super) fn find(path: &str) -> Option<Shown> {
        match path {
            "/" => Some(Shown::Front),
            "/services.json" => Some(Shown::Services),
            _ => FILES.iter().find(|file| file.path == path).map(Shown::File),
        }
    }

    /// Calls `send` with the answer to `request`.
    pub(super) fn answer(
        self,
        request: &Request<'_>,
        site: &Site,
        send: impl FnOnce(&Response<'_>),
    ) {
        match self {
            Shown::Front if prefers_html(request) => send(&page(request)),
            Shown::Front => send(&Response {
                status: Status::Ok,
                content_type: TEXT_PLAIN,
                fields: &[VARY],
                body: WELCOME.as_bytes(),
            }),
            Shown::File(file) => {
                let fields = &[CACHE, ("ETag", file.tag), NOSNIFF];
                send(&Response {
                    status: status(request, file.tag),
                    content_type: file.content_type,
                    fields,
                    body: file.body.as_bytes(),
                });
            }
            Shown::Services => send(&Response {
                status: Status::Ok,
                content_type: "application/json",
                fields: &[("Cache-Control", "no-store"), NOSNIFF],
                body: services(site).as_bytes(),
            }),
        }
    }
}

/// The page itself.
fn page(request: &Request<'_>) -> Response<'static> {
    const FIELDS: &[(&str, &str)] =
        &[VARY, CACHE, ("ETag", INDEX.tag), CONTENT_SECURITY_POLICY, NOSNIFF];
    Response {
        status: status(request, INDEX.tag),
        content_type: INDEX.content_type,
        fields: FIELDS,
        body: INDEX.body.as_bytes(),
    }
}

/// The same URL has two representations: a cache must keep them apart (RFC 9110 §12.5.5).
const VARY: (&str, &str) = ("Vary", "Accept");

/// A copy may be kept, and has to be asked about before it is used (RFC 9111 §5.2.2.4).
const CACHE: (&str, &str) = ("Cache-Control", "no-cache");

/// A file is what its type says and nothing else (the Fetch standard).
const NOSNIFF: (&str, &str) = ("X-Content-Type-Options", "nosniff");

/// The page may use what this listener serves and nothing else: no script or style in the markup or
/// from elsewhere, no connection to another host, no form target, no frame around it. Even if text
/// of a peer were ever taken for markup, it could do nothing.
const CONTENT_SECURITY_POLICY: (&str, &str) = (
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// 304 to who has this very file, else 200 (RFC 9110 §13.1.2). Our tags have no comma in them, so a
/// list is split at commas.
fn status(request: &Request<'_>, tag: &str) -> Status {
    let mut known = request.fields("If-None-Match").flat_map(|list| list.split(|&b| b == b','));
    let is_known = known.any(|known| {
        let known = known.trim_ascii();
        known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes()
    });
    if is_known { Status::NotModified } else { Status::Ok }
}

/// The WebSocket paths of a listener with their services, as JSON:
/// `{"services":[{"service":"random","path":"/random","parameters":{"burst":"true"},"subprotocols":[]}]}`.
fn services(site: &Site) -> String {
    let mut json = "{\"services\":[".to_owned();
    list(&mut json, &site.routes, |json, route| {
        let (service, path) = (Quoted(&route.service), Quoted(&route.path));
        write!(json, "\n{{\"service\":{service},\"path\":{path},\"parameters\":{{")?;
        list(json, &route.parameters, |json, (name, value)| {
            write!(json, "{}:{}", Quoted(name), Quoted(value))
        })?;
        json.push_str("},\"subprotocols\":[");
        list(json, route.subprotocols.names(), |json, name| write!(json, "{}", Quoted(name)))?;
        json.push_str("]}");
        Ok(())
    })
    .expect("a String takes everything");
    json.push_str("\n]}\n");
    json
}

/// Writes each item, with commas in between.
fn list<T>(
    json: &mut String,
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut String, T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        each(json, item)?;
    }
    Ok(())
}

/// A file that is compiled in.
#[derive(Debug)]
pub(super) struct File {
    path: &'static str,
    content_type: &'static str,
    body: &'static str,
    tag: &'static str,
}

/// A file of the folder web/.
macro_rules! file {
    ($name:literal, $content_type:literal) => {{
        const BODY: &str = include_str!(concat!("../../web/", $name));
        const TAG: &[u8] = &entity_tag(BODY);
        File {
            path: concat!("/page/", $name),
            content_type: $content_type,
            body: BODY,
            tag: match str::from_utf8(TAG) {
                Ok(tag) => tag,
                Err(_) => unreachable!(),
            },
        }
    }};
}

const INDEX: File = file!("index.html", "text/html; charset=utf-8");

static FILES: &[File] = &[
    file!("style.css", "text/css; charset=utf-8"),
    file!("icon.svg", "image/svg+xml"),
    file!("main.js", "text/javascript; charset=utf-8"),
    file!("tabs.js", "text/javascript; charset=utf-8"),
    file!("theme.js", "text/javascript; charset=utf-8"),
    file!("socket.js", "text/javascript; charset=utf-8"),
    file!("panel.js", "text/javascript; charset=utf-8"),
    file!("dom.js", "text/javascript; charset=utf-8"),
    file!("format.js", "text/javascript; charset=utf-8"),
    file!("chart.js", "text/javascript; charset=utf-8"),
    file!("frames.js", "text/javascript; charset=utf-8"),
    file!("log.js", "text/javascript; charset=utf-8"),
    file!("echo.js", "text/javascript; charset=utf-8"),
    file!("random.js", "text/javascript; charset=utf-8"),
    file!("time.js", "text/javascript; charset=utf-8"),
    file!("count.js", "text/javascript; charset=utf-8"),
    file!("chat.js", "text/javascript; charset=utf-8"),
    file!("notify.js", "text/javascript; charset=utf-8"),
    file!("stream.js", "text/javascript; charset=utf-8"),
    file!("server.js", "text/javascript; charset=utf-8"),
];

/// A name for the content: 64 bits of FNV-1a in hexadecimal digits, quoted (RFC 9110 §8.8.3).
const fn entity_tag(body: &str) -> [u8; 18] {
    let bytes = body.as_bytes();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0100_0000_01b3);
        index += 1;
    }
    let mut tag = [b'"'; 18];
    let mut digit = 0;
    while digit < 16 {
        tag[16 - digit] = b"0123456789abcdef"[(hash >> (4 * digit) & 15) as usize];
        digit += 1;
    }
    tag
}

#[cfg(test)]
mod tests;

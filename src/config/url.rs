//! The URL of a binding, or of what a client connects to, taken apart.
//!
//! This is not the general URL syntax (RFC 3986) but what fits sockets: no user, no fragment, the
//! port is never left out, and a UNIX URL has a socket name where others have a host. Only
//! [`Binding`](super::Binding) and [`Target`](super::Target) use this.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::error::Problem;
use super::parameters::Parameters;
use super::scheme::{Carrier, Scheme};
use super::{percent, port};
use crate::access::host::{self, BadAuthority, HostText};
use crate::address::{Family, InetAddress, UnixName};

/// The longest name of a UNIX socket: `sun_path` has 108 bytes, one of which is a NUL, behind a
/// path or in front of an abstract name (unix(7)).
const SOCKET_NAME_MAX_BYTES: usize = 107;

/// A URL whose parts are legal by themselves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    pub(super) place: Place,
    /// The path of a `ws` or `ws+unix` URL, decoded; empty for the others.
    pub(super) web_path: String,
    pub(super) parameters: Parameters,
}

/// Where the socket is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Inet(InetAddress),
    Unix(UnixName),
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Url, Problem> {
        let Parts { scheme, place, path, query } = Parts::of(text)?;
        let example = if scheme == Scheme::WebUnix { ":/ws" } else { "/ws" };
        let web_path = match scheme.carrier() {
            Carrier::Web => web_path(path, example)?,
            Carrier::Stream | Carrier::Packet | Carrier::Datagram | Carrier::Http => String::new(),
        };
        let parameters = query.map_or(Ok(Parameters::default()), Parameters::parse)?;
        Ok(Url { scheme, place, web_path, parameters })
    }
}

/// A URL cut at its marks: what a server's has in common with a client's.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) scheme: Scheme,
    pub(super) place: Place,
    /// The path of a `ws` or `ws+unix` URL as it was typed; empty for the others.
    pub(super) path: &'a str,
    /// What stands behind the `?`.
    pub(super) query: Option<&'a str>,
}

impl Parts<'_> {
    pub(super) fn of(text: &str) -> Result<Parts<'_>, Problem> {
        let (scheme, rest) = text.split_once("://").ok_or(Problem::NoScheme)?;
        let scheme = Scheme::parse(scheme)?;
        if rest.contains('#') {
            return Err(Problem::Fragment);
        }
        let (address, query) = match rest.split_once('?') {
            Some((address, query)) => (address, Some(query)),
            None => (rest, None),
        };
        let (place, path) = match scheme {
            Scheme::Tcp(family) => (inet(address, family, "tcp", scheme)?, ""),
            Scheme::Udp(family) => (inet(address, family, "udp", scheme)?, ""),
            Scheme::Unix | Scheme::UnixDatagram | Scheme::UnixPacket => {
                (Place::Unix(socket_name(address)?), "")
            }
            Scheme::Http => {
                // Which paths there are is for the service to say.
                let address = address.strip_suffix('/').unwrap_or(address);
                (inet(address, Family::Any, "tcp", scheme)?, "")
            }
            Scheme::HttpUnix => (Place::Unix(socket_name(address)?), ""),
            Scheme::Web => {
                let (authority, path) = split_path(address);
                (Place::Inet(authority_of(authority, Family::Any, "tcp")?), path)
            }
            Scheme::WebUnix => {
                // A path may hold colons, so that the last `:/` is the one that ends it.
                let (name, path) = match address.rfind(":/") {
                    Some(colon) => (&address[..colon], &address[colon + 1..]),
                    None => (address, ""),
                };
                (Place::Unix(socket_name(name)?), path)
            }
        };
        Ok(Parts { scheme, place, path, query })
    }
}

/// The address of a URL that has nothing but host and port.
fn inet(address: &str, family: Family, protocol: &str, scheme: Scheme) -> Result<Place, Problem> {
    let (authority, path) = split_path(address);
    if !path.is_empty() {
        return Err(Problem::UnexpectedPath { scheme: scheme.name(), path: path.to_owned() });
    }
    authority_of(authority, family, protocol).map(Place::Inet)
}

/// Splits in front of the first `/`.
fn split_path(address: &str) -> (&str, &str) {
    address.split_at(address.find('/').unwrap_or(address.len()))
}

/// Host and port.
fn authority_of(text: &str, family: Family, protocol: &str) -> Result<InetAddress, Problem> {
    if text.contains('@') {
        return Err(Problem::UserInfo);
    }
    let (host_text, port_text) = host::split_port(text).map_err(|error| match error {
        BadAuthority::BareIpv6 => Problem::BareIpv6,
        BadAuthority::Malformed => Problem::BadHost(text.to_owned()),
    })?;
    let host = match host_text {
        HostText::Plain("") => None,
        HostText::Plain(text) => {
            let name = percent::decode_text(text)?;
            Some(host::canonical_name(&name).ok_or(Problem::BadHost(name))?)
        }
        HostText::Bracketed(text) => {
            let address = percent::decode_text(text)?;
            Some(host::canonical_ipv6(&address).ok_or(Problem::BadHost(address))?)
        }
    };
    if let Some(host) = &host
        && host::literal(host).is_some_and(|address| !family.admits(address))
    {
        return Err(Problem::WrongFamily { host: host.clone(), family });
    }
    let port = port::parse(&percent::decode_text(port_text.unwrap_or(""))?, protocol)?;
    Ok(InetAddress { family, host, port })
}

/// The name of a UNIX socket: a path, or `@` and an abstract name.
fn socket_name(text: &str) -> Result<UnixName, Problem> {
    // An `@` that was escaped is the first letter of a relative path.
    let (is_abstract, name) = match text.strip_prefix('@') {
        Some(name) => (true, percent::decode(name)?),
        None => (false, percent::decode(text)?),
    };
    match name.len() {
        0 => Err(Problem::MissingSocketName),
        length if length > SOCKET_NAME_MAX_BYTES => {
            Err(Problem::SocketNameTooLong { length, max: SOCKET_NAME_MAX_BYTES })
        }
        _ if is_abstract => Ok(UnixName::Abstract(name)),
        _ => Ok(UnixName::Path(PathBuf::from(OsString::from_vec(name)))),
    }
}

/// The path of a WebSocket: `/` by itself belongs to the welcome page.
fn web_path(text: &str, example: &'static str) -> Result<String, Problem> {
    let path = percent::decode_text(text)?;
    if path.len() > 1 { Ok(path) } else { Err(Problem::MissingWebPath(example)) }
}

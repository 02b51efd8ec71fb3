//! What a client connects to: the same URLs as those of bindings, read from the other side.
//!
//! A URL without a host means this machine, so that what a server's table shows can be connected
//! to. The path and the query of a `ws` URL are the server's business and kept as they were typed;
//! other URLs have no query.

use std::fmt;

use super::error::Problem;
use super::scheme::{Carrier, Scheme};
use super::url::{Parts, Place};
use crate::address::{Escaped, Family, InetAddress, UnixName};

/// Something to connect to, not yet resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    text: String,
    scheme: Scheme,
    place: Place,
    web_path: String,
}

/// What kind of a client it takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetKind {
    /// A stream over TCP.
    Tcp,
    /// Datagrams over UDP.
    Udp,
    /// A UNIX stream.
    Unix,
    /// UNIX datagrams.
    UnixDatagram,
    /// UNIX packets.
    UnixPacket,
    /// WebSocket, over TCP or a UNIX stream.
    WebSocket,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// If nothing could be connected to by it; whether somebody is there is another question.
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        Target::read(text).map_err(|problem| TargetError { text: text.to_owned(), problem })
    }

    fn read(text: &str) -> Result<Target, Problem> {
        let Parts { scheme, place, path, query } = Parts::of(text)?;
        let is_web = scheme.carrier() == Carrier::Web;
        if scheme.carrier() == Carrier::Http {
            return Err(Problem::NoMessages(scheme.name()));
        }
        let web_path = match query {
            Some(query) if is_web => {
                format!("{}?{query}", if path.is_empty() { "/" } else { path })
            }
            Some(query) => return Err(Problem::UnexpectedQuery(query.to_owned())),
            None if is_web && path.is_empty() => "/".to_owned(),
            None => path.to_owned(),
        };
        if let Place::Inet(InetAddress { port: 0, .. }) = place {
            return Err(Problem::PortZero);
        }
        Ok(Target { text: text.to_owned(), scheme, place, web_path })
    }

    /// What kind of a client it takes.
    pub fn kind(&self) -> TargetKind {
        match self.scheme {
            Scheme::Tcp(_) => TargetKind::Tcp,
            Scheme::Udp(_) => TargetKind::Udp,
            Scheme::Unix => TargetKind::Unix,
            Scheme::UnixDatagram => TargetKind::UnixDatagram,
            Scheme::UnixPacket => TargetKind::UnixPacket,
            Scheme::Web | Scheme::WebUnix => TargetKind::WebSocket,
            Scheme::Http | Scheme::HttpUnix => unreachable!("there is nothing to say over them"),
        }
    }

    /// The scheme, as it is written in a URL.
    pub fn scheme(&self) -> &'static str {
        self.scheme.name()
    }

    /// The host and port, where the URL is of those.
    pub fn inet(&self) -> Option<&InetAddress> {
        match &self.place {
            Place::Inet(address) => Some(address),
            Place::Unix(_) => None,
        }
    }

    /// The UNIX socket, where the URL names one.
    pub fn unix(&self) -> Option<&UnixName> {
        match &self.place {
            Place::Inet(_) => None,
            Place::Unix(name) => Some(name),
        }
    }

    /// `HOST:PORT`, as the Host field of a request has it. A UNIX socket has no host, and is called
    /// `localhost` there, as other clients do.
    pub fn authority(&self) -> String {
        match self.inet() {
            Some(address) => {
                let host = Some(self.host().to_owned());
                InetAddress { host, ..address.clone() }.to_string()
            }
            None => self.host().to_owned(),
        }
    }

    /// The host to resolve: this machine where the URL names none.
    pub fn host(&self) -> &str {
        let host = self.inet().and_then(|address| address.host.as_deref());
        host.unwrap_or_else(|| self.this_machine())
    }

    fn this_machine(&self) -> &'static str {
        match self.inet().map(|address| address.family) {
            Some(Family::V4) => "127.0.0.1",
            Some(Family::V6) => "::1",
            _ => "localhost",
        }
    }

    /// The path and the query of a WebSocket.
    pub fn web_path(&self) -> &str {
        &self.web_path
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(self.text.as_bytes()))
    }
}

/// A URL that nothing can be connected to by, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetError {
    /// The URL as it was typed.
    pub text: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.text.is_empty() {
            write!(f, "{}: ", Escaped(self.text.as_bytes()))?;
        }
        // What a server is advised to do is no advice for a client.
        match &self.problem {
            Problem::NoTls(scheme) => {
                write!(f, "`{scheme}` is not there yet; connect to a proxy that speaks TLS for you")
            }
            Problem::RawSocket(scheme) => {
                write!(f, "`{scheme}` would be a raw socket, which no client here speaks")
            }
            Problem::NoMessages(scheme) => {
                write!(f, "`{scheme}` carries requests, not messages: ask with curl")
            }
            Problem::NoScheme => {
                write!(f, "expected SCHEME://ADDRESS, such as `tcp://127.0.0.1:8001`")
            }
            Problem::MissingPort => write!(f, "missing port (`:8001` behind the host)"),
            problem => problem.fmt(f),
        }
    }
}

impl std::error::Error for TargetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_table_shows_can_be_connected_to() {
        let target = Target::parse("ws://:1234/random?burst=true").expect("legal");
        assert_eq!(target.kind(), TargetKind::WebSocket);
        assert_eq!((target.host(), target.authority().as_str()), ("localhost", "localhost:1234"));
        assert_eq!(target.web_path(), "/random?burst=true");
        let target = Target::parse("tcp6://:7").expect("legal");
        assert_eq!((target.host(), target.authority().as_str()), ("::1", "[::1]:7"));
        let target = Target::parse("ws+unix:///run/web:/ws").expect("legal");
        assert_eq!(target.unix(), Some(&UnixName::Path("/run/web".into())));
        assert_eq!((target.authority().as_str(), target.web_path()), ("localhost", "/ws"));
    }

    #[test]
    fn a_web_url_has_a_path_even_if_it_has_none() {
        for (text, path) in [
            ("ws://h:1", "/"),
            ("ws://h:1/", "/"),
            ("ws://h:1?a=b&", "/?a=b&"),
            ("ws://h:1/%41?x", "/%41?x"),
            ("ws+unix://./s", "/"),
        ] {
            assert_eq!(Target::parse(text).expect(text).web_path(), path, "{text}");
        }
        assert_eq!(Target::parse("ws://[::1]:80/").expect("legal").authority(), "[::1]:80");
    }

    #[test]
    fn what_cannot_be_connected_to_says_why() {
        let error = |text: &str| Target::parse(text).expect_err(text).to_string();
        assert_eq!(error("tcp://h"), "tcp://h: missing port (`:8001` behind the host)");
        assert_eq!(error("tcp://h:0"), "tcp://h:0: port 0 is nobody's (1 to 65535)");
        assert_eq!(error("tcp://h:1?a=b"), "tcp://h:1?a=b: a query has no meaning here (`?a=b`)");
        assert!(error("wss://h:1/").contains("proxy that speaks TLS"));
        assert!(error("gopher://h:1/").contains("unknown scheme `gopher`"));
        assert!(error("ip4://h:1").contains("raw socket"));
        assert_eq!(
            error("http://h:1/"),
            "http://h:1/: `http` carries requests, not messages: ask with curl"
        );
        assert!(error("unix://").contains("missing socket name"));
        assert!(error("").starts_with("expected SCHEME://ADDRESS"));
    }
}

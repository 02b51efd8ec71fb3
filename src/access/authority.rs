//! `host[:port]` as the Host and Origin headers and the options that judge them hold it.
//!
//! What is read here came from a peer, or is compared with that; so there are no error messages,
//! only `None`.

use std::fmt;

use super::host::{self, HostText};

/// `host[:port]` in one spelling.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Authority {
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Authority {
    pub(super) fn parse(text: &str) -> Option<Authority> {
        let (host, port) = host::split_port(text).ok()?;
        let host = match host {
            HostText::Plain(name) => host::canonical_name(name)?,
            // A zone means something on one machine only (RFC 6874 §1).
            HostText::Bracketed(address) if address.contains('%') => return None,
            HostText::Bracketed(address) => host::canonical_ipv6(address)?,
        };
        let port = match port {
            // A colon with nothing behind it is legal and means nothing (RFC 3986 §3.2.3).
            None | Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
        };
        Some(Authority { host, port })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_authority_has_one_spelling() {
        for (text, printed) in [
            ("Example.com", "example.com"),
            ("a:80", "a:80"),
            ("a:", "a"),
            ("a:080", "a:80"),
            ("[0::1]:1", "[::1]:1"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            let authority = Authority::parse(text).expect(text);
            assert_eq!(authority.to_string(), printed);
            assert_eq!(Authority::parse(printed), Some(authority));
        }
        for bad in ["", ":1", "a:x", "a:+1", "a:65536", "::1", "[::1%eth0]", "[a]", "a@b", "a/b"] {
            assert_eq!(Authority::parse(bad), None, "{bad}");
        }
    }
}

//! Which web pages may open a WebSocket.
//!
//! A browser lets a page connect anywhere, but it says which page that was (`Origin`, RFC 6454 §7)
//! and which server the page asked for (`Host`, RFC 9110 §7.2). The protocol asks
//! [`OriginPolicy::allows`] about every upgrade that has an Origin header. Both headers are what a
//! peer sent, so the answer to whatever is malformed is `false`.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::authority::Authority;

/// Which origins may open a WebSocket. Those of the host that was asked always may.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OriginPolicy {
    /// Those that may as well.
    pub allowed: Vec<AllowedOrigin>,
}

impl OriginPolicy {
    /// Whether a request with these two headers may go on.
    ///
    /// The page's own host is allowed: host and port of the origin equal those of the Host header.
    /// The scheme is not compared, as a proxy may end TLS in front of us; so where Host has no
    /// port, the default port of the origin's scheme is the one that is meant.
    pub fn allows(&self, origin: &str, host_header: &str) -> bool {
        if self.allowed.contains(&AllowedOrigin::Any) {
            return true;
        }
        if origin == "null" {
            return self.allowed.contains(&AllowedOrigin::Null);
        }
        let Some(origin) = Origin::parse(origin) else { return false };
        self.allowed.iter().any(|allowed| *allowed == AllowedOrigin::Exactly(origin.clone()))
            || origin.is_of_host(host_header)
    }
}

/// An origin on the command line: `*`, `null` or `https://example.com:8443`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AllowedOrigin {
    /// Every origin, malformed ones included.
    Any,
    /// The origin of pages that have none, such as those opened from a file.
    Null,
    /// One origin.
    Exactly(Origin),
}

impl FromStr for AllowedOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<AllowedOrigin, OriginError> {
        match text {
            "*" => Ok(AllowedOrigin::Any),
            "null" => Ok(AllowedOrigin::Null),
            _ => Origin::parse(text).map(AllowedOrigin::Exactly).ok_or(OriginError),
        }
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AllowedOrigin::Any => f.write_str("*"),
            AllowedOrigin::Null => f.write_str("null"),
            AllowedOrigin::Exactly(Origin { scheme, authority }) => {
                write!(f, "{scheme}://{authority}")
            }
        }
    }
}

/// Scheme, host and port of a page, in one spelling and with the default port written out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    scheme: String,
    authority: Authority,
}

impl Origin {
    /// Reads `scheme://host[:port]` and nothing behind it (RFC 6454 §6.2).
    fn parse(text: &str) -> Option<Origin> {
        let (scheme, authority) = text.split_once("://")?;
        // RFC 3986 §3.1.
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        if !is_scheme {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut authority = Authority::parse(authority)?;
        authority.port = authority.port.or(default_port(&scheme));
        Some(Origin { scheme, authority })
    }

    /// Whether this is a page of the host that the header names.
    fn is_of_host(&self, host_header: &str) -> bool {
        let Some(asked) = Authority::parse(host_header) else { return false };
        let port = asked.port.or(default_port(&self.scheme));
        // An origin whose scheme has no port can only be allowed by name.
        port.is_some() && port == self.authority.port && asked.host == self.authority.host
    }
}

/// The port that a URL of this scheme means when it names none.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// A text that is no [`AllowedOrigin`]. The message does not repeat it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OriginError;

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "write an origin as https://example.com or http://localhost:3000 (nothing behind it), \
             `null` or `*`",
        )
    }
}

impl Error for OriginError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(allowed: &[&str]) -> OriginPolicy {
        OriginPolicy { allowed: allowed.iter().map(|text| text.parse().expect(text)).collect() }
    }

    #[test]
    fn by_default_a_page_may_talk_to_its_own_host() {
        for (origin, host, allowed) in [
            ("http://localhost:1234", "localhost:1234", true),
            ("http://LOCALHOST:1234", "LocalHost:1234", true),
            ("http://127.0.0.1:1234", "127.0.0.1:1234", true),
            ("http://[::1]:1234", "[0:0::1]:1234", true),
            // The scheme is not compared: a proxy may end TLS.
            ("https://example.com:8443", "example.com:8443", true),
            ("https://example.com", "example.com", true),
            ("http://example.com", "example.com", true),
            ("https://example.com", "example.com:443", true),
            ("http://example.com:80", "example.com", true),
            ("https://example.com:443", "example.com:", true),
            // Another port is another origin, the default one too.
            ("http://localhost:3000", "localhost:1234", false),
            ("http://example.com:8080", "example.com", false),
            ("http://example.com", "example.com:8080", false),
            ("https://example.com", "example.com:80", false),
            ("http://example.com:443", "example.com", false),
            // Another host, however alike.
            ("http://localhost:1234", "127.0.0.1:1234", false),
            ("http://evil.example:1234", "localhost:1234", false),
            ("http://localhost.evil.example:1234", "localhost:1234", false),
            ("http://evil.example/localhost:1234", "localhost:1234", false),
            ("http://localhost:1234@evil.example", "localhost:1234", false),
            // Schemes without a port, and no origin at all.
            ("chrome-extension://abcdef", "abcdef", false),
            ("chrome-extension://abcdef:1234", "abcdef:1234", true),
            ("null", "null", false),
            ("", "", false),
            ("://", "", false),
            ("http://", "", false),
            ("http://a http://a", "a", false),
            ("http://a/", "a", false),
            ("http://a:1x", "a:1x", false),
            ("http://a:65536", "a:65536", false),
            ("*", "*", false),
            ("http://*", "*", false),
            (" http://a", "a", false),
            ("1http://a:1", "a:1", false),
        ] {
            let policy = OriginPolicy::default();
            assert_eq!(policy.allows(origin, host), allowed, "{origin:?} to {host:?}");
        }
    }

    #[test]
    fn a_named_origin_is_compared_with_its_scheme_and_port() {
        let policy = origins(&["https://App.example", "http://localhost:3000"]);
        let host = "ws.example:1234";
        for allowed in ["https://app.example", "https://app.example:443", "http://LOCALHOST:3000"] {
            assert!(policy.allows(allowed, host), "{allowed}");
        }
        for refused in [
            "http://app.example",
            "https://app.example:8443",
            "https://sub.app.example",
            "https://localhost:3000",
            "http://localhost",
            "null",
        ] {
            assert!(!policy.allows(refused, host), "{refused}");
        }
        // What is allowed by default stays so.
        assert!(policy.allows("http://ws.example:1234", host));
    }

    #[test]
    fn null_and_any_are_allowed_by_name_only() {
        assert!(origins(&["null"]).allows("null", "localhost:1234"));
        assert!(!origins(&["null"]).allows("http://other", "localhost:1234"));
        for origin in ["null", "http://evil.example", "garbage", ""] {
            assert!(origins(&["http://a", "*"]).allows(origin, "localhost:1234"), "{origin}");
        }
    }

    #[test]
    fn origins_print_normalised() {
        for (text, printed) in [
            ("*", "*"),
            ("null", "null"),
            ("HTTPS://Example.com", "https://example.com:443"),
            ("http://[0::1]:81", "http://[::1]:81"),
            ("chrome-extension://abc", "chrome-extension://abc"),
        ] {
            let origin: AllowedOrigin = text.parse().expect(text);
            assert_eq!(origin.to_string(), printed);
            assert_eq!(printed.parse(), Ok(origin));
        }
        for bad in ["", "example.com", "https://", "https://a/", "https://a?x", "NULL", "http//a"] {
            assert_eq!(bad.parse::<AllowedOrigin>(), Err(OriginError), "{bad}");
        }
    }
}

//! Which names the server answers to over HTTP.
//!
//! A page whose own name was pointed at this machine after it was loaded (DNS rebinding) is of the
//! same origin as what it connects to. Only the name itself gives it away: whoever names the hosts
//! of a server makes it refuse all others. The protocol asks [`HostPolicy::allows`] about every
//! request.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::authority::Authority;

/// Which names the server answers to over HTTP.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostPolicy {
    /// Those names; with none, it answers to every name.
    pub allowed: Vec<AllowedHost>,
}

impl HostPolicy {
    /// Whether a request with this Host header may go on.
    pub fn allows(&self, host_header: &str) -> bool {
        if self.allowed.is_empty() {
            return true;
        }
        let Some(asked) = Authority::parse(host_header) else { return false };
        self.allowed.iter().any(|AllowedHost(allowed)| {
            allowed.host == asked.host
                && match (allowed.port, asked.port) {
                    (None, _) => true,
                    // Whether the client speaks HTTP or, to a proxy, HTTPS is not known here.
                    (Some(allowed), None) => matches!(allowed, 80 | 443),
                    (Some(allowed), Some(asked)) => allowed == asked,
                }
        })
    }
}

/// A host on the command line: `example.com`, for any port, or `example.com:8080`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedHost(Authority);

impl FromStr for AllowedHost {
    type Err = HostError;

    fn from_str(text: &str) -> Result<AllowedHost, HostError> {
        Authority::parse(text).map(AllowedHost).ok_or(HostError)
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no [`AllowedHost`]. The message does not repeat it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostError;

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write a host as example.com, example.com:8080 or [::1]:8080")
    }
}

impl Error for HostError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(allowed: &[&str]) -> HostPolicy {
        HostPolicy { allowed: allowed.iter().map(|text| text.parse().expect(text)).collect() }
    }

    #[test]
    fn without_names_every_host_is_answered() {
        assert!(hosts(&[]).allows("anything:1"));
        assert!(hosts(&[]).allows("*garbage*"));
    }

    #[test]
    fn with_names_only_those_are() {
        let policy = hosts(&["Example.com", "localhost:1234", "[::1]:443"]);
        for allowed in [
            "example.com",
            "EXAMPLE.COM:9",
            "example.com:",
            "localhost:1234",
            "[0:0::1]:443",
            "[::1]",
        ] {
            assert!(policy.allows(allowed), "{allowed}");
        }
        for refused in [
            "",
            "evil.example",
            "example.com.evil.example",
            "notexample.com",
            "localhost",
            "localhost:1235",
            "[::1]:80",
            "::1",
            "example.com:x",
            "user@example.com",
            "example.com/",
        ] {
            assert!(!policy.allows(refused), "{refused}");
        }
        for bad in ["", ":80", "a b", "a:b", "http://a", "*"] {
            assert_eq!(bad.parse::<AllowedHost>(), Err(HostError), "{bad}");
        }
        assert_eq!("A:1".parse::<AllowedHost>().map(|host| host.to_string()), Ok("a:1".into()));
    }
}

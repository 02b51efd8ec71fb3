//! Hosts in one spelling, so that two of them can be compared: names in lower case, addresses in
//! their canonical form, no brackets.
//!
//! Binding URLs use this, and so do the Host and Origin headers ([`authority`](super::authority)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The two ways a host is written in front of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HostText<'a> {
    /// What stands between `[` and `]`: an IPv6 address.
    Bracketed(&'a str),
    /// A name or an IPv4 address; may be empty.
    Plain(&'a str),
}

/// Why a text is not `host:port`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BadAuthority {
    /// More than one colon: an IPv6 address has to stand in brackets.
    BareIpv6,
    /// Brackets that do not match.
    Malformed,
}

/// Splits `host:port` (RFC 3986 §3.2) without looking at either; the port is `None` if there is no
/// colon for it.
pub(crate) fn split_port(authority: &str) -> Result<(HostText<'_>, Option<&str>), BadAuthority> {
    let bad = || BadAuthority::Malformed;
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((HostText::Bracketed(host), Some(port))),
            None if rest.is_empty() => Ok((HostText::Bracketed(host), None)),
            None => Err(bad()),
        };
    }
    match authority.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Err(BadAuthority::BareIpv6),
        Some((host, port)) => Ok((HostText::Plain(host), Some(port))),
        None => Ok((HostText::Plain(authority), None)),
    }
}

/// The canonical form of an IPv6 address with an optional zone (`fe80::1%eth0`, RFC 4007 §11).
pub(crate) fn canonical_ipv6(text: &str) -> Option<String> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    match zone {
        None => Some(address.to_string()),
        Some(zone) if !zone.is_empty() && zone.bytes().all(is_name_byte) => {
            Some(format!("{address}%{zone}"))
        }
        Some(_) => None,
    }
}

/// The canonical form of a name or an IPv4 address.
///
/// A name whose last label is a number is an IPv4 address or nothing: resolvers read `127.1`,
/// `0300.1` and `0x7f000001` as addresses of a kind that nobody expects (inet_aton(3)).
pub(crate) fn canonical_name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    let last_label = text.strip_suffix('.').unwrap_or(text).rsplit('.').next()?;
    let is_number = last_label.bytes().all(|byte| byte.is_ascii_digit())
        || last_label
            .strip_prefix("0x")
            .or(last_label.strip_prefix("0X"))
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    // 253 characters is the longest name the DNS can hold (RFC 1035 §2.3.4).
    // One that begins with `-` would be an option of whatever command it is given to.
    let is_name = !text.is_empty()
        && text.len() <= 253
        && !text.starts_with('-')
        && text.bytes().all(is_name_byte);
    (is_name && !is_number).then(|| text.to_ascii_lowercase())
}

/// Letters, digits, `-`, `.` and `_`, which resolvers accept; and what is not ASCII, which is
/// theirs to judge.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') || !byte.is_ascii()
}

/// The address that a canonical host is, if it is not a name.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    let without_zone = host.split('%').next().unwrap_or(host);
    without_zone.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_split_off_behind_brackets_or_a_single_colon() {
        assert_eq!(split_port("a:1"), Ok((HostText::Plain("a"), Some("1"))));
        assert_eq!(split_port(":1"), Ok((HostText::Plain(""), Some("1"))));
        assert_eq!(split_port("a:"), Ok((HostText::Plain("a"), Some(""))));
        assert_eq!(split_port("a"), Ok((HostText::Plain("a"), None)));
        assert_eq!(split_port(""), Ok((HostText::Plain(""), None)));
        assert_eq!(split_port("[::1]:1"), Ok((HostText::Bracketed("::1"), Some("1"))));
        assert_eq!(split_port("[::1]"), Ok((HostText::Bracketed("::1"), None)));
        assert_eq!(split_port("::1:80"), Err(BadAuthority::BareIpv6));
        for bad in ["[::1", "[::1]80", "[", "[]]"] {
            assert_eq!(split_port(bad), Err(BadAuthority::Malformed), "{bad}");
        }
    }

    #[test]
    fn one_host_has_one_spelling() {
        assert_eq!(canonical_name("LocalHost").as_deref(), Some("localhost"));
        assert_eq!(canonical_name("a_b.Example.").as_deref(), Some("a_b.example."));
        assert_eq!(canonical_name("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(canonical_ipv6("0:0::1").as_deref(), Some("::1"));
        assert_eq!(canonical_ipv6("FE80::1%eth0").as_deref(), Some("fe80::1%eth0"));
        let long = "a".repeat(254);
        for bad in ["0x7f000001", "127.0X1", "0x7f.0.0.0x1.", "0x"] {
            assert_eq!(canonical_name(bad), None, "{bad:?}");
        }
        assert_eq!(canonical_name("0xcafe.example").as_deref(), Some("0xcafe.example"));
        assert_eq!(canonical_name("0xyz").as_deref(), Some("0xyz"));
        for bad in ["", "*", "a b", "127.1", "256.0.0.1", "1", "1.", ".", "-a", "a\n", "a/b", &long]
        {
            assert_eq!(canonical_name(bad), None, "{bad:?}");
        }
        for bad in ["", "127.0.0.1", "localhost", "::1%", "::1%a b", "::1%%", "[::1]"] {
            assert_eq!(canonical_ipv6(bad), None, "{bad:?}");
        }
    }
}

//! Host and port, as they stand in the Host field and in an absolute target.
//!
//! Called by [`parse_request`](super::parse_request) to refuse what is no host. Whether a host is
//! *allowed* is for [`access`](crate::access) to say.

/// A host and perhaps a port: `uri-host [ ":" port ]` (RFC 9110 §7.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in its brackets; never empty.
    pub host: &'a str,
    /// `None` where no port is given (`example.com` and `example.com:`).
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Takes `text` apart; `None` if it is malformed. User information (`user@`) is malformed
    /// here: RFC 9110 §4.2.4 has recipients treat it as an error.
    pub fn parse(text: &'a str) -> Option<Authority<'a>> {
        // The colons of an IPv6 address are inside its brackets.
        let host_end = match text.strip_prefix('[') {
            Some(literal) => 1 + literal.find(']')? + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(host_end);
        let port = parse_port(rest)?;
        is_host(host).then_some(Authority { host, port })
    }
}

/// What follows the host: nothing, or a colon and the digits of a port, of which there may be none.
fn parse_port(text: &str) -> Option<Option<u16>> {
    let Some(digits) = text.strip_prefix(':') else {
        return text.is_empty().then_some(None);
    };
    if digits.is_empty() {
        return Some(None);
    }
    // `parse` alone would take a sign, too.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok().map(Some) } else { None }
}

/// RFC 3986 §3.2.2. An IPv6 address is checked for its characters only; nobody connects to it.
fn is_host(host: &str) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match literal {
        Some(address) => {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte))
        }
        None => !host.is_empty() && host.bytes().all(is_reg_name_byte),
    }
}

/// Unreserved characters, sub-delimiters and the percent sign of an escape.
fn is_reg_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let good = [
            ("x", "x", None),
            ("localhost:1234", "localhost", Some(1234)),
            ("my_host.example:", "my_host.example", None),
            ("127.0.0.1:080", "127.0.0.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[::ffff:1.2.3.4]:65535", "[::ffff:1.2.3.4]", Some(65535)),
        ];
        for (text, host, port) in good {
            assert_eq!(Authority::parse(text), Some(Authority { host, port }), "{text}");
        }
        let bad = [
            "", ":80", "a b", "a/b", "a@b", "a:b", "a:80:90", "a:+80", "a:65536", "a: 80", "[::1",
            "::1", "[]", "[::1]x", "[::1]:x", "[g::1]", "a]b", "a[", "a\\b", "a?b", "a#b", "a,b c",
            "h\u{e9}", "a\0",
        ];
        for text in bad {
            assert_eq!(Authority::parse(text), None, "{text:?}");
        }
    }
}

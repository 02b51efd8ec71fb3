//! Percent-encoding (RFC 3986 §2.1): how a URL holds bytes that would mean something else there.

use super::error::Problem;

/// What may stand in any part of a URL as it is (RFC 3986 §2.3, "unreserved").
const UNRESERVED: &[u8] = b"-._~";

/// Decodes every escape of `text`. NUL is refused: it ends a C string, so a path or a host that
/// holds one would be another path or host in the kernel.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, Problem> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('%') {
        decoded.extend_from_slice(plain.as_bytes());
        let byte = escape
            .get(..2)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte else {
            let shown: String = escape.chars().take(2).collect();
            return Err(Problem::BadEscape(format!("%{shown}")));
        };
        decoded.push(byte);
        rest = &escape[2..];
    }
    decoded.extend_from_slice(rest.as_bytes());
    if decoded.contains(&0) { Err(Problem::Nul) } else { Ok(decoded) }
}

/// [`decode`] for what has to be text.
pub(super) fn decode_text(text: &str) -> Result<String, Problem> {
    String::from_utf8(decode(text)?).map_err(|_| Problem::NotText(text.to_owned()))
}

/// Encodes every byte but ASCII letters, digits, the unreserved marks and those in `keep`. The
/// result is printable ASCII, whatever the bytes are.
pub(super) fn encode(bytes: &[u8], keep: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || UNRESERVED.contains(&byte) || keep.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_two_hexadecimal_digits() {
        assert_eq!(decode("a%20b%2f%C3%a9\u{e9}"), Ok("a b/\u{e9}\u{e9}".into()));
        assert_eq!(decode("%ff"), Ok(vec![0xff]));
        for (text, shown) in [
            ("a%", "%"),
            ("a%2", "%2"),
            ("%zz", "%zz"),
            ("%+1", "%+1"),
            ("%%41", "%%4"),
            ("%\u{e9}\u{e9}x", "%\u{e9}\u{e9}"),
            ("%4\u{e9}", "%4\u{e9}"),
        ] {
            assert_eq!(decode(text), Err(Problem::BadEscape(shown.into())), "{text}");
        }
    }

    #[test]
    fn nul_is_refused_however_it_is_written() {
        assert_eq!(decode("a%00b"), Err(Problem::Nul));
        assert_eq!(decode("a\0b"), Err(Problem::Nul));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(bytes in proptest::collection::vec(1..=u8::MAX, 0..64)) {
            let encoded = encode(&bytes, b"/:");
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(decode(&encoded), Ok(bytes));
        }
    }
}

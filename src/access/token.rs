//! A secret that a request has to name.

use std::fmt;
use std::hint::black_box;

/// What has to stand behind `Authorization: Bearer ` (RFC 6750 section 2.1): one or more visible ASCII
/// characters. It is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// Reads a token, and the whitespace around it that a file may have; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Token> {
        let text = text.trim();
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_visible && !text.is_empty()).then(|| Token(text.into()))
    }

    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether the value of an `Authorization` field names it. How long that takes depends on the length
    /// of what is given, and not on how much of it is right.
    pub fn is_named_by(&self, authorization: &[u8]) -> bool {
        let Some((scheme, given)) = authorization.split_at_checked(SCHEME.len()) else {
            return false;
        };
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return false;
        }
        let token = self.0.as_bytes();
        let mut difference = u8::from(given.len() != token.len());
        for (byte, right) in given.iter().zip(token.iter().cycle()) {
            difference |= byte ^ right;
        }
        black_box(difference) == 0
    }
}

/// The scheme is not case-sensitive (RFC 9110 section 11.1).
const SCHEME: &[u8] = b"Bearer ";

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_named_as_a_whole_behind_its_scheme() {
        let token = Token::parse(" s3cret/+=\n").expect("visible");
        for right in ["Bearer s3cret/+=", "bearer s3cret/+=", "BEARER s3cret/+="] {
            assert!(token.is_named_by(right.as_bytes()), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer s3cret/+",
            "Bearer s3cret/+=s3cret/+=",
            "Bearer S3cret/+=",
            "Bearer s3cret/+- ",
            "Basic s3cret/+=",
            "s3cret/+=",
        ] {
            assert!(!token.is_named_by(wrong.as_bytes()), "{wrong}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn a_token_is_one_visible_word() {
        for text in ["", " \n", "a b", "a\0", "na\u{ef}ve", "a\nb"] {
            assert_eq!(Token::parse(text), None, "{text:?}");
        }
    }
}

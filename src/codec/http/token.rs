//! Tokens: methods, field names, and most of what stands in lists (RFC 9110 §5.6.2).

/// Whether `text` is a token: one or more letters, digits and marks that separate nothing.
pub fn is_token(text: &[u8]) -> bool {
    let is_token_byte =
        |&byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.iter().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_token() {
        for token in ["a", "chat.v1", "!#$%&'*+-.^_`|~", "0", "*"] {
            assert!(is_token(token.as_bytes()), "{token}");
        }
        for other in [
            "", " ", "a b", "a,b", "a/b", "a=b", "a;b", "a:b", "a@b", "\"a\"", "(a)", "<a>", "[a]",
            "{a}", "a\\b", "a?b", "\u{e9}", "a\0", "a\t", "\x7f",
        ] {
            assert!(!is_token(other.as_bytes()), "{other:?}");
        }
    }
}

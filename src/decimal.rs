//! Numbers as they are written by people and protocols: digits.

use std::str::FromStr;

/// Reads digits and nothing else, of which `parse` alone would take a sign in front, too. `None` if it is
/// something else, or more than the type holds.
pub(crate) fn parse<T: FromStr>(digits: &str) -> Option<T> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_and_nothing_else_is() {
        assert_eq!(parse("0"), Some(0_u64));
        assert_eq!(parse("007"), Some(7_u64));
        assert_eq!(parse("18446744073709551615"), Some(u64::MAX));
        for text in ["", "+1", "-1", " 1", "1 ", "1.0", "\u{663}", "18446744073709551616"] {
            assert_eq!(parse::<u64>(text), None, "{text:?}");
        }
    }
}

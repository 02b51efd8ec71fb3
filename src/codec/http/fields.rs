//! The field lines of a head (RFC 9110 §5), as slices of it.
//!
//! Shared by [`Request`](super::Request) and by the client's check of a handshake response. The
//! table has a fixed size, so that a parse allocates nothing: it lives on the stack for as long as
//! the head is looked at.

use std::fmt;

use super::MAX_FIELDS;

/// The fields of one head, in the order of their lines. Names are compared without case.
#[derive(Clone)]
pub struct Fields<'a> {
    /// Invariant: `count <= MAX_FIELDS`; entries from `count` on are empty.
    entries: [httparse::Header<'a>; MAX_FIELDS],
    count: usize,
}

impl<'a> Fields<'a> {
    /// Lets `parse` fill the table; it returns how many entries it used, besides its result.
    pub(crate) fn parsed_by<T, E>(
        parse: impl FnOnce(&mut [httparse::Header<'a>; MAX_FIELDS]) -> Result<(T, usize), E>,
    ) -> Result<(T, Fields<'a>), E> {
        let mut fields = Fields { entries: [httparse::EMPTY_HEADER; MAX_FIELDS], count: 0 };
        let (parsed, count) = parse(&mut fields.entries)?;
        fields.count = count;
        Ok((parsed, fields))
    }

    /// How many field lines there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no field line.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values of all lines named `name`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.entries[..self.count]
            .iter()
            .filter(move |entry| entry.name.eq_ignore_ascii_case(name))
            .map(|entry| entry.value)
    }

    /// The value of the first line named `name`.
    pub fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The value of the line named `name` where there is exactly one.
    pub fn single(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self.all(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether `token` is a member of the comma-separated list that the lines named `name` form
    /// together (RFC 9110 §5.6.1), compared without case.
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|member| member.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.entries[..self.count]
                    .iter()
                    .map(|entry| (entry.name, String::from_utf8_lossy(entry.value))),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(block: &[u8]) -> Fields<'_> {
        Fields::parsed_by(|entries| {
            let parsed = httparse::parse_headers(block, entries).unwrap();
            let count = parsed.unwrap().1.len();
            Ok::<_, ()>(((), count))
        })
        .unwrap()
        .1
    }

    #[test]
    fn names_and_tokens_have_no_case_and_lists_span_lines() {
        let fields = fields(
            b"Connection: keep-alive,\tUpgrade\r\nX: 1\r\nconnection: , close ,\r\nX-Y: a b\r\n\r\n",
        );
        assert_eq!(fields.len(), 4);
        assert_eq!(fields.first("x"), Some(&b"1"[..]));
        assert_eq!(fields.all("CONNECTION").count(), 2);
        for token in ["upgrade", "Keep-Alive", "CLOSE"] {
            assert!(fields.has_token("Connection", token), "{token}");
        }
        for (name, token) in [("Connection", "up"), ("Connection", "upgrade,"), ("X-Y", "a")] {
            assert!(!fields.has_token(name, token), "{token}");
        }
    }

    #[test]
    fn single_means_exactly_one_line() {
        let fields = fields(b"A: 1\nB: 1\nB: 1\n\n");
        assert_eq!(fields.single("a"), Some(&b"1"[..]));
        assert_eq!(fields.single("b"), None);
        assert_eq!(fields.single("c"), None);
    }
}

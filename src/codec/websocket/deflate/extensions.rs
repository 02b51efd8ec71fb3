//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
//!
//! ```text
//!   list      = 1#( token *( ";" parameter ) )     several fields are one list
//!   parameter = token [ "=" ( token | quoted-string that is a token ) ]
//! ```

use std::borrow::Cow;

/// One member of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Extension<'a> {
    pub(super) name: &'a [u8],
    pub(super) parameters: Vec<Parameter<'a>>,
}

/// A parameter and its value, if it has one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Parameter<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: Option<Cow<'a, [u8]>>,
}

/// Reads the list that `values`, of all fields of the name, form together. `None`: it is none. Empty
/// members mean nothing (RFC 9110 section 5.6.1.2).
pub(super) fn parse<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<Extension<'a>>> {
    let mut list = Vec::new();
    for value in values {
        let mut rest = Scanner(value);
        loop {
            rest.skip_space();
            if rest.0.is_empty() {
                break;
            }
            if !rest.take(b',') {
                list.push(rest.extension()?);
                rest.skip_space();
                if !rest.0.is_empty() && !rest.take(b',') {
                    return None;
                }
            }
        }
    }
    Some(list)
}

/// What is left of a value.
struct Scanner<'a>(&'a [u8]);

impl<'a> Scanner<'a> {
    fn extension(&mut self) -> Option<Extension<'a>> {
        let (name, mut parameters) = (self.token()?, Vec::new());
        loop {
            self.skip_space();
            if !self.take(b';') {
                return Some(Extension { name, parameters });
            }
            self.skip_space();
            let name = self.token()?;
            self.skip_space();
            let value = if self.take(b'=') {
                self.skip_space();
                Some(if self.take(b'"') { self.quoted()? } else { self.token()?.into() })
            } else {
                None
            };
            parameters.push(Parameter { name, value });
        }
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let length = self.0.iter().take_while(|byte| is_token(**byte)).count();
        let (token, rest) = self.0.split_at(length);
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A quoted string behind its first quote.
    fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        let mut value = Vec::new();
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' if value.is_empty() => return None,
                b'"' => return Some(value.into()),
                b'\\' => {
                    let (&escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    value.push(escaped);
                }
                byte => value.push(byte),
            }
            if !value.last().copied().is_some_and(is_token) {
                return None;
            }
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.0.strip_prefix(&[byte]) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip_space(&mut self) {
        let length = self.0.iter().take_while(|byte| b" \t".contains(byte)).count();
        self.0 = &self.0[length..];
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The list in one line; `!` is an error.
    fn read(values: &[&str]) -> String {
        let Some(list) = parse(values.iter().map(|value| value.as_bytes())) else {
            return "!".to_owned();
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let members = list.iter().map(|extension| {
            let parameters = extension.parameters.iter().map(|parameter| match &parameter.value {
                Some(value) => format!(";{}={}", text(parameter.name), text(value)),
                None => format!(";{}", text(parameter.name)),
            });
            text(extension.name) + &parameters.collect::<String>()
        });
        members.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lists_are_read() {
        for (values, expected) in [
            (&[""][..], ""),
            (&["a"], "a"),
            (&["a, b;c", "d"], "a b;c d"),
            (&[" ,\t, a ; b = 1 ;c , "], "a;b=1;c"),
            (&["a;b=\"1\";c=\"x\\y\\-\""], "a;b=1;c=xy-"),
            (&["a;a;a"], "a;a;a"),
        ] {
            assert_eq!(read(values), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_whole() {
        for value in [
            "a b",
            "a;",
            "a;;b",
            "a;=1",
            "a;b=",
            "a;b=\"\"",
            "a;b=\"1",
            "a;b=\"1 2\"",
            "a;b=\"1,\"",
            "a;b=\"1\\",
            "a;b=1 2",
            "a;b=\"1\"2",
            ";a",
            "=",
            "a/b",
            "\u{e9}",
            "a, b c",
        ] {
            assert_eq!(read(&[value]), "!", "{value}");
            assert_eq!(read(&["good", value]), "!", "{value}");
        }
    }
}

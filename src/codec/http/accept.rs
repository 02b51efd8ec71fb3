//! Content negotiation for `/`: text for programs, a page for browsers (RFC 9110 §12.5.1).
//!
//! Called by the protocol once per request for `/`. There are two representations, so the whole
//! of it is one question: does this client like `text/html` *better* than `text/plain`?

use super::{Request, is_token};

/// Whether the Accept fields of `request` prefer `text/html` strictly to `text/plain`.
///
/// For each of the two types the most specific range that matches it counts: `text/html` before
/// `text/*` before `*/*`, and among equal ones the best quality. Without an Accept field, and with
/// one that is malformed anywhere, plain text is the answer that suits everybody.
pub fn prefers_html(request: &Request<'_>) -> bool {
    let mut html = Preference::default();
    let mut plain = Preference::default();
    for value in request.fields("Accept") {
        for element in split_unquoted(value, b',') {
            // RFC 9110 §5.6.1: empty elements of a list are ignored.
            if element.is_empty() {
                continue;
            }
            let Some(range) = Range::parse(element) else {
                return false;
            };
            html.consider(&range, b"html");
            plain.consider(&range, b"plain");
        }
    }
    html.quality > plain.quality
}

/// What the ranges seen so far say about one type.
#[derive(Default)]
struct Preference {
    specificity: Specificity,
    /// In thousandths; 0 means not acceptable.
    quality: u16,
}

/// How precisely a range names a type; the most precise one that matches counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Specificity {
    #[default]
    NoMatch,
    AnyType,
    AnySubtype,
    Exact,
    WithCharset,
}

impl Preference {
    /// Takes `range` into account for the type `text/SUBTYPE`.
    fn consider(&mut self, range: &Range<'_>, subtype: &[u8]) {
        let specificity = range.specificity_for(subtype);
        let rank = (specificity, range.quality);
        if specificity > Specificity::NoMatch && rank > (self.specificity, self.quality) {
            (self.specificity, self.quality) = rank;
        }
    }
}

/// One element of the list: `type/subtype *( ";" name "=" value )`.
struct Range<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    parameters: Parameters,
    /// In thousandths.
    quality: u16,
}

/// The parameters of a range besides `q`. Both of our types have `charset=utf-8` and no other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parameters {
    None,
    OurCharset,
    Foreign,
}

impl<'a> Range<'a> {
    fn parse(element: &'a [u8]) -> Option<Range<'a>> {
        let mut parts = split_unquoted(element, b';');
        let name = parts.next()?;
        let slash = name.iter().position(|&byte| byte == b'/')?;
        let (kind, subtype) = (&name[..slash], &name[slash + 1..]);
        let is_sound = is_token(kind) && is_token(subtype) && (kind != b"*" || subtype == b"*");
        if !is_sound {
            return None;
        }
        let mut range = Range { kind, subtype, parameters: Parameters::None, quality: 1000 };
        for part in parts.filter(|part| !part.is_empty()) {
            let equals = part.iter().position(|&byte| byte == b'=')?;
            let (name, value) = (&part[..equals], &part[equals + 1..]);
            if !is_token(name) {
                return None;
            }
            if name.eq_ignore_ascii_case(b"q") {
                range.quality = parse_quality(value)?;
                continue;
            }
            let value = unquote(value)?;
            let is_ours =
                name.eq_ignore_ascii_case(b"charset") && value.eq_ignore_ascii_case(b"utf-8");
            range.parameters = match range.parameters {
                Parameters::None if is_ours => Parameters::OurCharset,
                _ => Parameters::Foreign,
            };
        }
        Some(range)
    }

    fn specificity_for(&self, subtype: &[u8]) -> Specificity {
        let is_text = self.kind.eq_ignore_ascii_case(b"text");
        match self.parameters {
            Parameters::Foreign => Specificity::NoMatch,
            _ if self.kind == b"*" => Specificity::AnyType,
            _ if is_text && self.subtype == b"*" => Specificity::AnySubtype,
            _ if !is_text || !self.subtype.eq_ignore_ascii_case(subtype) => Specificity::NoMatch,
            Parameters::None => Specificity::Exact,
            Parameters::OurCharset => Specificity::WithCharset,
        }
    }
}

/// `0.123` as 123: at most three decimals, at most one (RFC 9110 §12.4.2).
fn parse_quality(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let mut quality = 0;
    for index in 0..4 {
        let digit = if index == 0 { whole } else { decimals.get(index - 1).unwrap_or(&b'0') };
        if !digit.is_ascii_digit() {
            return None;
        }
        quality = quality * 10 + u16::from(digit - b'0');
    }
    (quality <= 1000).then_some(quality)
}

/// A parameter value: a token, or a quoted string without its quotes. Escapes are left in; nothing
/// that we compare with contains one.
fn unquote(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'"', inner @ .., b'"'] => Some(inner),
        token => is_token(token).then_some(token),
    }
}

/// The parts of `text` between separators that are not in a quoted string, without white space
/// around them. In a quoted string a backslash escapes the next byte (RFC 9110 §5.6.4).
fn split_unquoted(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    text.split(move |&byte| {
        let was_escaped = std::mem::take(&mut is_escaped);
        match byte {
            b'\\' if is_quoted => is_escaped = !was_escaped,
            b'"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        byte == separator && !is_quoted
    })
    .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::super::parse_request;
    use super::*;
    use proptest::prelude::*;

    fn prefers(fields: &str) -> bool {
        let head = format!("GET / HTTP/1.1\r\nHost: x\r\n{fields}\r\n");
        prefers_html(&parse_request(head.as_bytes()).unwrap())
    }

    #[test]
    fn html_only_where_it_is_strictly_preferred() {
        let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,\
                        image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7";
        let html = [
            chromium,
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html",
            "TEXT/HTML;Q=0.001",
            "text/html;charset=\"UTF-8\"",
            "text/html, text/plain;q=0.999",
            "*/*, text/plain;q=0.5",
            "text/*;q=0.3, text/html;q=0.7",
            "text/plain;q=0, */*;q=0.1",
            ",, text/html ;  q=1.000 ,",
            "text/html;q=0.1, text/html;charset=utf-8;q=0.9, text/*;q=0.5",
            "x/y;a=\"b,text/plain\\\",\", text/html, text/plain;q=0.9",
            "text/html, text/plain;format=flowed",
        ];
        for value in html {
            assert!(prefers(&format!("Accept: {value}\r\n")), "{value}");
        }
        let plain = [
            "*/*",
            "",
            "text/*",
            "text/plain",
            "application/json",
            "text/html, text/plain",
            "text/plain, text/html;q=0.9",
            "text/html, */*",
            "text/html;q=0",
            "text/html;q=0.5, */*;q=0.8",
            "text/*;q=0.9, text/html;q=0.5",
            "text/html;level=1",
            "text/html;q=0.9, text/html;charset=utf-8;q=0.1, text/*;q=0.5",
            "x/y;a=\"text/html, text/html\"",
            // Malformed somewhere:
            "html",
            "text/",
            "/html",
            "text/html/x",
            "*/html",
            "text/html;q=2",
            "text/html;q=1.001",
            "text/html;q=0.1234",
            "text/html;q=",
            "text/html;q=.5",
            "text/html;q=-1",
            "text/html;q",
            "text/html;a=\"b",
            "text/html, te xt/plain;q=0.1",
            "text/html, (",
        ];
        for value in plain {
            assert!(!prefers(&format!("Accept: {value}\r\n")), "{value}");
        }
    }

    #[test]
    fn no_field_is_plain_and_several_are_one_list() {
        assert!(!prefers(""));
        assert!(prefers("Accept: text/plain;q=0.5\r\nAccept: text/html\r\n"));
        assert!(!prefers("Accept: text/html\r\nAccept: text/plain\r\n"));
    }

    proptest! {
        #[test]
        fn no_value_panics(
            value in "[ -~]{0,40}",
            like in "(text/|\\*|html|plain|;q=|0\\.|[0-9]|,|\"|\\\\| ){0,20}",
        ) {
            prefers(&format!("Accept: {value}\r\nAccept: {like}\r\n"));
        }
    }
}

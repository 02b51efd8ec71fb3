//! The text format of Prometheus, version 0.0.4.
//!
//! ```text
//!   # HELP readily_messages_received_total Messages received.
//!   # TYPE readily_messages_received_total counter
//!   readily_messages_received_total{service="echo",transport="tcp"} 12
//! ```
//!
//! A family is a name with its two comment lines, and all of its samples stand right below them.

use std::fmt::Display;

/// What this format is called in HTTP.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The kinds of metrics that there are here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It only goes up; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// Appends families, one after the other.
#[derive(Debug)]
pub(super) struct Exposition<'a> {
    out: &'a mut Vec<u8>,
    /// The name of the family.
    name: String,
}

impl<'a> Exposition<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Exposition<'a> {
        Exposition { out, name: String::new() }
    }

    /// Begins a family. `name` goes without the `readily_` in front of it and the `_total` behind.
    pub(super) fn family(&mut self, kind: Kind, name: &str, help: &str) {
        let (kind, suffix) = match kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
        };
        self.name = format!("readily_{name}{suffix}");
        let name = &self.name;
        let help = escaped(help, false);
        self.out.extend(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n").bytes());
    }

    /// Adds a sample to the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let mut text = self.name.clone();
        let mut separator = '{';
        for (label, value) in labels {
            text.push(separator);
            text.extend([label, "=\"", &escaped(value, true), "\""]);
            separator = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        self.out.extend(format!("{text}{end} {value}\n").bytes());
    }

    /// A family of one sample without labels.
    pub(super) fn single(&mut self, kind: Kind, name: &str, help: &str, value: impl Display) {
        self.family(kind, name, help);
        self.sample(&[], value);
    }
}

/// A text for one line: backslashes and line ends are escaped, and in values of labels quotes, too.
fn escaped(text: &str, is_quoted: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if is_quoted => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_two_comments_and_its_samples() {
        let mut out = b"before\n".to_vec();
        let mut exposition = Exposition::new(&mut out);
        exposition.family(Kind::Counter, "messages", "All \"of\" \\ them\nand more.");
        exposition.sample(&[("a", "b\\c\"d\ne"), ("f", "")], 1);
        exposition.sample(&[], u64::MAX);
        exposition.single(Kind::Gauge, "memory_bytes", "Memory.", 0.5);
        let expected = r#"before
# HELP readily_messages_total All "of" \\ them\nand more.
# TYPE readily_messages_total counter
readily_messages_total{a="b\\c\"d\ne",f=""} 1
readily_messages_total 18446744073709551615
# HELP readily_memory_bytes Memory.
# TYPE readily_memory_bytes gauge
readily_memory_bytes 0.5
"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

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
    /// How often something was no more than each of several bounds, how often in all, and the sum.
    Histogram,
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
            Kind::Histogram => ("histogram", ""),
        };
        self.name = format!("readily_{name}{suffix}");
        let name = &self.name;
        let help = escaped(help, false);
        self.out.extend(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n").bytes());
    }

    /// Adds a sample to the family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.part("", labels, value);
    }

    /// Adds a sample whose name has something behind that of the family.
    fn part(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let mut text = format!("{}{suffix}", self.name);
        let mut separator = '{';
        for (label, value) in labels {
            text.push(separator);
            text.extend([label, "=\"", &escaped(value, true), "\""]);
            separator = ',';
        }
        let end = if labels.is_empty() { "" } else { "}" };
        self.out.extend(format!("{text}{end} {value}\n").bytes());
    }

    /// A histogram: its bounds in seconds, each with how many were up to it; then how many there were in all,
    /// and the sum of them in seconds.
    pub(super) fn histogram(
        &mut self,
        buckets: impl Iterator<Item = (f64, u64)>,
        count: u64,
        sum_seconds: f64,
    ) {
        for (bound, count) in buckets {
            self.part("_bucket", &[("le", &bound.to_string())], count);
        }
        self.part("_bucket", &[("le", "+Inf")], count);
        self.part("_sum", &[], sum_seconds);
        self.part("_count", &[], count);
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
        exposition.family(Kind::Histogram, "turn_seconds", "Turns.");
        exposition.histogram([(0.000_004_096, 2), (1.0, 2)].into_iter(), 3, 7.25);
        let expected = r#"before
# HELP readily_messages_total All "of" \\ them\nand more.
# TYPE readily_messages_total counter
readily_messages_total{a="b\\c\"d\ne",f=""} 1
readily_messages_total 18446744073709551615
# HELP readily_memory_bytes Memory.
# TYPE readily_memory_bytes gauge
readily_memory_bytes 0.5
# HELP readily_turn_seconds Turns.
# TYPE readily_turn_seconds histogram
readily_turn_seconds_bucket{le="0.000004096"} 2
readily_turn_seconds_bucket{le="1"} 2
readily_turn_seconds_bucket{le="+Inf"} 3
readily_turn_seconds_sum 7.25
readily_turn_seconds_count 3
"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

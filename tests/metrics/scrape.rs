//! A small, strict reader of the text format of Prometheus, version 0.0.4.

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a sample, by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// A family: what it is about, and its samples.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) help: String,
    samples: Vec<(String, Labels, f64)>,
}

/// What one scrape says.
#[derive(Debug)]
pub(crate) struct Scrape {
    pub(crate) families: BTreeMap<String, Family>,
}

impl Scrape {
    /// Reads a whole body, and panics where anything is not as it must be.
    pub(crate) fn read(text: &str) -> Scrape {
        assert!(text.ends_with('\n'), "the last line ends, too");
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let (name, help) = comment(line, "HELP");
            assert!(is_name(name), "{line}");
            let line = lines.next().expect("a TYPE behind each HELP");
            let (typed, kind) = comment(line, "TYPE");
            assert_eq!(name, typed, "{line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            let mut samples = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                let (sample, labels, value) = sample(line);
                let suffix = sample.strip_prefix(name).expect("a sample of its family");
                let is_its = match kind {
                    "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
                    _ => suffix.is_empty(),
                };
                assert!(is_its, "{line}");
                assert!(seen.insert((sample.to_owned(), labels.clone())), "twice: {line}");
                samples.push((sample.to_owned(), labels, value));
            }
            if kind == "histogram" {
                check_histogram(name, &samples);
            }
            let family = Family { help: unescaped(help), samples };
            assert!(families.insert(name.to_owned(), family).is_none(), "two families {name}");
        }
        Scrape { families }
    }

    /// The value of a sample with exactly these labels.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Labels =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut samples = self.families.values().flat_map(|family| &family.samples);
        let found = samples.find(|(found, labels, _)| found == name && *labels == wanted);
        found.unwrap_or_else(|| panic!("no {name} {labels:?} in {self:#?}")).2
    }
}

/// A histogram has bounds that grow, counts that do not shrink, and all of it below the last bound.
fn check_histogram(name: &str, samples: &[(String, Labels, f64)]) {
    let bounds: Vec<(f64, f64)> = samples
        .iter()
        .filter_map(|(_, labels, count)| {
            Some((labels.get("le")?.parse().expect("a bound"), *count))
        })
        .collect();
    assert!(bounds.len() > 2, "{name}: {samples:?}");
    assert!(
        bounds.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1),
        "{name}: {bounds:?}"
    );
    let count = samples.iter().find(|(sample, ..)| *sample == format!("{name}_count"));
    let last = bounds.last().expect("there are some");
    assert_eq!(*last, (f64::INFINITY, count.expect("how many there are").2), "{name}");
    assert!(samples.iter().any(|(sample, ..)| *sample == format!("{name}_sum")), "{name}");
}

/// `# WORD NAME TEXT`.
fn comment<'a>(line: &'a str, word: &str) -> (&'a str, &'a str) {
    let rest = line.strip_prefix("# ").and_then(|rest| rest.strip_prefix(word));
    let rest = rest.and_then(|rest| rest.strip_prefix(' '));
    rest.and_then(|rest| rest.split_once(' ')).unwrap_or_else(|| panic!("no {word}: {line}"))
}

/// `NAME{LABEL="VALUE",...} VALUE`.
fn sample(line: &str) -> (&str, Labels, f64) {
    let end = line.find(['{', ' ']).expect("a value behind the name");
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, behind) = rest.split_once("=\"").expect("a label and its value");
            assert!(is_name(label) && !label.contains(':'), "{line}");
            let end = end_of_quoted(behind);
            let value = unescaped(&behind[..end]);
            assert!(labels.insert(label.to_owned(), value).is_none(), "a label twice: {line}");
            rest = &behind[end + 1..];
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').expect("the end of the labels");
    }
    let value = rest.strip_prefix(' ').expect("one space in front of the value");
    (name, labels, value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
}

fn end_of_quoted(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' if !is_escaped => return index,
            c => is_escaped = c == '\\' && !is_escaped,
        }
    }
    panic!("no end of {text}")
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(c @ ('\\' | '"')) => plain.push(c),
                other => panic!("no escape: {other:?} in {text}"),
            },
            c => plain.push(c),
        }
    }
    plain
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
}

//! The names of topics, and the patterns above them.

use super::Refusal;

/// The longest name of a topic or pattern, in bytes.
pub const MAX_NAME: usize = 128;

/// The most parts of a name. A message is looked for under as many patterns.
pub const MAX_DEPTH: usize = 16;

/// What stands for all the rest of a name.
const REST: &str = "*";

/// Whether `name` is a pattern and not a topic.
pub(super) fn is_pattern(name: &str) -> bool {
    name.ends_with(REST)
}

/// Checks the name of a topic: 1 to [`MAX_NAME`] bytes, 1 to [`MAX_DEPTH`] parts with slashes between
/// them, none of which is empty, without whitespace, control characters and `*`.
///
/// # Errors
/// What is wrong with it.
pub fn check_topic(name: &str) -> Result<(), Refusal> {
    check_length(name)?;
    if is_pattern(name) { Err(Refusal::Pattern) } else { check_parts(name) }
}

/// Checks the name of a topic or a pattern.
pub(super) fn check(name: &str) -> Result<(), Refusal> {
    check_length(name)?;
    match name.strip_suffix(REST) {
        Some("") => Ok(()),
        Some(above) => check_parts(above.strip_suffix('/').ok_or(Refusal::BadPattern)?),
        None => check_parts(name),
    }
}

fn check_length(name: &str) -> Result<(), Refusal> {
    match name.len() {
        0 => Err(Refusal::NoName),
        length if length > MAX_NAME => Err(Refusal::LongName),
        _ => Ok(()),
    }
}

fn check_parts(name: &str) -> Result<(), Refusal> {
    if name.contains(REST) {
        return Err(Refusal::BadPattern);
    }
    if name.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(Refusal::BadName);
    }
    let mut parts = name.split('/');
    if parts.by_ref().take(MAX_DEPTH).any(str::is_empty) {
        return Err(Refusal::BadName);
    }
    if parts.next().is_some() { Err(Refusal::DeepName) } else { Ok(()) }
}

/// Whether a subscription of `name`, a topic or a pattern, is one to `topic`.
pub(super) fn matches(name: &str, topic: &str) -> bool {
    match name.strip_suffix(REST) {
        Some(above) => topic.starts_with(above),
        None => name == topic,
    }
}

/// Calls `each` with every pattern that matches `topic`, the widest first. `spelled` is
/// lent to it.
pub(super) fn each_pattern(topic: &str, spelled: &mut String, mut each: impl FnMut(&str)) {
    each(REST);
    for (slash, _) in topic.match_indices('/') {
        spelled.clear();
        spelled.push_str(&topic[..=slash]);
        spelled.push_str(REST);
        each(spelled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_words_with_slashes_between_them() {
        let (long, longer) = ("x".repeat(MAX_NAME), "x".repeat(MAX_NAME + 1));
        let (deep, deeper) = (["p"; MAX_DEPTH].join("/"), ["p"; MAX_DEPTH + 1].join("/"));
        for name in ["a", "news/tech", "-", "caf\u{e9}/1", "a.b:c#d", &long, &deep] {
            assert_eq!((check_topic(name), check(name)), (Ok(()), Ok(())), "{name}");
        }
        for (name, refusal) in [
            ("", Refusal::NoName),
            ("/", Refusal::BadName),
            ("/a", Refusal::BadName),
            ("a/", Refusal::BadName),
            ("a//b", Refusal::BadName),
            ("a b", Refusal::BadName),
            ("a\u{a0}b", Refusal::BadName),
            ("a\0", Refusal::BadName),
            ("a\u{85}", Refusal::BadName),
            ("a*b", Refusal::BadPattern),
            ("*/a", Refusal::BadPattern),
            (&longer, Refusal::LongName),
            (&deeper, Refusal::DeepName),
        ] {
            assert_eq!((check_topic(name), check(name)), (Err(refusal), Err(refusal)), "{name:?}");
        }
    }

    #[test]
    fn a_pattern_has_its_star_behind_the_last_slash() {
        for name in ["*", "a/*", "a/b/*"] {
            assert_eq!((check(name), check_topic(name)), (Ok(()), Err(Refusal::Pattern)), "{name}");
        }
        for name in ["a*", "a/b*", "**", "a/**", "*/*", "a/*/*"] {
            assert_eq!(check(name), Err(Refusal::BadPattern), "{name}");
        }
        assert_eq!(check("/*"), Err(Refusal::BadName));
        assert_eq!(check("a//*"), Err(Refusal::BadName));
    }

    #[test]
    fn the_patterns_of_a_topic_are_those_that_match_it() {
        let mut patterns = Vec::new();
        each_pattern("a/b/c", &mut String::new(), |pattern| patterns.push(pattern.to_owned()));
        assert_eq!(patterns, ["*", "a/*", "a/b/*"]);
        for (name, topic, is_match) in [
            ("*", "a", true),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", true),
            ("a/*", "a", false),
            ("a/*", "ab/c", false),
            ("a", "a", true),
            ("a", "a/b", false),
        ] {
            assert_eq!(matches(name, topic), is_match, "{name} {topic}");
        }
    }
}

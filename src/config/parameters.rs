//! The parameters of a binding: `?min=1&max=6`, each with a name and a value, none twice.
//!
//! The parts of a binding [`take`](Parameters::take) what is theirs. Before they do,
//! [`check_known`](Parameters::check_known) refuses whatever nobody would take.

use super::error::Problem;
use super::percent;

/// Every parameter that some binding can have.
const NAMES: [&str; 15] = [
    "min",
    "max",
    "burst",
    "limit",
    "number",
    "history",
    "topic",
    "role",
    "source",
    "slow",
    "framing",
    "stop",
    "subprotocol",
    "deflate",
    "mode",
];

/// What stands behind the `?` of a URL, decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads `name=value&name=value`.
    pub(super) fn parse(query: &str) -> Result<Parameters, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for text in query.split('&') {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            if name.is_empty() || value.is_empty() {
                return Err(Problem::EmptyParameter(text.to_owned()));
            }
            let name = percent::decode_text(name)?;
            if pairs.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Problem::DuplicateParameter(name));
            }
            pairs.push((name, percent::decode_text(value)?));
        }
        Ok(Parameters { pairs })
    }

    /// Refuses every parameter that is not one of `known`, those of a binding that serves `what`.
    pub(super) fn check_known(&self, known: &[&'static str], what: &str) -> Result<(), Problem> {
        for (name, _) in &self.pairs {
            if known.contains(&name.as_str()) {
                continue;
            }
            let known = known.to_vec();
            return Err(match NAMES.iter().find(|elsewhere| *elsewhere == name) {
                Some(name) => Problem::InapplicableParameter { name, to: what.to_owned(), known },
                None => Problem::UnknownParameter { name: name.clone(), known },
            });
        }
        Ok(())
    }

    /// The value of `name`, which is gone from here afterwards.
    pub(super) fn take(&mut self, name: &'static str) -> Option<String> {
        debug_assert!(NAMES.contains(&name), "{name} is missing from the list");
        let index = self.pairs.iter().position(|(candidate, _)| candidate == name)?;
        Some(self.pairs.swap_remove(index).1)
    }

    /// [`take`](Parameters::take) of a value that `read` understands; `expected` tells people what
    /// those are.
    pub(super) fn take_parsed<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match read(&value) {
                Some(parsed) => Ok(Some(parsed)),
                None => Err(Problem::BadValue { name, value, expected }),
            },
        }
    }

    /// Whether all of them were taken.
    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_once_and_may_hold_an_equals_sign() {
        let mut parameters = Parameters::parse("min=%2525&max=a=b").expect("legal");
        assert_eq!(parameters.take("max").as_deref(), Some("a=b"));
        assert_eq!(parameters.take("max"), None);
        assert_eq!(parameters.take("min").as_deref(), Some("%25"));
        assert!(parameters.is_empty());
    }

    #[test]
    fn a_name_can_hide_behind_an_escape_but_not_twice() {
        let twice = Parameters::parse("min=1&m%69n=2");
        assert_eq!(twice, Err(Problem::DuplicateParameter("min".into())));
    }

    #[test]
    fn every_parameter_has_a_name_and_a_value() {
        for (query, shown) in
            [("", ""), ("a", "a"), ("a=", "a="), ("=1", "=1"), ("min=1&", ""), ("&min=1", "")]
        {
            assert_eq!(Parameters::parse(query), Err(Problem::EmptyParameter(shown.into())));
        }
    }
}

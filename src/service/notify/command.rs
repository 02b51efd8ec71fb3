//! What a client can ask for.

use super::Wrong;
use crate::decimal;

/// What a client wants. That a topic is one has still to be checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command<'a> {
    Subscribe { topic: &'a str, since: Option<u64> },
    Unsubscribe { topic: &'a str },
    Publish { topic: &'a str, text: &'a str },
}

impl Command<'_> {
    /// Reads a message, of whose end a line break is no part.
    pub(super) fn read(message: &str) -> Result<Command<'_>, Wrong> {
        let (verb, rest) = split(message);
        match verb {
            "SUB" => {
                let (topic, rest) = split(rest.trim_ascii());
                let since = match split(rest.trim_ascii()) {
                    ("", "") => None,
                    ("SINCE", number) => {
                        Some(decimal::parse(number.trim_ascii()).ok_or(Wrong::Since)?)
                    }
                    _ => return Err(Wrong::Since),
                };
                Ok(Command::Subscribe { topic, since })
            }
            "UNSUB" => Ok(Command::Unsubscribe { topic: rest.trim_ascii() }),
            "PUB" => {
                let (topic, text) = split(rest);
                Ok(Command::Publish { topic, text })
            }
            _ => Err(Wrong::Command),
        }
    }
}

/// What stands in front of the first space and what stands behind it.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_a_word_a_topic_and_what_follows() {
        let subscribe = |topic, since| Command::Subscribe { topic, since };
        for (message, command) in [
            ("SUB a", subscribe("a", None)),
            ("SUB  news/* \r", subscribe("news/*", None)),
            ("SUB a SINCE 0", subscribe("a", Some(0))),
            ("SUB a  SINCE  18446744073709551615", subscribe("a", Some(u64::MAX))),
            ("SUB", subscribe("", None)),
            ("UNSUB a/b\r", Command::Unsubscribe { topic: "a/b" }),
            ("PUB a", Command::Publish { topic: "a", text: "" }),
            ("PUB a  two  words ", Command::Publish { topic: "a", text: " two  words " }),
            ("PUB  a", Command::Publish { topic: "", text: "a" }),
        ] {
            assert_eq!(Command::read(message), Ok(command), "{message:?}");
        }
        for message in ["", " ", "sub a", "SUBSCRIBE a", "STOP", "\u{e9}", " SUB a"] {
            assert_eq!(Command::read(message), Err(Wrong::Command), "{message:?}");
        }
        for message in [
            "SUB a b",
            "SUB a SINCE",
            "SUB a SINCE -1",
            "SUB a SINCE +1",
            "SUB a since 1",
            "SUB a SINCE 18446744073709551616",
            "SUB a SINCE 1 2",
        ] {
            assert_eq!(Command::read(message), Err(Wrong::Since), "{message:?}");
        }
    }
}

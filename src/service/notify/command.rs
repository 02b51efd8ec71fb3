//! What a client can ask for.

use super::{Wrong, delivery};

/// What a client wants. That a topic is one has still to be checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command<'a> {
    Subscribe { topic: &'a str, since: Option<u64> },
    Unsubscribe { topic: &'a str },
    Publish { topic: &'a str, text: &'a [u8] },
}

impl Command<'_> {
    /// Reads a message, of whose end a line break is no part.
    pub(super) fn read(message: &[u8]) -> Result<Command<'_>, Wrong> {
        let message = delivery::without_ending(message);
        let (verb, rest) = split(message);
        match verb {
            b"SUB" => {
                let (topic, rest) = split(rest.trim_ascii());
                let since = match split(rest.trim_ascii()) {
                    (b"", b"") => None,
                    (b"SINCE", number) => Some(read_number(number.trim_ascii())?),
                    _ => return Err(Wrong::Since),
                };
                Ok(Command::Subscribe { topic: text(topic)?, since })
            }
            b"UNSUB" => Ok(Command::Unsubscribe { topic: text(rest.trim_ascii())? }),
            b"PUB" => {
                let (topic, behind) = split(rest);
                Ok(Command::Publish { topic: text(topic)?, text: behind })
            }
            _ => Err(Wrong::Command),
        }
    }
}

/// What stands in front of the first space and what stands behind it.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', text) {
        Some(space) => (&text[..space], &text[space + 1..]),
        None => (text, b""),
    }
}

fn text(bytes: &[u8]) -> Result<&str, Wrong> {
    std::str::from_utf8(bytes).map_err(|_| Wrong::NotText)
}

fn read_number(digits: &[u8]) -> Result<u64, Wrong> {
    // `parse` alone would let a plus sign through.
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Wrong::Since);
    }
    text(digits)?.parse().map_err(|_| Wrong::Since)
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
            ("SUB a  SINCE  18446744073709551615\n", subscribe("a", Some(u64::MAX))),
            ("SUB", subscribe("", None)),
            ("UNSUB a/b\r\n", Command::Unsubscribe { topic: "a/b" }),
            ("PUB a", Command::Publish { topic: "a", text: b"" }),
            ("PUB a  two  words ", Command::Publish { topic: "a", text: b" two  words " }),
            ("PUB  a", Command::Publish { topic: "", text: b"a" }),
        ] {
            assert_eq!(Command::read(message.as_bytes()), Ok(command), "{message:?}");
        }
        for message in ["", " ", "sub a", "SUBSCRIBE a", "STOP", "\u{e9}", " SUB a"] {
            assert_eq!(Command::read(message.as_bytes()), Err(Wrong::Command), "{message:?}");
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
            assert_eq!(Command::read(message.as_bytes()), Err(Wrong::Since), "{message:?}");
        }
        assert_eq!(Command::read(b"SUB \xff"), Err(Wrong::NotText));
    }
}

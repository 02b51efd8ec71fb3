//! What a member can ask for, and what can be wrong with it.

use std::borrow::Cow;
use std::fmt;

use super::MAX_NAME;

/// What a member wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Command<'a> {
    Say(Cow<'a, str>),
    Name(Cow<'a, str>),
    Join(Cow<'a, str>),
    Who,
    Quit,
}

/// Why it cannot be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wrong {
    NotText,
    /// So many bytes are allowed.
    LongText(usize),
    ControlCharacters,
    BadName,
    GuestName,
    NameTaken,
    Unknown(Box<str>),
    #[cfg(feature = "json")]
    Json(Box<str>),
}

impl Command<'_> {
    /// Reads a line, of whose end a line break is no part.
    pub(super) fn of_line(line: &str) -> Result<Command<'_>, Wrong> {
        let Some(command) = line.strip_prefix('/') else { return Ok(Command::Say(line.into())) };
        if command.starts_with('/') {
            return Ok(Command::Say(command.into()));
        }
        let (verb, argument) = command.split_once(' ').unwrap_or((command, ""));
        match (verb, argument.trim()) {
            ("name", name) => Ok(Command::Name(name.into())),
            ("join", room) => Ok(Command::Join(room.into())),
            ("who", "") => Ok(Command::Who),
            ("quit", "") => Ok(Command::Quit),
            _ => Err(Wrong::Unknown(command.chars().take(MAX_NAME).collect())),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::NotText => f.write_str("a message is UTF-8 text"),
            Wrong::LongText(longest) => write!(f, "a message has at most {longest} bytes"),
            Wrong::ControlCharacters => f.write_str("a message has no control characters in it"),
            Wrong::BadName => {
                write!(f, "a name is 1 to {MAX_NAME} letters and digits, or `-`, `_` and `.`")
            }
            Wrong::GuestName => f.write_str("names of guests are given, not chosen"),
            Wrong::NameTaken => f.write_str("the name is taken"),
            Wrong::Unknown(command) => write!(
                f,
                "unknown command `/{}` (/name NEW, /join ROOM, /who, /quit; //text says /text)",
                command.escape_debug()
            ),
            #[cfg(feature = "json")]
            Wrong::Json(error) => write!(f, "not a message of chat.v1: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_in_front_makes_a_command_and_two_make_none() {
        for (line, command) in [
            ("hi", Command::Say("hi".into())),
            ("", Command::Say("".into())),
            (" hi there \t", Command::Say(" hi there \t".into())),
            ("a\nb", Command::Say("a\nb".into())),
            ("//who", Command::Say("/who".into())),
            ("//", Command::Say("/".into())),
            ("/name ada", Command::Name("ada".into())),
            ("/name", Command::Name("".into())),
            ("/join  tea ", Command::Join("tea".into())),
            ("/who", Command::Who),
            ("/quit", Command::Quit),
        ] {
            assert_eq!(Command::of_line(line), Ok(command), "{line:?}");
        }
        for line in ["/", "/x", "/WHO", "/who else", "/quitter", "/ name ada"] {
            assert_eq!(Command::of_line(line), Err(Wrong::Unknown(line[1..].into())));
        }
    }

    #[test]
    fn what_is_unknown_is_told_without_control_characters_and_not_at_length() {
        let wrong = Command::of_line(&format!("/\x1b[31m{}", "x".repeat(500))).unwrap_err();
        let told = wrong.to_string();
        assert!(told.starts_with("unknown command `/\\u{1b}[31mxxx"), "{told}");
        assert!(told.len() < 160, "{told}");
    }
}

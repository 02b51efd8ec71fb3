//! What members are told, and how that is said in lines.

use std::fmt;

/// Something that happens in a room, or an answer to one member.
#[derive(Debug)]
#[cfg_attr(
    feature = "json",
    derive(serde::Serialize),
    serde(tag = "type", rename_all = "lowercase")
)]
#[cfg_attr(not(feature = "json"), expect(dead_code, reason = "lines tell no numbers"))]
pub(super) enum Event<'a> {
    #[cfg(feature = "json")]
    Welcome {
        room: &'a str,
        name: &'a str,
    },
    Message {
        room: &'a str,
        from: &'a str,
        text: &'a str,
        seq: u64,
    },
    Joined {
        room: &'a str,
        name: &'a str,
        seq: u64,
    },
    Left {
        room: &'a str,
        name: &'a str,
        seq: u64,
    },
    Renamed {
        room: &'a str,
        name: &'a str,
        to: &'a str,
        seq: u64,
    },
    Who {
        room: &'a str,
        names: &'a [&'a str],
        count: usize,
    },
    Error {
        reason: &'a str,
    },
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "json")]
            Event::Welcome { room, name } => write!(f, "* {room}: welcome, {name}"),
            Event::Message { from, text, .. } => write!(f, "{from}: {text}"),
            Event::Joined { name, .. } => write!(f, "* {name} joined"),
            Event::Left { name, .. } => write!(f, "* {name} left"),
            Event::Renamed { name, to, .. } => write!(f, "* {name} is now {to}"),
            Event::Who { room, names, count } => {
                write!(f, "* {room}: {}", names.join(", "))?;
                match count - names.len() {
                    0 => Ok(()),
                    more => write!(f, " and {more} more"),
                }
            }
            Event::Error { reason } => write!(f, "ERR {reason}"),
        }
    }
}

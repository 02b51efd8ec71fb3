//! The subprotocol `chat.v1`: an object a message.

use std::borrow::Cow;

use super::command::{Command, Wrong};
use super::event::Event;

/// What clients send.
#[derive(serde::Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Request<'a> {
    Message {
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    Name {
        #[serde(borrow)]
        name: Cow<'a, str>,
    },
    Join {
        #[serde(borrow)]
        room: Cow<'a, str>,
    },
    Who,
    Quit,
}

/// Reads what a member says.
pub(super) fn read(text: &str) -> Result<Command<'_>, Wrong> {
    match serde_json::from_str(text) {
        Ok(Request::Message { text }) => Ok(Command::Say(text)),
        Ok(Request::Name { name }) => Ok(Command::Name(name)),
        Ok(Request::Join { room }) => Ok(Command::Join(room)),
        Ok(Request::Who) => Ok(Command::Who),
        Ok(Request::Quit) => Ok(Command::Quit),
        Err(error) => Err(Wrong::Json(error.to_string().chars().take(200).collect())),
    }
}

/// Appends what a member is told.
pub(super) fn write(event: &Event<'_>, out: &mut Vec<u8>) {
    serde_json::to_writer(out, event).expect("text and numbers are JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_say_what_lines_do() {
        for (text, command) in [
            (r#"{"type":"message","text":"/\u00e9 \"x\""}"#, Command::Say("/é \"x\"".into())),
            (r#" { "text" : "hi", "type" : "message", "more" : [1] } "#, Command::Say("hi".into())),
            (r#"{"type":"name","name":"ada"}"#, Command::Name("ada".into())),
            (r#"{"type":"join","room":"tea"}"#, Command::Join("tea".into())),
            (r#"{"type":"who"}"#, Command::Who),
            (r#"{"type":"quit"}"#, Command::Quit),
        ] {
            assert_eq!(read(text), Ok(command), "{text}");
        }
        let deep = "[".repeat(100_000);
        for text in ["", "hi", "{}", r#"{"type":"x"}"#, r#"{"type":"message"}"#, "[]", &deep] {
            let Err(Wrong::Json(error)) = read(text) else { panic!("{text} is read") };
            assert!(error.len() <= 200, "{error}");
        }
    }
}

//! How a message looks to those who get it.

use std::io::Write as _;

use crate::pubsub::MAX_NAME;

/// What stands in front of the text of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    Bare,
    Named,
    Numbered,
}

/// To clients of one topic: nothing.
pub(super) const BARE: Delivery = Delivery::Bare;
/// To those of many: which one.
pub(super) const NAMED: Delivery = Delivery::Named;
/// Where there is a history: which one, and the number.
pub(super) const NUMBERED: Delivery = Delivery::Numbered;

impl Delivery {
    pub(super) const ALL: [Delivery; Delivery::COUNT] = [BARE, NAMED, NUMBERED];
    pub(super) const COUNT: usize = 3;

    /// How much longer than its text a message can become: a topic, a number of 64 bits, two spaces.
    pub(super) const OVERHEAD: usize = MAX_NAME + 22;

    /// The dialect of those who get messages like this.
    pub(super) fn dialect(self) -> usize {
        self as usize
    }

    /// Puts a message together in `out`.
    pub(super) fn write(self, topic: &str, number: u64, text: &[u8], out: &mut Vec<u8>) {
        out.clear();
        match self {
            Delivery::Bare => Ok(()),
            Delivery::Named => write!(out, "{topic} "),
            Delivery::Numbered => write!(out, "{topic} {number} "),
        }
        .expect("a Vec takes everything");
        out.extend_from_slice(text);
    }
}

/// Puts the notice in `out` that messages are missing.
pub(super) fn write_gap(topic: &str, from: u64, to: u64, out: &mut Vec<u8>) {
    out.clear();
    write!(out, "GAP {topic} {from} {to}").expect("a Vec takes everything");
}

/// A message without the line break at its end, of which some send one over WebSocket, or a `\r`.
pub(super) fn without_ending(message: &[u8]) -> &[u8] {
    let message = message.strip_suffix(b"\n").unwrap_or(message);
    message.strip_suffix(b"\r").unwrap_or(message)
}

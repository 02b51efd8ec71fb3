//! How a message looks to those who get it.

use std::io::Write as _;

use crate::pubsub::MAX_NAME;

/// What stands in front of the text of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    /// To clients of one topic: nothing.
    Bare,
    /// To those of many: which one.
    Named,
    /// Where there is a history: which one, and the number.
    Numbered,
}

impl Delivery {
    pub(super) const ALL: &[Delivery] = &[Delivery::Bare, Delivery::Named, Delivery::Numbered];

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

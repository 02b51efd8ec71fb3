//! Messages that are all different, so that no wrong reply passes for the right one.
//!
//! ```text
//!    0                6                 16                        size
//!   ┌────────────────┬─────────────────┬───────────────────────────┬────┐
//!   │ peer, 6 digits │ number, 10      │ filler                    │ \n │  the end on streams only
//!   └────────────────┴─────────────────┴───────────────────────────┴────┘
//! ```
//!
//! Where a message is shorter than its name, it keeps the last digits, which change most.

use std::ops::Range;

use super::Text;

const PEER_DIGITS: usize = 6;
const NAME_DIGITS: usize = 16;

/// Makes messages of one size, and knows what each looks like.
#[derive(Debug)]
pub(super) struct Payload {
    /// The last message that was made.
    bytes: Vec<u8>,
    /// Where its name is, and which of the digits of the name.
    place: Range<usize>,
    digits: Range<usize>,
}

impl Payload {
    /// Messages of `size` bytes, at least one, not counting the `\n` that ends a line.
    pub(super) fn new(size: usize, text: Text, is_line: bool) -> Payload {
        assert!(size > 0, "an empty message has no name");
        let named = size.min(NAME_DIGITS);
        let mut bytes = vec![b'0'; named];
        fill(&mut bytes, size, text);
        if is_line {
            bytes.push(b'\n');
        }
        Payload { bytes, place: 0..named, digits: NAME_DIGITS - named..NAME_DIGITS }
    }

    /// The length of each message on the wire, without framing but with its end.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Message `number` of `peer`.
    pub(super) fn message(&mut self, peer: usize, number: u64) -> &[u8] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let name = (peer as u64) << (4 * (NAME_DIGITS - PEER_DIGITS))
            | number & ((1 << (4 * (NAME_DIGITS - PEER_DIGITS))) - 1);
        let mut text = [0; NAME_DIGITS];
        for (byte, place) in name.to_be_bytes().into_iter().zip(text.as_chunks_mut::<2>().0) {
            *place = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
        }
        self.bytes[self.place.clone()].copy_from_slice(&text[self.digits.clone()]);
        &self.bytes
    }

    /// How many bytes at its beginning a message has in common with the next one, if their numbers
    /// differ in the last digit only.
    pub(super) fn common(&self) -> usize {
        self.place.end - 1
    }

    /// The number of a message that was received, if it may be one of `peer`. What is read from a
    /// short message are the last digits, all there are.
    pub(super) fn number_of(&self, bytes: &[u8]) -> Option<u64> {
        let name = str::from_utf8(bytes.get(self.place.clone())?).ok()?;
        let number = &name[name.len().saturating_sub(NAME_DIGITS - PEER_DIGITS)..];
        u64::from_str_radix(number, 16).ok()
    }
}

/// Fills up to `size` bytes; whole characters, where that is text.
fn fill(bytes: &mut Vec<u8>, size: usize, text: Text) {
    const ASCII: &str = "the quick brown fox jumps over the lazy dog, 0123456789 times; ";
    const UNICODE: &str = "größer als 5 € ist Ω, 日本語も 😀 и так далее; ";
    let mut characters = match text {
        Text::Ascii => ASCII,
        Text::Unicode => UNICODE,
    }
    .chars()
    .cycle();
    let mut buffer = [0; 4];
    loop {
        let character = characters.next().expect("a cycle has no end").encode_utf8(&mut buffer);
        if bytes.len() + character.len() > size {
            break;
        }
        bytes.extend_from_slice(character.as_bytes());
    }
    bytes.resize(size, b'.');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_messages_are_the_same() {
        let mut payload = Payload::new(64, Text::Ascii, true);
        assert_eq!(payload.len(), 65);
        let first = payload.message(1, 2).to_vec();
        assert!(first.starts_with(b"0000010000000002the quick") && first.ends_with(b"\n"));
        assert_ne!(payload.message(1, 3), first);
        assert_ne!(payload.message(2, 2), first);
        assert_eq!(payload.message(1, 2), first);
        assert_eq!(payload.number_of(&first), Some(2));
        let common = payload.common();
        assert_eq!(first[..common], payload.message(1, 3)[..common]);
        assert_ne!(first[..=common], payload.message(1, 3)[..=common]);
    }

    #[test]
    fn a_short_message_keeps_the_digits_that_change() {
        let mut payload = Payload::new(3, Text::Ascii, false);
        assert_eq!(payload.message(9, 0xabcde), b"cde");
        assert_eq!(payload.number_of(b"cde"), Some(0xcde));
        assert_eq!(payload.number_of(b"xyz"), None);
    }

    #[test]
    fn text_is_text_at_every_size() {
        for size in 1..200 {
            let mut payload = Payload::new(size, Text::Unicode, false);
            let message = payload.message(1, 1);
            assert_eq!(message.len(), size);
            assert!(str::from_utf8(message).is_ok(), "{size}");
            assert_eq!(message.is_ascii(), size < 20, "{size}");
        }
    }
}

//! UTF-8 checked while it arrives, wherever it is cut.
//!
//! A WebSocket text message may be cut anywhere, also in the middle of a character: by TCP, and by
//! the sender's own fragments (RFC 6455 section 5.4). [`Utf8Checker`] is told the pieces in turn
//! and remembers the at most three bytes of a character that the last piece began. It refuses as
//! soon as no continuation could make the text valid, so a peer is told 1007 (section 8.1) without
//! our waiting for a message that is lost already.
//!
//! The long runs are checked by `simdutf8`; all that is our own is the seam between two pieces.

use std::fmt;

use simdutf8::compat::from_utf8;

/// The bytes so far are no prefix of any UTF-8 text (RFC 3629 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidUtf8;

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid UTF-8")
    }
}

impl std::error::Error for InvalidUtf8 {}

/// Checks a text that comes in pieces.
///
/// Invariant: `begun[..len]` is a proper prefix of a valid character; `len <= 3`.
#[derive(Clone, Copy, Default, Debug)]
pub struct Utf8Checker {
    begun: [u8; 3],
    len: u8,
}

impl Utf8Checker {
    /// A checker at the start of a text.
    pub const fn new() -> Utf8Checker {
        Utf8Checker { begun: [0; 3], len: 0 }
    }

    /// Checks the next piece of the text. Whoever has looked at its bytes anyway (unmasking does)
    /// says with `known_ascii` that all are below 0x80, and saves a scan.
    ///
    /// After an error the text stays invalid; the checker must not be asked again.
    pub fn push(&mut self, piece: &[u8], known_ascii: bool) -> Result<(), InvalidUtf8> {
        let rest = self.finish_begun(piece)?;
        if known_ascii {
            return Ok(());
        }
        match from_utf8(rest) {
            Ok(_) => Ok(()),
            // Only the end is wrong, and only because there is too little of it.
            Err(error) if error.error_len().is_none() => {
                self.begin(&rest[error.valid_up_to()..]);
                Ok(())
            }
            Err(_) => Err(InvalidUtf8),
        }
    }

    /// Says whether the text may end here: not in the middle of a character.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.len == 0 { Ok(()) } else { Err(InvalidUtf8) }
    }

    /// Completes the character that the last piece began, if any, and gives back what follows it.
    fn finish_begun<'p>(&mut self, piece: &'p [u8]) -> Result<&'p [u8], InvalidUtf8> {
        let mut rest = piece;
        while self.len > 0 {
            let Some((&next, after)) = rest.split_first() else { break };
            let mut character = [0; 4];
            let begun = usize::from(self.len);
            character[..begun].copy_from_slice(&self.begun[..begun]);
            character[begun] = next;
            match from_utf8(&character[..=begun]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_none() => self.begin(&character[..=begun]),
                Err(_) => return Err(InvalidUtf8),
            }
            rest = after;
        }
        Ok(rest)
    }

    /// Remembers `prefix`, the one to three bytes of a character that is not complete.
    fn begin(&mut self, prefix: &[u8]) {
        self.len = 0;
        for (slot, byte) in self.begun.iter_mut().zip(prefix) {
            *slot = *byte;
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks `pieces` in turn: the piece at which the text was refused, or `pieces.len()` for an
    /// unfinished end, or `None` for a valid text.
    fn refused_at(pieces: &[&[u8]]) -> Option<usize> {
        let mut checker = Utf8Checker::new();
        for (at, piece) in pieces.iter().enumerate() {
            if checker.push(piece, piece.is_ascii()).is_err() {
                return Some(at);
            }
        }
        checker.finish().is_err().then_some(pieces.len())
    }

    fn byte_by_byte(text: &[u8]) -> Option<usize> {
        refused_at(&text.chunks(1).collect::<Vec<_>>())
    }

    #[test]
    fn every_cut_of_a_text_is_accepted() {
        let text = "aé€😀\u{10ffff}\u{d7ff}\u{e000}z".as_bytes();
        assert_eq!(byte_by_byte(text), None);
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(refused_at(&pieces), None, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn text_is_refused_at_the_first_byte_that_cannot_be_mended() {
        // RFC 3629 section 4: overlong forms, surrogates, beyond U+10FFFF, stray bytes.
        let hopeless: [(&[u8], usize); 10] = [
            (b"\x80", 0),
            (b"\xc0", 0),
            (b"\xc1", 0),
            (b"\xff", 0),
            (b"\xe0\x80", 1),
            (b"\xed\xa0", 1),
            (b"\xf0\x8f", 1),
            (b"\xf4\x90", 1),
            (b"\xf0\x9f\x98x", 3),
            (b"ok\xc3(", 3),
        ];
        for (text, at) in hopeless {
            assert_eq!(byte_by_byte(text), Some(at), "{text:x?} byte by byte");
            assert_eq!(refused_at(&[text]), Some(0), "{text:x?} at once");
        }
        // Known ASCII cannot go on with a character either.
        assert_eq!(refused_at(&[b"\xe2\x82", b"", b"abc"]), Some(2));
    }

    #[test]
    fn an_unfinished_character_is_refused_at_the_end_only() {
        for text in [&b"a\xc3"[..], b"\xe2\x82", b"\xf0\x9f\x98"] {
            assert_eq!(refused_at(&[text]), Some(1));
            assert_eq!(byte_by_byte(text), Some(text.len()));
        }
    }

    #[test]
    fn every_short_sequence_is_judged_as_by_the_standard_library() {
        // All starts of a character, then bytes on both sides of every boundary there is.
        let edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
        for lead in 0x80..=0xffu8 {
            for second in edges {
                for third in edges {
                    let text = [lead, second, third, 0x80];
                    for len in 1..=4 {
                        let expected = std::str::from_utf8(&text[..len]).is_ok();
                        assert_eq!(byte_by_byte(&text[..len]).is_none(), expected);
                        assert_eq!(refused_at(&[&text[..len]]).is_none(), expected);
                    }
                }
            }
        }
    }
}

//! Bytes in, lines out. There is no socket here, no loop and no clock.

use std::io::{Error, ErrorKind};

/// The longest line, with its newline: a peer must not make us keep more than this.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// What is needed to find the lines in the bytes of one peer.
#[derive(Default)]
pub(crate) struct Lines {
    /// The start of a line whose end has not come.
    partial: Vec<u8>,
}

impl Lines {
    /// Takes what has come, and hands on each line that is complete with it, newline and all. No byte
    /// is looked at twice, however small the pieces are.
    ///
    /// # Errors
    /// `InvalidData` for a line that is too long. There is no way to go on.
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Error> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.partial.len() + piece.len() > MAX_LINE_BYTES {
                return Err(ErrorKind::InvalidData.into());
            }
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                each(&self.partial);
                self.partial.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the pieces go in.
    fn lines(pieces: &[&[u8]]) -> Result<Vec<String>, ErrorKind> {
        let (mut codec, mut lines) = (Lines::default(), Vec::new());
        for piece in pieces {
            let each = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
            codec.receive(piece, each).map_err(|error| error.kind())?;
        }
        Ok(lines)
    }

    #[test]
    fn where_the_bytes_are_cut_makes_no_difference() {
        let text = b"one\r\n\ntwo\nthree";
        for first in 0..text.len() {
            for second in first..text.len() {
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(lines(&pieces).unwrap(), ["one\r\n", "\n", "two\n"]);
            }
        }
    }

    #[test]
    fn the_start_of_a_line_is_kept_until_its_end_comes() {
        assert!(lines(&[b"o", b"n", b"e"]).unwrap().is_empty());
        assert_eq!(lines(&[b"o", b"n", b"e", b"\n"]).unwrap(), ["one\n"]);
    }

    #[test]
    fn the_longest_line_passes_and_one_byte_more_does_not() {
        let line = vec![b'x'; MAX_LINE_BYTES];
        assert_eq!(lines(&[&line[1..], b"\n"]).unwrap().len(), 1);
        assert_eq!(lines(&[&line, b"\n"]), Err(ErrorKind::InvalidData));
        assert_eq!(lines(&[&line[1..], b"xx"]), Err(ErrorKind::InvalidData));
    }
}

//! Lines: the framing of the stream services.
//!
//! Only `\n` ends a line; a `\r` in front of it belongs to the line, so that an echo gives back
//! what came. A line may be cut by any number of reads; only then is it copied, and the part that
//! was kept is never searched again (searching it at each read would be quadratic for a peer that
//! sends a byte at a time).

use std::fmt;

use crate::buffer::{Buffer, BufferPool};
use crate::codec::{Payload, reserve};

/// One line, without its `\n`.
pub type Line<'a> = Payload<'a>;

/// The longest line accepted unless configured otherwise, in bytes without the `\n`.
pub const DEFAULT_MAX_LINE: usize = 1024 * 1024;

/// A line is longer than allowed, whether or not its end has come. There is no way to go on:
/// the connection is told so and closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineTooLong;

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("line too long")
    }
}

impl std::error::Error for LineTooLong {}

/// Finds the lines in a stream of bytes.
#[derive(Default, Debug)]
pub struct LineDecoder {
    /// The start of a line whose end has not come; it holds no `\n` and at least one byte.
    partial: Option<Box<Buffer>>,
}

/// Every connection of a line protocol carries one.
const _: () = assert!(size_of::<LineDecoder>() == 8);

impl LineDecoder {
    /// A decoder at the start of a line.
    pub const fn new() -> LineDecoder {
        LineDecoder { partial: None }
    }

    /// Takes the next line from the front of `input`. `Ok(None)` means that all of `input` is used
    /// up and that more is needed. Performs work linear in the bytes consumed.
    ///
    /// # Errors
    /// [`LineTooLong`] for a line of more than `max_line` bytes. The input is used up and nothing
    /// is kept; the caller must not ask again.
    #[inline]
    pub fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        max_line: usize,
        pool: &mut BufferPool,
    ) -> Result<Option<Line<'a>>, LineTooLong> {
        // What may still come of this line, and its `\n`.
        let room = max_line.saturating_sub(self.buffered());
        let window = &input[..input.len().min(room.saturating_add(1))];
        match memchr::memchr(b'\n', window) {
            Some(end) => {
                let (taken, rest) = std::mem::take(input).split_at_mut(end + 1);
                *input = rest;
                let rest_of_line = &taken[..end];
                match self.partial.take() {
                    None => Ok(Some(Payload::Borrowed(rest_of_line))),
                    Some(mut line) => {
                        reserve(&mut line, end, max_line);
                        line.extend(rest_of_line);
                        Ok(Some(Payload::Owned(line)))
                    }
                }
            }
            None if input.len() > room => {
                *input = &mut [];
                self.release(pool);
                Err(LineTooLong)
            }
            None => {
                if !input.is_empty() {
                    let partial = self.partial.get_or_insert_with(|| pool.take_for(input.len()));
                    reserve(partial, input.len(), max_line);
                    partial.extend(input);
                    pool.settle(partial);
                    *input = &mut [];
                }
                Ok(None)
            }
        }
    }

    /// Whether the stream stands at the start of a line.
    pub fn is_idle(&self) -> bool {
        self.partial.is_none()
    }

    /// The memory held for an unfinished line, in bytes.
    pub fn buffered_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.capacity())
    }

    /// Forgets an unfinished line and gives its memory back: the connection ends.
    pub fn release(&mut self, pool: &mut BufferPool) {
        if let Some(partial) = self.partial.take() {
            pool.give(partial);
        }
    }

    /// How much of an unfinished line has come.
    fn buffered(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.len())
    }
}

/// Whether a line is the command `STOP`, whatever blanks (space, tab, CR, LF) surround it. Looks
/// no further than the first byte that decides, so a long line of data costs nothing.
#[inline]
pub fn is_stop(line: &[u8]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let word = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    line[word..].strip_prefix(b"STOP").is_some_and(|rest| rest.iter().all(is_blank))
}

/// Appends `bytes` as one line.
#[inline]
pub fn encode_line(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() + 1);
    out.extend_from_slice(bytes);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of `chunks`, and whether the end was an error.
    fn lines(chunks: &[&[u8]], max_line: usize) -> (Vec<Vec<u8>>, bool) {
        let (mut decoder, mut pool, mut lines) =
            (LineDecoder::new(), BufferPool::new(), Vec::new());
        for chunk in chunks {
            let mut chunk = chunk.to_vec();
            let mut input = &mut chunk[..];
            loop {
                match decoder.next(&mut input, max_line, &mut pool) {
                    Ok(Some(line)) => {
                        lines.push(line.to_vec());
                        line.recycle(&mut pool);
                    }
                    Ok(None) => break,
                    Err(LineTooLong) => return (lines, true),
                }
            }
            assert!(input.is_empty(), "all input is used up");
        }
        (lines, false)
    }

    #[test]
    fn only_a_line_feed_ends_a_line() {
        let (found, _) = lines(&[b"a b\r\n\n\r\nlast"], 100);
        assert_eq!(found, [&b"a b\r"[..], b"", b"\r"]);
    }

    #[test]
    fn whole_lines_are_borrowed_and_cut_ones_pooled() {
        let (mut decoder, mut pool) = (LineDecoder::new(), BufferPool::new());
        let mut bytes = *b"whole\ncu";
        let mut input = &mut bytes[..];
        let line = decoder.next(&mut input, 100, &mut pool);
        assert!(matches!(line, Ok(Some(Payload::Borrowed(b"whole")))));
        assert!(matches!(decoder.next(&mut input, 100, &mut pool), Ok(None)));
        assert!(!decoder.is_idle() && decoder.buffered_bytes() >= 2);
        let mut bytes = *b"t\n";
        let mut input = &mut bytes[..];
        let Ok(Some(Payload::Owned(line))) = decoder.next(&mut input, 100, &mut pool) else {
            panic!("the cut line is owned");
        };
        assert_eq!(line.as_slice(), b"cut");
        assert!(decoder.is_idle() && decoder.buffered_bytes() == 0);
    }

    #[test]
    fn the_longest_line_passes_and_one_byte_more_does_not() {
        for end in [&b"\n"[..], b""] {
            let longest = [&b"12345678"[..], end].concat();
            assert_eq!(lines(&[&longest], 8), (vec![b"12345678".to_vec(); end.len()], false));
            let longer = [&b"ok\n123456789"[..], end].concat();
            assert_eq!(lines(&[&longer], 8), (vec![b"ok".to_vec()], true));
            for cut in 0..longer.len() {
                let chunks = [&longer[..cut], &longer[cut..]];
                assert_eq!(lines(&chunks, 8), (vec![b"ok".to_vec()], true), "cut at {cut}");
            }
        }
        assert_eq!(lines(&[b"\n\nx"], 0), (vec![vec![]; 2], true));
    }

    #[test]
    fn memory_follows_the_bytes_and_goes_back() {
        let (mut decoder, mut pool) = (LineDecoder::new(), BufferPool::new());
        for _ in 0..1000 {
            assert!(matches!(
                decoder.next(&mut &mut [b'x'; 1000][..], 1_000_000, &mut pool),
                Ok(None)
            ));
        }
        assert_eq!(decoder.buffered_bytes(), 1_000_000, "no more than the line may become");
        let too_long = decoder.next(&mut &mut [b'y'][..], 1_000_000, &mut pool).map(drop);
        assert_eq!(too_long, Err(LineTooLong));
        assert_eq!((decoder.buffered_bytes(), pool.kept_bytes()), (0, 1_000_000));
    }

    #[test]
    fn stop_is_a_word_of_its_own() {
        for line in [&b"STOP"[..], b"STOP\r", b" \t STOP \r\n", b"\nSTOP"] {
            assert!(is_stop(line), "{line:?}");
        }
        for line in [&b"stop"[..], b"STOPX", b"XSTOP", b"STO", b"", b"  ", b"ST OP", b"STOP\x0c"] {
            assert!(!is_stop(line), "{line:?}");
        }
    }

    #[test]
    fn an_encoded_line_is_decoded_to_itself() {
        let mut out = Vec::new();
        encode_line(&mut out, b"one");
        encode_line(&mut out, b"");
        assert_eq!(lines(&[&out], 3).0, [&b"one"[..], b""]);
    }
}

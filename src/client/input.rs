//! What was read from standard input and is not sent yet, cut into what is sent at a time.

use std::fmt;

use crate::buffer::Buffer;
use crate::config::ByteSize;

/// What one message to the server is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// Whatever there is.
    Bytes,
    /// A line with its `\n`; the last one may have none.
    Line,
    /// A line without it.
    LineWithoutEnd,
}

/// A queue of input.
#[derive(Debug)]
pub(super) struct Input {
    pending: Buffer,
    /// So much of what is pending holds no `\n`: it is never looked at twice.
    scanned: usize,
    max_line: usize,
    /// Nothing more comes.
    has_ended: bool,
}

/// A line that is longer than a message may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LineTooLong {
    max_line: usize,
}

impl fmt::Display for LineTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ByteSize::new(self.max_line) {
            Some(size) => write!(f, "a line of the input is longer than {size}"),
            None => write!(f, "a line of the input is longer than {} bytes", self.max_line),
        }
    }
}

impl Input {
    /// Lines may be `max_line` bytes long, without their `\n`.
    pub(super) fn new(max_line: usize) -> Input {
        Input { pending: Buffer::default(), scanned: 0, max_line, has_ended: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend(bytes);
    }

    /// The input has come to its end; a last line without `\n` is one.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether everything that will ever come has been taken.
    pub(super) fn is_exhausted(&self) -> bool {
        self.has_ended && self.pending.is_empty()
    }

    /// The next unit, if it is complete. It stays until it is [taken](Input::take).
    pub(super) fn peek(&mut self, unit: Unit) -> Result<Option<&[u8]>, LineTooLong> {
        let Some(length) = self.length(unit)? else { return Ok(None) };
        let taken = &self.pending.as_slice()[..length];
        Ok(Some(match unit {
            Unit::LineWithoutEnd => taken.strip_suffix(b"\n").unwrap_or(taken),
            Unit::Line | Unit::Bytes => taken,
        }))
    }

    /// Takes the unit that was looked at.
    pub(super) fn take(&mut self, unit: Unit) {
        if let Ok(Some(length)) = self.length(unit) {
            self.pending.consume(length);
            self.scanned = 0;
            if self.pending.is_empty() {
                self.pending.shrink();
            }
        }
    }

    /// How many bytes the next unit takes up, its end included.
    fn length(&mut self, unit: Unit) -> Result<Option<usize>, LineTooLong> {
        let pending = self.pending.as_slice();
        if unit == Unit::Bytes {
            return Ok((!pending.is_empty()).then_some(pending.len()));
        }
        let end = memchr::memchr(b'\n', &pending[self.scanned..]).map(|at| self.scanned + at);
        self.scanned = end.unwrap_or(pending.len());
        if self.scanned > self.max_line {
            return Err(LineTooLong { max_line: self.max_line });
        }
        Ok(match end {
            Some(end) => Some(end + 1),
            None if self.has_ended && !pending.is_empty() => Some(pending.len()),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(input: &mut Input, unit: Unit) -> Vec<Vec<u8>> {
        let mut units = Vec::new();
        while let Some(bytes) = input.peek(unit).expect("short enough").map(<[u8]>::to_vec) {
            input.take(unit);
            units.push(bytes);
        }
        units
    }

    #[test]
    fn lines_are_complete_and_the_last_one_need_not_be() {
        for (unit, first) in [(Unit::Line, &b"a\r\n"[..]), (Unit::LineWithoutEnd, b"a\r")] {
            let mut input = Input::new(10);
            input.push(b"a\r\n\nla");
            let lines = drain(&mut input, unit);
            assert_eq!(lines[0], first);
            assert_eq!(lines[1], &b"\n"[..if unit == Unit::Line { 1 } else { 0 }]);
            assert_eq!(lines.len(), 2);
            input.push(b"st");
            assert!(drain(&mut input, unit).is_empty());
            input.end();
            assert!(!input.is_exhausted());
            assert_eq!(drain(&mut input, unit), [b"last"]);
            assert!(input.is_exhausted());
        }
    }

    #[test]
    fn bytes_are_taken_as_they_are() {
        let mut input = Input::new(1);
        input.push(b"one\ntw");
        assert_eq!(drain(&mut input, Unit::Bytes), [b"one\ntw"]);
        assert!(drain(&mut input, Unit::Bytes).is_empty());
    }

    #[test]
    fn a_line_has_a_longest_length_with_or_without_its_end() {
        for tail in [&b"\n"[..], b""] {
            let mut input = Input::new(4);
            input.push(&[b"1234", tail].concat());
            assert!(input.peek(Unit::Line).is_ok(), "the longest");
            let mut input = Input::new(4);
            input.push(&[b"12345", tail].concat());
            let error = input.peek(Unit::Line).expect_err("longer");
            assert_eq!(error.to_string(), "a line of the input is longer than 4");
        }
    }
}

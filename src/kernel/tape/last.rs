//! What came before on the tape, as far as an entry says only what is new.
//!
//! A clock has moved on by so much. And what is sent has often just been said: an echo writes what
//! it has read, and a message to a thousand people is written a thousand times. Then it is enough that
//! it is the same, which halves the recording of the one and makes next to nothing of the other.

use std::ops::Range;

use super::bytes::{Reader, put_number};
use crate::time::Now;

/// What the writer of a tape remembers, and its reader likewise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    /// What the clocks showed.
    pub(crate) now: Now,
    /// Where the bytes are in the tape that were received or sent last, if in this frame.
    pub(crate) payload: Range<usize>,
}

impl Last {
    /// A new frame begins, which is to be read without those before it.
    pub(crate) fn begin_frame(&mut self) {
        self.payload = 0..0;
    }

    /// Appends bytes that were received, behind their number.
    #[inline]
    pub(crate) fn put_received(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        put_number(out, bytes.len() as u64);
        self.put(out, bytes);
    }

    /// Appends bytes that were sent: twice their number and the bytes, or one more where the bytes
    /// before them begin with the same.
    #[inline]
    pub(crate) fn put_sent(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let twice = (bytes.len() as u64) << 1;
        let Range { start, end } = self.payload;
        if out[start..end].starts_with(bytes) {
            put_number(out, twice | 1);
            self.payload = start..start + bytes.len();
        } else {
            put_number(out, twice);
            self.put(out, bytes);
        }
    }

    #[inline]
    fn put(&mut self, out: &mut Vec<u8>, bytes: &[u8]) {
        let start = out.len();
        out.extend_from_slice(bytes);
        self.payload = start..out.len();
    }
}

impl<'a> Reader<'a> {
    /// Bytes that were received.
    pub(crate) fn received(&mut self) -> Option<&'a [u8]> {
        let length = self.size()?;
        self.payload(length)
    }

    /// Bytes that were sent.
    pub(crate) fn sent(&mut self) -> Option<&'a [u8]> {
        let number = self.number()?;
        let length = usize::try_from(number >> 1).ok()?;
        if number & 1 == 0 {
            return self.payload(length);
        }
        let same = self.last().get(..length)?;
        self.last.end = self.last.start + length;
        Some(same)
    }

    fn payload(&mut self, length: usize) -> Option<&'a [u8]> {
        let payload = self.take(length)?;
        self.last = self.at - length..self.at;
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is sent behind what was received, and how long that is on the tape.
    fn sent_behind(last: &mut Last, received: &[u8], sent: &[u8]) -> usize {
        let mut out = b"whatever comes before".to_vec();
        let before = out.len();
        last.put_received(&mut out, received);
        let start = out.len();
        last.put_sent(&mut out, sent);
        let mut reader = Reader::new(&out, before, 0..0);
        assert_eq!(reader.received(), Some(received));
        assert_eq!(reader.sent(), Some(sent));
        assert!(reader.rest().is_empty());
        assert_eq!(reader.last, last.payload, "both remember the same");
        out.len() - start
    }

    #[test]
    fn what_was_just_said_is_not_said_again() {
        let last = &mut Last::default();
        assert_eq!(sent_behind(last, b"hello\n", b"hello\n"), 1);
        assert_eq!(sent_behind(last, b"hello\n", b"hell"), 1, "a short write");
        assert_eq!(sent_behind(last, b"hello\n", b""), 1);
        assert_eq!(sent_behind(last, b"hello\n", b"hello\nyou"), 10, "more than that");
        assert_eq!(sent_behind(last, b"hello\n", b"o\n"), 3, "not the beginning");
        assert_eq!(sent_behind(last, b"", b"hello\n"), 7);
    }

    #[test]
    fn many_are_sent_what_one_was_until_a_frame_ends() {
        let (mut out, mut last) = (Vec::new(), Last::default());
        let mut length_of_next = |last: &mut Last| {
            let before = out.len();
            last.put_sent(&mut out, b"news\n");
            out.len() - before
        };
        assert_eq!([0; 3].map(|_| length_of_next(&mut last)), [6, 1, 1]);
        last.begin_frame();
        assert_eq!([0; 3].map(|_| length_of_next(&mut last)), [6, 1, 1]);
    }

    #[test]
    fn more_than_there_was_cannot_be_meant() {
        let sent = |number: u64| {
            let mut out = b"hello".to_vec();
            put_number(&mut out, number);
            Reader::new(&out, 5, 0..5).sent().map(<[u8]>::to_vec)
        };
        assert_eq!(sent(5 << 1 | 1).as_deref(), Some(&b"hello"[..]));
        assert_eq!(sent(6 << 1 | 1), None);
        assert_eq!(sent(u64::MAX), None);
        assert_eq!(sent(u64::MAX - 1), None);
    }
}

//! Numbers and bytes, as the tape holds them.
//!
//! A number is seven bits a byte, the lowest first, and each byte but the last has its high bit set
//! (LEB128). A number with a sign is folded first, so that small ones are short whatever their sign:
//! 0, -1, 1, -2 are 0, 1, 2, 3.

use std::ops::Range;

/// Appends a number.
#[inline]
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends a number with a sign.
pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, (number << 1 ^ number >> 63).cast_unsigned());
}

/// Appends bytes behind their number.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes things from the front of what is left; `None` where they are not there, or make no sense.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// How much of them is read.
    pub(crate) at: usize,
    /// Where the bytes are among them that were received or sent [last](super::Last).
    pub(crate) last: Range<usize>,
}

impl<'a> Reader<'a> {
    /// Reads from `at` on, behind what was received or sent in `last`.
    pub(crate) fn new(bytes: &'a [u8], at: usize, last: Range<usize>) -> Reader<'a> {
        Reader { bytes, at, last }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn last(&self) -> &'a [u8] {
        &self.bytes[self.last.clone()]
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                // Each number has one spelling, or two calls that are the same might differ.
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let folded = self.number()?;
        Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed())
    }

    pub(crate) fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    pub(crate) fn size(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    /// 0 or 1.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = self.rest().first_chunk()?;
        self.at += N;
        Some(*array)
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.at += count;
        Some(taken)
    }

    /// Bytes behind their number.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = self.size()?;
        self.take(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_as_it_was_written() {
        let edges = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX];
        for number in edges {
            let mut out = Vec::new();
            put_number(&mut out, number);
            let mut reader = Reader::new(&out, 0, 0..0);
            assert_eq!(reader.number(), Some(number));
            assert!(reader.rest().is_empty());
            for end in 0..out.len() {
                assert_eq!(Reader::new(&out[..end], 0, 0..0).number(), None, "a part of {number}");
            }
        }
        for number in [0, -1, 1, 63, -64, 64, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_signed(&mut out, number);
            assert_eq!(out.len() == 1, (-64..64).contains(&number));
            assert_eq!(Reader::new(&out, 0, 0..0).signed(), Some(number));
        }
    }

    #[test]
    fn a_flag_is_0_or_1_and_nothing_else() {
        let flag = |byte: u8| Reader::new(&[byte], 0, 0..0).flag();
        assert_eq!([0, 1, 2, 0x7f].map(flag), [Some(false), Some(true), None, None]);
        assert_eq!(Reader::new(&[], 0, 0..0).flag(), None);
    }

    #[test]
    fn a_number_has_one_spelling_and_64_bits() {
        for wrong in [&[0x80, 0][..], &[0x81, 0x80, 0], &[0xff; 9], &[0xff; 11]] {
            assert_eq!(Reader::new(wrong, 0, 0..0).number(), None, "{wrong:?}");
        }
        let mut too_large = [0xff; 10];
        too_large[9] = 2;
        assert_eq!(Reader::new(&too_large, 0, 0..0).number(), None);
    }
}

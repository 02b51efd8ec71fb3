//! What the fuzz targets share.
#![forbid(unsafe_code)]

use std::ops::Range;

use arbitrary::{Arbitrary, Result, Unstructured};

/// What most targets are fed: bytes as a peer sends them, and in front of these eight more that say
/// how they are read. Nothing is encoded, so a seed can be written with an editor, and what the
/// fuzzer takes from one input and puts into another is of the right shape there.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// For the target to choose with: a role, a limit.
    pub choice: u8,
    /// How long the reads are, one after the other and then from the front again.
    lengths: [u8; 7],
    /// What is read.
    pub bytes: &'a [u8],
}

impl<'a> Arbitrary<'a> for Input<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Input<'a>> {
        let (choice, lengths) = (u.arbitrary()?, u.arbitrary()?);
        Ok(Input { choice, lengths, bytes: u.bytes(u.len())? })
    }

    fn size_hint(_: usize) -> (usize, Option<usize>) {
        (8, None)
    }
}

impl Input<'_> {
    /// The reads that `bytes` come in. A length of 255 stands for all that is left, and without a
    /// single length there is one read.
    pub fn reads(&self) -> Vec<Range<usize>> {
        let total = self.bytes.len();
        if self.lengths == [0; 7] {
            return at_once(total);
        }
        let (mut reads, mut start) = (Vec::new(), 0);
        for length in self.lengths.iter().cycle() {
            let end = match length {
                &u8::MAX => total,
                length => total.min(start + usize::from(*length)),
            };
            reads.push(start..end);
            start = end;
            if start == total {
                break;
            }
        }
        reads
    }
}

/// All of `length` bytes in one read.
pub fn at_once(length: usize) -> Vec<Range<usize>> {
    std::iter::once(0..length).collect()
}

/// `length` bytes in as many reads.
pub fn one_by_one(length: usize) -> Vec<Range<usize>> {
    (0..length).map(|start| start..start + 1).collect()
}

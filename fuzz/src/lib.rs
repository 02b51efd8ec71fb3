//! What the fuzz targets share.
#![forbid(unsafe_code)]

use std::ops::Range;

/// Cuts `length` bytes into reads: each number of `cuts` is the length of one, and what is left is
/// the last.
pub fn reads(length: usize, cuts: &[u8]) -> Vec<Range<usize>> {
    let mut reads = Vec::new();
    let mut start = 0;
    for cut in cuts {
        let end = (start + usize::from(*cut)).min(length);
        reads.push(start..end);
        start = end;
    }
    reads.push(start..length);
    reads
}

//! Frames: pieces of the tape that are there whole or not at all.
//!
//! A process that is killed leaves half a frame at the end, which its length tells; whatever else
//! has happened to a frame on a disk, its checksum does.

use std::ops::Range;

/// Length, guard of the length, checksum.
pub(crate) const HEADER_BYTES: usize = 9;

/// The header of a frame of these entries, which are fewer than 4 GiB.
pub(crate) fn header(entries: &[u8]) -> [u8; HEADER_BYTES] {
    let length = u32::try_from(entries.len()).expect("a frame is sealed long before").to_le_bytes();
    let sum = checksum(entries).to_le_bytes();
    let [a, b, c, d] = length;
    [a, b, c, d, guard(length), sum[0], sum[1], sum[2], sum[3]]
}

/// Why there is no frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoFrame {
    /// The bytes are at their end, between two frames or within one.
    BrokenOff,
    /// The checksum is not that of the entries.
    Damaged,
}

/// Where the entries of the frame are that begins at `at`.
pub(crate) fn entries(bytes: &[u8], at: usize) -> Result<Range<usize>, NoFrame> {
    let rest = bytes.get(at..).ok_or(NoFrame::BrokenOff)?;
    let (head, rest) = rest.split_first_chunk::<HEADER_BYTES>().ok_or(NoFrame::BrokenOff)?;
    let [a, b, c, d, guarded, sum @ ..] = *head;
    let length = [a, b, c, d];
    if guard(length) != guarded {
        return Err(NoFrame::Damaged);
    }
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| NoFrame::Damaged)?;
    let entries = rest.get(..length).ok_or(NoFrame::BrokenOff)?;
    if checksum(entries) != u32::from_le_bytes(sum) {
        return Err(NoFrame::Damaged);
    }
    let start = at + HEADER_BYTES;
    Ok(start..start + length)
}

/// Tells a length that was damaged from one that is meant: without it a wrong length would look
/// like the end of the file.
fn guard(length: [u8; 4]) -> u8 {
    checksum(&length).to_le_bytes()[0]
}

/// Eight bytes at a time, each step undoable, so that no single change of a step is lost. It finds
/// what happens by accident, and nobody who makes up a recording. Four sums take turns, because a
/// multiplication takes longer than the time to the next word, and does not have to wait for the others.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(ODD).rotate_left(29);
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut sums = [1, 2, 3, 4];
    for block in blocks {
        for (sum, word) in sums.iter_mut().zip(block.as_chunks::<8>().0) {
            *sum = step(*sum, u64::from_le_bytes(*word));
        }
    }
    let mut sum = sums.into_iter().fold(bytes.len() as u64, step);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        sum = step(sum, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    sum = step(sum, u64::from_le_bytes(last));
    let [.., a, b, c, d] = (sum ^ sum >> 32).wrapping_mul(ODD).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_is_damage_and_a_missing_byte_is_the_end() {
        let one =
            b"the entries of one frame, of some length, which is of more than one block of words.";
        let mut bytes = header(one).to_vec();
        bytes.extend_from_slice(one);
        bytes.extend_from_slice(&header(b""));
        let first = HEADER_BYTES..HEADER_BYTES + one.len();
        assert_eq!(entries(&bytes, 0), Ok(first.clone()));
        assert_eq!(entries(&bytes, first.end), Ok(bytes.len()..bytes.len()));
        assert_eq!(entries(&bytes, bytes.len()), Err(NoFrame::BrokenOff));
        for end in 0..first.end {
            assert_eq!(entries(&bytes[..end], 0), Err(NoFrame::BrokenOff), "of {end} bytes");
        }
        for bit in 0..first.end * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(entries(&damaged, 0), Err(NoFrame::Damaged), "bit {bit}");
        }
    }
}

//! Masking (RFC 6455 section 5.3), and what is learned on the way.
//!
//! A client exclusive-ors each payload with a key of four bytes, so that nobody can make a browser
//! send bytes of his choice through a proxy (section 10.3). Undoing it touches every byte that the
//! server receives. As each byte is in a register then, or-ing them all together costs next to
//! nothing, and the highest bits of the result tell whether the payload was all ASCII: then it is
//! UTF-8, and no second scan is needed.
//!
//! The work is done a word of eight bytes at a time, in plain safe code: a loop without bounds and
//! branches, which the compiler turns into one over vectors. (It is left to unroll the loop itself:
//! given blocks of a fixed size, it unrolls them into single words and finds no vectors in those.)

/// The bit that no ASCII byte has, in each byte of a word.
const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Removes the mask from `bytes`, or puts it on: it is the same operation. `offset` says how many
/// bytes of the payload came before. Returns whether the result is all ASCII.
#[inline]
pub fn unmask_in_place(bytes: &mut [u8], mask: [u8; 4], offset: usize) -> bool {
    let key = key_at(mask, offset);
    let mut seen = 0;
    let (words, rest) = bytes.as_chunks_mut();
    for word in words {
        let plain = u64::from_le_bytes(*word) ^ key;
        *word = plain.to_le_bytes();
        seen |= plain;
    }
    // At most seven bytes; the key starts again with each word.
    for (byte, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
        seen |= u64::from(*byte);
    }
    seen & NOT_ASCII == 0
}

/// What [`unmask_in_place`] does, for a frame that may have no mask: then only the look remains.
#[inline]
pub fn reveal(bytes: &mut [u8], mask: Option<[u8; 4]>, offset: usize) -> bool {
    match mask {
        Some(mask) => unmask_in_place(bytes, mask, offset),
        None => bytes.is_ascii(),
    }
}

/// The key as it stands `offset` bytes into the payload, twice. Its first byte is the lowest one of
/// the word, so turning the key by bytes is turning the number by bits.
#[inline]
fn key_at(mask: [u8; 4], offset: usize) -> u64 {
    let bits = [0, 8, 16, 24][offset % 4];
    let key = u64::from(u32::from_le_bytes(mask).rotate_right(bits));
    key << 32 | key
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 5.3 to the letter.
    fn by_the_book(bytes: &[u8], mask: [u8; 4], offset: usize) -> Vec<u8> {
        let masked = |(at, byte): (usize, &u8)| byte ^ mask[(at + offset) % 4];
        bytes.iter().enumerate().map(masked).collect()
    }

    #[test]
    fn words_do_what_single_bytes_do() {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let source: Vec<u8> = (0..300u32).map(|at| at.wrapping_mul(97).to_le_bytes()[0]).collect();
        for len in 0..source.len() {
            for offset in 0..9 {
                let mut bytes = source[..len].to_vec();
                let expected = by_the_book(&bytes, mask, offset);
                let ascii = unmask_in_place(&mut bytes, mask, offset);
                assert_eq!(bytes, expected, "{len} bytes at {offset}");
                assert_eq!(ascii, expected.is_ascii(), "{len} bytes at {offset}");
            }
        }
    }

    #[test]
    fn one_byte_anywhere_that_is_not_ascii_is_seen() {
        let mask = [0x80, 0x01, 0xff, 0x7f];
        for len in 1..200 {
            let mut ascii = by_the_book(&vec![b'a'; len], mask, 3);
            assert!(unmask_in_place(&mut ascii, mask, 3), "{len} bytes");
            for at in 0..len {
                let mut plain = vec![b'a'; len];
                plain[at] = 0x80;
                assert!(!reveal(&mut plain.clone(), None, 0));
                let mut masked = by_the_book(&plain, mask, 3);
                assert!(!reveal(&mut masked, Some(mask), 3), "byte {at} of {len}");
                assert_eq!(masked, plain);
            }
        }
    }

    #[test]
    fn a_payload_in_pieces_is_unmasked_as_in_one() {
        let mask = [1, 2, 3, 4];
        let whole: Vec<u8> = (0..=255).collect();
        for cut in 0..whole.len() {
            let mut pieces = whole.clone();
            unmask_in_place(&mut pieces[..cut], mask, 0);
            unmask_in_place(&mut pieces[cut..], mask, cut);
            assert_eq!(pieces, by_the_book(&whole, mask, 0), "cut at {cut}");
        }
    }
}

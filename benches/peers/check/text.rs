//! What is sent: texts of odd lengths, and odd pieces to cut them into. All of it follows from a
//! seed, so that what was wrong once is wrong again.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Lengths at which something changes for somebody: a byte more in the header of a frame, the end
/// of somebody's buffer.
const LENGTHS: [usize; 20] = [
    0, 1, 2, 3, 63, 64, 65, 125, 126, 127, 128, 1000, 4081, 4096, 8191, 8192, 65_535, 65_536,
    65_537, 131_072,
];

/// Characters of one to four bytes, none of which ends a line or is a blank at the end of one.
const ALPHABET: [char; 12] = ['a', 'b', 'y', 'z', '0', '9', '-', '"', 'é', 'ß', '€', '😀'];

/// A source of texts.
pub(super) struct Text {
    rng: StdRng,
}

impl Text {
    pub(super) fn new(seed: u64) -> Text {
        Text { rng: StdRng::seed_from_u64(seed) }
    }

    /// `count` texts, most of them short: small ones make the odd cuts, large ones the work.
    pub(super) fn messages(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| {
                let length = match self.rng.random_range(0..100) {
                    0 => LENGTHS[self.rng.random_range(0..LENGTHS.len())],
                    1..20 => LENGTHS[self.rng.random_range(0..12)],
                    _ => self.rng.random_range(0..100),
                };
                self.message(length)
            })
            .collect()
    }

    /// One of each length.
    pub(super) fn every_length(&mut self) -> Vec<String> {
        LENGTHS.map(|length| self.message(length)).into()
    }

    /// A text of `length` bytes, ASCII or not. It is a short one over and over again, since what
    /// takes time here is to be the contender; a byte that is lost moves all behind it.
    pub(super) fn message(&mut self, length: usize) -> String {
        let is_ascii = self.rng.random();
        let alphabet = if is_ascii { &ALPHABET[..8] } else { &ALPHABET[..] };
        let mut pattern = String::new();
        for _ in 0..length.min(251) {
            pattern.push(alphabet[self.rng.random_range(0..alphabet.len())]);
        }
        let mut text = String::with_capacity(length);
        for character in pattern.chars().cycle() {
            if text.len() + character.len_utf8() > length {
                break;
            }
            text.push(character);
        }
        while text.len() < length {
            text.push('x');
        }
        text
    }

    /// Bytes of any value.
    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.rng.fill(&mut bytes[..]);
        bytes
    }

    /// A masking key.
    pub(super) fn key(&mut self) -> [u8; 4] {
        self.rng.random()
    }

    /// Cuts for so many bytes. `longest` is the longest piece.
    pub(super) fn cuts(&mut self, bytes: usize, longest: usize) -> Vec<usize> {
        let mut cuts = Vec::new();
        let mut left = bytes;
        while left > 0 {
            let piece = self.rng.random_range(1..=longest).min(left);
            cuts.push(piece);
            left -= piece;
        }
        cuts
    }
}

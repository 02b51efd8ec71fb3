//! What the parts are fed with.

use criterion::Throughput;

/// A small message, one as large as a page, and one that fills a receive window with a few others.
pub(crate) const SIZES: [usize; 3] = [64, 4096, 65_536];

/// What one read of a busy connection returns. Each sample has so many bytes, whatever the size of
/// its messages, so that they can be compared.
const READ_BYTES: usize = 65_536;

/// Whether all bytes of a text are below 0x80.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Script {
    Ascii,
    /// Characters of one to four bytes in turn.
    Mixed,
}

impl Script {
    pub(crate) const BOTH: [Script; 2] = [Script::Ascii, Script::Mixed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Script::Ascii => "ascii",
            Script::Mixed => "mixed",
        }
    }
}

/// A text of `length` bytes.
pub(crate) fn text(script: Script, length: usize) -> String {
    let pattern = match script {
        Script::Ascii => "The quick brown fox ",
        Script::Mixed => "aé€😀zß日x",
    };
    let mut text = String::with_capacity(length);
    for character in pattern.chars().cycle() {
        if text.len() + character.len_utf8() > length {
            break;
        }
        text.push(character);
    }
    while text.len() < length {
        text.push('.');
    }
    text
}

/// How many messages of `size` bytes make one read.
pub(crate) fn messages(size: usize) -> usize {
    READ_BYTES / size
}

/// So many messages a read, and so many bytes.
pub(crate) fn throughput(size: usize) -> Throughput {
    let count = messages(size);
    Throughput::ElementsAndBytes { elements: count as u64, bytes: (count * size) as u64 }
}

//! Lines: however the bytes are cut into reads, what comes out is what splitting them at `\n` says,
//! and no more is kept than a line may be long.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use readily::buffer::BufferPool;
use readily::codec::line::{LineDecoder, encode_line, is_stop};
use readily_fuzz::{Input, at_once, one_by_one};

fuzz_target!(|input: Input| {
    let (bytes, max_line) = (input.bytes, 4 * usize::from(input.choice));
    let expected = by_the_book(bytes, max_line);
    for reads in [input.reads(), at_once(bytes.len()), one_by_one(bytes.len())] {
        assert_eq!(decode(bytes, &reads, max_line), expected);
    }

    // What is written is what was read.
    let mut wire = Vec::new();
    for line in &expected.0 {
        encode_line(&mut wire, line);
        assert_eq!(is_stop(line), words(line) == [b"STOP"]);
    }
    assert!(bytes.starts_with(&wire));
});

/// The lines that are found, and whether a line too long comes behind them.
type Lines = (Vec<Vec<u8>>, bool);

fn decode(bytes: &[u8], reads: &[Range<usize>], max_line: usize) -> Lines {
    let (mut decoder, mut pool, mut lines) = (LineDecoder::new(), BufferPool::new(), Vec::new());
    for read in reads {
        let mut piece = bytes[read.clone()].to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            match decoder.next(&mut input, max_line, &mut pool) {
                Ok(Some(line)) => {
                    lines.push(line.to_vec());
                    line.recycle(&mut pool);
                }
                Ok(None) => break,
                Err(_) => {
                    assert!(input.is_empty() && decoder.is_idle(), "something is kept");
                    return (lines, true);
                }
            }
        }
        assert!(input.is_empty(), "all of a read is used up");
        let kept = decoder.buffered_bytes();
        assert!(kept <= max_line, "{kept} bytes are held");
        assert_eq!(decoder.is_idle(), kept == 0);
    }
    (lines, false)
}

/// The definition of a line.
fn by_the_book(bytes: &[u8], max_line: usize) -> Lines {
    let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let too_long = lines.iter().position(|line| line.len() > max_line);
    lines.truncate(too_long.unwrap_or(lines.len() - 1));
    (lines, too_long.is_some())
}

fn words(line: &[u8]) -> Vec<&[u8]> {
    line.split(|byte| b" \t\r\n".contains(byte)).filter(|word| !word.is_empty()).collect()
}

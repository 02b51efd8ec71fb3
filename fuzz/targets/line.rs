//! Lines: however the bytes are cut into reads, what comes out is what `split` says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readily::buffer::BufferPool;
use readily::codec::line::{LineDecoder, encode_line, is_stop};
use readily_fuzz::reads;

fuzz_target!(|input: (u8, Vec<u8>, Vec<u8>)| {
    let (max_line, cuts, bytes) = input;
    let max_line = usize::from(max_line);
    let (lines, error) = by_the_book(&bytes, max_line);

    let (mut decoder, mut pool, mut got) = (LineDecoder::new(), BufferPool::new(), Vec::new());
    let mut is_over = false;
    for read in reads(bytes.len(), &cuts) {
        let mut piece = bytes[read].to_vec();
        let mut input = piece.as_mut_slice();
        while !is_over {
            match decoder.next(&mut input, max_line, &mut pool) {
                Ok(Some(line)) => {
                    assert!(line.as_slice().len() <= max_line);
                    got.push(line.as_slice().to_vec());
                    line.recycle(&mut pool);
                }
                Ok(None) => break,
                Err(_) => is_over = true,
            }
        }
        assert!(input.is_empty(), "all of a read is used up");
        if is_over {
            break;
        }
    }
    assert_eq!((got, is_over), (lines.clone(), error));

    // What is written is read again.
    let mut wire = Vec::new();
    lines.iter().for_each(|line| encode_line(&mut wire, line));
    assert!(bytes.starts_with(&wire));
    for line in &lines {
        let is_blank = |byte: &u8| b" \t\r\n".contains(byte);
        let words: Vec<&[u8]> = line.split(is_blank).filter(|word| !word.is_empty()).collect();
        assert_eq!(is_stop(line), words == [b"STOP"]);
    }
});

/// The lines in front of the first that is too long, and whether there is one.
fn by_the_book(bytes: &[u8], max_line: usize) -> (Vec<Vec<u8>>, bool) {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        if end > max_line {
            return (lines, true);
        }
        lines.push(rest[..end].to_vec());
        rest = &rest[end + 1..];
    }
    (lines, rest.len() > max_line)
}

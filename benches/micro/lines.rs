//! Lines: finding them in one read, and answering each with itself.
//!
//! Beside it the codec of tokio-util, which makes a `String` of each line.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use readily::buffer::BufferPool;
use readily::codec::line::{LineDecoder, encode_line};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _, LinesCodec};

use crate::sample::{SIZES, Script, messages, text, throughput};

const MAX_LINE: usize = 1024 * 1024;

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lines");
    for size in SIZES {
        group.throughput(throughput(size));
        let read = (text(Script::Ascii, size - 1) + "\n").repeat(messages(size)).into_bytes();
        let (mut decoder, mut pool) = (LineDecoder::new(), BufferPool::new());
        let mut buffer = read.clone();
        group.bench_function(BenchmarkId::new("readily, split", size), |bencher| {
            bencher.iter(|| {
                split(&mut decoder, black_box(&mut buffer), &mut pool, |line| {
                    black_box(line);
                });
            });
        });
        let mut output = Vec::new();
        group.bench_function(BenchmarkId::new("readily, split and answered", size), |bencher| {
            bencher.iter(|| {
                output.clear();
                split(&mut decoder, black_box(&mut buffer), &mut pool, |line| {
                    encode_line(&mut output, line);
                });
                assert_eq!(black_box(&output).len(), read.len());
            });
        });
        let mut codec = LinesCodec::new();
        let (mut input, mut answers) = (BytesMut::new(), BytesMut::new());
        group.bench_function(BenchmarkId::new("LinesCodec, split and answered", size), |bencher| {
            bencher.iter(|| {
                // What reading into its buffer is.
                input.extend_from_slice(black_box(&read));
                answers.clear();
                while let Some(line) = codec.decode(&mut input).expect("text") {
                    codec.encode(line, &mut answers).expect("room");
                }
                assert_eq!(black_box(&answers).len(), read.len());
            });
        });
    }
    group.finish();
}

/// Hands each line of `input` to `take`.
fn split(
    decoder: &mut LineDecoder,
    mut input: &mut [u8],
    pool: &mut BufferPool,
    mut take: impl FnMut(&[u8]),
) {
    while let Some(line) = decoder.next(&mut input, MAX_LINE, pool).expect("short lines") {
        take(line.as_slice());
        line.recycle(pool);
    }
}

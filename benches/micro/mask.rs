//! Unmasking alone, and what it costs to learn on the way whether it was all ASCII.
//!
//! tungstenite keeps its loop to itself; fastwebsockets has a copy of it, which can be called. It
//! does not look at the bytes, so whoever needs to know whether they are text scans them again.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use readily::codec::websocket::mask::unmask_in_place;

use crate::sample::{SIZES, Script, messages, text, throughput};

const KEY: [u8; 4] = [0x9a, 0x01, 0xff, 0x40];

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mask");
    for size in SIZES {
        group.throughput(throughput(size));
        let mut payload = text(Script::Ascii, size).into_bytes();
        // The key cancels itself out, so the text comes back every other round.
        group.bench_function(BenchmarkId::new("readily, and is it ASCII", size), |bencher| {
            bencher.iter(|| {
                for _ in 0..messages(size) {
                    black_box(unmask_in_place(black_box(&mut payload), KEY, 0));
                }
            });
        });
        group.bench_function(BenchmarkId::new("tungstenite's loop", size), |bencher| {
            bencher.iter(|| {
                for _ in 0..messages(size) {
                    fastwebsockets::unmask(black_box(&mut payload), KEY);
                }
            });
        });
        group.bench_function(
            BenchmarkId::new("tungstenite's loop, then a look", size),
            |bencher| {
                bencher.iter(|| {
                    for _ in 0..messages(size) {
                        fastwebsockets::unmask(black_box(&mut payload), KEY);
                        black_box(payload.is_ascii());
                    }
                });
            },
        );
    }
    group.finish();
}

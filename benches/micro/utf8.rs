//! Checking text, whole as it mostly comes, and in two pieces.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use readily::codec::utf8::Utf8Checker;

use crate::sample::{SIZES, Script, messages, text, throughput};

pub(crate) fn bench(criterion: &mut Criterion) {
    for script in Script::BOTH {
        let mut group = criterion.benchmark_group(format!("utf8 {}", script.name()));
        for size in SIZES {
            group.throughput(throughput(size));
            let text = text(script, size).into_bytes();
            let (start, end) = text.split_at(size / 2 + 1);
            group.bench_function(BenchmarkId::new("readily", size), |bencher| {
                bencher.iter(|| {
                    for _ in 0..messages(size) {
                        assert!(is_text(&[black_box(&text)]));
                    }
                });
            });
            group.bench_function(BenchmarkId::new("readily, in two pieces", size), |bencher| {
                bencher.iter(|| {
                    for _ in 0..messages(size) {
                        assert!(is_text(&[black_box(start), black_box(end)]));
                    }
                });
            });
            // What tungstenite calls, too.
            group.bench_function(BenchmarkId::new("std", size), |bencher| {
                bencher.iter(|| {
                    for _ in 0..messages(size) {
                        assert!(std::str::from_utf8(black_box(&text)).is_ok());
                    }
                });
            });
        }
        group.finish();
    }
}

fn is_text(pieces: &[&[u8]]) -> bool {
    let mut checker = Utf8Checker::new();
    pieces.iter().all(|piece| checker.push(piece, false).is_ok()) && checker.finish().is_ok()
}

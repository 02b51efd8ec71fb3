//! Compressed messages (RFC 7692): what is added to a message that comes, and to one that goes.
//!
//! Each is compressed by itself, as connections do it that share their compressors; that is why the
//! shortest ones cost as much as they do.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use readily::buffer::BufferPool;
use readily::codec::websocket::deflate::{Inbound, Pool, WindowBits, encode_deflated};
use readily::codec::websocket::{Decoder, Event, Limits, Opcode, Role};

use crate::sample::{SIZES, messages, throughput};

pub(crate) fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("deflate");
    for size in SIZES {
        group.throughput(throughput(size));
        let (records, mut pool, mut output) = (records(size), Pool::new(0), Vec::new());
        group.bench_function(BenchmarkId::new("compress", size), |bencher| {
            bencher.iter(|| {
                output.clear();
                for _ in 0..messages(size) {
                    let message = black_box(&records[..]);
                    let window = WindowBits::MAX;
                    encode_deflated(&mut output, Opcode::Text, message, None, window, &mut pool);
                }
            });
        });
        let (mut decoder, mut inbound) = (Decoder::new(Role::Client), Inbound::new(false));
        let (mut buffers, limits) = (BufferPool::new(), Limits::default());
        // No mask: the input is as it was when it has been read.
        let mut input = output.clone();
        group.bench_function(BenchmarkId::new("inflate", size), |bencher| {
            bencher.iter(|| {
                let (mut rest, mut count) = (&mut input[..], 0);
                while let Ok(Some(Event::Text(message))) = decoder.next_inflating(
                    &mut rest,
                    &limits,
                    &mut buffers,
                    &mut inbound,
                    &mut pool,
                ) {
                    count += usize::from(black_box(&message).len() == size);
                    message.recycle(&mut buffers);
                }
                assert_eq!(count, messages(size));
            });
        });
    }
    group.finish();
}

/// Something that one would want to compress.
fn records(length: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut number = 7_u64;
    while text.len() < length {
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (id, value) = (number >> 44, number >> 24 & 0xfff);
        let state = ["pending", "shipped", "delivered", "returned"][(number >> 40 & 3) as usize];
        text.push_str(&format!("{{\"id\":{id},\"state\":\"{state}\",\"value\":{value}.5}},"));
    }
    text.truncate(length);
    text.into_bytes()
}

//! Frames in: what a server does with one read of masked text messages.
//!
//! The bytes are copied into the buffer in each round, since unmasking changes them. That is what
//! a read does, and tungstenite copies from its stream, too.

use std::hint::black_box;
use std::io::{self, Read, Write};

use criterion::{BenchmarkId, Criterion};
use readily::buffer::BufferPool;
use readily::codec::websocket::{Decoder, Event, Limits, Role, encode_text};
use tungstenite::WebSocket;

use crate::sample::{SIZES, Script, messages, text, throughput};

const KEY: [u8; 4] = [0x9a, 0x01, 0xff, 0x40];

pub(crate) fn bench(criterion: &mut Criterion) {
    for script in Script::BOTH {
        let mut group = criterion.benchmark_group(format!("decode {}", script.name()));
        for size in SIZES {
            group.throughput(throughput(size));
            let read = frames(script, size);
            let (mut decoder, mut pool) = (Decoder::new(Role::Server), BufferPool::new());
            let mut buffer = read.clone();
            group.bench_function(BenchmarkId::new("readily", size), |bencher| {
                bencher.iter(|| {
                    buffer.copy_from_slice(&read);
                    let bytes = decode(&mut decoder, &mut buffer, &mut pool);
                    assert_eq!(bytes, size * messages(size));
                });
            });
            let mut socket = WebSocket::from_raw_socket(
                Memory { read, position: 0 },
                tungstenite::protocol::Role::Server,
                None,
            );
            group.bench_function(BenchmarkId::new("tungstenite", size), |bencher| {
                bencher.iter(|| {
                    for _ in 0..messages(size) {
                        let message = socket.read().expect("a message");
                        assert_eq!(black_box(message).len(), size);
                    }
                });
            });
        }
        group.finish();
    }
}

/// One read.
fn frames(script: Script, size: usize) -> Vec<u8> {
    let text = text(script, size);
    let mut read = Vec::new();
    for _ in 0..messages(size) {
        encode_text(&mut read, text.as_bytes(), Some(KEY));
    }
    read
}

/// Decodes all of it; returns how many bytes of text that was.
fn decode(decoder: &mut Decoder, mut input: &mut [u8], pool: &mut BufferPool) -> usize {
    let limits = Limits::default();
    let mut bytes = 0;
    while let Some(event) = decoder.next(&mut input, &limits, pool).expect("sound frames") {
        let Event::Text(text) = event else { continue };
        bytes += black_box(text.as_slice()).len();
        text.recycle(pool);
    }
    bytes
}

/// A stream that says the same over and over again, and does not listen.
struct Memory {
    read: Vec<u8>,
    position: usize,
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.read[self.position..]).read(buffer)?;
        self.position = (self.position + count) % self.read.len();
        Ok(count)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

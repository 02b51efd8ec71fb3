//! Frames out: what a server does with the replies to one read, and what a client does, who masks.
//!
//! Both append to a buffer that is written when it is full. The key of each masked frame is a
//! random one, as it has to be (RFC 6455 section 5.3).

use std::hint::black_box;
use std::io::{self, sink};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use readily::codec::websocket::encode_text;
use tungstenite::protocol::Role;
use tungstenite::{Message, Utf8Bytes, WebSocket};

use crate::sample::{SIZES, Script, messages, text, throughput};

pub(crate) fn bench(criterion: &mut Criterion) {
    for (name, role) in [("server", Role::Server), ("client", Role::Client)] {
        let mut group = criterion.benchmark_group(format!("encode {name}"));
        for size in SIZES {
            group.throughput(throughput(size));
            compare(&mut group, role, size);
        }
        group.finish();
    }
}

fn compare(group: &mut BenchmarkGroup<'_, WallTime>, role: Role, size: usize) {
    let text = text(Script::Ascii, size);
    let mut output = Vec::new();
    group.bench_function(BenchmarkId::new("readily", size), |bencher| {
        bencher.iter(|| {
            output.clear();
            for _ in 0..messages(size) {
                let key = (role == Role::Client).then(rand::random);
                encode_text(&mut output, black_box(text.as_bytes()), key);
            }
            assert!(black_box(&output).len() > size * messages(size));
        });
    });
    let text = Utf8Bytes::from(text);
    let mut socket = WebSocket::from_raw_socket(Nowhere(sink()), role, None);
    group.bench_function(BenchmarkId::new("tungstenite", size), |bencher| {
        bencher.iter(|| {
            for _ in 0..messages(size) {
                // Cloning counts references; the bytes stay where they are.
                socket.write(Message::Text(black_box(&text).clone())).expect("room");
            }
            socket.flush().expect("written");
        });
    });
}

/// A stream that listens and never says anything.
struct Nowhere(io::Sink);

impl io::Read for Nowhere {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl io::Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(black_box(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! One message to many: encoded once and appended to the output of each, against a `send` to each.
//!
//! A round is what the engine does in a turn: a message comes, goes to all, and the output of all
//! is taken away as if it was written.

use criterion::{BenchmarkId, Criterion, Throughput};
use readily::codec::line::encode_line;
use readily::codec::websocket::encode_text;
use readily::engine::EndpointId;
use readily::service::{ConnId, Context, Message, Service};

use crate::sample::{Script, text};
use crate::world::World;

const MESSAGE_BYTES: usize = 64;

/// Passes what anybody says on to all, in one way or the other.
struct Crowd {
    members: Vec<ConnId>,
    way: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Broadcast,
    SendEach,
}

impl Service for Crowd {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.members.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        match self.way {
            Way::Broadcast => {
                cx.broadcast(self.members.iter().copied(), message);
            }
            Way::SendEach => {
                for member in &self.members {
                    cx.send(*member, message);
                }
            }
        }
    }
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let text = text(Script::Ascii, MESSAGE_BYTES);
    let mut line = Vec::new();
    encode_line(&mut line, text.as_bytes());
    compare(criterion, "fan-out, lines", World::lines, World::open, &line);
    let mut frame = Vec::new();
    encode_text(&mut frame, text.as_bytes(), Some([1, 2, 3, 4]));
    compare(criterion, "fan-out, frames", World::web, World::websocket, &frame);
}

/// Passes a message on to crowds of several sizes, in both ways.
fn compare(
    criterion: &mut Criterion,
    name: &str,
    endpoint: fn(&mut World) -> EndpointId,
    open: fn(&mut World, EndpointId) -> ConnId,
    message: &[u8],
) {
    let mut group = criterion.benchmark_group(name);
    for count in [1, 100, 1_000, 10_000] {
        group.throughput(Throughput::Elements(count));
        for (name, way) in [("broadcast", Way::Broadcast), ("send each", Way::SendEach)] {
            let mut world = World::new(Crowd { members: Vec::new(), way });
            let endpoint = endpoint(&mut world);
            let members: Vec<ConnId> = (0..count).map(|_| open(&mut world, endpoint)).collect();
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| {
                    // It is unmasked in place.
                    world.receive(members[0], &mut message.to_vec());
                    assert!(world.write_all() > members.len() * MESSAGE_BYTES);
                });
            });
        }
    }
    group.finish();
}

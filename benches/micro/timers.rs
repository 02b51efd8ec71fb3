//! Deadlines, through the engine: the wheel itself is its own business.
//!
//! Time is virtual here. A minute in which nothing happens is a loop over ticks.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput};
use readily::service::{ConnId, Echo};

use crate::world::World;

/// How long a tick of the wheel is, about.
const TICK: Duration = Duration::from_millis(17);

/// In how long the clients came.
const ARRIVAL: Duration = Duration::from_secs(20);

/// As many as no machine of ours has descriptors for.
const MANY: u64 = 1_000_000;

pub(crate) fn bench(criterion: &mut Criterion) {
    a_turn(criterion);
    a_minute(criterion);
    an_accept(criterion);
    the_longest_turn(criterion);
}

/// What every turn of the loop asks: has a deadline come, and when is the next?
fn a_turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers, a turn with nothing due");
    for count in [1, 1_000, 10_000, MANY] {
        let mut world = crowd(count, ARRIVAL);
        group.bench_function(BenchmarkId::new("connections", count), |bencher| {
            bencher.iter(|| {
                world.engine.handle_timeout(world.now);
                world.engine.poll_timeout()
            });
        });
    }
    group.finish();
}

/// A minute of idle WebSocket clients: deadlines are looked at, and entered again; Pings are sent,
/// and answered. Told for each client.
fn a_minute(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers, an idle minute of a client");
    for count in [1_000, 10_000] {
        let mut world = crowd(count, ARRIVAL);
        group.throughput(Throughput::Elements(count));
        group.sample_size(10);
        group.bench_function(BenchmarkId::new("connections", count), |bencher| {
            bencher.iter(|| {
                let end = world.now.time + Duration::from_secs(60);
                let mut pings = 0;
                while world.now.time < end {
                    world.pass(TICK);
                    pings += world.answer_pings();
                }
                assert!(pings >= 2 * usize::try_from(count).unwrap_or(0), "{pings} pings");
            });
        });
    }
    group.finish();
}

/// A connection that comes and goes: its deadline is entered, and taken out again.
fn an_accept(criterion: &mut Criterion) {
    let mut world = World::new(Echo);
    let web = world.web();
    let mut generation = 0;
    criterion.bench_function("timers, a connection comes and goes", |bencher| {
        bencher.iter(|| {
            generation += 1;
            let id = ConnId { index: 0, generation };
            world.engine.open(id, web, world.now);
            world.engine.remove(id);
            world.pass(Duration::from_millis(1));
        });
    });
}

/// The longest that one turn is held up by deadlines in a minute of a million idle clients: whether
/// they came one after the other, or all at once, so that a million deadlines are due together.
fn the_longest_turn(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers, the longest turn of an idle minute");
    group.sample_size(10);
    for (name, arrival) in [("one by one", ARRIVAL), ("all at once", Duration::ZERO)] {
        let mut world = crowd(MANY, arrival);
        group.bench_function(BenchmarkId::new(name, MANY), |bencher| {
            // What is reported is not how long the minute takes, but how long its longest turn does.
            bencher.iter_custom(|minutes| {
                (0..minutes).map(|_| longest_turn_of_a_minute(&mut world)).sum()
            });
        });
    }
    group.finish();
}

fn longest_turn_of_a_minute(world: &mut World) -> Duration {
    let end = world.now.time + Duration::from_secs(60);
    let mut longest = Duration::ZERO;
    while world.now.time < end {
        world.now.time = world.now.time + TICK;
        // What one turn leaves is due at once, in the next.
        while world.engine.poll_timeout().is_some_and(|due| due <= world.now.time) {
            let begun = Instant::now();
            world.engine.handle_timeout(world.now);
            longest = longest.max(begun.elapsed());
            world.answer_pings();
        }
    }
    longest
}

/// So many WebSocket clients, who came one after the other in the course of `arrival`.
fn crowd(count: u64, arrival: Duration) -> World {
    let mut world = World::new(Echo);
    let web = world.web();
    for _ in 0..count {
        world.websocket(web);
        world.pass(arrival / u32::try_from(count).unwrap_or(u32::MAX));
    }
    world.write_all();
    world
}

//! A run that was recorded is the same again: on a kernel that only reads from a file what the
//! simulated one has answered, the loop asks for the same and writes the same, to the last byte.
//!
//! That is a test of both. What is not on the tape, or a loop that decides by something else than the
//! answers of the kernel (the order of a hash map, a clock of its own), is a divergence.

use std::fs;
use std::path::Path;

use readily::engine::Stats;
use readily::kernel::{Recorder, Replay, Replayed, Signal, Verdict};
use readily::reactor::{Reactor, Rules, Sound};

use crate::witness::Witness;
use crate::world::{SPIN, Server, World};
use crate::{STEPS, number};

/// How many seeds are recorded and replayed.
const SEEDS: u64 = 24;

/// What a run was.
struct Run {
    turns: usize,
    spins_from: Option<usize>,
    stats: Stats,
    tape: Vec<u8>,
}

/// Has a run recorded at `path`.
fn record(seed: u64, path: &Path) -> Run {
    let recorder = Recorder::create(path, u64::MAX, &[]).unwrap();
    let mut world = World::<Sound>::recorded(seed, Some(recorder.clone()));
    world.looks_inside = false;
    world.storm(STEPS);
    world.calm_down();
    world.end();
    recorder.finish(Some(Signal::Terminate), false);
    let (turns, spins_from, stats) = (world.turns, world.spins_from, world.stats());
    Run { turns, spins_from, stats, tape: fs::read(path).unwrap() }
}

/// Replays it with the rules `R`. Returns how that ended, and what was counted.
fn replay<R: Rules>(seed: u64, run: &Run) -> (Verdict, Stats) {
    let socket = |_| Replayed::default();
    let kernel = Replay::new(run.tape.clone());
    let mut reactor: Reactor<Replay, Witness, R> =
        Server::new(seed).start(kernel, socket, socket, socket);
    for turn in 0..run.turns {
        if run.spins_from == Some(turn) {
            reactor.set_spin(SPIN);
        }
        // The world goes on for a while when the server has drained.
        if reactor.turn().is_err() {
            return (reactor.kernel_mut().fail(), *reactor.engine().stats());
        }
    }
    (reactor.kernel_mut().finish(Some(Signal::Terminate), false), *reactor.engine().stats())
}

#[test]
fn simulation_of_every_seed_is_replayed_to_the_last_byte() {
    let folder = tempfile::tempdir().unwrap();
    let seeds = match (number("READILY_SEED"), number("READILY_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    for seed in seeds {
        let run = record(seed, &folder.path().join(seed.to_string()));
        let (verdict, stats) = replay::<Sound>(seed, &run);
        assert_eq!(verdict, Verdict::Same, "seed {seed}: {verdict}");
        assert_eq!(stats, run.stats, "seed {seed}");
    }
}

/// A loop that does something else is told so: each broken rule makes another run of it.
#[test]
fn simulation_replayed_by_another_loop_diverges() {
    struct Forgetful;
    impl Rules for Forgetful {
        const RESUME_READING: bool = false;
    }
    struct Hasty;
    impl Rules for Hasty {
        const KEEP_TAIL_OF_WRITE: bool = false;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut diverged = [false; 2];
    for seed in 0..SEEDS {
        let run = record(seed, &folder.path().join(seed.to_string()));
        let verdicts = [replay::<Forgetful>(seed, &run).0, replay::<Hasty>(seed, &run).0];
        for (diverged, verdict) in diverged.iter_mut().zip(verdicts) {
            *diverged |= matches!(verdict, Verdict::Diverged(_));
        }
        if diverged == [true; 2] {
            return;
        }
    }
    panic!("{SEEDS} seeds do not notice: {diverged:?}");
}

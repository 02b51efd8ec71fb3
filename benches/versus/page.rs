//! The page in `docs/benchmarks/`.

use super::machine;
use super::measure::{Cell, IdleRound, MixedRound, Rounds};
use super::scenario::{Load, Scenario};
use super::table;

/// How to read the tables of a fan-out, in front of the first of them.
const FANOUT: &str = "In a fan-out one client publishes, everybody gets it, and what is counted is each delivery; readily serves\n\
     `notify` with `?topic=`. All servers write once to a peer, whatever came meanwhile, which is what makes\n\
     a delivery cheap where 16 are on their way, and shows where only one is.\n\n";

/// All tables, and how to read them.
pub(crate) fn page(
    rows: &[(&Scenario, &Vec<Cell>)],
    mixed: &[Rounds<MixedRound>],
    idle: &[Rounds<IdleRound>],
    rounds: usize,
    seconds: f64,
) -> String {
    let mut text = format!(
        "# readily, tokio and the floor\n\n\
         Written by `cargo bench --bench versus -- --full` on {}: {rounds} rounds, {seconds:.1} s each.\n\n\
         The server has one CPU, the generator (`readily bench --spin`, which never sleeps and so has never to\n\
         be woken) the other. A round runs all contenders of a scenario one after the other, and ratios are paired within a round. *CPU a message* is what a message\n\
         cost the server; *of the floor* is the ratio to the smallest loop on epoll that reads once and writes\n\
         once and checks nothing: the median over the rounds, with the least and the most. **≈** is within 15 %\n\
         of the floor, which is noise on this machine. A rate is a lower bound where the generator was\n\
         saturated; the CPU time is not. Every reply was compared with what was sent.\n\n\
         The contenders are in `benches/peers/`; `readily-tokio` is readily's own engine under a tokio\n\
         runtime, a task for each connection: between it and readily only the reactor differs.\n\n\
         ![CPU time a message, as a ratio to the floor](versus.svg)\n\n",
        machine::describe()
    );
    let first_fanout = rows.iter().position(|(scenario, _)| scenario.load == Load::Fanout);
    for (position, (scenario, cells)) in rows.iter().enumerate() {
        if Some(position) == first_fanout {
            text += FANOUT;
        }
        text += &table::scenario(scenario, cells);
        text.push('\n');
    }
    if !mixed.is_empty() {
        text += "**Short messages beside long ones**: 16 WebSocket connections with 64 KiB at depth 16, and beside \
                 them 1,000 messages of 64 B a second on 16 others, whose latency counts from when they were to be \
                 sent. (The generator reads the long ones, too, 64 KiB at once, and that is part of every latency.)\n\n";
        text += &table::mixed(mixed);
        text.push('\n');
    }
    if !idle.is_empty() {
        text += &format!(
            "**{} idle WebSocket connections** (resident memory, from a tenth of them to all)\n\n",
            super::IDLE_CONNECTIONS
        );
        text += &table::idle(idle);
    }
    text
}

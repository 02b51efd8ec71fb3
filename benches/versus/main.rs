//! readily against tokio and against the floor, cell by cell.
//!
//! ```text
//! cargo bench --bench versus               a minute: four scenarios, printed
//! cargo bench --bench versus -- --full     all of them, written into docs/benchmarks/
//! cargo bench --bench versus -- --only udp --rounds 7 --seconds 3
//! ```
//!
//! How it measures, so that the result says something about the servers and not about the machine:
//!
//! - The server has one CPU to itself, the generator (`readily bench`) the other. The generator never
//!   sleeps, so that nothing of what a message costs the server is for waking it.
//! - A *round* runs every contender of a scenario once, one after the other. What is compared is
//!   paired within a round: the machine changes from minute to minute, but little within one.
//! - What is reported is the median over the rounds, with the least and the most.
//! - What a message costs the server in CPU time is compared, as a ratio to the *floor*: the
//!   smallest loop on epoll that reads once and writes once. It is the limit of what readiness can
//!   do on this machine. Differences of less than 15 % are noise, and not ranked.
//! - Each cell says who was saturated. The rate of a server that was not is a lower bound; what a
//!   message cost it is not affected.
//!
//! Every reply of every contender is compared with what was sent. One that is wrong has no result.
#![forbid(unsafe_code)]

mod contender;
mod machine;
mod measure;
mod page;
mod plot;
mod scenario;
mod table;

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use self::contender::Programs;
use self::measure::{Cell, IdleRound, MixedRound, Rounds, measure, measure_idle, measure_mixed};
use self::scenario::{IDLE_CONNECTIONS, IDLE_CONTENDERS, MIXED_CONTENDERS, SCENARIOS, Scenario};

/// What is asked for.
#[derive(Debug)]
struct Arguments {
    is_full: bool,
    only: Option<String>,
    rounds: usize,
    seconds: f64,
}

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("versus: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { is_full: false, only: None, rounds: 5, seconds: 0.0 };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            // What `cargo bench` passes to every bench.
            "--bench" => {}
            "--full" => arguments.is_full = true,
            "--only" => arguments.only = Some(value()?),
            "--rounds" => arguments.rounds = value()?.parse().map_err(|_| "a number of rounds")?,
            "--seconds" => {
                arguments.seconds = value()?.parse().map_err(|_| "a number of seconds")?;
            }
            other => return Err(format!("unknown argument {other}")),
        }
    }
    if arguments.seconds <= 0.0 {
        arguments.seconds = if arguments.is_full { 1.0 } else { 0.4 };
    }
    if arguments.rounds == 0 {
        return Err("at least one round".to_owned());
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let programs = Programs::find()?;
    let scenarios: Vec<&Scenario> = SCENARIOS
        .iter()
        .filter(|scenario| arguments.is_full || arguments.only.is_some() || scenario.is_quick)
        .filter(|scenario| arguments.only.as_ref().is_none_or(|text| scenario.name.contains(text)))
        .collect();
    let is_thorough = arguments.is_full || arguments.only.is_some();
    let begun = Instant::now();
    let mut cells: Vec<Vec<Cell>> = Vec::new();
    for scenario in &scenarios {
        let contenders = scenario.contenders.iter();
        let mut row: Vec<Cell> = contenders
            .filter(|name| is_thorough || !is_for_the_patient(name))
            .map(|name| Cell::new(name))
            .collect();
        for round in 0..arguments.rounds {
            progress(&format!("{}, round {} of {}", scenario.name, round + 1, arguments.rounds));
            for cell in &mut row {
                let time = Duration::from_secs_f64(arguments.seconds);
                let result = measure(&programs, scenario, &cell.name, time)?;
                cell.rounds.push(result);
            }
        }
        progress("");
        println!("{}", table::scenario(scenario, &row));
        cells.push(row);
    }
    let is_wanted = |name: &str| {
        arguments.only.as_ref().map_or(arguments.is_full, |text| name.contains(text.as_str()))
    };
    let time = Duration::from_secs_f64(arguments.seconds);
    let mut mixed: Vec<Rounds<MixedRound>> = Vec::new();
    if is_wanted("mixed") {
        mixed = Rounds::measure(MIXED_CONTENDERS, arguments.rounds, |name| {
            progress(&format!("short messages beside long ones: {name}"));
            measure_mixed(&programs, name, time)
        })?;
        progress("");
        println!("{}", table::mixed(&mixed));
    }
    let mut idle: Vec<Rounds<IdleRound>> = Vec::new();
    if is_wanted("idle") {
        idle = Rounds::measure(IDLE_CONTENDERS, arguments.rounds.min(3), |name| {
            progress(&format!("idle connections: {name}"));
            measure_idle(&programs, name, IDLE_CONNECTIONS)
        })?;
        progress("");
        println!("{}", table::idle(&idle));
    }
    eprintln!("{:.0} s", begun.elapsed().as_secs_f64());
    if arguments.is_full && arguments.only.is_none() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks");
        let rows: Vec<_> = scenarios.iter().copied().zip(&cells).collect();
        let page = page::page(&rows, &mixed, &idle, arguments.rounds, arguments.seconds);
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}"))
        };
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        write("README.md", &page)?;
        write("versus.svg", &plot::plot(&rows))?;
        eprintln!("written: docs/benchmarks/README.md and versus.svg");
    }
    Ok(())
}

/// Whether a contender is left out of the quick comparison: each kind of server is there once, as
/// its best.
fn is_for_the_patient(name: &str) -> bool {
    name.contains("multi_thread")
        || ["ws-tungstenite", "line-raw", "line-bufreader", "line-linescodec-forward"]
            .contains(&name)
}

/// Tells who watches what is being done.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

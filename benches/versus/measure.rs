//! One measurement, and what many of them come to.

use std::time::Duration;

use serde_json::Value;

use super::contender::Programs;
use super::scenario::{Scenario, Scheme};

/// What a contender did in one round. `None` of it where a reply was wrong.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    /// CPU time of the server for each message, in microseconds.
    pub(crate) cpu_micros: f64,
    pub(crate) rate: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    pub(crate) saturated: String,
}

/// A contender in a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) rounds: Vec<Option<Round>>,
}

impl Cell {
    pub(crate) fn new(name: &str) -> Cell {
        Cell { name: name.to_owned(), rounds: Vec::new() }
    }

    /// The median of something over the rounds; `None` if any of them was wrong.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> Option<f64> {
        let all: Option<Vec<f64>> =
            self.rounds.iter().map(|round| round.as_ref().map(&of)).collect();
        Some(Spread::of(all?)?.median)
    }

    /// What a message costs as a ratio to the floor, paired within each round.
    pub(crate) fn ratio(&self, floor: &Cell) -> Option<Spread> {
        let pairs = self.rounds.iter().zip(&floor.rounds);
        let ratios: Option<Vec<f64>> = pairs
            .map(|(own, floor)| Some(own.as_ref()?.cpu_micros / floor.as_ref()?.cpu_micros))
            .collect();
        Spread::of(ratios?)
    }

    /// Who was saturated, in most of the rounds.
    pub(crate) fn saturated(&self) -> &str {
        let names: Vec<&str> =
            self.rounds.iter().flatten().map(|round| round.saturated.as_str()).collect();
        let count = |name: &str| names.iter().filter(|other| **other == name).count();
        names.iter().copied().max_by_key(|name| count(name)).unwrap_or("")
    }
}

/// A median, and how far apart the ends are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(mut all: Vec<f64>) -> Option<Spread> {
        all.sort_by(f64::total_cmp);
        let (least, most) = (*all.first()?, *all.last()?);
        let middle = all.len() / 2;
        let median = if all.len().is_multiple_of(2) {
            (all[middle - 1] + all[middle]) / 2.0
        } else {
            all[middle]
        };
        Some(Spread { median, least, most })
    }
}

/// Measures one contender once.
pub(crate) fn measure(
    programs: &Programs,
    scenario: &Scenario,
    name: &str,
    time: Duration,
) -> Result<Option<Round>, String> {
    let server = programs.start(name, scenario.scheme)?;
    let mut command = programs.generator();
    command.args(["bench", "--json", "--spin", "--warmup", "200ms"]);
    command.args(["-d", &format!("{}ms", time.as_millis())]);
    command.args(["-c", &scenario.connections.to_string()]);
    command.args(["--depth", &scenario.depth.to_string(), "--size", &scenario.size.to_string()]);
    command.args(["--server-pid", &server.pid().to_string()]);
    if scenario.is_unicode {
        command.args(["--text", "unicode"]);
    }
    let output = command.arg(&server.url).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        eprintln!("{name} in {}: {} {}", scenario.name, output.status, text.trim());
        return Ok(None);
    }
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let echo = &report["echo"];
    let number = |value: &Value, what: &str| {
        value.as_f64().ok_or_else(|| format!("{name}: the report has no {what}"))
    };
    Ok(Some(Round {
        cpu_micros: number(&echo["server_cpu_per_message"], "CPU time")?,
        rate: number(&echo["messages_per_second"], "rate")?,
        p50_micros: number(&echo["latency"]["p50"], "p50")?,
        p99_micros: number(&echo["latency"]["p99"], "p99")?,
        saturated: report["saturated"].as_str().unwrap_or("").to_owned(),
    }))
}

/// What idle connections cost a contender in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleRound {
    pub(crate) bytes_per_connection: f64,
    pub(crate) cpu_micros_per_accept: f64,
    /// Memory after all were closed, as a ratio to before.
    pub(crate) after: f64,
}

/// A contender that holds idle connections.
#[derive(Clone, Debug)]
pub(crate) struct IdleCell {
    pub(crate) name: String,
    pub(crate) rounds: Vec<IdleRound>,
}

impl IdleCell {
    pub(crate) fn new(name: &str) -> IdleCell {
        IdleCell { name: name.to_owned(), rounds: Vec::new() }
    }

    pub(crate) fn spread(&self, of: impl Fn(&IdleRound) -> f64) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(of).collect())
    }
}

/// Has a contender hold `connections`.
pub(crate) fn measure_idle(
    programs: &Programs,
    name: &str,
    connections: usize,
) -> Result<IdleRound, String> {
    let server = programs.start(name, Scheme::Ws)?;
    let mut command = programs.generator();
    command.args(["bench", "--idle", "--json", "-d", "500ms", "-c", &connections.to_string()]);
    command.args(["--server-pid", &server.pid().to_string()]);
    let output = command.arg(&server.url).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let (idle, memory) = (&report["idle"], &report["idle"]["memory"]);
    let number = |value: &Value, what: &str| {
        value.as_f64().ok_or_else(|| format!("{name}: the report has no {what}"))
    };
    Ok(IdleRound {
        bytes_per_connection: number(&memory["bytes_per_connection"], "memory")?,
        cpu_micros_per_accept: number(&idle["server_cpu_per_accept"], "CPU time")?,
        after: number(&memory["after"], "memory")? / number(&memory["before"], "memory")?,
    })
}

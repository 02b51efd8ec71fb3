//! One measurement, and what many of them come to.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::contender::Programs;
use super::scenario::{Load, Scenario, Scheme};

/// What a contender did in one round. `None` of it where a reply was wrong or missing.
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
    let server = programs.start(name, scenario.scheme, scenario.load)?;
    let mut command = programs.generator();
    command.args(["bench", "--json", "--spin", "--warmup", "200ms"]);
    command.args(["-d", &format!("{}ms", time.as_millis())]);
    command.args(["-c", &scenario.connections.to_string()]);
    command.args(["--depth", &scenario.depth.to_string(), "--size", &scenario.size.to_string()]);
    command.args(["--server-pid", &server.pid().to_string()]);
    if scenario.is_unicode {
        command.args(["--text", "unicode"]);
    }
    let (kind, cpu, rate) = match scenario.load {
        Load::Echo => ("echo", "server_cpu_per_message", "messages_per_second"),
        Load::Fanout => {
            command.arg("--fanout");
            ("fanout", "server_cpu_per_delivery", "deliveries_per_second")
        }
    };
    let whole = match report(command.arg(&server.url), name)? {
        Ok(report) => report,
        Err(errors) => {
            eprintln!("{}: {errors}", scenario.name);
            return Ok(None);
        }
    };
    let report = &whole[kind];
    if report[cpu].is_null() {
        eprintln!("{}: {name}: nothing came within the time", scenario.name);
        return Ok(None);
    }
    Ok(Some(Round {
        cpu_micros: number(&report[cpu], name, "CPU time")?,
        rate: number(&report[rate], name, "rate")?,
        p50_micros: number(&report["latency"]["p50"], name, "p50")?,
        p99_micros: number(&report["latency"]["p99"], name, "p99")?,
        saturated: whole["saturated"].as_str().unwrap_or("").to_owned(),
    }))
}

/// How long and short messages fare beside each other in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MixedRound {
    pub(crate) bulk_rate: f64,
    /// The latency of long messages: the median, and p99 as a ratio to it.
    pub(crate) bulk_p50_micros: f64,
    pub(crate) bulk_tail: f64,
    pub(crate) ping_p50_micros: f64,
    pub(crate) ping_p99_micros: f64,
}

/// Has a contender serve 16 connections with long messages, and short ones beside them.
pub(crate) fn measure_mixed(
    programs: &Programs,
    name: &str,
    time: Duration,
) -> Result<MixedRound, String> {
    let server = programs.start(name, Scheme::Ws, Load::Echo)?;
    let mut command = programs.generator();
    command.args(["bench", "--json", "--spin", "--warmup", "200ms", "--pings", "1000"]);
    command.args(["-d", &format!("{}ms", time.as_millis())]);
    command.args(["-c", "16", "--depth", "16", "--size", "64KiB"]);
    let report = report(command.arg(&server.url), name)??;
    let (bulk, pings) = (&report["echo"], &report["pings"]["latency"]);
    let p50 = number(&bulk["latency"]["p50"], name, "p50")?;
    Ok(MixedRound {
        bulk_rate: number(&bulk["messages_per_second"], name, "rate")?,
        bulk_p50_micros: p50,
        bulk_tail: number(&bulk["latency"]["p99"], name, "p99")? / p50,
        ping_p50_micros: number(&pings["p50"], name, "p50 of pings")?,
        ping_p99_micros: number(&pings["p99"], name, "p99 of pings")?,
    })
}

/// What idle connections cost a contender in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IdleRound {
    pub(crate) bytes_per_connection: f64,
    pub(crate) cpu_micros_per_accept: f64,
    /// Memory after all were closed, as a ratio to before.
    pub(crate) after: f64,
}

/// A contender with what is measured in rounds of its own kind.
#[derive(Clone, Debug)]
pub(crate) struct Rounds<R> {
    pub(crate) name: String,
    pub(crate) rounds: Vec<R>,
}

impl<R> Rounds<R> {
    /// Measures each contender once in each round.
    ///
    /// # Errors
    /// The first that went wrong.
    pub(crate) fn measure(
        names: &[&str],
        rounds: usize,
        mut measure: impl FnMut(&str) -> Result<R, String>,
    ) -> Result<Vec<Rounds<R>>, String> {
        let mut all: Vec<Rounds<R>> = names
            .iter()
            .map(|name| Rounds { name: (*name).to_owned(), rounds: Vec::new() })
            .collect();
        for _ in 0..rounds {
            for cell in &mut all {
                cell.rounds.push(measure(&cell.name)?);
            }
        }
        Ok(all)
    }

    pub(crate) fn spread(&self, of: impl Fn(&R) -> f64) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(of).collect())
    }
}

/// Has a contender hold `connections`.
pub(crate) fn measure_idle(
    programs: &Programs,
    name: &str,
    connections: usize,
) -> Result<IdleRound, String> {
    let server = programs.start(name, Scheme::Ws, Load::Echo)?;
    let mut command = programs.generator();
    command.args(["bench", "--idle", "--json", "-d", "500ms", "-c", &connections.to_string()]);
    command.args(["--server-pid", &server.pid().to_string()]);
    let report = report(command.arg(&server.url), name)??;
    let (idle, memory) = (&report["idle"], &report["idle"]["memory"]);
    let (before, after) = (&memory["before"], &memory["after"]);
    Ok(IdleRound {
        bytes_per_connection: number(&memory["bytes_per_connection"], name, "memory")?,
        cpu_micros_per_accept: number(&idle["server_cpu_per_accept"], name, "CPU time")?,
        after: number(after, name, "memory")? / number(before, name, "memory")?,
    })
}

/// Runs the generator to its end. It may have found errors, which its report tells: `Ok(Err(_))`.
///
/// # Errors
/// There is no report, because it could not measure.
fn report(command: &mut Command, name: &str) -> Result<Result<Value, String>, String> {
    let output = command.output().map_err(|error| format!("the generator: {error}"))?;
    let is_right = output.status.success();
    if !is_right && output.stdout.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name}: {}: {}", output.status, said.trim()));
    }
    let report: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{name}: no report: {error}"))?;
    Ok(if is_right { Ok(report) } else { Err(format!("{name}: {}", report["errors"])) })
}

fn number(value: &Value, name: &str, what: &str) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| format!("{name}: the report has no {what}"))
}

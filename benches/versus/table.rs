//! Results as Markdown tables, which are read in a terminal as well.

use super::measure::{Cell, IdleRound, MixedRound, Rounds};
use super::scenario::{Load, Scenario};

/// Closer than this to the floor is at the floor, as far as can be told.
const NOISE: f64 = 0.15;

/// One scenario: who needs how much.
pub(crate) fn scenario(scenario: &Scenario, cells: &[Cell]) -> String {
    let mut text = format!("**{}**", scenario.name);
    if let Some(goal) = scenario.goal {
        text += &format!(" (goal for readily: {goal:.2} of the floor)");
    }
    let (one, many) = match scenario.load {
        Load::Echo => ("message", "messages"),
        Load::Fanout => ("delivery", "deliveries"),
    };
    text += &format!(
        "\n\n| server | CPU a {one} | of the floor (least to most) | {many} a second | p50 | p99 | saturated |\n"
    );
    text += "|---|--:|--:|--:|--:|--:|---|\n";
    let floor = &cells[0];
    for cell in cells {
        text += &row(cell, floor);
    }
    text
}

fn row(cell: &Cell, floor: &Cell) -> String {
    let name = shown(&cell.name);
    let (Some(ratio), Some(cpu), Some(rate), Some(p50), Some(p99)) = (
        cell.ratio(floor),
        cell.median(|round| round.cpu_micros),
        cell.median(|round| round.rate),
        cell.median(|round| round.p50_micros),
        cell.median(|round| round.p99_micros),
    ) else {
        return format!("| {name} | – | a reply was wrong or missing | – | – | – | – |\n");
    };
    let is_noise = cell.name != floor.name && (ratio.median - 1.0).abs() < NOISE;
    let mark = if is_noise { " ≈" } else { "" };
    format!(
        "| {name} | {cpu:.3} µs | {:.2} ({:.2} to {:.2}){mark} | {} | {} | {} | {} |\n",
        ratio.median,
        ratio.least,
        ratio.most,
        thousands(rate),
        time(p50),
        time(p99),
        cell.saturated()
    )
}

/// Short messages beside long ones.
pub(crate) fn mixed(cells: &[Rounds<MixedRound>]) -> String {
    let mut text = String::from(
        "| server | long: messages a second | p50 | p99 to p50 | short: p50 | p99 (least to most) |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for cell in cells {
        let of = |of: fn(&MixedRound) -> f64| cell.spread(of);
        let (Some(rate), Some(p50), Some(tail), Some(ping), Some(ping_tail)) = (
            of(|round| round.bulk_rate),
            of(|round| round.bulk_p50_micros),
            of(|round| round.bulk_tail),
            of(|round| round.ping_p50_micros),
            of(|round| round.ping_p99_micros),
        ) else {
            continue;
        };
        text += &format!(
            "| {} | {} | {} | {:.2} | {} | {} ({} to {}) |\n",
            shown(&cell.name),
            thousands(rate.median),
            time(p50.median),
            tail.median,
            time(ping.median),
            time(ping_tail.median),
            time(ping_tail.least),
            time(ping_tail.most)
        );
    }
    text
}

/// Idle connections.
pub(crate) fn idle(cells: &[Rounds<IdleRound>]) -> String {
    let mut text = String::from(
        "| server | bytes for one more connection | CPU an accept, with handshake | memory after closing all |\n|---|--:|--:|--:|\n",
    );
    for cell in cells {
        let (Some(bytes), Some(cpu), Some(after)) = (
            cell.spread(|round| round.bytes_per_connection),
            cell.spread(|round| round.cpu_micros_per_accept),
            cell.spread(|round| round.after),
        ) else {
            continue;
        };
        let name = shown(&cell.name);
        text += &format!(
            "| {name} | {:.0} ({:.0} to {:.0}) | {:.1} µs ({:.1} to {:.1}) | {:+.0} % |\n",
            bytes.median,
            bytes.least,
            bytes.most,
            cpu.median,
            cpu.least,
            cpu.most,
            (after.median - 1.0) * 100.0
        );
    }
    text
}

fn shown(name: &str) -> String {
    if name == "readily" { format!("**{name}**") } else { name.replace('/', ", ") }
}

fn time(micros: f64) -> String {
    if micros < 1000.0 { format!("{micros:.0} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}

fn thousands(number: f64) -> String {
    if number >= 1e6 { format!("{:.2} M", number / 1e6) } else { format!("{:.0} k", number / 1e3) }
}

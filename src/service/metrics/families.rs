//! Which metrics there are.

use super::exposition::{Exposition, Kind};
use crate::engine::{Counter, Report};

/// Writes all of them.
pub(super) fn write(report: &Report, out: &mut Exposition<'_>) {
    out.family(Kind::Gauge, "build_info", "Always 1; the version is in the label.");
    out.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    out.single(
        Kind::Gauge,
        "start_time_seconds",
        "When the server started, in seconds since the UNIX epoch.",
        report.started.wall.unix_seconds,
    );
    let is_draining = u8::from(report.is_draining);
    out.single(Kind::Gauge, "draining", "1 while the server lets everybody go.", is_draining);
    out.single(Kind::Gauge, "connections", "Connections there are.", report.connections);
    counters(report, out);
    memory(report, out);
}

/// The counters, each as a family, or with those that differ by a reason as one.
fn counters(report: &Report, out: &mut Exposition<'_>) {
    let counters = report.stats.entries();
    for (position, first) in counters.iter().enumerate() {
        let is_of_family = |counter: &&Counter| counter.family == first.family;
        if counters[..position].iter().any(|counter| is_of_family(&counter)) {
            continue;
        }
        let family: Vec<&Counter> = counters[position..].iter().filter(is_of_family).collect();
        out.family(Kind::Counter, first.family, &help(&family));
        for counter in family {
            let labels = counter.reason.map(|reason| ("reason", reason));
            out.sample(labels.as_slice(), counter.value);
        }
    }
}

/// What the counters of a family count.
fn help(family: &[&Counter]) -> String {
    let parts: Vec<String> = family
        .iter()
        .map(|counter| match counter.reason {
            Some(reason) => format!("{reason}: {}", counter.help),
            None => counter.help.to_owned(),
        })
        .collect();
    parts.join(" ")
}

fn memory(report: &Report, out: &mut Exposition<'_>) {
    let memory = report.memory;
    out.family(
        Kind::Gauge,
        "buffer_bytes",
        "Memory of buffers: lent ones hold something, kept ones \
        wait to be used again, and deflate is compressors and inflaters.",
    );
    out.sample(&[("state", "lent")], memory.lent_bytes);
    out.sample(&[("state", "kept")], memory.kept_bytes);
    out.sample(&[("state", "deflate")], memory.deflate_bytes);
    let help = "Bytes that wait to be written to all peers together.";
    out.single(Kind::Gauge, "output_queue_bytes", help, memory.output_bytes);
}

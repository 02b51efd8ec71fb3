//! Which metrics there are.

use super::exposition::{Exposition, Kind};
use crate::engine::{Counter, Label, Pace, Report, Spells, Traffic};

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
    traffic(report, out);
    counters(report, out);
    pace(report, out);
    memory(report, out);
}

/// A metric of bindings: its kind and name, what it is, and its value.
type OfBindings = (Kind, &'static str, &'static str, fn(&Traffic) -> u64);

/// What there is of each label.
const TRAFFIC: [OfBindings; 6] = [
    (Kind::Gauge, "connections", "Connections there are.", |line| line.connections),
    (
        Kind::Counter,
        "arrivals",
        "Connections that came: as they were opened, or became a WebSocket.",
        |line| line.arrivals,
    ),
    (Kind::Counter, "messages_received", "Messages received, or datagrams.", |line| {
        line.messages_received
    }),
    (Kind::Counter, "messages_sent", "Messages queued to be sent, or datagrams sent.", |line| {
        line.messages_sent
    }),
    (Kind::Counter, "received_bytes", "Bytes received.", |line| line.bytes_received),
    (Kind::Counter, "sent_bytes", "Bytes written.", |line| line.bytes_sent),
];

fn traffic(report: &Report, out: &mut Exposition<'_>) {
    for (kind, name, help, value) in TRAFFIC {
        out.family(kind, name, help);
        for (Label { transport, service }, line) in &report.traffic {
            out.sample(&[("transport", transport), ("service", service)], value(line));
        }
    }
}

fn pace(report: &Report, out: &mut Exposition<'_>) {
    let Pace { turns, lag } = report.pace;
    for (name, help, spells) in [
        (
            "turn_seconds",
            "How long turns of the loop took, and so what became ready meanwhile waited.",
            turns,
        ),
        ("lag_seconds", "How late the loop came to deadlines and to timers of services.", lag),
    ] {
        out.family(Kind::Histogram, name, help);
        let bounds = (0..Spells::BOUNDS).map(|index| Spells::bound(index).as_secs_f64());
        let buckets = bounds.zip(spells.up_to_bounds());
        out.histogram(buckets, spells.count(), spells.total().as_secs_f64());
    }
}

/// The counters, each as a family, or with those that differ by a reason as one.
fn counters(report: &Report, out: &mut Exposition<'_>) {
    let counters = report.stats.entries();
    for (position, first) in counters.iter().enumerate() {
        let is_of_family = |counter: &&Counter| counter.family == first.family;
        // The sum of all labels.
        let is_told = TRAFFIC.iter().any(|(_, name, ..)| *name == first.family);
        if is_told || counters[..position].iter().any(|counter| is_of_family(&counter)) {
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

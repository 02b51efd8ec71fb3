//! What came of it, for people and for programs.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::Mode;

/// The outcome of one run. Prints as a page for people, and serializes for programs: times are
/// microseconds there, memory is bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `readily` and its version.
    pub tool: String,
    /// The server.
    pub url: String,
    /// What was done.
    pub mode: Mode,
    /// How many connections.
    pub connections: usize,
    /// How long was measured.
    #[serde(serialize_with = "seconds")]
    pub seconds: Duration,
    /// What came of an echo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<EchoReport>,
    /// What came of the short messages beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pings: Option<PingReport>,
    /// What came of a fan-out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fanout: Option<FanoutReport>,
    /// What came of holding connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<IdleReport>,
    /// How much of one CPU the server used; `None` without `--server-pid`.
    pub server_load: Option<f64>,
    /// How much of one CPU the generator used.
    pub generator_load: f64,
    /// Who was the bottleneck.
    pub saturated: Saturated,
    /// What went wrong.
    pub errors: Errors,
}

/// What came of the short messages beside a load.
#[derive(Clone, Debug, Serialize)]
pub struct PingReport {
    /// The messages a second that were asked for.
    pub rate: f64,
    /// Right replies.
    pub messages: u64,
    /// From when a message was to be sent to its reply.
    pub latency: Latency,
}

/// What was sent, and how it went: what every load of messages is told by.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// Messages on their way, on each connection or to somebody; `None` where a rate was given.
    pub depth: Option<usize>,
    /// The length of a message.
    pub size: usize,
    /// The messages a second that were asked for.
    pub rate: Option<f64>,
    /// From when a message was sent, or was to be sent where a rate was given, to its reply or delivery.
    pub latency: Latency,
    /// Memory of the server before connections, and at the end with them.
    pub server_resident: Option<(u64, u64)>,
    /// The rate over time.
    pub moments: Vec<Moment>,
    /// Upper ends of latency, and how many replies or deliveries took so long.
    #[serde(serialize_with = "bars")]
    pub histogram: Vec<(Duration, u64)>,
}

/// What came of an echo.
#[derive(Clone, Debug, Serialize)]
pub struct EchoReport {
    /// What was sent, and how it went.
    #[serde(flatten)]
    pub load: LoadReport,
    /// Right replies.
    pub messages: u64,
    /// Right replies a second.
    pub messages_per_second: f64,
    /// Bytes of messages a second, each way.
    pub bytes_per_second: f64,
    /// CPU time of the server for each message.
    #[serde(serialize_with = "optional_micros")]
    pub server_cpu_per_message: Option<Duration>,
}

/// What came of a fan-out: one published, and all others received.
#[derive(Clone, Debug, Serialize)]
pub struct FanoutReport {
    /// What was published, and how it went.
    #[serde(flatten)]
    pub load: LoadReport,
    /// Right messages, each counted once for everybody who received it.
    pub deliveries: u64,
    /// The same a second.
    pub deliveries_per_second: f64,
    /// CPU time of the server for each delivery.
    #[serde(serialize_with = "optional_micros")]
    pub server_cpu_per_delivery: Option<Duration>,
}

/// What came of holding connections that say nothing.
#[derive(Clone, Debug, Serialize)]
pub struct IdleReport {
    /// Connections a second while they were opened, handshakes included.
    pub accepts_per_second: f64,
    /// CPU time of the server for each.
    #[serde(serialize_with = "optional_micros")]
    pub server_cpu_per_accept: Option<Duration>,
    /// How much of one CPU the server used while nothing happened.
    pub server_load_idle: Option<f64>,
    /// Memory of the server, if it could be looked at.
    pub memory: Option<IdleMemory>,
}

/// Memory of a server, in bytes of resident memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IdleMemory {
    /// Before the first connection.
    pub before: u64,
    /// With the first tenth of them.
    pub with_some: u64,
    /// With all of them.
    pub with_all: u64,
    /// When all were closed.
    pub after: u64,
    /// From the first tenth to all: what one more connection costs.
    pub bytes_per_connection: f64,
}

/// Latencies, to three digits.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "they are what they are called")]
pub struct Latency {
    #[serde(serialize_with = "micros")]
    pub min: Duration,
    #[serde(serialize_with = "micros")]
    pub mean: Duration,
    #[serde(serialize_with = "micros")]
    pub p50: Duration,
    #[serde(serialize_with = "micros")]
    pub p75: Duration,
    #[serde(serialize_with = "micros")]
    pub p90: Duration,
    #[serde(serialize_with = "micros")]
    pub p99: Duration,
    #[serde(serialize_with = "micros")]
    pub p99_9: Duration,
    #[serde(serialize_with = "micros")]
    pub p99_99: Duration,
    #[serde(serialize_with = "micros")]
    pub max: Duration,
}

/// The rate at a moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Moment {
    /// Since the measurement began.
    pub seconds: f64,
    /// Right replies or deliveries a second.
    pub messages_per_second: f64,
}

/// What went wrong, by kind; nothing of it counts as throughput.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Errors {
    /// Replies that are not what was sent.
    pub wrong: u64,
    /// Replies that never came, though the connection was there.
    pub missing: u64,
    /// Messages that were due and never sent, because the server took nothing.
    pub unsent: u64,
    /// Replies to nothing.
    pub extra: u64,
    /// Connections that ended by themselves.
    pub disconnected: u64,
    /// Connections that could not be made.
    pub not_connected: u64,
    /// Datagrams that were not answered in time: the network may lose them, so this is none.
    pub lost_datagrams: u64,
}

impl Errors {
    /// Whether nothing went wrong.
    pub fn is_none(&self) -> bool {
        let Errors {
            wrong,
            missing,
            unsent,
            extra,
            disconnected,
            not_connected,
            lost_datagrams: _,
        } = *self;
        wrong + missing + unsent + extra + disconnected + not_connected == 0
    }
}

/// Who was at the end of its power, and so decided the result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Saturated {
    /// The server: the result is about it.
    Server,
    /// The generator: the server could do more.
    Generator,
    /// Both: neither could do more.
    Both,
    /// Neither: they waited for each other, or for the next message that was due.
    Neither,
    /// The generator was not, and the server could not be looked at.
    NotGenerator,
}

/// Whoever used so much of a CPU had none left.
const FULL: f64 = 0.9;

impl Saturated {
    /// By the loads of both.
    pub(super) fn of(server: Option<f64>, generator: f64) -> Saturated {
        match (server.map(|load| load >= FULL), generator >= FULL) {
            (Some(true), true) => Saturated::Both,
            (Some(true), false) => Saturated::Server,
            (Some(false) | None, true) => Saturated::Generator,
            (Some(false), false) => Saturated::Neither,
            (None, false) => Saturated::NotGenerator,
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Saturated::Server => "the server: the result is about it",
            Saturated::Generator => "the generator: the server could do more",
            Saturated::Both => "both: neither could do more",
            Saturated::Neither => "neither: each waited for the other",
            Saturated::NotGenerator => "not the generator (--server-pid tells of the server)",
        }
    }
}

fn micros<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64() * 1e6)
}

#[expect(clippy::ref_option, reason = "serde hands a field over like this")]
fn optional_micros<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => micros(time, serializer),
        None => serializer.serialize_none(),
    }
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn bars<S: Serializer>(bars: &[(Duration, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(bars.iter().map(|(end, count)| (end.as_secs_f64() * 1e6, count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_cpu_left_is_saturated() {
        assert_eq!(Saturated::of(Some(0.98), 0.5), Saturated::Server);
        assert_eq!(Saturated::of(Some(0.5), 0.98), Saturated::Generator);
        assert_eq!(Saturated::of(Some(0.98), 0.98), Saturated::Both);
        assert_eq!(Saturated::of(Some(0.1), 0.1), Saturated::Neither);
        assert_eq!(Saturated::of(None, 0.1), Saturated::NotGenerator);
        assert_eq!(Saturated::of(None, 0.99), Saturated::Generator);
    }
}

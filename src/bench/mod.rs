//! The load generator: as many clients as asked for, from one thread, on the loop and the codecs of
//! the server.
//!
//! It measures, and says how far the measurement can be trusted:
//!
//! - Every reply is compared with what was sent. A wrong one, a missing one or one too many is an
//!   error, never throughput.
//! - With a rate, latency counts from the moment at which a message *was to be sent*: a server
//!   that stalls does not get fewer questions meanwhile, which would hide the stall.
//! - Given the process of the server, it tells what a message cost there, and who was at the end of
//!   its power, the server or the generator. A rate whose generator was is a lower bound.
//!
//! ```text
//!   warm-up     measurement                         the end
//!   ├──────────┼───────────────────────────────────┼──────────────┤
//!   counted not │ samples of both processes         │ replies that are on their way still count as
//!               └ at both ends                      ┘ answered, or else as missing
//! ```
//!
//! Times are those of the turn in which something is seen, so latency has the resolution of a turn:
//! some microseconds with few connections, a millisecond when thousands are ready at once.

mod chart;
mod course;
mod crowd;
mod echo;
mod fanout;
mod html;
mod idle;
mod payload;
mod process;
mod recorder;
mod report;
mod roster;
mod run;
mod schedule;
mod text;

pub use self::html::html;
pub use self::report::{
    EchoReport, Errors, FanoutReport, IdleMemory, IdleReport, Latency, LoadReport, Moment,
    PingReport, Report, Saturated,
};

use std::io;
use std::time::Duration;

use serde::Serialize;

use self::echo::Echo;
use self::fanout::Fanout;
use self::idle::Idle;
use self::process::Process;
use self::run::Run;
use crate::address::ConnectAddress;
use crate::client::addresses;
use crate::config::{Target, TargetKind};
use crate::engine::{BindingId, Limits};
use crate::kernel::raise_descriptor_limit;
use crate::protocol::MessageKind;

/// Descriptors that are not for connections.
const RESERVED_DESCRIPTORS: u64 = 24;

/// How long is waited at the end for what is on its way.
const GRACE: Duration = Duration::from_secs(2);

/// How long is listened for what is too much, once everything has come.
const SETTLE: Duration = Duration::from_millis(50);

/// All connections of the generator are of one binding.
const BINDING: BindingId = BindingId::nth(0);

/// Everything about a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub target: Target,
    /// What to do.
    pub mode: Mode,
    /// How many connections; of a fan-out: how many receive.
    pub connections: usize,
    /// How many messages are on their way on each connection; of a fan-out: in all.
    pub depth: usize,
    /// The length of a message, without the newline that ends a line.
    pub size: usize,
    /// What messages are made of.
    pub text: Text,
    /// Whether WebSocket messages are binary.
    pub is_binary: bool,
    /// Never sleep. Who sleeps has to be woken, which takes time here and CPU time of the server.
    pub spins: bool,
    /// How long to measure; idle: to hold.
    pub duration: Duration,
    /// How long to send before that.
    pub warmup: Duration,
    /// Messages a second over all connections, instead of as many as possible.
    pub rate: Option<f64>,
    /// Short messages a second beside the load, on connections of their own.
    pub pings: Option<f64>,
    /// The process of the server.
    pub server_pid: Option<u32>,
}

impl Options {
    /// The kind of every message.
    fn message_kind(&self) -> MessageKind {
        let is_text = self.target.kind() == TargetKind::WebSocket && !self.is_binary;
        if is_text { MessageKind::Text } else { MessageKind::Binary }
    }
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Send, and compare what comes back.
    Echo,
    /// One publishes, and all the others receive.
    Fanout,
    /// Hold connections that say nothing.
    Idle,
}

/// What messages are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// Letters, digits, spaces.
    Ascii,
    /// Characters of one to four bytes.
    Unicode,
}

/// Why there is no report.
#[derive(Debug)]
pub enum BenchError {
    /// The server has no address.
    Resolve(crate::kernel::ResolveError),
    /// An option does not fit.
    Options(String),
    /// The system refuses what is needed.
    System(io::Error),
    /// The process of the server cannot be looked at.
    Server(u32, io::Error),
    /// No connection could be made.
    NotConnected(String),
    /// By the signal with this number.
    Interrupted(u8),
}

impl std::fmt::Display for BenchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BenchError::Resolve(error) => error.fmt(f),
            BenchError::Options(text) => f.write_str(text),
            BenchError::System(error) => error.fmt(f),
            BenchError::Server(pid, error) => {
                write!(f, "process {pid} cannot be looked at: {error}")
            }
            BenchError::NotConnected(text) => f.write_str(text),
            BenchError::Interrupted(number) => write!(f, "interrupted by signal {number}"),
        }
    }
}

impl std::error::Error for BenchError {}

impl From<io::Error> for BenchError {
    fn from(error: io::Error) -> BenchError {
        BenchError::System(error)
    }
}

/// How a run is going, for whoever shows it.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// Connections that are there.
    pub connections: usize,
    /// Right replies since the stage began.
    pub messages: u64,
    /// For how long the stage has been going.
    pub elapsed: Duration,
}

/// Runs the load and reports. `progress` is called some times a second.
///
/// # Errors
/// If there was nothing to measure, or the options do not fit.
pub fn run(options: &Options, progress: impl FnMut(Progress)) -> Result<Report, BenchError> {
    let server = match options.server_pid {
        Some(pid) => Some(Process::new(pid).map_err(|error| BenchError::Server(pid, error))?),
        None => None,
    };
    let descriptors = raise_descriptor_limit()?.soft.saturating_sub(RESERVED_DESCRIPTORS);
    if options.connections as u64 > descriptors {
        let message = format!("the descriptor limit is enough for {descriptors} connections");
        return Err(BenchError::Options(message));
    }
    let addresses = addresses(&options.target).map_err(BenchError::Resolve)?;
    let address = addresses.into_iter().next().expect("a name has an address or is an error");
    let limits = limits(options);
    match options.mode {
        Mode::Echo => {
            Run::new(limits, Echo::new(options, address), server)?.echo(options, progress)
        }
        Mode::Fanout => {
            Run::new(limits, Fanout::new(options, address), server)?.fanout(options, progress)
        }
        Mode::Idle => {
            Run::new(limits, Idle::new(options, address), server)?.idle(options, progress)
        }
    }
}

/// A generator has no deadline but its own, and never sends more than it has thought of. With pings
/// beside its load its turns are short: a reply waits for the end of the turn in which it came, and
/// would tell of the generator and not of the server.
fn limits(options: &Options) -> Limits {
    const LONG: Duration = Duration::from_secs(24 * 3600);
    let usual = Limits::default();
    let short = Limits::LEAST_READ_BUDGET;
    Limits {
        read_budget_bytes: options.pings.map_or(usual.read_budget_bytes, |_| short),
        ping_interval: LONG,
        handshake_timeout: LONG,
        close_timeout: Duration::from_secs(2),
        drain_timeout: Duration::from_secs(2),
        max_queued_bytes: usize::MAX / 2,
        max_memory_bytes: usize::MAX,
        ..usual
    }
    .with_max_message(options.size.max(1024) * 2)
}

/// The address to connect from for the connection that is made after `index` others. One address
/// has some 28,000 ports to connect from (ip(7), `ip_local_port_range`), and loopback has 16 million
/// addresses.
fn source(address: &ConnectAddress, index: usize) -> ConnectAddress {
    const PORTS: usize = 25_000;
    match address {
        ConnectAddress::Tcp { to, .. }
            if to.ip().is_loopback() && to.is_ipv4() && index >= PORTS =>
        {
            let further = u32::try_from(index / PORTS).unwrap_or(0);
            let octets = u32::from_be_bytes([127, 0, 0, 1]) + further;
            ConnectAddress::Tcp { to: *to, from: Some(octets.to_be_bytes().into()) }
        }
        other => other.clone(),
    }
}

/// Whether each message is a datagram, which may be lost.
fn is_datagrams(kind: TargetKind) -> bool {
    matches!(kind, TargetKind::Udp | TargetKind::UnixDatagram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_not_enough_for_many() {
        let address = ConnectAddress::Tcp { to: "127.0.0.1:80".parse().expect("one"), from: None };
        let from = |index| match source(&address, index) {
            ConnectAddress::Tcp { from, .. } => from.map(|ip| ip.to_string()),
            _ => None,
        };
        assert_eq!(from(24_999), None);
        assert_eq!(from(25_000).as_deref(), Some("127.0.0.2"));
        assert_eq!(from(100_000).as_deref(), Some("127.0.0.5"));
    }
}

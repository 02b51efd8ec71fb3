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
mod crowd;
mod echo;
mod html;
mod idle;
mod payload;
mod process;
mod recorder;
mod report;

pub use self::html::html;
pub use self::report::{
    EchoReport, Errors, IdleMemory, IdleReport, Latency, Moment, Report, Saturated,
};

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::echo::Echo;
use self::idle::Idle;
use self::process::{Process, Sample};
use crate::address::ConnectAddress;
use crate::client::addresses;
use crate::config::{Target, TargetKind};
use crate::engine::{BindingId, Engine, Limits, ServiceId, StopScope};
use crate::kernel::{Mio, raise_descriptor_limit};
use crate::reactor::{Reactor, Stop};
use crate::service::Service;

/// Descriptors that are not for connections.
const RESERVED_DESCRIPTORS: u64 = 24;

/// All connections of the generator are of one binding.
const BINDING: BindingId = BindingId::nth(0);

/// Everything about a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub target: Target,
    /// What to do.
    pub mode: Mode,
    /// How many connections.
    pub connections: usize,
    /// How many messages are on their way on each.
    pub depth: usize,
    /// The length of a message, without the newline that ends a line.
    pub size: usize,
    /// What messages are made of.
    pub text: Text,
    /// Whether WebSocket messages are binary.
    pub is_binary: bool,
    /// How long to measure; idle: to hold.
    pub duration: Duration,
    /// How long to send before that.
    pub warmup: Duration,
    /// Messages a second over all connections, instead of as many as possible.
    pub rate: Option<f64>,
    /// The process of the server.
    pub server_pid: Option<u32>,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Send, and compare what comes back.
    Echo,
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
        Mode::Idle => {
            Run::new(limits, Idle::new(options, address), server)?.idle(options, progress)
        }
    }
}

/// A generator has no deadline but its own, and never sends more than it has thought of.
fn limits(options: &Options) -> Limits {
    const LONG: Duration = Duration::from_secs(24 * 3600);
    Limits {
        ping_interval: LONG,
        handshake_timeout: LONG,
        close_timeout: Duration::from_secs(2),
        drain_timeout: Duration::from_secs(2),
        max_queued_bytes: usize::MAX / 2,
        ..Limits::default()
    }
    .with_max_message(options.size.max(1024) * 2)
}

/// A service whose progress is looked at between turns.
trait Load: Service {
    /// Where it is.
    fn stage(&self) -> Stage;
    /// How it is going.
    fn counts(&self) -> (usize, u64);
    /// Why nothing could be measured.
    fn failure(&self) -> Option<&str>;
}

/// The stages of every load, each of which begins with a look at both processes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stage {
    /// Connections are opened; `Few`: a tenth of them.
    Few,
    Many,
    /// Nothing is counted.
    Warmup,
    /// What is reported.
    Measuring,
    /// Nothing new is sent.
    Finishing,
    /// Connections are closed.
    Closing,
    /// It is over.
    Done,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Few | Stage::Many => "connecting",
            Stage::Warmup => "warming up",
            Stage::Measuring => "measuring",
            Stage::Finishing => "waiting for replies",
            Stage::Closing | Stage::Done => "closing",
        }
    }
}

/// A loop that runs a load, and what both processes had used when each stage began.
struct Run<L: Load> {
    reactor: Reactor<Mio>,
    load: ServiceId,
    server: Option<Process>,
    samples: Vec<(Stage, Sample, Option<Sample>)>,
    marker: std::marker::PhantomData<L>,
}

impl<L: Load> Run<L> {
    fn new(limits: Limits, load: L, server: Option<Process>) -> io::Result<Run<L>> {
        let mut engine = Engine::new(limits, rand::random(), ());
        let load = engine.add_service(Box::new(load));
        engine.add_binding(load, StopScope::Connection);
        let mut reactor = Reactor::new(Mio::new()?, engine, usize::MAX);
        reactor.add_signals(Mio::signals()?)?;
        Ok(Run { reactor, load, server, samples: Vec::new(), marker: std::marker::PhantomData })
    }

    fn load(&self) -> &L {
        self.reactor.engine().service(self.load).expect("the service that was added")
    }

    /// Runs to the end of the load.
    fn run(&mut self, mut progress: impl FnMut(Progress)) -> Result<(), BenchError> {
        /// How often progress is told.
        const TELL_EVERY: Duration = Duration::from_millis(200);
        let mut stage = self.load().stage();
        self.sample(stage)?;
        let mut begun = Instant::now();
        let mut told = Instant::now();
        loop {
            let stop = self.reactor.turn()?;
            let now = self.load().stage();
            if stage != now {
                stage = now;
                begun = Instant::now();
                self.sample(stage)?;
            }
            match stop {
                Some(Stop::Forced(signal) | Stop::Drained(Some(signal))) => {
                    return Err(BenchError::Interrupted(signal.number()));
                }
                Some(Stop::Drained(None)) => break,
                None => {}
            }
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let (connections, messages) = self.load().counts();
                let elapsed = begun.elapsed();
                progress(Progress { stage: now.name(), connections, messages, elapsed });
            }
        }
        match self.load().failure() {
            Some(failure) => Err(BenchError::NotConnected(failure.to_owned())),
            None => Ok(()),
        }
    }

    /// Notes what both processes have used when `stage` begins.
    fn sample(&mut self, stage: Stage) -> Result<(), BenchError> {
        let server = match self.server {
            Some(server) => {
                let sample = server.sample();
                Some(sample.map_err(|error| BenchError::Server(server.id(), error))?)
            }
            None => None,
        };
        self.samples.push((stage, Process::own().sample()?, server));
        Ok(())
    }

    /// What our process and the server's had used when a stage began. One that was passed over
    /// within a turn began with the next.
    fn at(&self, stage: Stage) -> (Sample, Option<Sample>) {
        let at = self.samples.iter().find(|(other, ..)| *other >= stage);
        let (_, own, server) = at.or(self.samples.last()).expect("a run has at least one stage");
        (*own, *server)
    }

    /// The loads of the server and of ourselves between the beginnings of two stages.
    fn loads(&self, from: Stage, to: Stage) -> (Option<f64>, f64) {
        let ((own, server), (own_end, server_end)) = (self.at(from), self.at(to));
        let server = server.zip(server_end).map(|(server, end)| end.load_since(&server));
        (server, own_end.load_since(&own))
    }

    /// The CPU time of the server between the beginnings of two stages, for each of `count` things.
    fn server_cpu(&self, from: Stage, to: Stage, count: u64) -> Option<Duration> {
        let (server, end) = self.at(from).1.zip(self.at(to).1)?;
        (count > 0).then(|| end.cpu_since(&server).div_f64(count as f64))
    }
}

impl Run<Echo> {
    fn echo(
        mut self,
        options: &Options,
        progress: impl FnMut(Progress),
    ) -> Result<Report, BenchError> {
        if options.rate.is_some() {
            // What is due is sent then, and not when the system comes to wake us.
            self.reactor.set_spin(Duration::from_secs(3600));
        }
        self.run(progress)?;
        let recorder = self.load().recorder();
        let seconds = options.duration;
        let (server_load, generator_load) = self.loads(Stage::Measuring, Stage::Finishing);
        // A generator that spins is always busy, and lags when it can not keep up.
        let is_busy = options.rate.is_none() || self.load().is_behind();
        let echo = EchoReport {
            depth: options.rate.is_none().then_some(options.depth),
            size: options.size,
            rate: options.rate,
            messages: recorder.messages,
            messages_per_second: recorder.messages as f64 / seconds.as_secs_f64(),
            bytes_per_second: recorder.bytes as f64 / seconds.as_secs_f64(),
            latency: recorder.latency(),
            server_cpu_per_message: self.server_cpu(
                Stage::Measuring,
                Stage::Finishing,
                recorder.messages,
            ),
            server_resident: self
                .at(Stage::Few)
                .1
                .zip(self.at(Stage::Finishing).1)
                .map(|(before, with)| (before.resident, with.resident)),
            moments: recorder.moments(),
            histogram: recorder.bars(),
        };
        Ok(Report {
            tool: tool(),
            url: options.target.to_string(),
            mode: options.mode,
            connections: options.connections,
            seconds,
            echo: Some(echo),
            idle: None,
            server_load,
            generator_load,
            saturated: Saturated::of(server_load, if is_busy { generator_load } else { 0.0 }),
            errors: recorder.errors,
        })
    }
}

impl Run<Idle> {
    fn idle(
        mut self,
        options: &Options,
        progress: impl FnMut(Progress),
    ) -> Result<Report, BenchError> {
        self.run(progress)?;
        let load = self.load();
        let (few, all) = (load.few(), options.connections);
        let (server_load, generator_load) = self.loads(Stage::Few, Stage::Measuring);
        let resident = |stage| self.at(stage).1.map(|server| server.resident);
        let memory = (|| {
            let (with_some, with_all) = (resident(Stage::Many)?, resident(Stage::Finishing)?);
            let more = with_all as f64 - with_some as f64;
            Some(IdleMemory {
                before: resident(Stage::Few)?,
                with_some,
                with_all,
                after: resident(Stage::Done)?,
                bytes_per_connection: more / (all - few).max(1) as f64,
            })
        })();
        let idle = IdleReport {
            accepts_per_second: all as f64 / load.connecting_time().as_secs_f64().max(1e-9),
            server_cpu_per_accept: self.server_cpu(Stage::Few, Stage::Measuring, all as u64),
            server_load_idle: self.loads(Stage::Measuring, Stage::Finishing).0,
            memory,
        };
        Ok(Report {
            tool: tool(),
            url: options.target.to_string(),
            mode: options.mode,
            connections: all,
            seconds: options.duration,
            echo: None,
            idle: Some(idle),
            server_load,
            generator_load,
            saturated: Saturated::of(server_load, generator_load),
            errors: load.errors(),
        })
    }
}

fn tool() -> String {
    format!("readily {}", env!("CARGO_PKG_VERSION"))
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
            ConnectAddress::Tcp { to: *to, from: Some(std::net::Ipv4Addr::from(octets).into()) }
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

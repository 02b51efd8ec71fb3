//! One run of a load: the loop that it runs on, and what both processes had used at each stage.

use std::io;
use std::time::{Duration, Instant};

use super::echo::Echo;
use super::fanout::Fanout;
use super::idle::Idle;
use super::process::{Process, Sample};
use super::recorder::Recorder;
use super::report::{
    EchoReport, Errors, FanoutReport, IdleMemory, IdleReport, LoadReport, PingReport, Report,
    Saturated,
};
use super::{BenchError, Options, Progress};
use crate::engine::{Engine, Limits, ServiceId, StopScope};
use crate::kernel::Mio;
use crate::reactor::{Reactor, Stop};
use crate::service::Service;

/// A service whose progress is looked at between turns.
pub(super) trait Load: Service {
    /// Where it is.
    fn stage(&self) -> Stage;
    /// How it is going.
    fn counts(&self) -> (usize, u64);
    /// Why nothing could be measured.
    fn failure(&self) -> Option<&str>;
}

/// The stages of every load, each of which begins with a look at both processes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Stage {
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
pub(super) struct Run<L: Load> {
    reactor: Reactor<Mio>,
    load: ServiceId,
    server: Option<Process>,
    samples: Vec<(Stage, Sample, Option<Sample>)>,
    marker: std::marker::PhantomData<L>,
}

impl<L: Load> Run<L> {
    pub(super) fn new(limits: Limits, load: L, server: Option<Process>) -> io::Result<Run<L>> {
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
        // Looking for replies that are not there is waiting, not work.
        let own = Process::own().sample()?.without(self.reactor.spun());
        self.samples.push((stage, own, server));
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

    /// What is due is sent then, and not when the system comes to wake us.
    fn spin_if_wanted(&mut self, options: &Options) {
        if options.spins || options.rate.is_some() {
            self.reactor.set_spin(Duration::from_secs(3600));
        }
    }

    /// The memory of the server before the first connection and with all of them.
    fn server_resident(&self) -> Option<(u64, u64)> {
        let (before, with) = self.at(Stage::Few).1.zip(self.at(Stage::Finishing).1)?;
        Some((before.resident, with.resident))
    }

    /// The CPU time of the server between the beginnings of two stages, for each of `count` things.
    fn server_cpu(&self, from: Stage, to: Stage, count: u64) -> Option<Duration> {
        let (server, end) = self.at(from).1.zip(self.at(to).1)?;
        (count > 0).then(|| end.cpu_since(&server).div_f64(count as f64))
    }

    /// The CPU time of the server for each message that was recorded.
    fn measured_cpu(&self, recorder: &Recorder) -> Option<Duration> {
        self.server_cpu(Stage::Measuring, Stage::Finishing, recorder.messages)
    }

    fn load_report(&self, options: &Options, recorder: &Recorder) -> LoadReport {
        LoadReport {
            depth: options.rate.is_none().then_some(options.depth),
            size: options.size,
            rate: options.rate,
            latency: recorder.latency(),
            server_resident: self.server_resident(),
            moments: recorder.moments(options.duration),
            histogram: recorder.bars(),
        }
    }
}

impl Run<Echo> {
    pub(super) fn echo(
        mut self,
        options: &Options,
        progress: impl FnMut(Progress),
    ) -> Result<Report, BenchError> {
        self.spin_if_wanted(options);
        self.run(progress)?;
        let recorder = self.load().recorder();
        let seconds = options.duration;
        let echo = EchoReport {
            load: self.load_report(options, recorder),
            messages: recorder.messages,
            messages_per_second: recorder.messages as f64 / seconds.as_secs_f64(),
            bytes_per_second: recorder.bytes as f64 / seconds.as_secs_f64(),
            server_cpu_per_message: self.measured_cpu(recorder),
        };
        let pings = options.pings.zip(self.load().pings()).map(|(rate, pings)| PingReport {
            rate,
            messages: pings.messages,
            latency: pings.latency(),
        });
        let errors = self.load().errors();
        let loads = self.loads(Stage::Measuring, Stage::Finishing);
        Ok(Report { echo: Some(echo), pings, ..report(options, loads, errors) })
    }
}

impl Run<Fanout> {
    pub(super) fn fanout(
        mut self,
        options: &Options,
        progress: impl FnMut(Progress),
    ) -> Result<Report, BenchError> {
        self.spin_if_wanted(options);
        self.run(progress)?;
        let recorder = self.load().recorder();
        let fanout = FanoutReport {
            load: self.load_report(options, recorder),
            deliveries: recorder.messages,
            deliveries_per_second: recorder.messages as f64 / options.duration.as_secs_f64(),
            server_cpu_per_delivery: self.measured_cpu(recorder),
        };
        let errors = self.load().errors();
        let loads = self.loads(Stage::Measuring, Stage::Finishing);
        Ok(Report { fanout: Some(fanout), ..report(options, loads, errors) })
    }
}

impl Run<Idle> {
    pub(super) fn idle(
        mut self,
        options: &Options,
        progress: impl FnMut(Progress),
    ) -> Result<Report, BenchError> {
        self.run(progress)?;
        let load = self.load();
        let (few, all) = (load.few(), options.connections);
        let loads = self.loads(Stage::Few, Stage::Measuring);
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
        Ok(Report { idle: Some(idle), ..report(options, loads, load.errors()) })
    }
}

/// What every report has, and nothing measured yet. `loads` are the server's and our own.
fn report(options: &Options, loads: (Option<f64>, f64), errors: Errors) -> Report {
    let (server_load, generator_load) = loads;
    Report {
        tool: format!("readily {}", env!("CARGO_PKG_VERSION")),
        url: options.target.to_string(),
        mode: options.mode,
        connections: options.connections,
        seconds: options.duration,
        echo: None,
        pings: None,
        fanout: None,
        idle: None,
        server_load,
        generator_load,
        saturated: Saturated::of(server_load, generator_load),
        errors,
    }
}

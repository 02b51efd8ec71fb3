//! `readily serve`: from a configuration to an exit code.

use std::io;
use std::process::ExitCode;

use log::{LevelFilter, info};
use readily::config::Config;
use readily::engine::{Limits, Observer};
use readily::kernel::Kernel;
use readily::reactor::Stop;
use readily::server::{BoundServer, Server, StartError};

use crate::cli::{FAILURE, Logging, SIGNAL_BASE, ServeArgs, USAGE};
use crate::console::{self, Look, Row};
use crate::logging::{self, Log};
use crate::record;
use crate::transcript::Transcript;

/// Serves until stopped.
pub(crate) fn serve(args: ServeArgs, logging: &Logging) -> ExitCode {
    let (is_check, is_transcript) = (args.check, args.transcript);
    let recorded = args.record.clone().map(|path| (path, args.record_limit));
    let config = match args.config(&std::env::temp_dir()) {
        Ok(config) => config,
        Err(error) => {
            console::error(&error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    if is_check {
        if !logging.is_quiet() {
            check(&config);
        }
        return ExitCode::SUCCESS;
    }
    let level = logging.level();
    // A transcript stands alone unless more is asked for.
    let level = if is_transcript && level == LevelFilter::Info { LevelFilter::Warn } else { level };
    let log = logging::start_beside_loop(level);
    let ended = if let Some((path, limit)) = recorded {
        record::serve(config, &path, limit, logging, &log)
    } else if is_transcript {
        Server::from_config(config).bind_observed(Transcript::new(log.clone())).map(|mut server| {
            Transcript::start(&mut server);
            log_places(&server);
            let ended = exit_code(server.run());
            server.observer_mut().finish();
            ended
        })
    } else {
        Server::from_config(config).bind_observed(log.clone()).map(|mut server| {
            introduce(&server, logging, &log);
            exit_code(server.run())
        })
    };
    log.finish();
    ended.unwrap_or_else(|error: StartError| {
        console::error(&error.to_string());
        ExitCode::from(FAILURE)
    })
}

/// What to exit with when the loop has ended.
pub(crate) fn exit_code(ended: io::Result<Stop>) -> ExitCode {
    match ended {
        Ok(Stop::Drained(_)) => {
            info!("stopped");
            ExitCode::SUCCESS
        }
        Ok(Stop::Forced(signal)) => ExitCode::from(SIGNAL_BASE + signal.number()),
        Err(error) => {
            console::error(&format!("the loop has failed: {error}"));
            ExitCode::from(FAILURE)
        }
    }
}

/// Says that a server is there, in a table or to the log.
pub(crate) fn introduce<O: Observer, K: Kernel>(
    server: &BoundServer<O, K>,
    logging: &Logging,
    log: &Log,
) {
    if logging.is_quiet() {
        log_places(server);
        return;
    }
    let rows: Vec<Row> =
        server.bindings().map(|(binding, place)| Row::new(binding, place.port())).collect();
    let table = console::table(&rows, Look::of_stderr());
    let limits = limits_line(&server.config().limits);
    let descriptors = console::descriptors_line(server.descriptors());
    log.append([table, limits, descriptors].concat().as_bytes());
    log_ready(server);
}

/// Logs what is served where, where no table says it.
fn log_places<O: Observer, K: Kernel>(server: &BoundServer<O, K>) {
    for (binding, place) in server.bindings() {
        info!("serving {} at {}", binding.service().name(), binding.url(place.port()));
    }
    log_ready(server);
}

fn log_ready<O: Observer, K: Kernel>(server: &BoundServer<O, K>) {
    info!("ready: {} bindings", server.bindings().count());
}

/// Says what would be served.
fn check(config: &Config) {
    let rows: Vec<Row> =
        config.bindings.as_slice().iter().map(|binding| Row::new(binding, None)).collect();
    console::print(&console::table(&rows, Look::of_stderr()));
    console::print(&limits_line(&config.limits));
}

/// The limits as they are in force; the cap of the queue as it was named, without the few bytes that the
/// header of the longest message adds to it.
fn limits_line(limits: &Limits) -> String {
    let named = limits.max_queued_bytes;
    console::limits_line(&Limits { max_queued_bytes: named, ..limits.in_force() })
}

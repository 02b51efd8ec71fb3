//! `readily serve`: from a configuration to an exit code.

use std::process::ExitCode;

use log::{LevelFilter, info};
use readily::config::Config;
use readily::engine::Observer;
use readily::reactor::Stop;
use readily::server::{BoundServer, Server, StartError};

use crate::cli::{FAILURE, Logging, SIGNAL_BASE, ServeArgs, USAGE};
use crate::console::{self, Look, Row};
use crate::logging::{self, Log};
use crate::transcript::Transcript;

/// Serves until stopped.
pub(crate) fn serve(args: ServeArgs, logging: &Logging) -> ExitCode {
    let (is_check, is_transcript) = (args.check, args.transcript);
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
    let server = Server::from_config(config);
    let ended = if is_transcript {
        server.bind_observed(Transcript::new(log.clone())).map(|mut server| {
            Transcript::start(&mut server);
            log_places(&server);
            let ended = run(&mut server);
            server.observer_mut().finish();
            ended
        })
    } else {
        server.bind_observed(log.clone()).map(|mut server| {
            if logging.is_quiet() {
                log_places(&server);
            } else {
                present(&server, &log);
            }
            run(&mut server)
        })
    };
    log.finish();
    ended.unwrap_or_else(|error: StartError| {
        console::error(&error.to_string());
        ExitCode::from(FAILURE)
    })
}

/// Runs a server whose sockets are open.
fn run<O: Observer>(server: &mut BoundServer<O>) -> ExitCode {
    info!("ready: {} bindings", server.bindings().count());
    match server.run() {
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

/// Logs what is served where, where no table says it.
fn log_places<O: Observer>(server: &BoundServer<O>) {
    for (binding, place) in server.bindings() {
        info!("serving {} at {}", binding.service().name(), binding.url(place.port()));
    }
}

/// Says what would be served.
fn check(config: &Config) {
    let rows: Vec<Row> =
        config.bindings.as_slice().iter().map(|binding| Row::new(binding, None)).collect();
    console::print(&console::table(&rows, Look::of_stderr()));
    console::print(&console::limits_line(&config.limits));
}

/// Says what is served, where, and how to try it.
fn present(server: &BoundServer<Log>, log: &Log) {
    let rows: Vec<Row> =
        server.bindings().map(|(binding, place)| Row::new(binding, place.port())).collect();
    let table = console::table(&rows, Look::of_stderr());
    let limits = console::limits_line(&server.config().limits);
    let descriptors = console::descriptors_line(server.descriptors());
    log.append([table, limits, descriptors].concat().as_bytes());
}

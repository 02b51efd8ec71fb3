//! `readily connect`: from options to an exit code.

use std::process::ExitCode;

use log::LevelFilter;
use readily::client::{Client, Ended};

use crate::cli::{ConnectArgs, FAILURE, Logging, SIGNAL_BASE, USAGE};
use crate::{console, logging};

/// Talks to a server until one of the two has had enough.
pub(crate) fn connect(args: ConnectArgs, logging: &Logging) -> ExitCode {
    let is_autobahn = args.autobahn;
    let options = match args.options() {
        Ok(options) => options,
        Err(error) => {
            console::error(&error);
            return ExitCode::from(USAGE);
        }
    };
    // What a server tells its operator is no news at a client.
    let level = logging.level();
    logging::start(if level == LevelFilter::Info { LevelFilter::Warn } else { level });
    let client = match Client::new(options) {
        Ok(client) => client,
        Err(error) => {
            console::error(&error.to_string());
            return ExitCode::from(FAILURE);
        }
    };
    let ended = if is_autobahn { client.run_autobahn() } else { client.run() };
    match ended {
        Ok(Ended::Success) => ExitCode::SUCCESS,
        Ok(Ended::Failure) => ExitCode::from(FAILURE),
        Ok(Ended::Interrupted(number)) => ExitCode::from(SIGNAL_BASE + number),
        Err(error) => {
            console::error(&error.to_string());
            ExitCode::from(FAILURE)
        }
    }
}

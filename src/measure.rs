//! `readily bench`: from options to a report and an exit code.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use log::LevelFilter;
use readily::bench::{BenchError, Progress, Report, html, run};

use crate::cli::{BenchArgs, FAILURE, Logging, SIGNAL_BASE, USAGE};
use crate::{console, logging};

/// Measures a server.
pub(crate) fn measure(args: &BenchArgs, logging: &Logging) -> ExitCode {
    let options = match args.options() {
        Ok(options) => options,
        Err(error) => {
            console::error(&error);
            return ExitCode::from(USAGE);
        }
    };
    let level = logging.level();
    logging::start(if level == LevelFilter::Info { LevelFilter::Warn } else { level });
    let is_watched = io::stderr().is_terminal() && !logging.is_quiet();
    let url = options.target.to_string();
    let outcome = run(&options, |progress| {
        if is_watched {
            console::print(&progress_line(progress));
        }
    });
    if is_watched {
        console::print(CLEAR_LINE);
    }
    match outcome {
        Ok(report) => deliver(args, &report),
        Err(BenchError::Interrupted(number)) => ExitCode::from(SIGNAL_BASE + number),
        Err(BenchError::Options(error)) => {
            console::error(&error);
            ExitCode::from(USAGE)
        }
        Err(error @ BenchError::NotConnected(_)) => {
            console::error(&format!("{url}: {error}"));
            ExitCode::from(FAILURE)
        }
        Err(error) => {
            console::error(&error.to_string());
            ExitCode::from(FAILURE)
        }
    }
}

/// Prints the report, and writes the page.
fn deliver(args: &BenchArgs, report: &Report) -> ExitCode {
    let text = if args.json {
        serde_json::to_string_pretty(report).expect("a report has no odd keys") + "\n"
    } else {
        report.to_string()
    };
    console::payload(text.as_bytes());
    if let Some(path) = &args.html
        && let Err(error) = std::fs::write(path, html(report))
    {
        console::error(&format!("{}: {error}", path.display()));
        return ExitCode::from(FAILURE);
    }
    if report.errors.is_none() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) }
}

/// Back to the start of the line, and clear to its end (ECMA-48 EL).
const CLEAR_LINE: &str = "\r\x1b[K";

fn progress_line(progress: Progress) -> String {
    let Progress { stage, connections, messages, elapsed } = progress;
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { messages as f64 / seconds } else { 0.0 };
    match messages {
        0 => format!("{CLEAR_LINE}{stage}: {connections} connections, {seconds:.1} s"),
        _ => format!(
            "{CLEAR_LINE}{stage}: {connections} connections, {seconds:.1} s, {rate:.0} a second"
        ),
    }
}

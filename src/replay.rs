//! `readily replay`: from a recording to an exit code.

mod keys;
mod views;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use log::LevelFilter;
use readily::kernel::Verdict;
use readily::recording::{self, Head, Player, Summary};
use readily::timeline::Film;

use self::views::Views;
use crate::cli::{FAILURE, Logging, ReplayArgs};
use crate::console;
use crate::logging;

/// Replays, shows what was asked for, and says how that went.
pub(crate) fn replay(args: &ReplayArgs, logging: &Logging) -> ExitCode {
    // What was logged then is of no interest until it is asked for.
    let level = logging.level();
    logging::start(if level == LevelFilter::Info { LevelFilter::Error } else { level });
    match run(args) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some((head, summary))) => report(args, logging, &head, &summary),
        Err(error) => {
            console::error(&error);
            ExitCode::from(FAILURE)
        }
    }
}

/// Replays. Returns how that ended, unless somebody did not want to see all of it.
fn run(args: &ReplayArgs) -> Result<Option<(Head, Summary)>, String> {
    let file = args.file.display();
    let (head, tape) = recording::read(&args.file).map_err(|error| format!("{file}: {error}"))?;
    let start = |error| format!("{file}: {error}");
    let Some(mut views) = Views::open(args)? else {
        let mut player = Player::new(head.clone(), tape, (), ()).map_err(start)?;
        return Ok(Some((head, player.run())));
    };
    let services = head.config.bindings.as_slice().iter().map(|one| one.service().name());
    let mut film = Film::new(services);
    let mut player = Player::new(head.clone(), tape, film.eye(), film.eye()).map_err(start)?;
    while player.turn() {
        let turn = film.turn();
        if !views.turn(&turn, film.lanes())? {
            return Ok(None);
        }
    }
    let summary = player.summary();
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    views.finish(film.lanes(), &name, &outcome(&head, &summary))?;
    Ok(Some((head, summary)))
}

/// Says how a replay has ended, and what to exit with.
fn report(args: &ReplayArgs, logging: &Logging, head: &Head, summary: &Summary) -> ExitCode {
    let line = format!("{}: {}", args.file.display(), outcome(head, summary));
    match &summary.verdict {
        Some(Verdict::Diverged(divergence)) => {
            console::error(&line);
            console::print(&format!("{divergence}\n"));
            ExitCode::from(FAILURE)
        }
        Some(Verdict::Damaged { .. } | Verdict::BrokenOff) => {
            console::error(&line);
            ExitCode::from(FAILURE)
        }
        _ => {
            if !logging.is_quiet() {
                console::print(&format!("{line}\n"));
            }
            ExitCode::SUCCESS
        }
    }
}

/// One line: how far it went and how it ended.
fn outcome(head: &Head, summary: &Summary) -> String {
    let Summary { turns, time, verdict } = summary;
    let time = Duration::from_nanos(time.as_nanos());
    let mut line = match verdict {
        Some(Verdict::Diverged(_)) => {
            format!("something else is done in turn {turns}, at {time:?}")
        }
        Some(verdict) => format!("{turns} turns in {time:?}, {verdict}"),
        None => format!("{turns} turns in {time:?}"),
    };
    if head.version != env!("CARGO_PKG_VERSION") {
        let _ = write!(line, " (recorded by readily {})", head.version);
    }
    line
}

//! `readily replay`: from a recording to an exit code.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use log::LevelFilter;
use readily::kernel::Verdict;
use readily::recording::{self, Head, Player, Summary, Unreadable};

use crate::cli::{FAILURE, Logging, ReplayArgs};
use crate::console;
use crate::logging;

/// Replays, and says how that went.
pub(crate) fn replay(args: &ReplayArgs, logging: &Logging) -> ExitCode {
    // What was logged then is of no interest until it is asked for.
    let level = logging.level();
    logging::start(if level == LevelFilter::Info { LevelFilter::Error } else { level });
    match run(args) {
        Ok((head, summary)) => {
            let verdict = summary.verdict.as_ref().expect("it has come to its end");
            let is_same = !matches!(verdict, Verdict::Diverged(_) | Verdict::Damaged { .. });
            if !is_same {
                console::error(&format!("{}: {}", args.file.display(), outcome(&head, &summary)));
                if let Verdict::Diverged(divergence) = verdict {
                    console::print(&format!("{divergence}\n"));
                }
                return ExitCode::from(FAILURE);
            }
            if !logging.is_quiet() {
                console::print(&format!("{}: {}\n", args.file.display(), outcome(&head, &summary)));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            console::error(&format!("{}: {error}", args.file.display()));
            ExitCode::from(FAILURE)
        }
    }
}

fn run(args: &ReplayArgs) -> Result<(Head, Summary), Unreadable> {
    let (head, tape) = recording::read(&args.file)?;
    let mut player = Player::new(head.clone(), tape, (), ())?;
    Ok((head, player.run()))
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
        None => String::new(),
    };
    if head.version != env!("CARGO_PKG_VERSION") {
        let _ = write!(line, " (recorded by readily {})", head.version);
    }
    line
}

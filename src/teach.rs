//! `readily learn`: the table of labs, or one of them.

use std::process::ExitCode;

use readily::learn::text;

use crate::cli::{FAILURE, LearnArgs, Numbered};
use crate::console;
use crate::outputs::Outputs;

/// Prints the table, or plays a lab.
pub(crate) fn teach(args: &LearnArgs) -> ExitCode {
    let Some(chosen) = args.lab else {
        console::payload(text::table().as_bytes());
        return ExitCode::SUCCESS;
    };
    match play(chosen, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::from(FAILURE)
        }
    }
}

/// Plays a lab and prints it, and writes the run with the mistake in the forms that were asked for.
fn play(Numbered { number, lab }: Numbered, args: &LearnArgs) -> Result<(), String> {
    let mut outputs = Outputs::open(args.html.as_deref(), args.trace.as_deref())?;
    let (broken, kept) = ((lab.broken)(), (lab.kept)());
    console::payload(text::lab(lab, number, &broken, &kept).as_bytes());
    for turn in broken.turns() {
        outputs.turn(turn, &broken.lanes)?;
    }
    outputs.finish(&broken.lanes, &format!("Lab {number}: {}", lab.title), &broken.verdict.words)
}

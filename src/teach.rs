//! `readily learn`: the table of labs, or one of them.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;

use readily::learn::{Run, text};
use readily::timeline::page::Page;
use readily::timeline::trace::Trace;

use crate::cli::{FAILURE, LearnArgs};
use crate::console;

/// Plays a lab and prints it.
pub(crate) fn teach(args: &LearnArgs) -> ExitCode {
    let Some(chosen) = args.lab else {
        print(&text::table());
        return ExitCode::SUCCESS;
    };
    let (broken, kept) = ((chosen.lab.broken)(), (chosen.lab.kept)());
    print(&text::lab(chosen.lab, chosen.number, &broken, &kept));
    match write(args, &broken, &format!("Lab {}: {}", chosen.number, chosen.lab.title)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::error(&error);
            ExitCode::from(FAILURE)
        }
    }
}

/// Writes the run with the mistake in the forms that were asked for.
fn write(args: &LearnArgs, run: &Run, title: &str) -> Result<(), String> {
    if let Some(path) = &args.html {
        let mut page = Page::new();
        run.turns().for_each(|turn| page.turn(turn));
        let html = page.finish(&run.lanes, title, &run.verdict.words);
        std::fs::write(path, html).map_err(|error| told(path, &error))?;
    }
    if let Some(path) = &args.trace {
        trace(path, run).map_err(|error| told(path, &error))?;
    }
    Ok(())
}

fn trace(path: &Path, run: &Run) -> io::Result<()> {
    let mut trace = Trace::new(BufWriter::new(File::create(path)?))?;
    for turn in run.turns() {
        trace.turn(turn, &run.lanes)?;
    }
    trace.finish()
}

fn told(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Prints on stdout. A reader that has seen enough is no error.
fn print(text: &str) {
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

//! `readily learn`: its options.

use std::path::PathBuf;

use clap::Args;
use readily::learn::{LABS, Lab};

/// Which lab, and what to show of it.
#[derive(Args, Debug)]
#[command(after_help = LEARN_HELP)]
pub(crate) struct LearnArgs {
    /// The number of a lab; without one, a table of all
    #[arg(value_name = "N", value_parser = lab)]
    pub(crate) lab: Option<Numbered>,

    /// Write a page that shows every turn of the run with the mistake
    #[arg(long, value_name = "OUT", requires = "lab")]
    pub(crate) html: Option<PathBuf>,

    /// Write Chrome trace events of that run, for https://ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "OUT", requires = "lab")]
    pub(crate) trace: Option<PathBuf>,
}

/// A lab and its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) number: usize,
    pub(crate) lab: &'static Lab,
}

/// Reads the number of a lab.
fn lab(text: &str) -> Result<Numbered, String> {
    let number = text.parse::<usize>().ok();
    let lab = number.and_then(|number| Some((number, LABS.get(number.checked_sub(1)?)?)));
    let (number, lab) = lab.ok_or_else(|| format!("labs have the numbers 1 to {}", LABS.len()))?;
    Ok(Numbered { number, lab })
}

const LEARN_HELP: &str = "\
A lab runs the loop of the server on a simulated kernel, in virtual time, with
one of its rules broken; then with the rule kept. What is printed is what has
happened, turn by turn. Every run of a lab is the same.

Examples:
  readily learn
  readily learn 1
  readily learn 6 --html starved.html";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn the_examples_in_the_help_are_legal() {
        let lines = LEARN_HELP.lines().filter_map(|line| line.strip_prefix("  readily learn"));
        let mut labs = Vec::new();
        for line in lines {
            let args = ["readily", "learn"].into_iter().chain(line.split_whitespace());
            let Ok(Cli { command: Command::Learn(args), .. }) = Cli::read(args) else {
                panic!("{line}")
            };
            labs.push((args.lab.map(|lab| lab.number), args.html.is_some()));
        }
        assert_eq!(labs, [(None, false), (Some(1), false), (Some(6), true)]);
    }
}

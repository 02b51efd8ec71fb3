//! `readily replay`: its options.

use std::path::PathBuf;

use clap::Args;

/// What to replay, and what to show of it.
#[derive(Args, Debug)]
#[command(after_help = REPLAY_HELP)]
pub(crate) struct ReplayArgs {
    /// A recording, made with `readily serve --record FILE`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Show one turn of the loop after the other, each at the press of a key; all of them where stdin is
    /// no terminal
    #[arg(long)]
    pub(crate) step: bool,

    /// Write a page that shows the turns, the first 20,000 at most: who was ready, what was read and
    /// written, and why it stopped
    #[arg(long, value_name = "OUT")]
    pub(crate) html: Option<PathBuf>,

    /// Write Chrome trace events, for https://ui.perfetto.dev or chrome://tracing
    #[arg(long, value_name = "OUT")]
    pub(crate) trace: Option<PathBuf>,
}

const REPLAY_HELP: &str = "\
The same reactor, engine and services run on what the kernel had answered, and
what they ask of it and write is compared with what they had, byte for byte.

Keys of --step:
  space, enter, right, down  the next turn     b, left, up  the one before
  g                          all that are left  q            quit

Exit codes:
  0  the same, to the end of the recording
  1  something else, or the recording breaks off, is damaged or cannot be read
  2  wrong command line

Examples:
  readily serve --record run.rec 'echo=tcp://127.0.0.1:8001'
  readily replay run.rec
  readily replay --step run.rec
  readily replay --html run.html --trace run.json run.rec";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    #[test]
    fn the_examples_in_the_help_are_legal() {
        let lines = REPLAY_HELP.lines().filter_map(|line| line.strip_prefix("  readily replay"));
        let mut count = 0;
        for line in lines {
            let args = ["readily", "replay"].into_iter().chain(line.split_whitespace());
            let Ok(Cli { command: Command::Replay(args), .. }) = Cli::read(args) else {
                panic!("{line}")
            };
            assert_eq!(args.file.to_str(), Some("run.rec"));
            count += 1;
        }
        assert_eq!(count, 3);
    }
}

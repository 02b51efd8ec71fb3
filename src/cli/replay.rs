//! `readily replay`: its options.

use std::path::PathBuf;

use clap::Args;

/// What to replay.
#[derive(Args, Debug)]
#[command(after_help = REPLAY_HELP)]
pub(crate) struct ReplayArgs {
    /// A recording, made with `readily serve --record FILE`
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

const REPLAY_HELP: &str = "\
The same reactor, engine and services run on what the kernel had answered, and
what they ask of it and write is compared with what they had, byte for byte.

Exit codes:
  0  the same, to the end of the recording
  1  something else, or the recording is damaged or cannot be read
  2  wrong command line";

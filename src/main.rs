//! The program: reads the command line, does what it says, and ends with the exit code that tells
//! how it went (0 well, 1 failed, 2 asked for wrongly, 128 + n forced by signal n).
#![forbid(unsafe_code)]

mod cli;
mod connect;
mod console;
mod logging;
mod measure;
mod outputs;
mod record;
mod replay;
mod serve;
mod sink;
mod teach;
mod transcript;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return cli::refuse(&error),
    };
    match cli.command {
        Command::Serve(args) => serve::serve(args, &cli.logging),
        Command::Bench(args) => measure::measure(&args, &cli.logging),
        Command::Connect(args) => connect::connect(args, &cli.logging),
        Command::Replay(args) => replay::replay(&args, &cli.logging),
        Command::Learn(args) => teach::teach(&args),
        Command::Completions { shell } => {
            console::payload(&cli::completions(shell));
            ExitCode::SUCCESS
        }
    }
}

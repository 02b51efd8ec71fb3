//! The command line: what can be asked of the program, and what is said when it cannot be read.
//!
//! Only `main` uses this. [`ServeArgs`], [`ConnectArgs`] and [`BenchArgs`] make the configuration of a
//! server, a client and a load; nothing else here knows what those are.

mod bench;
mod connect;
mod learn;
mod limits;
mod replay;
mod serve;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};

pub(crate) use self::bench::BenchArgs;
pub(crate) use self::connect::ConnectArgs;
pub(crate) use self::learn::{LearnArgs, Numbered};
pub(crate) use self::replay::ReplayArgs;
pub(crate) use self::serve::ServeArgs;
use crate::console;

/// The exit code of a failure at run time.
pub(crate) const FAILURE: u8 = 1;

/// The exit code of a wrong command line or configuration.
pub(crate) const USAGE: u8 = 2;

/// What is added to the number of the signal that ended the program, by convention of shells.
pub(crate) const SIGNAL_BASE: u8 = 128;

/// One thread, one readiness loop: serves and speaks TCP lines, UDP datagrams, UNIX sockets and
/// WebSocket.
#[derive(Parser, Debug)]
#[command(name = "readily", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[command(flatten)]
    pub(crate) logging: Logging,
}

impl Cli {
    /// Reads the command line, the name of the program included.
    pub(crate) fn read<I>(args: I) -> Result<Cli, clap::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString> + Clone,
    {
        let cli = Cli::try_parse_from(args)?;
        // clap sees a conflict only between options on the same side of the subcommand.
        if cli.logging.quiet && cli.logging.verbose > 0 {
            let message = "the argument '--quiet' cannot be used with '--verbose...'";
            return Err(Cli::command().error(ErrorKind::ArgumentConflict, message));
        }
        Ok(cli)
    }
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Serve until told to stop
    Serve(ServeArgs),
    /// Talk to a server, at a terminal or in a pipe
    Connect(ConnectArgs),
    /// Measure a server
    Bench(BenchArgs),
    /// Run a recording of a server again, and see that it does the same
    Replay(ReplayArgs),
    /// Show a mistake in a readiness loop, and what comes of it
    Learn(LearnArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How much is logged.
#[derive(Args, Debug)]
#[command(next_help_heading = "Logging")]
pub(crate) struct Logging {
    /// Log what peers do oddly; twice: every event
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,

    /// Log errors only, and print no table
    #[arg(short, long, global = true)]
    quiet: bool,
}

impl Logging {
    /// The least important level that is still logged.
    pub(crate) fn level(&self) -> log::LevelFilter {
        match (self.quiet, self.verbose) {
            (true, _) => log::LevelFilter::Error,
            (false, 0) => log::LevelFilter::Info,
            (false, 1) => log::LevelFilter::Debug,
            (false, _) => log::LevelFilter::Trace,
        }
    }

    /// Whether the start-up table is unwanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

/// The script that completes command lines in `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    // Into memory first: the generator panics where stdout is a pipe that was closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "readily", &mut script);
    script
}

/// Prints what clap has to say instead of a parsed command line, and what to exit with.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Help that is piped into `head` fails to print, which is fine.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(USAGE)
        }
        _ => {
            console::error(&usage_line(&error.render().to_string()));
            ExitCode::from(USAGE)
        }
    }
}

/// One line of the paragraphs that clap makes of an error: what is wrong, and tips; not the usage
/// and the pointer to `--help` behind them.
fn usage_line(rendered: &str) -> String {
    let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
    let paragraphs = text
        .split("\n\n")
        .take_while(|text| !text.starts_with("Usage:") && !text.starts_with("For more info"))
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

const EXAMPLES: &str = "\
Examples:
  readily serve
  readily serve 'echo=tcp://127.0.0.1:8001' 'time=udp://127.0.0.1:8002'
  readily connect 'ws://127.0.0.1:1234/ws'
  readily bench -c 64 --depth 16 -d 5s 'ws://127.0.0.1:1234/ws'
  readily learn 1
  readily serve --help
  source <(readily completions bash)";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(args: &[&str]) -> String {
        let error = Cli::read([&["readily"], args].concat()).expect_err("refused");
        assert_eq!(error.exit_code(), i32::from(USAGE));
        usage_line(&error.render().to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_refusal_is_one_line() {
        for (args, line) in [
            (
                &["serve", "--ping-interval", "5"][..],
                "invalid value '5' for '--ping-interval <DURATION>': \
                 a duration needs a unit: 250ms, 5s, 2m or 1h",
            ),
            (
                &["serve", "--max-line=2GiB"],
                "invalid value '2GiB' for '--max-line <SIZE>': at most 1GiB",
            ),
            (
                &["serve", "--allow-origin", "a"],
                "invalid value 'a' for '--allow-origin <ORIGIN>': write an origin as \
                 https://example.com or http://localhost:3000 (nothing behind it), `null` or `*`",
            ),
            (
                &["serve", "--chek"],
                "unexpected argument '--chek' found; \
                 tip: a similar argument exists: '--check'",
            ),
            (&["-q", "serve", "-v"], "the argument '--quiet' cannot be used with '--verbose...'"),
            (&["completions"], "the following required arguments were not provided: <SHELL>"),
        ] {
            assert_eq!(refusal(args), line);
        }
        assert!(refusal(&["serve", "--max-connections", "0"]).starts_with("invalid value '0'"));
        assert!(refusal(&["nonsense"]).starts_with("unrecognized subcommand 'nonsense'"));
    }

    #[test]
    fn verbosity_is_a_level() {
        let level = |args: &[&str]| {
            let args = [&["readily", "completions", "bash"], args].concat();
            Cli::read(args).expect("legal").logging.level()
        };
        assert_eq!(level(&[]), log::LevelFilter::Info);
        assert_eq!(level(&["-v"]), log::LevelFilter::Debug);
        assert_eq!(level(&["-vv"]), log::LevelFilter::Trace);
        assert_eq!(level(&["-vvv"]), log::LevelFilter::Trace);
        assert_eq!(level(&["-q"]), log::LevelFilter::Error);
    }

    #[test]
    fn there_is_a_script_for_every_shell() {
        for shell in <clap_complete::Shell as clap::ValueEnum>::value_variants() {
            let script = String::from_utf8(completions(*shell)).expect("text");
            assert!(script.contains("max-message"), "{shell}");
        }
    }
}

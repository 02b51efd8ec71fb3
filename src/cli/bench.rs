//! `readily bench`: its options, and the [`Options`] they ask for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use readily::bench::{Mode, Options, Text};
use readily::config::{ByteSize, Target, TargetKind, Timeout};

use super::limits::{size, time};

/// The largest messages: the payload is made and compared whole.
const MAX_SIZE: usize = 64 << 20;

/// What to measure, and how.
#[derive(Args, Debug)]
#[command(after_help = BENCH_HELP)]
pub(crate) struct BenchArgs {
    /// The server: tcp://HOST:PORT, udp://…, unix://PATH, unixgram://…, unixpacket://…,
    /// ws://HOST:PORT/PATH or ws+unix://PATH:/PATH; it has to echo, but for --fanout and --idle
    #[arg(value_name = "URL")]
    url: String,

    /// How many connections; with --fanout: how many receive
    #[arg(short, long, value_name = "NUMBER", default_value_t = 64,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,

    /// How many messages are on their way on each; with --fanout: in all
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with_all = ["rate", "idle"],
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    depth: u32,

    /// The length of a message, without the newline of a line
    #[arg(long, value_name = "SIZE", default_value_t = size(64))]
    size: ByteSize,

    /// What messages are made of
    #[arg(long, value_name = "WHAT", value_enum, default_value = "ascii")]
    text: Letters,

    /// Send binary WebSocket messages instead of text
    #[arg(long)]
    binary: bool,

    /// How long to measure
    #[arg(short, long, value_name = "DURATION", default_value_t = time(Duration::from_secs(10)))]
    duration: Timeout,

    /// How long to send before that
    #[arg(long, value_name = "DURATION", default_value_t = time(Duration::from_secs(1)))]
    warmup: Timeout,

    /// Messages a second in all, due at fixed moments, from which their latency counts; without it
    /// each reply is the occasion for the next message
    #[arg(long, value_name = "NUMBER", value_parser = rate, conflicts_with = "idle")]
    rate: Option<f64>,

    /// Never sleep: who sleeps has to be woken, which takes time here and CPU time of the server.
    /// With --rate it never does
    #[arg(long, conflicts_with = "idle")]
    spin: bool,

    /// Publish on one connection more, and receive on all others: the server has to hand on what one
    /// client sends to all of them
    #[arg(long, conflicts_with_all = ["idle", "pings"])]
    fanout: bool,

    /// Hold connections that say nothing, and see what they cost
    #[arg(long)]
    idle: bool,

    /// Send so many short messages a second beside the load, on 16 connections of their own, and tell
    /// how long they take: whether many bytes of some hold up the few of others
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "idle")]
    pings: Option<f64>,

    /// The process of the server, to see what it uses (Linux)
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,

    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Write the report as a page with pictures, too
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

/// What messages are made of.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Letters {
    /// Letters, digits, spaces
    Ascii,
    /// Characters of one to four bytes
    Unicode,
}

impl BenchArgs {
    /// The options.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub(crate) fn options(&self) -> Result<Options, String> {
        let target = Target::parse(&self.url).map_err(|error| error.to_string())?;
        let size = self.size.bytes();
        let most = match target.kind() {
            TargetKind::Udp => 65_507,
            TargetKind::UnixDatagram | TargetKind::UnixPacket => 128 * 1024,
            TargetKind::Tcp | TargetKind::Unix | TargetKind::WebSocket => MAX_SIZE,
        };
        if size > most {
            return Err(format!("a message on {} has at most {most} bytes here", target.scheme()));
        }
        if self.binary && target.kind() != TargetKind::WebSocket {
            return Err(format!("--binary has no meaning for {}", target.scheme()));
        }
        let is_datagrams = matches!(target.kind(), TargetKind::Udp | TargetKind::UnixDatagram);
        for (mode, is_wanted) in [("--idle", self.idle), ("--fanout", self.fanout)] {
            if is_wanted && is_datagrams {
                return Err(format!("{mode} has no meaning for {}", target.scheme()));
            }
        }
        Ok(Options {
            target,
            mode: match (self.idle, self.fanout) {
                (true, _) => Mode::Idle,
                (_, true) => Mode::Fanout,
                _ => Mode::Echo,
            },
            connections: self.connections as usize,
            depth: self.depth as usize,
            size,
            text: match self.text {
                Letters::Ascii => Text::Ascii,
                Letters::Unicode => Text::Unicode,
            },
            is_binary: self.binary,
            spins: self.spin,
            duration: self.duration.duration(),
            warmup: self.warmup.duration(),
            rate: self.rate,
            pings: self.pings,
            server_pid: self.server_pid,
        })
    }
}

/// Reads a rate.
fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse::<f64>().ok();
    rate.filter(|rate| (0.001..=1e9).contains(rate)).ok_or("write messages a second as a number")
}

const BENCH_HELP: &str = "\
Every reply is compared with what was sent; a wrong, missing or extra one is an error and no
throughput. With --server-pid it tells what a message costs the server, and whether the server or
the generator was at the end of its power. Give each a CPU of its own:

  taskset -c 0 readily -q serve 'echo=ws://127.0.0.1:1234/ws' &
  taskset -c 1 readily bench -c 64 --depth 16 --server-pid $! 'ws://127.0.0.1:1234/ws'
  taskset -c 1 readily bench --idle -c 10000 --server-pid $! 'ws://127.0.0.1:1234/ws'

  taskset -c 0 readily -q serve 'notify=ws://127.0.0.1:1235/ws?topic=all' &
  taskset -c 1 readily bench --fanout -c 1000 --depth 16 --server-pid $! 'ws://127.0.0.1:1235/ws'

Exit codes:
  0  all replies were right
  1  something went wrong, and the report says what
  2  wrong options
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_positive_number() {
        assert_eq!(rate("1e5"), Ok(100_000.0));
        for bad in ["0", "-1", "x", "inf", "nan", ""] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}

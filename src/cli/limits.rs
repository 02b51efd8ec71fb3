//! The limits of a server as options: each a field of [`Limits`] or of the configuration.
//!
//! What an option may be by itself is said by its type. Options that contradict each other are refused in
//! one line that names both; where one of them was not named, it gives way.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use clap::Args;
use readily::config::{ByteSize, MemorySize, Timeout};
use readily::engine::Limits;

/// Within which limits to serve.
#[derive(Args, Debug)]
pub(crate) struct LimitArgs {
    /// The largest WebSocket message
    #[arg(long, value_name = "SIZE", help_heading = "Limits",
          default_value_t = size(Limits::default().protocol.frames.max_message))]
    max_message: ByteSize,

    /// The longest line
    #[arg(long, value_name = "SIZE", help_heading = "Limits",
          default_value_t = size(Limits::default().protocol.max_line))]
    max_line: ByteSize,

    /// Unsent output of a connection above which nothing more is pushed to it
    #[arg(long, value_name = "SIZE", help_heading = "Limits",
          default_value_t = size(Limits::default().max_queued_bytes))]
    max_queued: ByteSize,

    /// What the buffers of all connections may hold together; above it nothing is read and nobody
    /// accepted, and slow consumers are closed, then who holds most; at most 1024GiB [default: 1GiB, or
    /// four messages of the longest kind if that is more]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    max_memory: Option<MemorySize>,

    /// The most frames that one WebSocket message is made of, empty ones counted [default: 1,024 and one
    /// for each 16 bytes of --max-message]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits", value_parser = fragments)]
    max_fragments: Option<NonZeroU32>,

    /// The most that one connection is read before it is the turn of the next; at least 64KiB, so that a
    /// datagram fits
    #[arg(long, value_name = "SIZE", help_heading = "Limits",
          default_value_t = size(Limits::default().read_budget_bytes))]
    read_budget: ByteSize,

    /// Unsent output of a connection above which it is not read from [default: 256KiB, or --max-queued if
    /// that is less]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    high_water: Option<ByteSize>,

    /// Unsent output of a connection below which it is read from again [default: 64KiB, or --high-water if
    /// that is less]
    #[arg(long, value_name = "SIZE", help_heading = "Limits")]
    low_water: Option<ByteSize>,

    /// The smallest WebSocket message that is compressed, on bindings with `deflate`; 0: each, even if
    /// that does not make it smaller
    #[arg(long, value_name = "SIZE", help_heading = "Limits", value_parser = size_or_zero,
          default_value_t = Limits::default().protocol.deflate_from)]
    deflate_from: usize,

    /// The most connections at a time [default: what the descriptor limit allows]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits", value_parser = connections)]
    pub(super) max_connections: Option<NonZeroUsize>,

    /// The most connections of one IP address at a time, or of one /64 of IPv6 [default: no limit]
    #[arg(long, value_name = "NUMBER", help_heading = "Limits", value_parser = connections)]
    pub(super) max_per_ip: Option<NonZeroUsize>,

    /// For an HTTP request to be complete
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().handshake_timeout))]
    handshake_timeout: Timeout,

    /// For the next HTTP request to begin
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().keepalive_timeout))]
    keepalive_timeout: Timeout,

    /// Silence of a WebSocket peer after which it is sent a ping
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().ping_interval))]
    ping_interval: Timeout,

    /// Silence after that ping which means that the peer is gone
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().pong_timeout))]
    pong_timeout: Timeout,

    /// For a WebSocket peer to answer a Close frame
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().close_timeout))]
    close_timeout: Timeout,

    /// For a peer to end its side after we have ended ours
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().linger_timeout))]
    linger: Timeout,

    /// For all connections to end once the server was told to stop
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().drain_timeout))]
    drain_timeout: Timeout,
}

impl LimitArgs {
    /// The limits.
    ///
    /// # Errors
    /// One line: two of them contradict each other.
    pub(super) fn limits(&self) -> Result<Limits, String> {
        let mut limits = Limits {
            max_queued_bytes: self.max_queued.bytes(),
            handshake_timeout: self.handshake_timeout.duration(),
            keepalive_timeout: self.keepalive_timeout.duration(),
            ping_interval: self.ping_interval.duration(),
            pong_timeout: self.pong_timeout.duration(),
            close_timeout: self.close_timeout.duration(),
            linger_timeout: self.linger.duration(),
            drain_timeout: self.drain_timeout.duration(),
            read_budget_bytes: self.read_budget.bytes(),
            ..Limits::default()
        }
        .with_max_message(self.max_message.bytes());
        limits.protocol.max_line = self.max_line.bytes();
        limits.protocol.deflate_from = self.deflate_from;
        if let Some(fragments) = self.max_fragments {
            limits.protocol.frames.max_fragments = fragments.get();
        }
        set_memory(&mut limits, self.max_memory)?;
        set_marks(&mut limits, self.high_water, self.low_water)?;
        check_read_budget(&limits)?;
        Ok(limits)
    }
}

/// A program that embeds the server may leave it to the engine to make limits agree; a person is told
/// what does not.
fn check_read_budget(limits: &Limits) -> Result<(), String> {
    if limits.read_budget_bytes >= Limits::LEAST_READ_BUDGET {
        return Ok(());
    }
    Err(format!(
        "--read-budget {} is too little for a datagram: at least {}",
        size(limits.read_budget_bytes),
        size(Limits::LEAST_READ_BUDGET),
    ))
}

/// Sets what was named, if the longest message fits.
fn set_memory(limits: &mut Limits, named: Option<MemorySize>) -> Result<(), String> {
    let Some(named) = named else { return Ok(()) };
    let least = MemorySize::new(limits.least_memory_bytes()).expect("no message is so long");
    if named < least {
        return Err(format!(
            "--max-memory {named} is too little for one message of the longest kind: at least {least}"
        ));
    }
    limits.max_memory_bytes = named.bytes();
    Ok(())
}

/// Sets the marks that were named. The others give way to what was named, but these do not: a mark that
/// would not be what it says is refused.
fn set_marks(
    limits: &mut Limits,
    high: Option<ByteSize>,
    low: Option<ByteSize>,
) -> Result<(), String> {
    limits.high_water_bytes = high.map_or(limits.high_water_bytes, ByteSize::bytes);
    limits.low_water_bytes = low.map_or(limits.low_water_bytes, ByteSize::bytes);
    let in_force = limits.in_force();
    for (name, mark, most_name, most) in [
        ("--high-water", high, "--max-queued", in_force.max_queued_bytes),
        ("--low-water", low, "--high-water", in_force.high_water_bytes),
    ] {
        if let Some(mark) = mark.filter(|mark| mark.bytes() > most) {
            return Err(format!("{name} {mark} is above {most_name} {}", size(most)));
        }
    }
    Ok(())
}

/// Reads a number of fragments.
fn fragments(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "write a number, 1 or more")
}

/// Reads a number of connections.
fn connections(text: &str) -> Result<NonZeroUsize, &'static str> {
    match text.parse() {
        Ok(number) => NonZeroUsize::new(number).ok_or("it has to be more than zero"),
        Err(_) => Err("write a number of connections as 1000"),
    }
}

/// Reads a size that may be none.
pub(super) fn size_or_zero(text: &str) -> Result<usize, String> {
    if text == "0" {
        return Ok(0);
    }
    text.parse::<ByteSize>().map(ByteSize::bytes).map_err(|error| error.to_string())
}

/// A size as the command line shows it.
pub(super) fn size(bytes: usize) -> ByteSize {
    ByteSize::new(bytes).expect("every limit is a legal size")
}

/// A duration as the command line shows it.
pub(super) fn time(duration: Duration) -> Timeout {
    Timeout::new(duration).expect("every limit is a legal duration")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    /// The options alone.
    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        limits: LimitArgs,
    }

    #[test]
    fn limits_that_contradict_each_other_are_named_in_one_line() {
        let limits = |args: &str| {
            let args = ["serve"].into_iter().chain(args.split_whitespace());
            Alone::try_parse_from(args).map(|alone| alone.limits.limits())
        };
        for (args, error) in [
            ("--low-water 2KiB --high-water 1KiB", "--low-water 2KiB is above --high-water 1KiB"),
            ("--low-water 257KiB", "--low-water 257KiB is above --high-water 256KiB"),
            ("--high-water 3MiB --max-queued 2MiB", "--high-water 3MiB is above --max-queued 2MiB"),
            (
                "--read-budget 63KiB",
                "--read-budget 63KiB is too little for a datagram: at least 64KiB",
            ),
            (
                "--max-memory 4MiB",
                "--max-memory 4MiB is too little for one message of the longest kind: at least 4194360",
            ),
        ] {
            assert_eq!(limits(args).expect("each is legal").expect_err(args), error);
        }
        // What is not named gives way.
        for args in
            ["--max-queued 2KiB --max-message 1KiB", "--high-water 1KiB", "--max-message 1GiB"]
        {
            assert!(limits(args).expect("legal").is_ok(), "{args}");
        }
        for (args, error) in [
            ("--max-memory=1025GiB", "at most 1024GiB"),
            ("--max-memory=0GiB", "more than zero"),
            ("--max-fragments=0", "write a number, 1 or more"),
            ("--low-water=0", "more than zero"),
        ] {
            let wrong = limits(args).expect_err("refused").to_string();
            assert!(wrong.contains(error), "{wrong}");
        }
    }
}

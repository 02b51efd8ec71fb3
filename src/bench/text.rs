//! A report as a page of text, for people.

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::report::{
    EchoReport, Errors, FanoutReport, IdleMemory, IdleReport, Latency, PingReport, Report,
};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(echo) = &self.echo {
            write_echo(f, self, echo)?;
        }
        if let Some(fanout) = &self.fanout {
            write_fanout(f, self, fanout)?;
        }
        if let Some(idle) = &self.idle {
            write_idle(f, self, idle)?;
        }
        if let Some(load) = self.server_load {
            writeln!(f, "server      {:.0} % of a CPU", load * 100.0)?;
        }
        writeln!(f, "generator   {:.0} % of a CPU", self.generator_load * 100.0)?;
        writeln!(f, "saturated   {}", self.saturated.describe())?;
        writeln!(f, "errors      {}", self.errors)
    }
}

fn write_echo(f: &mut fmt::Formatter<'_>, report: &Report, echo: &EchoReport) -> fmt::Result {
    write!(f, "echo at {}: {} connections, ", report.url, report.connections)?;
    match (echo.load.rate, echo.load.depth) {
        (Some(rate), _) => write!(f, "{} messages a second", grouped(rate))?,
        (None, depth) => write!(f, "{} on their way on each", depth.unwrap_or(1))?,
    }
    writeln!(f, ", {} bytes", echo.load.size)?;
    writeln!(
        f,
        "messages    {} in {:.1} s, {} a second, {:.1} MB/s each way",
        grouped(echo.messages as f64),
        report.seconds.as_secs_f64(),
        grouped(echo.messages_per_second),
        echo.bytes_per_second / 1e6
    )?;
    write_latency(f, "latency", &echo.load.latency)?;
    if let Some(pings) = &report.pings {
        let PingReport { rate, messages, latency } = pings;
        let (messages, rate) = (grouped(*messages as f64), grouped(*rate));
        writeln!(f, "pings       {messages}, {rate} a second, beside it")?;
        write_latency(f, "latency", latency)?;
    }
    if let Some(cpu) = echo.server_cpu_per_message {
        writeln!(f, "server CPU  {:.3} µs a message", cpu.as_secs_f64() * 1e6)?;
    }
    write_resident(f, echo.load.server_resident)
}

fn write_fanout(f: &mut fmt::Formatter<'_>, report: &Report, fanout: &FanoutReport) -> fmt::Result {
    write!(f, "fan-out at {}: 1 publishes, {} receive, ", report.url, report.connections)?;
    match (fanout.load.rate, fanout.load.depth) {
        (Some(rate), _) => write!(f, "{} messages a second", grouped(rate))?,
        (None, depth) => write!(f, "{} on their way", depth.unwrap_or(1))?,
    }
    writeln!(f, ", {} bytes", fanout.load.size)?;
    writeln!(
        f,
        "deliveries  {} in {:.1} s, {} a second",
        grouped(fanout.deliveries as f64),
        report.seconds.as_secs_f64(),
        grouped(fanout.deliveries_per_second),
    )?;
    write_latency(f, "latency", &fanout.load.latency)?;
    if let Some(cpu) = fanout.server_cpu_per_delivery {
        writeln!(f, "server CPU  {:.3} µs a delivery", cpu.as_secs_f64() * 1e6)?;
    }
    write_resident(f, fanout.load.server_resident)
}

fn write_resident(f: &mut fmt::Formatter<'_>, resident: Option<(u64, u64)>) -> fmt::Result {
    match resident {
        Some((before, with)) => {
            writeln!(f, "memory      {} before, {} with connections", Mib(before), Mib(with))
        }
        None => Ok(()),
    }
}

fn write_latency(f: &mut fmt::Formatter<'_>, label: &str, latency: &Latency) -> fmt::Result {
    let Latency { min, mean, p50, p75, p90, p99, p99_9, p99_99, max } = *latency;
    let mut line = |label, columns: &[(&str, Duration)]| {
        write!(f, "{label:<10}")?;
        for (name, time) in columns {
            write!(f, "  {name} {}", Short(*time))?;
        }
        writeln!(f)
    };
    line(label, &[("min", min), ("mean", mean), ("p50", p50), ("p75", p75), ("p90", p90)])?;
    line("", &[("p99", p99), ("p99.9", p99_9), ("p99.99", p99_99), ("max", max)])
}

fn write_idle(f: &mut fmt::Formatter<'_>, report: &Report, idle: &IdleReport) -> fmt::Result {
    writeln!(f, "{} idle connections at {}", report.connections, report.url)?;
    write!(f, "accepted    {} a second", grouped(idle.accepts_per_second))?;
    if let Some(cpu) = idle.server_cpu_per_accept {
        write!(f, ", {:.1} µs of server CPU each", cpu.as_secs_f64() * 1e6)?;
    }
    writeln!(f)?;
    if let Some(load) = idle.server_load_idle {
        writeln!(f, "idle        {:.2} % of a CPU", load * 100.0)?;
    }
    if let Some(memory) = idle.memory {
        let IdleMemory { before, with_all, after, bytes_per_connection, .. } = memory;
        let back = after as f64 / before as f64 * 100.0 - 100.0;
        writeln!(
            f,
            "memory      {} before, {} with all, {} after closing ({back:+.1} %)",
            Mib(before),
            Mib(with_all),
            Mib(after)
        )?;
        writeln!(f, "            {bytes_per_connection:.1} bytes for one more connection")?;
    }
    Ok(())
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Errors { wrong, missing, unsent, extra, disconnected, not_connected, lost_datagrams } =
            *self;
        let mut text = String::new();
        for (count, name) in [
            (wrong, "wrong replies"),
            (missing, "missing replies"),
            (unsent, "messages not sent"),
            (extra, "extra replies"),
            (disconnected, "connections ended"),
            (not_connected, "connections not made"),
            (lost_datagrams, "datagrams lost"),
        ] {
            if count > 0 {
                let comma = if text.is_empty() { "" } else { ", " };
                write!(text, "{comma}{} {name}", grouped(count as f64))?;
            }
        }
        f.write_str(if text.is_empty() { "none" } else { &text })
    }
}

/// A whole number with its digits in groups of three.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time to three digits.
pub(super) struct Short(pub(super) Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_secs_f64() * 1e6;
        let (number, unit) = match micros {
            ..1_000.0 => (micros, "µs"),
            1_000.0..1_000_000.0 => (micros / 1e3, "ms"),
            _ => (micros / 1e6, "s"),
        };
        let decimals = if number < 10.0 { 2 } else { usize::from(number < 100.0) };
        write!(f, "{number:.decimals$} {unit}")
    }
}

/// Memory.
struct Mib(u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} MiB", self.0 as f64 / (1024.0 * 1024.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(1_234_567.4), "1,234,567");
        assert_eq!(grouped(999.0), "999");
        let short = |nanos| Short(Duration::from_nanos(nanos)).to_string();
        assert_eq!(short(420), "0.42 µs");
        assert_eq!(short(43_210), "43.2 µs");
        assert_eq!(short(432_100), "432 µs");
        assert_eq!(short(1_234_000), "1.23 ms");
        assert_eq!(short(2_000_000_000), "2.00 s");
    }

    #[test]
    fn a_lost_datagram_is_told_and_no_error() {
        let errors = Errors { lost_datagrams: 1200, ..Errors::default() };
        assert!(errors.is_none());
        assert_eq!(errors.to_string(), "1,200 datagrams lost");
        let errors = Errors { wrong: 1, extra: 2, ..Errors::default() };
        assert!(!errors.is_none());
        assert_eq!(errors.to_string(), "1 wrong replies, 2 extra replies");
        assert_eq!(Errors::default().to_string(), "none");
    }
}

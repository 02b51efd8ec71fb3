//! What a run began with: the text in front of a tape.

use std::fmt::{self, Write as _};
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::access::{HostPolicy, OriginPolicy, Token};
use crate::codec::websocket as frames;
use crate::config::{Bindings, ByteSize, Config, Timeout};
use crate::engine::Limits;
use crate::protocol;

/// The first words of every recording; the number of the format is behind them.
pub(super) const MAGIC: &str = "readily recording ";

/// The number of the format that is written, and the only one that is read.
pub(super) const FORMAT: u32 = 3;

/// No head is longer.
pub(super) const MAX_HEAD_BYTES: usize = 1024 * 1024;

/// Everything that a server was told when it started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The version of readily that has made the recording.
    pub version: String,
    /// Where every random number comes from.
    pub seed: u64,
    /// What was served, and within which limits.
    pub config: Config,
}

/// A number of the configuration.
enum Number<'a> {
    Size(&'a mut usize),
    Memory(&'a mut usize),
    Count(&'a mut u32),
    Time(&'a mut Duration),
}

/// Every limit by its name. They are taken apart whole, so that none is forgotten.
fn numbers(limits: &mut Limits) -> [(&'static str, Number<'_>); 19] {
    let Limits {
        protocol: protocol::Limits { max_line, frames, deflate_from },
        connect_timeout,
        handshake_timeout,
        keepalive_timeout,
        ping_interval,
        pong_timeout,
        close_timeout,
        linger_timeout,
        linger_bytes,
        flush_timeout,
        drain_timeout,
        read_budget_bytes,
        high_water_bytes,
        low_water_bytes,
        max_queued_bytes,
        max_memory_bytes,
    } = limits;
    let frames::Limits { max_message, max_fragments } = frames;
    [
        ("max_message", Number::Size(max_message)),
        ("max_fragments", Number::Count(max_fragments)),
        ("max_line", Number::Size(max_line)),
        ("deflate_from", Number::Size(deflate_from)),
        ("max_queued", Number::Size(max_queued_bytes)),
        ("max_memory", Number::Memory(max_memory_bytes)),
        ("read_budget", Number::Size(read_budget_bytes)),
        ("high_water", Number::Size(high_water_bytes)),
        ("low_water", Number::Size(low_water_bytes)),
        ("linger_bytes", Number::Size(linger_bytes)),
        ("connect_timeout_ns", Number::Time(connect_timeout)),
        ("handshake_timeout_ns", Number::Time(handshake_timeout)),
        ("keepalive_timeout_ns", Number::Time(keepalive_timeout)),
        ("ping_interval_ns", Number::Time(ping_interval)),
        ("pong_timeout_ns", Number::Time(pong_timeout)),
        ("close_timeout_ns", Number::Time(close_timeout)),
        ("linger_timeout_ns", Number::Time(linger_timeout)),
        ("flush_timeout_ns", Number::Time(flush_timeout)),
        ("drain_timeout_ns", Number::Time(drain_timeout)),
    ]
}

impl Number<'_> {
    /// Reads a number that a configuration can have.
    fn set(self, text: &str) -> Option<()> {
        match self {
            Number::Size(size) => {
                let bytes = crate::decimal::parse(text)?;
                *size = (bytes <= ByteSize::MAX.bytes()).then_some(bytes)?;
            }
            Number::Memory(memory) => {
                let bytes = crate::decimal::parse(text)?;
                *memory = (bytes <= Limits::MOST_MEMORY).then_some(bytes)?;
            }
            Number::Count(count) => *count = crate::decimal::parse(text)?,
            Number::Time(time) => *time = nanos(text)?,
        }
        Some(())
    }
}

impl fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Size(size) | Number::Memory(size) => size.fmt(f),
            Number::Count(count) => count.fmt(f),
            Number::Time(time) => time.as_nanos().fmt(f),
        }
    }
}

/// Nanoseconds, as few as a configuration can have.
fn nanos(text: &str) -> Option<Duration> {
    let time = Duration::from_nanos(crate::decimal::parse(text)?);
    (time <= Timeout::MAX.duration()).then_some(time)
}

/// As it stands in a file, to the empty line.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Head { version, seed, config } = self;
        let Config {
            bindings,
            limits,
            max_connections,
            max_per_ip,
            spin,
            origins: OriginPolicy { allowed: origins },
            hosts: HostPolicy { allowed: hosts },
            publish_token,
        } = config;
        writeln!(f, "{MAGIC}{FORMAT}\nversion {version}\nseed {seed}")?;
        for binding in bindings.as_slice() {
            writeln!(f, "binding {binding}")?;
        }
        for (name, number) in numbers(&mut limits.clone()) {
            writeln!(f, "{name} {number}")?;
        }
        for (name, number) in [("max_connections", max_connections), ("max_per_ip", max_per_ip)] {
            if let Some(number) = number {
                writeln!(f, "{name} {number}")?;
            }
        }
        writeln!(f, "spin_ns {}", spin.as_nanos())?;
        for origin in origins {
            writeln!(f, "allow_origin {origin}")?;
        }
        for host in hosts {
            writeln!(f, "allow_host {host}")?;
        }
        if let Some(token) = publish_token {
            writeln!(f, "publish_token {}", token.secret())?;
        }
        f.write_char('\n')
    }
}

impl Head {
    /// Reads the lines behind the first, to the empty one.
    ///
    /// # Errors
    /// The line that makes no sense.
    pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Head, String> {
        let mut head = Head { version: String::new(), seed: 0, config: Config::default() };
        let mut bindings = Vec::new();
        for line in lines {
            let known = line.split_once(' ').and_then(|(name, value)| {
                if name == "binding" {
                    bindings.push(value);
                    return Some(());
                }
                head.set(name, value)
            });
            known.ok_or_else(|| line.to_owned())?;
        }
        head.config.bindings = Bindings::parse(bindings).map_err(|error| error.to_string())?;
        if head.version.is_empty() || head.config.bindings.as_slice().is_empty() {
            return Err("it has no version, or no binding".to_owned());
        }
        Ok(head)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let config = &mut self.config;
        match name {
            "version" => self.version = version(value)?.to_owned(),
            "seed" => self.seed = crate::decimal::parse(value)?,
            "max_connections" => config.max_connections = Some(positive(value)?),
            "max_per_ip" => config.max_per_ip = Some(positive(value)?),
            "spin_ns" => config.spin = nanos(value)?,
            "allow_origin" => config.origins.allowed.push(value.parse().ok()?),
            "allow_host" => config.hosts.allowed.push(value.parse().ok()?),
            "publish_token" => config.publish_token = Some(Token::parse(value)?),
            _ => {
                let mut numbers = numbers(&mut config.limits).into_iter();
                let (_, number) = numbers.find(|(known, _)| *known == name)?;
                number.set(value)?;
            }
        }
        Some(())
    }
}

/// A version is said on a terminal, so it is plain.
fn version(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_graphic()).then_some(text)
}

fn positive(text: &str) -> Option<NonZeroUsize> {
    NonZeroUsize::new(crate::decimal::parse(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(head: &Head) -> String {
        let text = head.to_string();
        let (first, rest) = text.split_once('\n').expect("lines");
        assert_eq!(first, format!("{MAGIC}{FORMAT}"));
        rest.strip_suffix("\n\n").expect("an empty line at the end").to_owned()
    }

    #[test]
    fn everything_that_a_server_is_told_is_read_as_it_was_written() {
        let texts = ["notify=tcp://[::1]:0?history=5", "echo=ws+unix://%0A%20x:/a?mode=0600"];
        let mut config = Config::new(Bindings::parse(texts).unwrap());
        let plain = Head { version: "1.2.3".to_owned(), seed: u64::MAX, config: config.clone() };
        assert_eq!(Head::parse(lines(&plain).lines()), Ok(plain));
        for (number, (_, limit)) in numbers(&mut config.limits).into_iter().enumerate() {
            limit.set(&(number + 1000).to_string()).expect("legal");
        }
        config.limits.max_memory_bytes = Limits::MOST_MEMORY;
        config.max_connections = NonZeroUsize::new(3);
        config.max_per_ip = NonZeroUsize::new(4);
        config.spin = Duration::from_micros(50);
        config.origins.allowed = ["*", "null", "https://a"].map(|o| o.parse().unwrap()).into();
        config.hosts.allowed = vec!["b:1".parse().unwrap()];
        config.publish_token = Token::parse("a-secret");
        let head = Head { version: "0".to_owned(), seed: 0, config };
        assert_eq!(Head::parse(lines(&head).lines()), Ok(head));
    }

    #[test]
    fn what_no_configuration_has_is_refused_by_its_line() {
        let legal = "version 1\nbinding echo=tcp://:0\n";
        assert!(Head::parse(legal.lines()).is_ok());
        for wrong in [
            "max_line",
            "max_lines 5",
            "max_line -5",
            "max_line 99999999999",
            "read_budget 1073741825",
            "max_memory 1099511627777",
            "ping_interval_ns 18446744073709551615",
            "max_per_ip 0",
            "allow_host a/b",
            "version \u{1b}[2J",
            "version 1\r",
            "version \u{202e}1",
            "",
        ] {
            let text = format!("{legal}{wrong}");
            let text: Vec<&str> = text.split('\n').collect();
            assert_eq!(Head::parse(text.into_iter()), Err(wrong.to_owned()));
        }
        let twice = format!("{legal}binding echo=tcp://:99999\n");
        let error = Head::parse(twice.lines()).expect_err("no port");
        assert!(error.contains("bad port"), "{error}");
        assert!(Head::parse("version 1".lines()).is_err());
    }
}

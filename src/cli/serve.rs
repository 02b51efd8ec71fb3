//! `readily serve`: its options, and the [`Config`] they ask for.
//!
//! Sizes, durations, origins and hosts are read by their own types, so that clap refuses a wrong
//! one by the name of its option. Bindings stay text until [`ServeArgs::config`] reads them all,
//! because whether one is legal depends on the others.

use std::path::{Path, PathBuf};

use clap::Args;
use readily::access::{AllowedHost, AllowedOrigin, HostPolicy, OriginPolicy, Token};
use readily::config::{Bindings, ByteSize, Config, Spin};

use super::limits::{LimitArgs, size};

/// So much is recorded unless more is asked for.
const RECORD_LIMIT: usize = 256 * 1024 * 1024;

/// What to serve, and within which limits.
#[derive(Args, Debug)]
#[command(after_help = SERVE_HELP)]
pub(crate) struct ServeArgs {
    /// What to serve and where, as SERVICE=URL; without any, a set of examples on loopback
    #[arg(value_name = "BINDING")]
    bindings: Vec<String>,

    /// Show every exchange on stdout, in place of the table and the log
    #[arg(long)]
    pub(crate) transcript: bool,

    /// Record all that happens to FILE, which must not be there yet, for `readily replay`. It holds
    /// what is said to the server, so only its owner can read it
    #[arg(long, value_name = "FILE", conflicts_with = "transcript", help_heading = "Recording")]
    pub(crate) record: Option<PathBuf>,

    /// The largest recording; when that is reached it ends, and the server goes on
    #[arg(long, value_name = "SIZE", help_heading = "Recording", requires = "record",
          default_value_t = size(RECORD_LIMIT))]
    pub(crate) record_limit: ByteSize,

    /// Read the configuration, say whether it is right, and serve nothing
    #[arg(long)]
    pub(crate) check: bool,

    #[command(flatten)]
    limits: LimitArgs,

    /// Look for events for so long before sleeping (50us): quicker answers to a lone client, for a
    /// CPU that is busy meanwhile
    #[arg(long, value_name = "DURATION", default_value_t = Spin::default(), hide_default_value = true)]
    spin: Spin,

    /// A web page that may open a WebSocket besides those of the same host and port: an origin,
    /// `null` (pages opened from a file) or `*` (any); can be repeated
    #[arg(long, value_name = "ORIGIN", help_heading = "Web pages")]
    allow_origin: Vec<AllowedOrigin>,

    /// A name that the server answers to over HTTP, with or without a port; can be repeated
    /// [default: any]
    #[arg(long, value_name = "NAME", help_heading = "Web pages")]
    allow_host: Vec<AllowedHost>,

    /// A file with a secret: who sends it as `Authorization: Bearer SECRET` may publish with `POST
    /// /notify/TOPIC` on web listeners with a `notify` binding [default: nobody may]
    #[arg(long, value_name = "FILE", help_heading = "Web pages", value_parser = read_token)]
    publish_token_file: Option<Token>,
}

impl ServeArgs {
    /// The configuration; the built-in bindings have a socket in `temp_dir`.
    ///
    /// # Errors
    /// One line: a binding that is wrong, or limits that contradict each other.
    pub(crate) fn config(self, temp_dir: &Path) -> Result<Config, String> {
        let bindings = if self.bindings.is_empty() {
            Bindings::builtin(temp_dir)
        } else {
            Bindings::parse(&self.bindings)
        };
        let bindings = bindings.map_err(|error| error.to_string())?;
        Ok(Config {
            bindings,
            limits: self.limits.limits()?,
            max_connections: self.limits.max_connections,
            max_per_ip: self.limits.max_per_ip,
            spin: self.spin.duration(),
            origins: OriginPolicy { allowed: self.allow_origin },
            hosts: HostPolicy { allowed: self.allow_host },
            publish_token: self.publish_token_file,
        })
    }
}

/// Reads a file with a token in it.
fn read_token(path: &str) -> Result<Token, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    Token::parse(&text).ok_or_else(|| "it has to hold one visible word".to_owned())
}

const SERVE_HELP: &str = "\
Services and their parameters:
  echo     the message itself
  time     the local time
  count    how many clients came so far      number=current|own
  random   a number                          min=1 max=1000
           on ws: many at once               burst=true limit=1000000
  chat     what others in the room say       slow=close|drop
  notify   what is published in topics       history=0 slow=close|drop
           or in one topic only              topic=T role=publish|subscribe|both
  stream   samples at a rate                 source=counter|walk|clock
           does not wait for who is slow     slow=close|drop
  stats    how the server is, in JSON, once a second
  discard  nothing
  metrics  counters, for Prometheus and orchestrators: /metrics, /healthz, /readyz
  chat, notify and stats are one for all of their bindings; these and stream
  need connections (no udp, no unixgram). Who does not read what is pushed is
  closed, or with slow=drop misses whole messages (with a history: reads them
  later, or is told of a GAP).

URLs and their parameters:
  tcp://HOST:PORT     lines (tcp4, tcp6)      stop=connection|server
                      echo and discard also   framing=lines|raw
  udp://HOST:PORT     datagrams (udp4, udp6)  stop=connection|server
  unix://PATH         lines                   as tcp, and mode=0660
  unixgram://PATH     datagrams               as udp, and mode=0660
  unixpacket://PATH   packets                 as udp, and mode=0660
  ws://HOST:PORT/ws   WebSocket messages      subprotocol=chat.v1,json
                                              deflate=false|true|takeover
  ws+unix://PATH:/ws  WebSocket messages      as ws, and mode=0660
  http://HOST:PORT    metrics, nothing else
  http+unix://PATH    the same                mode=0660
  deflate=true compresses for clients that offer it, each message by itself;
  takeover uses what was sent before, for some 400 KiB a connection.
  Without HOST it is every address of this machine; port 0 is any that is free.
  PATH is /absolute, ./relative or @abstract. Special characters are
  percent-encoded.

Notation:
  DURATION is 250ms, 5s, 2m or 1h. SIZE is 512 (bytes), 64KiB, 1MiB or 1GiB.

Signals:
  SIGINT, SIGTERM  drain: stop listening, let the connections end, then exit;
                   the second one stops at once
  SIGHUP           drain, too: the terminal was closed (not under nohup)
  SIGUSR1          log how the server is (at level info)

Exit codes:
  0  drained, in time or not   1  cannot bind or run   2  wrong command line
  130, 143  stopped at once by a second SIGINT or SIGTERM

Environment:
  RUST_LOG says what is logged, in place of -v and -q. NO_COLOR is respected.

Examples (quote URLs: `?` and `&` mean something to a shell):
  readily serve
  readily serve 'echo=tcp://:8001' 'echo=udp://:8001'
  readily serve 'random=tcp4://127.0.0.1:8004?min=1&max=6'
  readily serve 'echo=unix:///tmp/echo.sock?framing=raw&mode=0600'
  readily serve 'echo=ws://:1234/ws' 'random=ws://:1234/random?burst=true'
  readily serve 'echo=ws://:1234/ws?deflate=true'
  readily serve 'chat=tcp://:8005' 'chat=ws://:1234/chat' 'notify=tcp://:8006?history=100'
  readily serve --transcript --max-message 64KiB 'echo=ws://127.0.0.1:1234/ws'
  readily serve --record run.rec 'echo=tcp://127.0.0.1:8001'";

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use readily::engine::Limits;

    use super::*;
    use crate::cli::{Cli, Command};

    fn serve(args: &[&str]) -> ServeArgs {
        match Cli::read([&["readily", "serve"], args].concat()) {
            Ok(Cli { command: Command::Serve(serve), .. }) => serve,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_arguments_everything_is_the_default() {
        let config = serve(&[]).config(Path::new("/tmp")).expect("legal");
        let bindings = Bindings::builtin(Path::new("/tmp")).expect("legal");
        assert_eq!(config, Config::new(bindings));
    }

    #[test]
    fn every_option_reaches_the_configuration() {
        let args = "--max-message 2KiB --max-line 3KiB --max-queued 4KiB --max-connections 5 \
                    --max-memory 2GiB --max-fragments 13 --read-budget 64KiB --high-water 3KiB \
                    --low-water 1KiB --close-timeout 14s --linger 15s \
                    --handshake-timeout 6s --keepalive-timeout 7s --ping-interval 8s \
                    --pong-timeout 9s --drain-timeout 10s --deflate-from 11 --allow-origin null \
                    --allow-origin https://a --allow-host b --max-per-ip 12 echo=tcp://:1";
        let args = serve(&args.split_whitespace().collect::<Vec<_>>());
        let config = args.config(Path::new("/tmp")).expect("legal");
        let mut expected = Limits {
            max_queued_bytes: 4 * 1024,
            max_memory_bytes: 2 << 30,
            read_budget_bytes: 64 * 1024,
            high_water_bytes: 3 * 1024,
            low_water_bytes: 1024,
            close_timeout: Duration::from_secs(14),
            linger_timeout: Duration::from_secs(15),
            handshake_timeout: Duration::from_secs(6),
            keepalive_timeout: Duration::from_secs(7),
            ping_interval: Duration::from_secs(8),
            pong_timeout: Duration::from_secs(9),
            drain_timeout: Duration::from_secs(10),
            ..Limits::default()
        }
        .with_max_message(2 * 1024);
        expected.protocol.max_line = 3 * 1024;
        expected.protocol.deflate_from = 11;
        expected.protocol.frames.max_fragments = 13;
        assert_eq!(config.limits, expected);
        assert_eq!(config.max_connections, NonZeroUsize::new(5));
        assert_eq!(config.max_per_ip, NonZeroUsize::new(12));
        assert_eq!(config.bindings.as_slice().len(), 1);
        assert!(config.origins.allows("null", "b") && config.origins.allows("https://a:443", "b"));
        assert!(config.hosts.allows("B:1") && !config.hosts.allows("c"));
    }

    #[test]
    fn a_recording_has_a_file_and_a_limit() {
        let plain = serve(&["--record", "a.rec"]);
        assert_eq!(plain.record.as_deref(), Some(Path::new("a.rec")));
        assert_eq!(plain.record_limit.bytes(), 256 * 1024 * 1024);
        let limited = serve(&["--record", "a.rec", "--record-limit", "1MiB"]);
        assert_eq!(limited.record_limit.bytes(), 1024 * 1024);
        for wrong in [&["--record-limit", "1MiB"][..], &["--record", "a", "--transcript"]] {
            assert!(Cli::read([&["readily", "serve"], wrong].concat()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_examples_in_the_help_are_legal() {
        let lines = SERVE_HELP.lines();
        let examples = lines.filter_map(|line| line.strip_prefix("  readily serve"));
        let mut count = 0;
        for example in examples {
            let args = example.split_whitespace().map(|word| word.trim_matches('\''));
            let args: Vec<_> = args.collect();
            serve(&args).config(Path::new("/tmp")).unwrap_or_else(|error| panic!("{error}"));
            count += 1;
        }
        assert_eq!(count, 9);
    }
}

//! `readily connect`: its options, and the [`Options`] they ask for.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::{Args, ValueEnum};
use readily::client::{OnEof, Options, WebOptions};
use readily::codec::websocket::deflate::Policy;
use readily::config::{ByteSize, Target, Timeout};
use readily::engine::Limits;

use super::limits::{size, size_or_zero, time};

/// What to talk to, and how.
#[derive(Args, Debug)]
#[command(after_help = CONNECT_HELP)]
pub(crate) struct ConnectArgs {
    /// The server: tcp://HOST:PORT, udp://…, unix://PATH, unixgram://…, unixpacket://…,
    /// ws://HOST:PORT/PATH or ws+unix://PATH:/PATH
    #[arg(value_name = "URL")]
    url: String,

    /// Prompt for lines and show replies even where stdin is no terminal
    #[arg(long)]
    interactive: bool,

    /// What the end of the input means [default: half for tcp, unix and unixpacket, close for
    /// others]
    #[arg(long, value_name = "WHAT", value_enum)]
    on_eof: Option<Eof>,

    /// Connect again when the connection breaks or cannot be made (tcp, ws)
    #[arg(long)]
    reconnect: bool,

    /// For a server to be connected to, each of its addresses
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().connect_timeout))]
    connect_timeout: Timeout,

    /// For a reply, until the next prompt or the end
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Duration::from_secs(2)))]
    reply_timeout: Timeout,

    /// Between a reply and the next prompt
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts", default_value = "0",
          value_parser = time_or_zero)]
    pause: Duration,

    /// Without input, until an interactive WebSocket client asks for some; 0: never
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts", default_value = "4s",
          value_parser = time_or_zero)]
    input_timeout: Duration,

    /// How often it asks again before it gives up; 0: it never asks
    #[arg(long, value_name = "NUMBER", help_heading = "Timeouts", default_value_t = 5)]
    input_retries: u32,

    /// Silence of a WebSocket server after which it is sent a ping
    #[arg(long, value_name = "DURATION", help_heading = "Timeouts",
          default_value_t = time(Limits::default().ping_interval))]
    ping_interval: Timeout,

    /// Send binary messages instead of text
    #[arg(long, help_heading = "WebSocket")]
    binary: bool,

    /// A field of the request, as NAME:VALUE; can be repeated
    #[arg(long, value_name = "FIELD", help_heading = "WebSocket", value_parser = field)]
    header: Vec<(String, String)>,

    /// Subprotocols to offer, the one wanted most first; can be repeated
    #[arg(long, value_name = "NAME", help_heading = "WebSocket", value_delimiter = ',',
          value_parser = token)]
    subprotocol: Vec<String>,

    /// The origin to name, as browsers do
    #[arg(long, value_name = "ORIGIN", help_heading = "WebSocket", value_parser = field_value)]
    origin: Option<String>,

    /// Offer to compress messages; without HOW as `true`
    #[arg(long, value_name = "HOW", help_heading = "WebSocket", value_enum, num_args = 0..=1,
          require_equals = true, default_missing_value = "true")]
    deflate: Option<Deflate>,

    /// The smallest message that is compressed; 0: each, even if that does not make it smaller
    #[arg(long, value_name = "SIZE", help_heading = "WebSocket", value_parser = size_or_zero,
          default_value_t = Limits::default().protocol.deflate_from)]
    deflate_from: usize,

    /// The longest message, of the server and of the input
    #[arg(long, value_name = "SIZE", help_heading = "WebSocket",
          default_value_t = size(Limits::default().protocol.frames.max_message))]
    max_message: ByteSize,

    /// Run the client's side of the Autobahn test suite against this server
    #[arg(long, hide = true)]
    pub(crate) autobahn: bool,
}

/// How messages are compressed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Deflate {
    /// Each by itself
    True,
    /// Each with what was sent before it, unless the server does not want that
    Takeover,
}

/// What the end of the input means.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Eof {
    /// When everything is answered, or nothing comes any more, close
    Close,
    /// Print what comes until the server ends
    Wait,
    /// End our side, and print what comes until the server ends its own
    Half,
}

impl ConnectArgs {
    /// The options.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub(crate) fn options(self) -> Result<Options, String> {
        let target = Target::parse(&self.url).map_err(|error| error.to_string())?;
        let options = Options {
            is_interactive: self.interactive || std::io::stdin().is_terminal(),
            on_eof: self.on_eof.map(|eof| match eof {
                Eof::Close => OnEof::Close,
                Eof::Wait => OnEof::Wait,
                Eof::Half => OnEof::Half,
            }),
            reply_timeout: self.reply_timeout.duration(),
            connect_timeout: self.connect_timeout.duration(),
            pause: self.pause,
            input_timeout: (!self.input_timeout.is_zero()).then_some(self.input_timeout),
            input_retries: self.input_retries,
            reconnect: self.reconnect,
            max_message: self.max_message.bytes(),
            web: WebOptions {
                is_binary: self.binary,
                fields: self.header,
                subprotocols: self.subprotocol,
                origin: self.origin,
                deflate: match self.deflate {
                    None => Policy::Off,
                    Some(Deflate::True) => Policy::NoTakeover,
                    Some(Deflate::Takeover) => Policy::Takeover,
                },
                deflate_from: self.deflate_from,
            },
            ping_interval: self.ping_interval.duration(),
            ..Options::new(target)
        };
        options.check().map_err(|error| error.to_string())?;
        Ok(options)
    }
}

/// Reads a duration that may be none.
fn time_or_zero(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    text.parse::<Timeout>().map(Timeout::duration).map_err(|error| error.to_string())
}

/// Fields that make a request the one it is.
const OURS: [&str; 6] = [
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-accept",
];

/// Reads a field of a request.
fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write a field as NAME:VALUE")?;
    let name = token(name)?;
    if OURS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("{name} belongs to the handshake"));
    }
    Ok((name, field_value(value)?))
}

/// Reads a name as HTTP has them (RFC 9110 section 5.6.2).
fn token(text: &str) -> Result<String, String> {
    let is_mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || is_mark(byte);
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err("a name has letters, digits and !#$%&'*+-.^_`|~ only".to_owned());
    }
    Ok(text.to_owned())
}

/// Reads the value of a field (section 5.5).
fn field_value(text: &str) -> Result<String, String> {
    if text.chars().any(|character| character.is_control() && character != '\t') {
        return Err("a value has no control characters".to_owned());
    }
    Ok(text.trim().to_owned())
}

const CONNECT_HELP: &str = "\
At a terminal, or with --interactive, it prompts for a line, sends it, shows the reply and prompts
again; the line STOP ends it (not on ws, where it is data). In a pipe it prints payloads and nothing
else: lines of the input are messages, bytes on tcp and unix. Ctrl-C ends it, on ws with a Close.

Exit codes:
  0  everything was sent, and the server or the input has ended
  1  no connection, a broken one, or a WebSocket closed with an error
  2  wrong options
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM

Examples:
  readily connect 'tcp://127.0.0.1:8001'
  seq 1000 | readily connect 'ws://127.0.0.1:1234/ws'
  readily connect --deflate 'ws://127.0.0.1:1234/ws' <large.txt
  echo '1 6' | readily connect 'udp://127.0.0.1:8004'
  readily connect --on-eof wait 'ws+unix://./web.sock:/ws' </dev/null";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_name_and_a_value() {
        assert_eq!(field("X-Y: a:b "), Ok(("X-Y".into(), "a:b".into())));
        assert_eq!(field("X:"), Ok(("X".into(), String::new())));
        for bad in ["X", "X Y: a", ": a", "X: a\r\nY: b", "Upgrade: h2c", "sec-websocket-key: x"] {
            assert!(field(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_time_at_all_is_a_duration_here() {
        assert_eq!(time_or_zero("0"), Ok(Duration::ZERO));
        assert_eq!(time_or_zero("5s"), Ok(Duration::from_secs(5)));
        assert!(time_or_zero("5").is_err());
    }
}

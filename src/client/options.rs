//! What a client is told, checked for sense.

use std::fmt;
use std::time::Duration;

use super::input::Unit;
use super::words;
use crate::codec::websocket::deflate::Policy;
use crate::config::{Target, TargetKind};
use crate::engine::Limits;
use crate::protocol::OpeningRequest;

/// The longest datagram over IPv4: what is left of 65,535 bytes behind both headers (udp(7)).
const MAX_DATAGRAM: usize = 65_507;

/// Everything about a client.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub target: Target,
    /// Prompts and prefixes, in lockstep; else payloads only.
    pub is_interactive: bool,
    /// What the end of the input means; `None`: what suits the transport.
    pub on_eof: Option<OnEof>,
    /// How long a reply is waited for: by the next prompt, and when the input has ended.
    pub reply_timeout: Duration,
    /// How long each address may take to be connected to, and a WebSocket to be agreed on.
    pub connect_timeout: Duration,
    /// How long to wait after each reply before the next prompt.
    pub pause: Duration,
    /// After so much time without input an interactive WebSocket client asks for some.
    pub input_timeout: Option<Duration>,
    /// How often it does before it gives up, besides the first time.
    pub input_retries: u32,
    /// Connect again when the connection breaks or cannot be made.
    pub reconnect: bool,
    /// The longest message, of the server and of the input.
    pub max_message: usize,
    /// What concerns WebSocket only.
    pub web: WebOptions,
    /// Silence of a WebSocket server after which it is sent a ping.
    pub ping_interval: Duration,
}

/// What a WebSocket client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebOptions {
    /// Binary messages instead of text.
    pub is_binary: bool,
    /// More fields of the request, `NAME: VALUE` in two. Host replaces ours.
    pub fields: Vec<(String, String)>,
    /// Subprotocols, the one wanted most first.
    pub subprotocols: Vec<String>,
    /// The page that we pretend to be.
    pub origin: Option<String>,
    /// Whether to offer compression.
    pub deflate: Policy,
    /// The shortest message that is compressed, in bytes; with zero every message is, also where that
    /// does not make it shorter.
    pub deflate_from: usize,
}

impl Default for WebOptions {
    fn default() -> WebOptions {
        WebOptions {
            is_binary: false,
            fields: Vec::new(),
            subprotocols: Vec::new(),
            origin: None,
            deflate: Policy::Off,
            deflate_from: Limits::default().protocol.deflate_from,
        }
    }
}

/// What the end of the input means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnEof {
    /// When everything is sent and answered, or nothing comes any more, close.
    Close,
    /// Go on printing what comes, until the server ends.
    Wait,
    /// End our side, and print what comes until the server ends its own.
    Half,
}

impl Options {
    /// A client of `target` in a pipe, with the defaults of the command line.
    pub fn new(target: Target) -> Options {
        let limits = Limits::default();
        Options {
            target,
            is_interactive: false,
            on_eof: None,
            reply_timeout: Duration::from_secs(2),
            connect_timeout: limits.connect_timeout,
            pause: Duration::ZERO,
            input_timeout: Some(Duration::from_secs(4)),
            input_retries: 5,
            reconnect: false,
            max_message: limits.protocol.frames.max_message,
            web: WebOptions::default(),
            ping_interval: limits.ping_interval,
        }
    }

    /// Whether the options fit the transport.
    ///
    /// # Errors
    /// The first that means nothing there.
    pub fn check(&self) -> Result<(), OptionsError> {
        if self.web.deflate != Policy::Off && !cfg!(feature = "deflate") {
            return Err(OptionsError::NotBuilt { option: "--deflate" });
        }
        let kind = self.target.kind();
        let scheme = self.target.scheme();
        let no_meaning = |option| Err(OptionsError::NoMeaning { option, scheme });
        if kind != TargetKind::WebSocket {
            let WebOptions { is_binary, fields, subprotocols, origin, deflate, deflate_from: _ } =
                &self.web;
            for (is_used, option) in [
                (*is_binary, "--binary"),
                (!fields.is_empty(), "--header"),
                (!subprotocols.is_empty(), "--subprotocol"),
                (origin.is_some(), "--origin"),
                (*deflate != Policy::Off, "--deflate"),
            ] {
                if is_used {
                    return no_meaning(option);
                }
            }
        }
        if self.reconnect && !matches!(kind, TargetKind::Tcp | TargetKind::WebSocket) {
            return no_meaning("--reconnect");
        }
        let can_end_one_side =
            matches!(kind, TargetKind::Tcp | TargetKind::Unix | TargetKind::UnixPacket);
        if self.on_eof == Some(OnEof::Half) && !can_end_one_side {
            return no_meaning("--on-eof half");
        }
        Ok(())
    }

    /// What the end of the input means.
    pub(super) fn on_eof(&self) -> OnEof {
        self.on_eof.unwrap_or(match self.target.kind() {
            TargetKind::Tcp | TargetKind::Unix | TargetKind::UnixPacket => OnEof::Half,
            TargetKind::Udp | TargetKind::UnixDatagram | TargetKind::WebSocket => OnEof::Close,
        })
    }

    /// What is sent at a time. Who may have to connect again sends whole lines, so that none is split
    /// between two connections.
    pub(super) fn unit(&self) -> Unit {
        words::unit(self.target.kind(), self.is_interactive || self.reconnect)
    }

    /// The longest line of the input.
    pub(super) fn max_line(&self) -> usize {
        match self.target.kind() {
            TargetKind::Udp => self.max_message.min(MAX_DATAGRAM),
            // The end of a line is part of the message, and of its length.
            TargetKind::WebSocket => self.max_message - 1,
            _ => self.max_message,
        }
    }

    /// The request for a WebSocket at `path`.
    pub(super) fn request(&self, path: &str) -> OpeningRequest {
        let WebOptions { fields, subprotocols, origin, .. } = &self.web;
        let is_host = |name: &str| name.eq_ignore_ascii_case("Host");
        let host = fields.iter().find(|(name, _)| is_host(name)).map(|(_, value)| value.clone());
        let mut fields: Vec<_> =
            fields.iter().filter(|(name, _)| !is_host(name)).cloned().collect();
        if let Some(origin) = origin {
            fields.push(("Origin".to_owned(), origin.clone()));
        }
        if !subprotocols.is_empty() {
            fields.push(("Sec-WebSocket-Protocol".to_owned(), subprotocols.join(", ")));
        }
        let host = host.unwrap_or_else(|| self.target.authority());
        OpeningRequest { host, path: path.to_owned(), fields, deflate: self.web.deflate }
    }
}

/// An option that was given in vain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OptionsError {
    /// It has no meaning for the transport.
    NoMeaning {
        /// The option.
        option: &'static str,
        /// The scheme of the URL.
        scheme: &'static str,
    },
    /// The feature of the crate that it needs was left out.
    NotBuilt {
        /// The option.
        option: &'static str,
    },
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionsError::NoMeaning { option, scheme } => {
                write!(f, "{option} has no meaning for {scheme}")
            }
            OptionsError::NotBuilt { option } => {
                write!(f, "{option}: this program was built without it")
            }
        }
    }
}

impl std::error::Error for OptionsError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Options {
        Options::new(Target::parse(url).expect(url))
    }

    #[test]
    fn an_option_that_means_nothing_is_refused() {
        let mut tcp = options("tcp://h:1");
        assert_eq!(tcp.check(), Ok(()));
        tcp.web.is_binary = true;
        let error = tcp.check().expect_err("binary lines").to_string();
        assert_eq!(error, "--binary has no meaning for tcp");
        let mut unix = options("unix://./s");
        unix.web.deflate = Policy::NoTakeover;
        let error = unix.check().expect_err("no frames").to_string();
        assert!(error.starts_with("--deflate"), "{error}");
        let mut udp = options("udp6://h:1");
        udp.reconnect = true;
        let error = udp.check().expect_err("nothing to connect to").to_string();
        assert_eq!(error, "--reconnect has no meaning for udp6");
        for url in ["udp://h:1", "unixgram://./s", "ws://h:1/", "ws+unix://./s:/"] {
            let mut half = options(url);
            half.on_eof = Some(OnEof::Half);
            assert!(half.check().is_err(), "{url}");
        }
    }

    #[test]
    fn a_request_has_what_was_asked_for() {
        let mut ws = options("ws://h:1/a?b=c");
        ws.web.fields = vec![("X-Y".into(), "z".into()), ("host".into(), "example.com".into())];
        ws.web.subprotocols = vec!["a".into(), "b".into()];
        ws.web.origin = Some("null".into());
        let request = ws.request(ws.target.web_path());
        assert_eq!((request.host.as_str(), request.path.as_str()), ("example.com", "/a?b=c"));
        let fields: Vec<_> =
            request.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(fields, ["X-Y: z", "Origin: null", "Sec-WebSocket-Protocol: a, b"]);
        assert_eq!(options("ws://h:1").request("/").host, "h:1");
    }
}

//! A client for every transport, on the same loop and the same codecs as the server.
//!
//! The loop does not know that it is a client's. Its peers are the server and the standard streams
//! of the process, and the service behind all of them passes on what comes from one to another:
//!
//! ```text
//!   stdin  ──► ┌─────────┐ ──► server         Session: a Service like any other
//!              │ Session │                    hold and resume: who reads slowly is not run over
//!   stdout ◄── │         │ ◄── server
//!   stderr ◄── └─────────┘
//! ```
//!
//! So standard input is one more source of readiness, and no thread waits for it; what a stalled
//! stdout does not take stops the reading from the server, and what a slow server does not take
//! stops the reading of the input. Nothing is kept but what fits under the marks of
//! [`Limits`], however long the input is.
//!
//! A client has two faces. On a *terminal* it prompts for a line, sends it, prints the reply and
//! prompts again, in the words of the classic teaching programs. In a *pipe* it prints payloads and
//! nothing else.

mod autobahn;
mod backoff;
mod input;
mod link;
mod lockstep;
mod options;
mod output;
mod pace;
mod session;
mod tally;
mod words;

pub use self::options::{OnEof, Options, OptionsError, WebOptions};

use std::io::Write as _;
use std::time::Duration;
use std::{fmt, io};

use self::autobahn::Autobahn;
use self::session::Session;
use crate::address::ConnectAddress;
use crate::config::{Target, TargetKind};
use crate::engine::{BindingId, Engine, Limits, StopScope};
use crate::kernel::{Mio, ResolveError, StandardStream, resolve};
use crate::reactor::{Reactor, Stop};
use crate::service::Service;

/// How long the output of a client may take to be read, once everything else is over: as long as
/// its reader likes.
const FOREVER: Duration = Duration::from_secs(100 * 24 * 3600);

/// How long a client that was interrupted may take to end.
const INTERRUPTED: Duration = Duration::from_secs(3);

/// The most that one read can become on a terminal: an empty message takes two bytes, and a line of
/// the log thirty and more.
const MAX_PASSED_ON: usize = 32 * Limits::READ_BUDGET;

/// The most that a byte of a message can become there: `\u{1b}`.
const MAX_ESCAPED_BYTE: usize = 6;

/// How long a server may take to answer a Close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A client that knows where to connect to.
#[derive(Debug)]
pub struct Client {
    options: Options,
    addresses: Vec<ConnectAddress>,
}

impl Client {
    /// Resolves the name of the server, which may wait for a name server.
    ///
    /// # Errors
    /// If it has no address.
    pub fn new(options: Options) -> Result<Client, ResolveError> {
        let addresses = addresses(&options.target)?;
        Ok(Client { options, addresses })
    }

    /// Passes on between the standard streams and the server until one of them has enough. Catches
    /// SIGINT and SIGTERM from here on.
    ///
    /// # Errors
    /// If the system refuses what every client needs.
    pub fn run(self) -> io::Result<Ended> {
        let limits = self.limits();
        let session = Session::new(self.options, self.addresses);
        Client::run_service(limits, session, true, |session| {
            if let Some(text) = session.last_words() {
                // Where nobody listens, nothing is lost.
                let _ = writeln!(io::stderr(), "{text}");
            }
            session.ending()
        })
    }

    /// Runs the client's side of the Autobahn test suite against the server instead.
    ///
    /// # Errors
    /// As [`run`](Client::run).
    pub fn run_autobahn(self) -> io::Result<Ended> {
        let limits = self.limits();
        let autobahn = Autobahn::new(self.options, self.addresses);
        Client::run_service(limits, autobahn, false, Autobahn::ending)
    }

    fn run_service<S: Service>(
        limits: Limits,
        service: S,
        reads_input: bool,
        ending: impl Fn(&S) -> Option<Ending>,
    ) -> io::Result<Ended> {
        let kernel = Mio::new()?;
        let mut engine = Engine::new(limits, rand::random(), ());
        let service = engine.add_service(Box::new(service));
        for _ in Peer::ALL {
            engine.add_binding(service, StopScope::Connection);
        }
        let mut reactor = Reactor::new(kernel, engine, usize::MAX);
        reactor.add_signals(Mio::signals()?)?;
        let output = StandardStream::output(&io::stdout())?.into();
        reactor.adopt(output, Peer::Output.binding())?;
        let errors = StandardStream::output(&io::stderr())?.into();
        reactor.adopt(errors, Peer::Errors.binding())?;
        if reads_input {
            reactor.adopt(StandardStream::input()?.into(), Peer::Input.binding())?;
        }
        let stop = reactor.run()?;
        Ok(match (stop, reactor.engine().service(service).and_then(ending)) {
            (Stop::Forced(signal), _) => Ended::Interrupted(signal.number()),
            (Stop::Drained(_), Some(Ending::Success)) => Ended::Success,
            (Stop::Drained(Some(signal)), _) => Ended::Interrupted(signal.number()),
            (Stop::Drained(None), _) => Ended::Failure,
        })
    }

    fn limits(&self) -> Limits {
        let options = &self.options;
        let mut limits = Limits {
            connect_timeout: options.connect_timeout,
            handshake_timeout: options.connect_timeout,
            ping_interval: options.ping_interval,
            close_timeout: CLOSE_TIMEOUT,
            flush_timeout: FOREVER,
            drain_timeout: INTERRUPTED,
            // The session looks how much room there is before it passes anything on; what one read
            // of a server may add is bounded, and this is above it.
            max_queued_bytes: MAX_PASSED_ON + MAX_ESCAPED_BYTE * options.max_message,
            max_memory_bytes: usize::MAX,
            ..Limits::default()
        }
        .with_max_message(options.max_message);
        limits.protocol.max_line = options.max_message;
        limits.protocol.deflate_from = options.web.deflate_from;
        limits
    }
}

/// How a client has ended. Why it failed was said on stderr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Everything was sent and answered, or the server had enough.
    Success,
    /// The server could not be connected to, or the connection broke.
    Failure,
    /// By the signal with this number.
    Interrupted(u8),
}

/// How a session thinks that it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Success,
    Failure,
    Interrupted,
}

/// Who the peers of a client's loop are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Peer {
    Output,
    Errors,
    Input,
    Server,
}

impl Peer {
    const ALL: [Peer; 4] = [Peer::Output, Peer::Errors, Peer::Input, Peer::Server];

    /// Each has a binding of its own, in this order.
    const fn binding(self) -> BindingId {
        BindingId::nth(self as u16)
    }

    fn of(binding: BindingId) -> Option<Peer> {
        Peer::ALL.into_iter().find(|peer| peer.binding() == binding)
    }
}

/// The addresses of a server, to try one after the other.
///
/// # Errors
/// If it has none.
pub fn addresses(target: &Target) -> Result<Vec<ConnectAddress>, ResolveError> {
    if let Some(name) = target.unix() {
        let name = name.clone();
        return Ok(vec![match target.kind() {
            TargetKind::UnixDatagram => ConnectAddress::UnixDatagram(name),
            TargetKind::UnixPacket => ConnectAddress::UnixPacket(name),
            _ => ConnectAddress::Unix(name),
        }]);
    }
    let address = target.inet().expect("what is no UNIX socket has a host and a port");
    let is_udp = target.kind() == TargetKind::Udp;
    let network = if is_udp { "udp" } else { "tcp" };
    let found = resolve(network, address.family, target.host(), address.port)?;
    let kind = |to| match is_udp {
        true => ConnectAddress::Udp(to),
        false => ConnectAddress::Tcp { to, from: None },
    };
    Ok(found.into_iter().map(kind).collect())
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Success => f.write_str("success"),
            Ended::Failure => f.write_str("failure"),
            Ended::Interrupted(number) => write!(f, "interrupted by signal {number}"),
        }
    }
}

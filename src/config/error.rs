//! What can be wrong with a binding, in words.
//!
//! Every message is one line, however odd the input: whatever was typed is shown [`Escaped`].

use std::error::Error;
use std::fmt;

use crate::address::{Escaped, Family};

/// A binding that cannot be served, and why: `echo=tcp://:x9: unknown port name `x9``.
#[derive(Clone, PartialEq, Eq)]
pub struct BindingError {
    /// The binding as it was typed.
    pub binding: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for BindingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.binding.is_empty() {
            write!(f, "empty binding: {}", self.problem)
        } else {
            write!(f, "{}: {}", Shown(&self.binding), self.problem)
        }
    }
}

/// The same line: an error that `main` returns is printed with `Debug`, and read by people.
impl fmt::Debug for BindingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for BindingError {}

/// What is wrong with a binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// There is no `=` between a service and a URL.
    NoService,
    /// No service has this name.
    UnknownService {
        /// The name that was typed.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// There is no `://`.
    NoScheme,
    /// No transport has this name.
    UnknownScheme {
        /// The name that was typed.
        name: String,
        /// The names there are.
        known: &'static [&'static str],
    },
    /// `wss` and `tls`: TLS is not there yet.
    NoTls(&'static str),
    /// `ip`, `ip4`, `ip6`: raw sockets.
    RawSocket(&'static str),
    /// A client of `http`, which carries requests and no messages.
    NoMessages(&'static str),
    /// A service that answers messages, where there are only requests.
    NoRequests {
        /// The service.
        service: &'static str,
        /// The scheme.
        scheme: &'static str,
    },
    /// A service that answers requests, where there are only messages.
    RequestsOnly {
        /// The service.
        service: &'static str,
        /// The scheme.
        scheme: &'static str,
    },
    /// A user name in front of the host.
    UserInfo,
    /// A `#` and what follows it.
    Fragment,
    /// A `%` without two hexadecimal digits behind it.
    BadEscape(String),
    /// A NUL byte, plain or escaped, which no path, host or value may hold.
    Nul,
    /// Escapes that decode to bytes which are not UTF-8, in something that has to be text.
    NotText(String),
    /// Neither a name nor an address.
    BadHost(String),
    /// An IPv6 address without its brackets.
    BareIpv6,
    /// A literal address of the family that the scheme excludes.
    WrongFamily {
        /// The address.
        host: String,
        /// The family that the scheme asks for.
        family: Family,
    },
    /// No port, where one is needed.
    MissingPort,
    /// Port 0, which means something to who listens only.
    PortZero,
    /// A query where nothing could be asked.
    UnexpectedQuery(String),
    /// A port outside 0 to 65535, or not a number.
    BadPort(String),
    /// A port name that the services file does not list.
    UnknownPortName(String),
    /// A path on a transport that has none.
    UnexpectedPath {
        /// The scheme.
        scheme: &'static str,
        /// The path that was typed.
        path: String,
    },
    /// A WebSocket URL without a path, or with `/`, which is the welcome page.
    MissingWebPath(&'static str),
    /// A UNIX socket without a name.
    MissingSocketName,
    /// The name of a UNIX socket does not fit its address structure (unix(7)).
    SocketNameTooLong {
        /// Its length in bytes.
        length: usize,
        /// The greatest length.
        max: usize,
    },
    /// A parameter without a name or without a value.
    EmptyParameter(String),
    /// A parameter that was given twice.
    DuplicateParameter(String),
    /// A parameter that nothing has.
    UnknownParameter {
        /// Its name.
        name: String,
        /// Those that this binding could have.
        known: Vec<&'static str>,
    },
    /// A parameter that has no meaning for this binding.
    InapplicableParameter {
        /// Its name.
        name: &'static str,
        /// What it has no meaning for.
        to: String,
        /// Those that this binding could have.
        known: Vec<&'static str>,
    },
    /// A parameter whose value is none of those it can have.
    BadValue {
        /// Its name.
        name: &'static str,
        /// The value that was typed.
        value: String,
        /// What it can be.
        expected: &'static str,
    },
    /// `min` is greater than `max`.
    EmptyRange {
        /// The lower end.
        min: i64,
        /// The upper end.
        max: i64,
    },
    /// A subprotocol that was listed twice.
    DuplicateSubprotocol(String),
    /// A parameter that means nothing unless another is there.
    MeaninglessWithout(&'static str, &'static str),
    /// A parameter that means nothing where another is there.
    MeaninglessWith(&'static str, &'static str),
    /// A service that has to know its clients, on datagrams.
    NeedsConnections {
        /// Its name.
        service: &'static str,
        /// The scheme.
        scheme: &'static str,
    },
    /// An earlier binding has the address, or one that covers it.
    AddressTaken {
        /// That binding.
        by: String,
    },
    /// An earlier binding has the path of this listener.
    PathTaken {
        /// The path.
        path: String,
        /// That binding.
        by: String,
    },
    /// Two bindings share a UNIX listener and disagree on its permissions.
    ModeConflict {
        /// What this binding wants.
        mode: u32,
        /// What the earlier one wants.
        earlier: u32,
        /// The earlier one.
        by: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoService => {
                write!(f, "expected SERVICE=URL, such as `echo=tcp://127.0.0.1:8001`")
            }
            Problem::UnknownService { name, known } => {
                write!(f, "unknown service `{}` (known: {})", Shown(name), known.join(", "))
            }
            Problem::NoScheme => {
                write!(f, "expected SCHEME://ADDRESS after `=`, such as `tcp://127.0.0.1:8001`")
            }
            Problem::UnknownScheme { name, known } => {
                write!(f, "unknown scheme `{}` (known: {})", Shown(name), known.join(", "))
            }
            Problem::NoTls(scheme) => write!(
                f,
                "`{scheme}` is not there yet; serve without TLS behind a proxy that ends it"
            ),
            Problem::RawSocket(scheme) => {
                write!(f, "`{scheme}` would be a raw socket, which is not served")
            }
            Problem::NoMessages(scheme) => write!(f, "`{scheme}` carries requests, not messages"),
            Problem::NoRequests { service, scheme } => write!(
                f,
                "`{service}` answers messages, and `{scheme}` carries none (`ws` does, over HTTP)"
            ),
            Problem::RequestsOnly { service, scheme } => write!(
                f,
                "`{service}` is asked over HTTP, not `{scheme}` (`http://HOST:PORT` or \
                 `http+unix://PATH`)"
            ),
            Problem::UserInfo => {
                write!(f, "a user name has no meaning in front of the address (no `@` there)")
            }
            Problem::Fragment => {
                write!(f, "a fragment has no meaning here (a `#` in a name is written `%23`)")
            }
            Problem::BadEscape(escape) => write!(
                f,
                "bad percent escape `{}` (two hexadecimal digits follow `%`; `%` itself is `%25`)",
                Shown(escape)
            ),
            Problem::Nul => write!(f, "a NUL byte cannot be part of it"),
            Problem::NotText(text) => write!(f, "`{}` does not decode to UTF-8", Shown(text)),
            Problem::BadHost(host) => write!(
                f,
                "bad host `{}` (a name, an address, or nothing for every address of this machine)",
                Shown(host)
            ),
            Problem::BareIpv6 => {
                write!(f, "an IPv6 address is written in brackets, such as `[::1]:8001`")
            }
            Problem::WrongFamily { host, family } => {
                write!(f, "`{host}` is not an IPv{} address", family.suffix())
            }
            Problem::MissingPort => {
                write!(f, "missing port (`:8001` behind the host; 0 takes any that is free)")
            }
            Problem::PortZero => write!(f, "port 0 is nobody's (1 to 65535)"),
            Problem::UnexpectedQuery(query) => {
                write!(f, "a query has no meaning here (`?{}`)", Shown(query))
            }
            Problem::BadPort(port) => write!(f, "bad port `{}` (0 to 65535)", Shown(port)),
            Problem::UnknownPortName(name) => write!(f, "unknown port name `{}`", Shown(name)),
            Problem::UnexpectedPath { scheme, path } => {
                write!(f, "a {scheme} URL has no path (`{}`)", Shown(path))
            }
            Problem::MissingWebPath(example) => {
                write!(f, "missing path (such as `{example}`; `/` by itself is the welcome page)")
            }
            Problem::MissingSocketName => {
                write!(f, "missing socket name (`unix:///PATH`, `unix://./PATH` or `unix://@NAME`)")
            }
            Problem::SocketNameTooLong { length, max } => {
                write!(f, "the socket name has {length} bytes, at most {max} fit")
            }
            Problem::EmptyParameter(text) => {
                write!(f, "empty parameter `{}` (expected NAME=VALUE)", Shown(text))
            }
            Problem::DuplicateParameter(name) => {
                write!(f, "parameter `{}` is given twice", Shown(name))
            }
            Problem::UnknownParameter { name, known } => {
                write!(f, "unknown parameter `{}` ({})", Shown(name), Known(known))
            }
            Problem::InapplicableParameter { name, to, known } => {
                write!(f, "parameter `{name}` has no meaning for {to} ({})", Known(known))
            }
            Problem::BadValue { name, value, expected } => {
                write!(f, "bad value `{}` for `{name}` (expected {expected})", Shown(value))
            }
            Problem::EmptyRange { min, max } => {
                write!(f, "`min` is greater than `max` ({min} > {max})")
            }
            Problem::DuplicateSubprotocol(name) => {
                write!(f, "subprotocol `{}` is listed twice", Shown(name))
            }
            Problem::MeaninglessWithout(name, other) => {
                write!(f, "`{name}` has no meaning without `{other}`")
            }
            Problem::MeaninglessWith(name, other) => {
                write!(f, "`{name}` has no meaning beside `{other}`")
            }
            Problem::NeedsConnections { service, scheme } => write!(
                f,
                "`{service}` needs connections, and {scheme} has none (tcp, unix, unixpacket, ws)"
            ),
            Problem::AddressTaken { by } => write!(f, "the address is taken by `{}`", Shown(by)),
            Problem::PathTaken { path, by } => {
                write!(f, "the path `{}` is taken by `{}`", Shown(path), Shown(by))
            }
            Problem::ModeConflict { mode, earlier, by } => write!(
                f,
                "mode={mode:04o}, but `{}` gives the same socket mode={earlier:04o}",
                Shown(by)
            ),
        }
    }
}

/// Text from outside, safe to print.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(self.0.as_bytes()).fmt(f)
    }
}

/// The parameters that could have been meant.
struct Known<'a>(&'a [&'static str]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("there are none here")
        } else {
            write!(f, "known here: {}", self.0.join(", "))
        }
    }
}

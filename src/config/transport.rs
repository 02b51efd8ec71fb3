//! How messages travel: what a socket carries, and where one message ends and the next begins.

use super::error::Problem;
use super::parameters::Parameters;
use super::scheme::Carrier;
use super::service::Kind;
use crate::codec::websocket::deflate::Policy;
use crate::codec::websocket::handshake::{SubprotocolError, Subprotocols};
use crate::engine::StopScope;

/// The transport of a binding. Each holds only what can be chosen for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Transport {
    /// A stream of bytes, over TCP or a UNIX socket.
    Stream {
        /// What a message is.
        framing: Framing,
    },
    /// A connection that keeps packet boundaries.
    Packet {
        /// What a packet `STOP` stops.
        stop: StopScope,
    },
    /// Datagrams, over UDP or a UNIX socket.
    Datagram {
        /// What a datagram `STOP` stops; without connections there is nothing smaller than the
        /// server to be stopped, so [`StopScope::Connection`] only keeps it from being answered.
        stop: StopScope,
    },
    /// WebSocket messages behind an HTTP upgrade.
    WebSocket {
        /// The path of the request, decoded: it begins with `/` and is longer than that.
        path: String,
        /// What clients may choose to speak.
        subprotocols: Subprotocols,
        /// Whether clients that offer to compress may.
        deflate: Policy,
    },
    /// HTTP without WebSockets: requests for what a service has at some paths.
    Http,
}

/// What a message is on a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Framing {
    /// A line.
    Lines {
        /// What a line `STOP` stops.
        stop: StopScope,
    },
    /// Whatever has arrived; `STOP` is data like any other.
    Raw,
}

impl Transport {
    /// Takes what belongs to a transport that carries `carrier`; `web_path` is there for
    /// [`Carrier::Web`] and not looked at otherwise.
    pub(super) fn parse(
        carrier: Carrier,
        web_path: String,
        parameters: &mut Parameters,
    ) -> Result<Transport, Problem> {
        let is_raw = parameters
            .take_parsed("framing", "`lines` or `raw`", |value| match value {
                "lines" => Some(false),
                "raw" => Some(true),
                _ => None,
            })?
            .unwrap_or(false);
        let stop =
            parameters.take_parsed("stop", "`connection` or `server`", |value| match value {
                "connection" => Some(StopScope::Connection),
                "server" => Some(StopScope::Server),
                _ => None,
            })?;
        if is_raw && stop.is_some() {
            return Err(Problem::InapplicableParameter {
                name: "stop",
                to: "framing=raw".to_owned(),
                known: vec!["framing"],
            });
        }
        let stop = stop.unwrap_or_default();
        let deflate = parameters.take_parsed("deflate", DEFLATE_VALUES, parse_deflate)?;
        Ok(match carrier {
            Carrier::Stream if is_raw => Transport::Stream { framing: Framing::Raw },
            Carrier::Stream => Transport::Stream { framing: Framing::Lines { stop } },
            Carrier::Packet => Transport::Packet { stop },
            Carrier::Datagram => Transport::Datagram { stop },
            Carrier::Web => Transport::WebSocket {
                path: web_path,
                subprotocols: parse_subprotocols(parameters)?,
                deflate: deflate.unwrap_or_default(),
            },
            Carrier::Http => Transport::Http,
        })
    }

    /// The parameters that a transport takes for a service of this kind.
    pub(super) fn known_parameters(carrier: Carrier, service: Kind) -> &'static [&'static str] {
        match (carrier, service) {
            // Services that look at what a message says cannot tell without boundaries.
            (Carrier::Stream, Kind::Echo | Kind::Discard) => &["framing", "stop"],
            (Carrier::Stream | Carrier::Packet | Carrier::Datagram, _) => &["stop"],
            (Carrier::Web, _) => &["subprotocol", "deflate"],
            (Carrier::Http, _) => &[],
        }
    }

    /// The parameters that differ from their defaults, in the order they are printed.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            Transport::Stream { framing: Framing::Raw } => vec![("framing", "raw".to_owned())],
            Transport::Stream { framing: Framing::Lines { stop: StopScope::Server } }
            | Transport::Packet { stop: StopScope::Server }
            | Transport::Datagram { stop: StopScope::Server } => {
                vec![("stop", "server".to_owned())]
            }
            Transport::WebSocket { subprotocols, deflate, .. } => {
                let mut pairs = Vec::new();
                if !subprotocols.is_empty() {
                    pairs.push(("subprotocol", subprotocols.to_string()));
                }
                match deflate {
                    Policy::Off => {}
                    Policy::NoTakeover => pairs.push(("deflate", "true".to_owned())),
                    Policy::Takeover => pairs.push(("deflate", "takeover".to_owned())),
                }
                pairs
            }
            Transport::Stream { framing: Framing::Lines { stop: StopScope::Connection } }
            | Transport::Packet { stop: StopScope::Connection }
            | Transport::Datagram { stop: StopScope::Connection }
            | Transport::Http => Vec::new(),
        }
    }

    /// What a socket of this transport carries.
    pub(super) fn carrier(&self) -> Carrier {
        match self {
            Transport::Stream { .. } => Carrier::Stream,
            Transport::Packet { .. } => Carrier::Packet,
            Transport::Datagram { .. } => Carrier::Datagram,
            Transport::WebSocket { .. } => Carrier::Web,
            Transport::Http => Carrier::Http,
        }
    }
}

/// The values of the parameter of that name.
const DEFLATE_VALUES: &str = if cfg!(feature = "deflate") {
    "`false`, `true` or `takeover`"
} else {
    "`false`: this program was built without compression"
};

fn parse_deflate(value: &str) -> Option<Policy> {
    match value {
        "false" => Some(Policy::Off),
        "true" if cfg!(feature = "deflate") => Some(Policy::NoTakeover),
        "takeover" if cfg!(feature = "deflate") => Some(Policy::Takeover),
        _ => None,
    }
}

/// Takes the subprotocols of a WebSocket.
fn parse_subprotocols(parameters: &mut Parameters) -> Result<Subprotocols, Problem> {
    const NAME: &str = "subprotocol";
    let Some(value) = parameters.take(NAME) else { return Ok(Subprotocols::default()) };
    Subprotocols::parse(&value).map_err(|error| match error {
        SubprotocolError::NotAToken(_) => {
            Problem::BadValue { name: NAME, value, expected: "names such as `chat.v1,json`" }
        }
        SubprotocolError::Twice(name) => Problem::DuplicateSubprotocol(name),
    })
}

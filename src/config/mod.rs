//! What to serve, and within which limits: text goes in, values that can only hold what is legal
//! come out.
//!
//! The command line and any program that embeds the server make a [`Config`] here; the kernel, the
//! engine and the reactor read it and check nothing again. A binding is written `SERVICE=URL`:
//!
//! ```text
//! random=ws://127.0.0.1:1234/random?burst=true&limit=5000
//! ──┬─── ─┬   ────┬──── ─┬── ──┬─── ─┬──────── ─┬────────
//! service scheme host   port  path  parameters of the service, the transport or the socket
//! ```
//!
//! A [`Binding`] is legal by itself; [`Bindings`] are legal together: no two of them want the same
//! address, and those that share a WebSocket listener have paths of their own. Every error is one
//! line that names the binding as it was typed ([`BindingError`]).
//!
//! ```
//! use readily::config::{Bindings, Config};
//!
//! let bindings = Bindings::parse(["echo=tcp://127.0.0.1:8001", "time=ws://127.0.0.1:1234/time"])?;
//! let config = Config::new(bindings);
//! assert_eq!(config.listeners().len(), 2);
//!
//! let error = Bindings::parse(["echo=tcp://:99999"]).unwrap_err();
//! assert_eq!(error.to_string(), "echo=tcp://:99999: bad port `99999` (0 to 65535)");
//! # Ok::<(), readily::config::BindingError>(())
//! ```

mod binding;
mod bindings;
mod defaults;
mod error;
mod parameters;
mod percent;
mod port;
mod scheme;
mod service;
mod target;
mod transport;
mod units;
mod url;

pub use self::binding::Binding;
pub use self::bindings::{Bindings, ListenerPlan, Plan};
pub use self::error::{BindingError, Problem};
pub use self::service::{RandomRange, ServiceSpec};
pub use self::target::{Target, TargetError, TargetKind};
pub use self::transport::{Framing, Transport};
pub use self::units::{ByteSize, Bytes, MemorySize, Spin, Timeout, UnitError};

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::access::{HostPolicy, OriginPolicy, Token};
use crate::engine::Limits;

/// Everything a server has to be told before it starts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// What is served, and where.
    pub bindings: Bindings,
    /// What peers may use up of memory and time.
    pub limits: Limits,
    /// The most connections at a time; `None`: as many as there are descriptors for.
    pub max_connections: Option<NonZeroUsize>,
    /// The most connections of one IP address at a time, and of one network of 64 bits where that is
    /// IPv6; `None`: as many as there may be.
    pub max_per_ip: Option<NonZeroUsize>,
    /// How long the loop looks for events before it sleeps.
    pub spin: Duration,
    /// Which web pages may open a WebSocket.
    pub origins: OriginPolicy,
    /// Which names this server answers to over HTTP.
    pub hosts: HostPolicy,
    /// Who names this may publish with `POST /notify/TOPIC`; `None`: nobody.
    pub publish_token: Option<Token>,
}

impl Config {
    /// Serves `bindings` with the default limits, to pages of its own host only.
    pub fn new(bindings: Bindings) -> Config {
        Config { bindings, ..Config::default() }
    }

    /// The sockets to open, in the order of the bindings that first ask for them.
    pub fn listeners(&self) -> &[ListenerPlan] {
        self.bindings.listeners()
    }
}

//! A whole server in a few lines: services in, sockets out.
//!
//! ```no_run
//! use readily::server::Server;
//! use readily::service::Echo;
//!
//! let mut server = Server::new();
//! let echo = server.add("echo", Echo);
//! server.listen(echo, "tcp://127.0.0.1:8001")?;
//! server.listen(echo, "ws://127.0.0.1:1234/ws")?;
//! server.bind()?.run()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This is where the layers meet: bindings become sockets of the real [`Mio`] kernel, endpoints of
//! an [`Engine`], and sources of a [`Reactor`].

mod built_in;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

use crate::codec::websocket::handshake::Subprotocols;
use crate::config::{Binding, BindingError, Config, Framing, Plan, Transport};
use crate::engine::{BindingId, Endpoint, Engine, Observer, ServiceId, StopScope};
use crate::kernel::{
    BindError, BoundSocket, LocalAddr, Mio, open_descriptors, raise_descriptor_limit,
};
use crate::protocol::{Route, Site};
use crate::reactor::{Reactor, Stop};
use crate::service::Service;

/// Descriptors that are not for clients, besides those that are open when the server starts: to look
/// at files with, and for what services dial.
const SPARE_DESCRIPTORS: u64 = 16;

/// Descriptors that are taken to be open, besides the listeners, where the system does not say: the
/// standard streams, epoll, the signals' pipe, the reserve.
const USUAL_DESCRIPTORS: u64 = 8;

/// A server that is being set up.
#[derive(Default)]
pub struct Server {
    config: Config,
    services: Vec<(String, Box<dyn Service>)>,
    /// The service of each binding.
    service_of: Vec<usize>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A service that was added to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Added(usize);

impl Server {
    /// A server with nothing to serve and the default limits.
    pub fn new() -> Server {
        Server::default()
    }

    /// A server of the built-in services: one instance for each binding of `config`, but of `chat` and
    /// `notify`, in which the clients of all their bindings meet.
    pub fn from_config(config: Config) -> Server {
        let (services, service_of) = built_in::services(&config);
        Server { config, services, service_of }
    }

    /// What the server is to be, its limits for example.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// Adds a service under a name for tables and logs. It can be bound to several addresses; its
    /// clients then meet in it.
    pub fn add(&mut self, name: &str, service: impl Service + 'static) -> Added {
        self.services.push((name.to_owned(), Box::new(service)));
        Added(self.services.len() - 1)
    }

    /// Binds a service to a URL: `tcp://HOST:PORT`, `udp://…`, `unix://PATH`, `ws://HOST:PORT/PATH`
    /// and so on, with the parameters of the transport (`?stop=server`, `?mode=0660`). Several
    /// `ws://` URLs with one host and port share a listener.
    ///
    /// # Errors
    /// If the URL is wrong, or an earlier binding has the address; nothing is opened yet.
    ///
    /// # Panics
    /// May panic if `service` was added to another server.
    pub fn listen(&mut self, service: Added, url: &str) -> Result<(), BindingError> {
        let name = &self.services[service.0].0;
        let binding = Binding::of_service(name, url)?;
        let text = format!("{name}={url}");
        let added = self.config.bindings.add(binding);
        added.map_err(|problem| BindingError { binding: text, problem })?;
        self.service_of.push(service.0);
        Ok(())
    }

    /// Opens the sockets.
    ///
    /// # Errors
    /// If one of them cannot be opened; none is left open then.
    pub fn bind(self) -> Result<BoundServer, StartError> {
        self.bind_observed(())
    }

    /// Opens the sockets of a server that `observer` looks at.
    ///
    /// # Errors
    /// As [`bind`](Server::bind).
    pub fn bind_observed<O: Observer>(self, observer: O) -> Result<BoundServer<O>, StartError> {
        let Server { config, services, service_of } = self;
        let descriptors = raise_descriptor_limit().map_err(StartError::System)?;
        let mut engine = Engine::new(config.limits, rand::random(), observer);
        let ids: Vec<ServiceId> =
            services.into_iter().map(|(_, service)| engine.add_service(service)).collect();
        let bindings: Vec<BindingId> = config
            .bindings
            .as_slice()
            .iter()
            .zip(service_of)
            .map(|(binding, service)| engine.add_binding(ids[service], stop_scope(binding)))
            .collect();
        let kernel = Mio::new().map_err(StartError::System)?;
        // Nobody, until it is known how many descriptors are left.
        let mut reactor = Reactor::new(kernel, engine, 0);
        reactor.set_spin(config.spin);
        reactor.set_max_per_ip(config.max_per_ip);
        let mut places = vec![None; bindings.len()];
        for listener in config.listeners() {
            let first = match &listener.plan {
                Plan::One(binding) => *binding,
                Plan::Web(paths) => paths[0].1,
            };
            let bound = Mio::listen(&listener.listen).map_err(|error| StartError::Bind {
                binding: config.bindings.as_slice()[first].to_string(),
                error,
            })?;
            let endpoint = endpoint(&config, &listener.plan, &bindings, reactor.engine());
            let endpoint = reactor.engine_mut().add_endpoint(endpoint);
            let place = Place { local: bound.local.clone(), replaced_stale: bound.replaced_stale };
            match &listener.plan {
                Plan::One(binding) => places[*binding] = Some(place),
                Plan::Web(paths) => {
                    for (_, binding) in paths {
                        places[*binding] = Some(place.clone());
                    }
                }
            }
            match bound.socket {
                BoundSocket::Listener(socket) => reactor.add_listener(socket, endpoint),
                BoundSocket::Datagram(socket) => {
                    for own in bound.local.sender_addresses() {
                        reactor.engine_mut().add_own_address(own);
                    }
                    if let LocalAddr::Unix(own) = bound.local {
                        reactor.engine_mut().add_own_name(own);
                    }
                    reactor.add_datagram(socket, endpoint)
                }
            }
            .map_err(StartError::System)?;
        }
        let signals = Mio::signals().map_err(StartError::System)?;
        reactor.add_signals(signals).map_err(StartError::System)?;
        let places =
            places.into_iter().map(|place| place.expect("every binding has a listener")).collect();
        let descriptors = Descriptors::with_open(descriptors.soft, &config);
        reactor.set_max_connections(descriptors.max_connections);
        Ok(BoundServer { reactor, config, places, descriptors })
    }
}

/// Where a binding has ended up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The real address: with the port that was found where 0 was asked for.
    pub local: LocalAddr,
    /// There was a socket at the path that nobody listened to, and it was replaced.
    pub replaced_stale: bool,
}

impl Place {
    /// The port, where there is one.
    pub fn port(&self) -> Option<u16> {
        match &self.local {
            LocalAddr::Inet(address) => Some(address.port()),
            LocalAddr::Unix(_) => None,
        }
    }
}

/// A server whose sockets are open. Clients can connect; [`run`](BoundServer::run) serves them.
#[derive(Debug)]
pub struct BoundServer<O: Observer = ()> {
    reactor: Reactor<Mio, O>,
    config: Config,
    places: Vec<Place>,
    descriptors: Descriptors,
}

/// How many connections there can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptors {
    /// How many descriptors the process may have.
    pub limit: u64,
    /// How many connections that is enough for.
    pub possible: usize,
    /// How many connections are served at a time. Where more were asked for than are possible, others
    /// are turned away when the descriptors are used up.
    pub max_connections: usize,
    /// How many of one IP address, where that is limited.
    pub max_per_ip: Option<NonZeroUsize>,
}

impl Descriptors {
    /// What is left when everything is open that a server needs. All of it counts, whoever opened it:
    /// a shell or a supervisor may have left us some of theirs.
    fn with_open(limit: u64, config: &Config) -> Descriptors {
        let open = open_descriptors(limit);
        let open = open.unwrap_or(USUAL_DESCRIPTORS + config.listeners().len() as u64);
        let possible = limit.saturating_sub(open + SPARE_DESCRIPTORS);
        let possible = usize::try_from(possible).unwrap_or(usize::MAX).max(1);
        let max_connections = config.max_connections.map_or(possible, NonZeroUsize::get);
        Descriptors { limit, possible, max_connections, max_per_ip: config.max_per_ip }
    }
}

impl<O: Observer> BoundServer<O> {
    /// The bindings and where they have ended up, in the order in which they were added.
    pub fn bindings(&self) -> impl Iterator<Item = (&Binding, &Place)> {
        self.config.bindings.as_slice().iter().zip(&self.places)
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many connections there can be.
    pub fn descriptors(&self) -> Descriptors {
        self.descriptors
    }

    /// Whoever looks on.
    pub fn observer_mut(&mut self) -> &mut O {
        self.reactor.engine_mut().observer_mut()
    }

    /// Serves until SIGINT, SIGTERM, SIGHUP or a client with the right to do so stops it. These signals
    /// and SIGUSR1 belong to the server from [`bind`](Server::bind) on.
    ///
    /// # Errors
    /// If the kernel cannot be asked what is ready; no client can cause that.
    pub fn run(&mut self) -> io::Result<Stop> {
        self.reactor.run()
    }
}

/// Why a server cannot start.
pub enum StartError {
    /// An address cannot be bound.
    Bind {
        /// The binding that asked for it.
        binding: String,
        /// Why not.
        error: BindError,
    },
    /// The system refuses something that every server needs.
    System(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Bind { binding, error } => write!(f, "{binding}: {error}"),
            StartError::System(error) => write!(f, "cannot start: {error}"),
        }
    }
}

/// The same line: an error that `main` returns is printed with `Debug`, and read by people.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The message of a `BindError` is part of ours; what is behind it is behind us.
        match self {
            StartError::Bind { error, .. } => error.source(),
            StartError::System(error) => Some(error),
        }
    }
}

/// What is spoken at a listener.
fn endpoint<O: Observer>(
    config: &Config,
    plan: &Plan,
    ids: &[BindingId],
    engine: &Engine<O>,
) -> Endpoint {
    match plan {
        Plan::Web(paths) => Endpoint::Web(Site {
            routes: paths
                .iter()
                .map(|(_, binding)| {
                    let id = ids[*binding];
                    route(&config.bindings.as_slice()[*binding], id, engine.subprotocols(id))
                })
                .collect(),
            resources: paths
                .iter()
                .flat_map(|(path, binding)| engine.resources(ids[*binding], path))
                .collect(),
            origins: config.origins.clone(),
            hosts: config.hosts.clone(),
        }),
        Plan::One(binding) => {
            let id = ids[*binding];
            match config.bindings.as_slice()[*binding].transport() {
                Transport::Stream { framing: Framing::Lines { .. } } => Endpoint::Line(id),
                Transport::Stream { framing: Framing::Raw } => Endpoint::Raw(id),
                Transport::Packet { .. } => Endpoint::Packet(id),
                Transport::Datagram { .. } => Endpoint::Datagram(id),
                Transport::WebSocket { .. } => unreachable!("WebSocket has a plan of its own"),
            }
        }
    }
}

/// The way from a web listener to a binding, whose service offers these subprotocols.
fn route(binding: &Binding, id: BindingId, offered: &[&str]) -> Route {
    let Transport::WebSocket { path, subprotocols, deflate } = binding.transport() else {
        unreachable!("only WebSockets have a path")
    };
    let mut subprotocols = subprotocols.clone();
    if subprotocols.is_empty() && !offered.is_empty() {
        subprotocols = Subprotocols::parse(&offered.join(",")).expect("a service offers tokens");
    }
    Route {
        path: path.clone(),
        binding: id.index(),
        service: binding.service().name().to_owned(),
        parameters: binding.parameters(),
        subprotocols,
        deflate: *deflate,
    }
}

/// What `STOP` stops at a binding.
fn stop_scope(binding: &Binding) -> StopScope {
    match *binding.transport() {
        Transport::Stream { framing: Framing::Lines { stop } }
        | Transport::Packet { stop }
        | Transport::Datagram { stop } => stop,
        Transport::Stream { framing: Framing::Raw } | Transport::WebSocket { .. } => {
            StopScope::Connection
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_error_of_the_system_is_behind_the_error_of_the_start() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let error = BindError::System { address: "x".to_owned(), error: denied() };
        for error in [
            StartError::System(denied()),
            StartError::Bind { binding: "echo=tcp://:1".to_owned(), error },
        ] {
            let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
            assert_eq!(source.map(io::Error::kind), Some(io::ErrorKind::PermissionDenied));
        }
    }
}

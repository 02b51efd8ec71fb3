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
//! This is where the layers meet: bindings become sockets of a kernel, the real [`Mio`] as a rule, endpoints of
//! an [`Engine`], and sources of a [`Reactor`].

mod built_in;
mod descriptors;
mod endpoints;

pub use self::descriptors::Descriptors;

use std::fmt;
use std::io;

use self::endpoints::{endpoint, label, stop_scope};
use crate::config::{Binding, BindingError, Config, Plan};
use crate::engine::{BindingId, Engine, Observer, ServiceId};
use crate::kernel::{BindError, BoundSocket, Kernel, LocalAddr, Machine, Mio};
use crate::reactor::{Reactor, Stop};
use crate::service::Service;

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
        self.bind_on(Mio::new().map_err(StartError::System)?, rand::random(), observer)
    }

    /// Opens the sockets on a kernel of the caller's. `seed` determines every random number, so that
    /// the server is a function of it and of what the kernel answers.
    ///
    /// # Errors
    /// As [`bind`](Server::bind).
    pub fn bind_on<K: Machine, O: Observer>(
        self,
        mut kernel: K,
        seed: u64,
        observer: O,
    ) -> Result<BoundServer<O, K>, StartError> {
        let Server { config, services, service_of } = self;
        let limit = kernel.raise_descriptor_limit().map_err(StartError::System)?.soft;
        let mut engine = Engine::new(config.limits, seed, observer);
        let ids: Vec<ServiceId> =
            services.into_iter().map(|(_, service)| engine.add_service(service)).collect();
        let bindings: Vec<BindingId> = config
            .bindings
            .as_slice()
            .iter()
            .zip(service_of)
            .map(|(binding, service)| {
                let id = engine.add_binding(ids[service], stop_scope(binding));
                engine.set_slow_consumers(id, binding.slow_consumers().unwrap_or_default());
                engine.label(id, label(binding));
                id
            })
            .collect();
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
            let bound = reactor.kernel_mut().listen_on(&listener.listen);
            let bound = bound.map_err(|error| StartError::Bind {
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
                    for own in reactor.kernel_mut().own_addresses(&bound.local) {
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
        let signals = reactor.kernel_mut().catch_signals().map_err(StartError::System)?;
        reactor.add_signals(signals).map_err(StartError::System)?;
        let places =
            places.into_iter().map(|place| place.expect("every binding has a listener")).collect();
        let open = reactor.kernel_mut().open_descriptors(limit).ok();
        let descriptors = Descriptors::with_open(limit, open, &config);
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
pub struct BoundServer<O: Observer = (), K: Kernel = Mio> {
    reactor: Reactor<K, O>,
    config: Config,
    places: Vec<Place>,
    descriptors: Descriptors,
}

impl<O: Observer, K: Kernel> BoundServer<O, K> {
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

    /// The loop, for who takes its turns one by one.
    pub fn reactor(&self) -> &Reactor<K, O> {
        &self.reactor
    }

    /// The same; nothing that it has opened is to be closed.
    pub fn reactor_mut(&mut self) -> &mut Reactor<K, O> {
        &mut self.reactor
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

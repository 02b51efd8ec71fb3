//! The server as a pure state machine: bytes, ends and times go in; bytes to write and deadlines
//! come out.
//!
//! ```text
//!    open(id)  receive(id, bytes)  receive_eof(id)  lost(id)  receive_datagram  handle_timeout
//!        │            │                  │             │             │                │
//!        ▼            ▼                  ▼             ▼             ▼                ▼
//!   ┌──────────────────────────────────────────────────────────────────────────────────────┐
//!   │ Engine:   Connections { Protocol + output }    services    timers    counters         │
//!   └──────────────────────────────────────────────────────────────────────────────────────┘
//!        │            │                  │             │             │                │
//!        ▼            ▼                  ▼             ▼             ▼                ▼
//!    take_dirty   output(id)/wrote   wants_read    poll_close    the reply     poll_timeout
//! ```
//!
//! It mentions no socket, no clock and no source of randomness but the seed it is given, so it can
//! be driven by the [`Reactor`](crate::reactor::Reactor), by a test, or by any other shell. The
//! shell names the connections: a [`ConnId`] stands for the same peer on both sides.
//!
//! What a shell does with a connection, each time it has touched it and for each that
//! [`take_dirty`](Engine::take_dirty) lists: write what [`output`](Engine::output) holds and say
//! how much that was ([`wrote`](Engine::wrote)), or that there was no room
//! ([`blocked`](Engine::blocked)); do what [`poll_close`](Engine::poll_close) asks; read on as long as
//! [`wants_read`](Engine::wants_read) says so.

mod calls;
mod connection;
mod connections;
mod context;
mod core;
mod datagrams;
mod deadlines;
mod dial;
mod drain;
mod endpoint;
mod input;
mod limits;
mod memory;
mod observer;
mod pace;
mod report;
mod requests;
mod sending;
mod shared_frame;
mod shedding;
mod shell;
mod state;
mod stats;
#[cfg(test)]
mod tests;
mod timers;
mod traffic;

pub use self::connections::ConnId;
pub use self::context::Context;
pub use self::dial::{Dial, Speaks};
pub use self::endpoint::{BindingId, Endpoint, EndpointId, ServiceId, SlowConsumers, StopScope};
pub use self::limits::Limits;
pub use self::memory::Memory;
pub use self::observer::{Detail, Observer, Sighting};
pub use self::pace::{Pace, Spells};
pub use self::report::Report;
pub use self::shell::CloseStep;
pub use self::state::State;
pub use self::stats::{Counter, Stats};
pub use self::traffic::{Label, Traffic};

use std::any::Any;
use std::net::SocketAddr;

use log::debug;

use self::core::Core;
use self::endpoint::Binding;
use crate::address::UnixName;
use crate::service::Service;
use crate::time::Now;

/// The server without sockets. See the [module](self) for how it is driven.
pub struct Engine<O: Observer = ()> {
    services: Vec<Box<dyn Service>>,
    core: Core,
    observer: O,
    /// What a datagram is answered with; lent to the shell until the next call.
    reply: Vec<u8>,
    /// Where our own datagram sockets are.
    own_addresses: Vec<SocketAddr>,
    own_names: Vec<UnixName>,
}

impl<O: Observer> std::fmt::Debug for Engine<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("connections", &self.core.connections.len())
            .field("stats", &self.core.stats)
            .finish_non_exhaustive()
    }
}

/// Setting up.
impl<O: Observer> Engine<O> {
    /// An engine that serves nothing yet. `seed` determines every random number it will use.
    pub fn new(limits: Limits, seed: u64, observer: O) -> Engine<O> {
        Engine {
            services: Vec::new(),
            core: Core::new(limits, seed),
            observer,
            reply: Vec::new(),
            own_addresses: Vec::new(),
            own_names: Vec::new(),
        }
    }

    /// Adds a service. It may be bound to several endpoints, whose clients then meet in it.
    pub fn add_service(&mut self, service: Box<dyn Service>) -> ServiceId {
        self.services.push(service);
        ServiceId(small_index(self.services.len()))
    }

    /// A service that was added, as what it is.
    pub fn service<S: Service>(&self, id: ServiceId) -> Option<&S> {
        let service: &dyn Any = self.services.get(usize::from(id.0))?.as_ref();
        service.downcast_ref()
    }

    /// Binds a service. The first binding is [`BindingId::nth`]`(0)`, and so on.
    pub fn add_binding(&mut self, service: ServiceId, stop: StopScope) -> BindingId {
        self.core.bindings.push(Binding { service, stop, slow: SlowConsumers::default() });
        self.core.books.add_binding();
        BindingId(small_index(self.core.bindings.len()))
    }

    /// Says what becomes of clients of a binding that do not read what is pushed to them. Without it they
    /// are closed.
    pub fn set_slow_consumers(&mut self, binding: BindingId, slow: SlowConsumers) {
        self.core.bindings[usize::from(binding.0)].slow = slow;
    }

    /// Says what people call a binding, in reports.
    pub fn label(&mut self, binding: BindingId, label: Label) {
        self.core.books.label(binding, label);
    }

    /// Adds something that connections or datagrams come to.
    pub fn add_endpoint(&mut self, endpoint: Endpoint) -> EndpointId {
        self.core.endpoints.push(endpoint);
        EndpointId(small_index(self.core.endpoints.len()))
    }

    /// The shell is ready, at this time.
    pub fn start(&mut self, now: Now) {
        self.core.started = now;
    }

    /// Checks the tables, the timers and each connection. It looks at everything, so it is for tests.
    ///
    /// # Panics
    /// If something is not as it must be between two calls.
    pub fn check_invariants(&self) {
        let core = &self.core;
        core.connections.check_invariants();
        core.timers.check_invariants();
        for id in core.connections.ids() {
            let connection = core.connections.get(id).expect("it is there");
            connection.check_invariants(&core.limits);
            if let Some(armed) = connection.armed() {
                assert!(core.timers.holds(id.index, armed), "{id} has an entry");
            }
        }
        core.books.check_invariants(&core.stats, &core.connections);
        core.check_drained();
        core.check_memory();
    }

    /// Logs how the server is.
    pub fn log_report(&self) {
        for line in self.core.report().lines() {
            log::info!("{line}");
        }
    }
}

/// The index of the last of `length` services, bindings or endpoints.
fn small_index(length: usize) -> u16 {
    // The largest number is left free to mean "none".
    u16::try_from(length).expect("a server has fewer than 65,536 bindings") - 1
}

impl<O: Observer> Drop for Engine<O> {
    fn drop(&mut self) {
        debug!("counters: {}", self.core.stats);
    }
}

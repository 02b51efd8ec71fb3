//! The loop: the only place that knows readiness.
//!
//! It waits for the kernel, moves bytes in bounded amounts between sockets and the
//! [`Engine`], accepts, and closes. It knows no protocol. One turn:
//!
//! ```text
//!   ┌─► 1 how long to wait: not at all if a source is still ready, else until the next deadline
//!   │   2 poll the kernel; read the clock, once for the whole turn
//!   │   3 mark what became ready; drop events of an older generation
//!   │   4 serve what is ready: one read, decode all of it, one write of what came of it
//!   │   5 accept
//!   │   6 let time pass in the engine: deadlines, services, peers that have room again; begin the
//!   │     connections that services have asked for
//!   │   7 flush what else has output: one write a connection, however many messages
//!   └── 8 close what is to be closed; nothing is freed before, so no event can meet a newcomer
//! ```
//!
//! How long a turn took is known when the next one waits. Every step does a bounded amount of work: a
//! connection gets one read a turn, and whoever could go on stands at the end of the ready queue for the
//! next one.

mod accept;
mod datagram;
mod dial;
mod drain;
mod invariants;
mod per_ip;
mod readiness;
mod rules;
mod source;
mod stream_io;
mod token;
mod turn;
mod wait;

pub use self::rules::{Rules, Sound};
pub(crate) use self::token::pack as token_of;

use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::time::Duration;

use slab::Slab;

use self::per_ip::PerIp;
use self::readiness::Readiness;
use self::source::{DatagramSource, ListenerSource, Source, StreamSource, small};
use crate::engine::{ConnId, EndpointId, Engine, Observer};
use crate::kernel::{Interest, Kernel, Ready, Signal, Socket};
use crate::time::{Now, Time};

/// Why the loop ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It was asked to stop, by a signal or otherwise, and has drained.
    Drained(Option<Signal>),
    /// A second signal came while it drained.
    Forced(Signal),
}

/// The loop, with everything that it serves. `R` is for tests that break a [rule](Rules).
pub struct Reactor<K: Kernel, O: Observer = (), R: Rules = Sound> {
    kernel: K,
    engine: Engine<O>,
    sources: Slab<Source<K>>,
    /// The places of listeners, to be accepted from.
    listeners: Vec<usize>,
    /// Somebody may wait at one of them. They need not be looked at in each turn: most turns, nobody comes.
    has_knocks: bool,
    /// Sources that can be served at once, first come, first served.
    ready: VecDeque<ConnId>,
    /// Places to be freed at the end of the turn.
    closing: Vec<usize>,
    events: Vec<Ready>,
    dirty: Vec<ConnId>,
    /// One for all; its length is what a connection is read at most in a turn.
    read_buffer: Box<[u8]>,
    generation: u32,
    max_connections: usize,
    /// How many each address has, where that is limited.
    per_ip: Option<PerIp>,
    /// How long to look for events again and again before sleeping.
    spin: Duration,
    /// How long that was in vain.
    spun: Duration,
    /// When something was last ready.
    last_event: Time,
    now: Now,
    /// When the turn began, until it is known when it has ended.
    began: Option<Time>,
    observer_is_behind: bool,
    /// The signal that began the drain.
    drained_by: Option<Signal>,
    /// The signal that cut it short.
    forced: Option<Signal>,
    warnings: accept::Warnings,
    refusals: accept::Refusals,
    /// The engine's next deadline as it was reckoned last; of use only to who breaks
    /// [`Rules::RECKON_DEADLINES`].
    reckoned: Option<Time>,
    rules: PhantomData<R>,
}

impl<K: Kernel, O: Observer, R: Rules> std::fmt::Debug for Reactor<K, O, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reactor")
            .field("sources", &self.sources.len())
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

impl<K: Kernel, O: Observer> Reactor<K, O> {
    /// A loop that serves `engine`, with at most `max_connections` connections at a time.
    pub fn new(kernel: K, engine: Engine<O>, max_connections: usize) -> Reactor<K, O> {
        Reactor::with_rules(kernel, engine, max_connections)
    }
}

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// The same, with the [rules](Rules) that the type says.
    pub fn with_rules(
        mut kernel: K,
        mut engine: Engine<O>,
        max_connections: usize,
    ) -> Reactor<K, O, R> {
        let now = kernel.now();
        let read_budget = engine.limits().read_budget_bytes;
        engine.start(now);
        Reactor {
            kernel,
            engine,
            sources: Slab::new(),
            listeners: Vec::new(),
            has_knocks: false,
            ready: VecDeque::new(),
            closing: Vec::new(),
            events: Vec::new(),
            dirty: Vec::new(),
            read_buffer: vec![0; read_budget].into_boxed_slice(),
            generation: 0,
            max_connections,
            per_ip: None,
            spin: Duration::ZERO,
            spun: Duration::ZERO,
            last_event: now.time,
            now,
            began: None,
            observer_is_behind: false,
            drained_by: None,
            forced: None,
            warnings: accept::Warnings::default(),
            refusals: accept::Refusals::default(),
            reckoned: None,
            rules: PhantomData,
        }
    }

    /// Starts to accept from `socket`.
    pub fn add_listener(&mut self, socket: K::Listener, endpoint: EndpointId) -> io::Result<()> {
        let mut source = Box::new(ListenerSource {
            socket,
            endpoint,
            readiness: Readiness::default(),
            paused_until: None,
        });
        let token = token::pack(self.next_id());
        self.kernel.register(Socket::Listener(&mut source.socket), token, Interest::Readable)?;
        self.listeners.push(self.sources.insert(Source::Listener(source)));
        Ok(())
    }

    /// Starts to receive from `socket`.
    pub fn add_datagram(&mut self, socket: K::Datagram, endpoint: EndpointId) -> io::Result<()> {
        let id = self.next_id();
        let readiness = Readiness::default();
        let generation = id.generation;
        let mut source = Box::new(DatagramSource { socket, endpoint, generation, readiness });
        let token = token::pack(id);
        self.kernel.register(Socket::Datagram(&mut source.socket), token, Interest::Readable)?;
        self.sources.insert(Source::Datagram(source));
        Ok(())
    }

    /// Starts to obey signals: SIGINT, SIGTERM and SIGHUP drain, a second SIGINT or SIGTERM stops at
    /// once, and SIGUSR1 logs the counters.
    pub fn add_signals(&mut self, mut signals: K::Signals) -> io::Result<()> {
        let token = token::pack(self.next_id());
        self.kernel.register(Socket::Signals(&mut signals), token, Interest::Readable)?;
        self.sources.insert(Source::Signals(Box::new(signals)));
        Ok(())
    }

    /// Looks for events again and again for this long before it sleeps. To be woken takes some tens
    /// of microseconds, which is most of the round trip of a lone client; the price is a CPU that
    /// is busy for so long after each event. A loop to which nothing happens sleeps.
    pub fn set_spin(&mut self, spin: Duration) {
        self.spin = spin;
    }

    /// Changes how many connections there may be at a time. Those that are there stay.
    pub fn set_max_connections(&mut self, max_connections: usize) {
        self.max_connections = max_connections;
    }

    /// Takes at most so many connections of one IP address at a time, or as many as there may be
    /// (`None`). Of IPv6 the addresses of one network of 64 bits are counted as one, because each
    /// host has all of them to choose from. UNIX sockets and connections that services dial are not
    /// counted. To be set before anybody comes.
    pub fn set_max_per_ip(&mut self, most: Option<NonZeroUsize>) {
        self.per_ip = most.map(|most| PerIp::new(most.get()));
    }

    /// For how long it has looked for events and there were none. To the system that is CPU time like
    /// any other.
    pub fn spun(&self) -> Duration {
        self.spun
    }

    /// The engine behind the loop.
    pub fn engine(&self) -> &Engine<O> {
        &self.engine
    }

    /// The engine behind the loop.
    pub fn engine_mut(&mut self) -> &mut Engine<O> {
        &mut self.engine
    }

    /// The kernel under the loop.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// The kernel under the loop, for a world that is simulated. Nothing that the loop has opened is
    /// to be closed.
    pub fn kernel_mut(&mut self) -> &mut K {
        &mut self.kernel
    }

    /// Takes turns until the server is stopped.
    pub fn run(&mut self) -> io::Result<Stop> {
        loop {
            if let Some(stop) = self.turn()? {
                return Ok(stop);
            }
        }
    }

    /// The name of the next source.
    fn next_id(&mut self) -> ConnId {
        self.generation = self.generation.wrapping_add(1);
        ConnId { index: small(self.sources.vacant_key()), generation: self.generation }
    }
}

/// The stream of a connection, if its place has not gone to another. Takes the slab alone, because the
/// kernel and the engine are used beside it.
fn stream_mut<K: Kernel, R: Rules>(
    sources: &mut Slab<Source<K>>,
    id: ConnId,
) -> Option<&mut StreamSource<K>> {
    match sources.get_mut(id.index as usize)? {
        Source::Stream(source) if is_same::<R>(source.generation, id) => Some(source),
        _ => None,
    }
}

/// Whether the source of `generation` is the one that is meant by `id`.
fn is_same<R: Rules>(generation: u32, id: ConnId) -> bool {
    generation == id.generation || !R::COMPARE_GENERATIONS
}

//! One run: a server over the simulated kernel, its peers, and what must hold.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use readily::address::PeerAddr;
use readily::codec::websocket::deflate::Policy;
use readily::engine::{BindingId, Endpoint, EndpointId, Engine, Limits, Stats, StopScope};
use readily::kernel::sim::{Handle, Mailbox, Port, Sim, Weather};
use readily::kernel::{Kernel, Numbered, Recorder, Signal, StreamKind, Watched};
use readily::protocol::{Route, Site};
use readily::reactor::{Reactor, Rules, Stop};
use readily::service::{
    Burst, Chat, Count, Discard, Echo, Notify, NotifyMode, Number, Random, ServerStats, Service,
    Stream, TimeService,
};
use readily::time::Time;

use crate::actor::{Actor, Season};
use crate::board::Board;
use crate::script::{self, Kind, LONGEST, Script};
use crate::services::{CLIENTS, Obedient, Proxy, Relay};
use crate::subscriber::HISTORY;
use crate::upstream::Upstreams;
use crate::witness::Witness;

/// When faults have stopped, everything that can be finished is finished in this time: the longest
/// deadline is 25 s of silence and 8 s for the answer to a ping, and flushing and closing come behind.
const PATIENCE: Duration = Duration::from_secs(60);

/// And in this many turns.
const PATIENT_TURNS: usize = 60_000;

/// How late after a deadline the loop may wake: time passes in calls, too.
const LATE: Duration = Duration::from_millis(1);

/// How long a loop looks for events that does.
pub(crate) const SPIN: Duration = Duration::from_micros(50);

/// Where peers come from: two ways to write one address, and two addresses of one network.
const ADDRESSES: [&str; 6] = [
    "127.0.0.1",
    "::ffff:127.0.0.1",
    "192.0.2.1",
    "2001:db8::1",
    "2001:db8::ffff:1:2:3",
    "2001:db8:0:1::1",
];

/// A server, and the world around it.
pub(crate) struct World<R: Rules> {
    pub(crate) reactor: Reactor<Watched<Sim, Option<Recorder>>, Witness, R>,
    pub(crate) turns: usize,
    /// From which turn on the loop spins, if it does.
    pub(crate) spins_from: Option<usize>,
    rng: Xoshiro256PlusPlus,
    season: Season,
    pub(crate) ports: Ports,
    pub(crate) actors: Vec<Actor>,
    board: Board,
    /// How likely somebody comes at a time.
    crowd: f64,
    upstreams: Upstreams,
    mailbox: Mailbox,
    /// Datagrams that were sent and not answered.
    posted: BTreeSet<Vec<u8>>,
    posts: usize,
    /// When everything was set up, and the first turn could begin.
    pub(crate) set_up: Time,
    /// Whether to look into the loop after each turn, and not only at what it does.
    pub(crate) looks_inside: bool,
    stop: Option<Stop>,
    /// The step of the storm in which the server is told to end, if that is not behind it.
    ends_at: Option<usize>,
    /// So many steps after that it is told again, and does not wait for anybody.
    insists_after: Option<usize>,
}

/// Where to find what.
pub(crate) struct Ports {
    /// The binding of each service.
    pub(crate) bindings: Vec<(script::Service, BindingId)>,
    /// Those that are of a binding whoever comes.
    pub(crate) bound: Vec<(Port, BindingId)>,
    /// That of the connections that the proxy makes.
    pub(crate) upstream: BindingId,
    pub(crate) datagrams: BindingId,
    lines: Vec<(script::Service, Port)>,
    unix: Vec<(script::Service, Port)>,
    raw: Port,
    packet_echo: Port,
    packet_relay: Port,
    pub(crate) web: Port,
    proxy: Port,
}

/// Setting up.
impl<R: Rules> World<R> {
    pub(crate) fn new(seed: u64) -> World<R> {
        World::recorded(seed, None)
    }

    /// A world of whose kernel a recording is made.
    pub(crate) fn recorded(seed: u64, recorder: Option<Recorder>) -> World<R> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let Setup { sim, server, ports, mailbox } = Setup::new(seed, &mut rng);
        let kernel = Watched::new(sim, recorder);
        let mut reactor = server.start(kernel, Numbered::from, Numbered::from, Numbered::from);
        let weather = Weather::random(&mut rng);
        reactor.kernel_mut().inner_mut().set_weather(weather);
        World {
            ends_at: rng.random_bool(0.2).then(|| rng.random_range(0..2_000)),
            insists_after: rng.random_bool(0.1).then(|| rng.random_range(0..20)),
            set_up: reactor.kernel().inner().time(),
            reactor,
            turns: 0,
            spins_from: None,
            season: Season { is_stormy: true, is_ending: false, peers: 0 },
            ports,
            actors: Vec::new(),
            board: Board::default(),
            crowd: [0.01, 0.03, 0.1][rng.random_range(0..3)],
            upstreams: Upstreams::default(),
            mailbox,
            posted: BTreeSet::new(),
            posts: 0,
            looks_inside: true,
            stop: None,
            rng,
        }
    }
}

/// What a seed makes before anything happens.
struct Setup {
    sim: Sim,
    server: Server,
    ports: Ports,
    mailbox: Mailbox,
}

/// A server that is to be started, and its sockets on the simulated kernel.
pub(crate) struct Server {
    engine: Engine<Witness>,
    listeners: Vec<(Handle, EndpointId)>,
    datagrams: (Handle, EndpointId),
    signals: Handle,
    most: usize,
    of_each: Option<NonZeroUsize>,
}

impl Setup {
    fn new(seed: u64, rng: &mut Xoshiro256PlusPlus) -> Setup {
        let mut sim = Sim::new(seed);
        let engine = Engine::new(limits(rng), seed, Witness::default());
        let mut builder = Builder { engine, listeners: Vec::new(), bound: Vec::new() };
        let ports = builder.bind(&mut sim);
        let (socket, mailbox) = sim.datagram();
        let signals = sim.signals();
        let Builder { mut engine, listeners, .. } = builder;
        let datagrams = (socket, engine.add_endpoint(Endpoint::Datagram(ports.datagrams)));
        Upstreams::open(&mut sim);
        let most = if rng.random_bool(0.1) { 10 } else { 1_000 };
        if rng.random_bool(0.1) {
            let places = rng.random_range(1..30);
            sim.limit_descriptors(sim.open_descriptors() + places);
        }
        let of_each = rng.random_bool(0.3).then(|| rng.random_range(1..6));
        sim.expect_at_most(most, of_each);
        let of_each = of_each.and_then(NonZeroUsize::new);
        let server = Server { engine, listeners, datagrams, signals, most, of_each };
        Setup { sim, server, ports, mailbox }
    }
}

impl Server {
    /// The server of a seed.
    pub(crate) fn new(seed: u64) -> Server {
        Setup::new(seed, &mut Xoshiro256PlusPlus::seed_from_u64(seed)).server
    }

    /// Starts it on a kernel whose sockets are made of those of the simulated one.
    pub(crate) fn start<K: Kernel, R: Rules>(
        self,
        kernel: K,
        listener: fn(Handle) -> K::Listener,
        datagram: fn(Handle) -> K::Datagram,
        signals: fn(Handle) -> K::Signals,
    ) -> Reactor<K, Witness, R> {
        let mut reactor = Reactor::with_rules(kernel, self.engine, self.most);
        reactor.set_max_per_ip(self.of_each);
        for (handle, endpoint) in self.listeners {
            reactor.add_listener(listener(handle), endpoint).expect("the weather is calm");
        }
        let (socket, endpoint) = self.datagrams;
        reactor.add_datagram(datagram(socket), endpoint).expect("the weather is calm");
        reactor.add_signals(signals(self.signals)).expect("the weather is calm");
        reactor
    }
}

/// The binding of what has a history.
const TOPICS: BindingId = BindingId::nth(11);

/// Binds services to listeners.
struct Builder {
    engine: Engine<Witness>,
    listeners: Vec<(Handle, EndpointId)>,
    bound: Vec<(Port, BindingId)>,
}

impl Builder {
    fn bind(&mut self, sim: &mut Sim) -> Ports {
        use script::Service as S;
        let proxy = self.engine.add_service(Box::new(Proxy::default()));
        let clients = self.engine.add_binding(proxy, StopScope::Connection);
        let upstream = self.engine.add_binding(proxy, StopScope::Connection);
        assert_eq!(clients, CLIENTS);
        let relay = self.engine.add_service(Box::new(Relay::default()));
        let relay = self.engine.add_binding(relay, StopScope::Connection);
        let history =
            NotifyMode::Commands { history: usize::try_from(HISTORY).expect("it is short") };
        let mut bindings = Vec::new();
        for (name, service) in [
            (S::Echo, Box::new(Echo) as Box<dyn Service>),
            (S::Count, Box::new(Count::new(Number::Current))),
            (S::Time, Box::<TimeService>::default()),
            (S::Random, Box::<Random>::default()),
            (S::Burst, Box::new(Random::new(1..=1000, Some(Burst::default())))),
            (S::Discard, Box::new(Discard)),
            (S::Obedient, Box::new(Obedient)),
            (S::Chat, Box::<Chat>::default()),
            (S::Notify, Box::new(Notify::new([(TOPICS, history)]))),
            (S::Stream, Box::<Stream>::default()),
            (S::Stats, Box::<ServerStats>::default()),
        ] {
            let service = self.engine.add_service(service);
            bindings.push((name, self.engine.add_binding(service, StopScope::Connection)));
        }
        assert!(bindings.contains(&(S::Notify, TOPICS)));
        bindings.push((S::Relay, relay));
        let echo = bindings[0].1;
        let routes = bindings.iter().map(|(name, binding)| Route {
            path: script::path(*name).to_owned(),
            binding: binding.index(),
            deflate: if *name == S::Echo { Policy::Takeover } else { Policy::NoTakeover },
            ..Route::default()
        });
        let site = Site { routes: routes.collect(), ..Site::default() };
        let datagrams = self.engine.add_service(Box::new(Echo));
        let datagrams = self.engine.add_binding(datagrams, StopScope::Connection);
        let mut lines_over = |kind| {
            let ports = bindings
                .iter()
                .map(|(name, binding)| (*name, self.listen(sim, kind, Endpoint::Line(*binding))));
            ports.collect()
        };
        let (lines, unix) = (lines_over(StreamKind::Tcp), lines_over(StreamKind::Unix));
        let mut ports = Ports {
            bindings,
            bound: Vec::new(),
            upstream,
            datagrams,
            lines,
            unix,
            raw: self.listen(sim, StreamKind::Tcp, Endpoint::Raw(echo)),
            packet_echo: self.listen(sim, StreamKind::Packet, Endpoint::Packet(echo)),
            packet_relay: self.listen(sim, StreamKind::Packet, Endpoint::Packet(relay)),
            web: self.listen(sim, StreamKind::Tcp, Endpoint::Web(site)),
            proxy: self.listen(sim, StreamKind::Tcp, Endpoint::Raw(clients)),
        };
        ports.bound = std::mem::take(&mut self.bound);
        ports
    }

    fn listen(&mut self, sim: &mut Sim, kind: StreamKind, endpoint: Endpoint) -> Port {
        let (handle, port) = sim.listen(kind);
        if let Endpoint::Line(binding) | Endpoint::Raw(binding) | Endpoint::Packet(binding) =
            endpoint
        {
            self.bound.push((port, binding));
        }
        let endpoint = self.engine.add_endpoint(endpoint);
        self.listeners.push((handle, endpoint));
        port
    }
}

impl Ports {
    fn of(&self, script: &Script) -> Port {
        let is_relay = script.service == script::Service::Relay;
        match script.kind {
            Kind::Line | Kind::UnixLine => {
                let ports = if script.kind == Kind::Line { &self.lines } else { &self.unix };
                let port = ports.iter().find(|(service, _)| *service == script.service);
                port.expect("every service speaks lines").1
            }
            Kind::Raw => self.raw,
            Kind::Packet if is_relay => self.packet_relay,
            Kind::Packet => self.packet_echo,
            Kind::WebSocket | Kind::Http => self.web,
            Kind::Proxied => self.proxy,
        }
    }
}

/// Limits that a short script reaches.
fn limits(rng: &mut Xoshiro256PlusPlus) -> Limits {
    let mut time =
        |short, usual| Duration::from_millis(if rng.random_bool(0.2) { short } else { usual });
    let times = Limits {
        ping_interval: time(300, 25_000),
        pong_timeout: time(300, 8_000),
        handshake_timeout: time(300, 10_000),
        close_timeout: time(300, 5_000),
        flush_timeout: time(300, 30_000),
        ..Limits::default()
    };
    let mut pick = |choices: [usize; 4]| choices[rng.random_range(0..4)];
    let mut limits = Limits {
        max_queued_bytes: pick([1, 4_000, 20_000, 1024 * 1024]),
        max_memory_bytes: pick([1, 50_000, usize::MAX, usize::MAX]),
        high_water_bytes: pick([200, 4_000, 50_000, 256 * 1024]),
        low_water_bytes: pick([0, 100, 3_000, 64 * 1024]),
        ..times
    }
    .with_max_message(LONGEST);
    limits.protocol.max_line = LONGEST;
    limits
}

/// A run.
impl<R: Rules> World<R> {
    /// Faults happen, and peers are difficult.
    pub(crate) fn storm(&mut self, steps: usize) {
        for step in 0..steps {
            if self.ends_at == Some(step) {
                self.tell_to_end();
            }
            self.come();
            self.step();
        }
    }

    /// Faults stop: all that is pending is finished in a bounded time.
    pub(crate) fn calm_down(&mut self) {
        self.season.is_stormy = false;
        self.sim_mut().set_weather(Weather::CALM);
        // In a storm of events for nothing a loop that spins does nothing else.
        if self.rng.random_bool(0.2) {
            self.reactor.set_spin(SPIN);
            self.spins_from = Some(self.turns);
        }
        if !self.season.is_ending {
            self.settle("when faults have stopped");
        }
    }

    /// The server is told to end, and does.
    pub(crate) fn end(&mut self) {
        if !self.season.is_ending {
            self.tell_to_end();
        }
        if let Some(steps) = self.insists_after {
            return self.insist(steps);
        }
        self.settle("when the server ends");
        assert_eq!(self.stop, Some(Stop::Drained(Some(Signal::Terminate))), "it has drained");
    }

    /// A second signal ends it at once, whoever is there.
    fn insist(&mut self, steps: usize) {
        for _ in 0..steps {
            if self.stop.is_none() {
                self.step();
            }
        }
        self.reactor.kernel_mut().inner_mut().raise(Signal::Interrupt);
        for _ in 0..3 {
            if self.stop.is_none() {
                self.step();
            }
        }
        let ends = [Stop::Drained(Some(Signal::Terminate)), Stop::Forced(Signal::Interrupt)];
        assert!(self.stop.is_some_and(|stop| ends.contains(&stop)), "{:?}", self.stop);
    }

    pub(crate) fn is_forced(&self) -> bool {
        matches!(self.stop, Some(Stop::Forced(_)))
    }

    fn tell_to_end(&mut self) {
        self.season.is_ending = true;
        self.sim_mut().raise(Signal::Terminate);
    }

    /// Takes turns until nobody waits for anything.
    fn settle(&mut self, when: &str) {
        let deadline = self.sim().time() + PATIENCE;
        let mut asleep = 0;
        for _ in 0..PATIENT_TURNS {
            if self.is_settled() {
                return;
            }
            // A server that has stopped does so with nobody left, and takes no turn again.
            let has_cut = self.stop.is_some() && self.reactor.engine().connections() > 0;
            if has_cut || self.sim().time() > deadline {
                break;
            }
            self.step();
            // Nobody here waits for the clock: only the server can go on by itself.
            asleep = if self.sim().is_asleep() { asleep + 1 } else { 0 };
            if asleep > 2 {
                break;
            }
        }
        let waiting = self.actors.iter().filter(|actor| !self.is_done(actor));
        let waiting: Vec<String> = waiting
            .map(|actor| {
                let link = self.sim().describe(actor.remote);
                format!("\n  {actor}\n    {link:.1500}")
            })
            .collect();
        for remote in self.sim().remotes() {
            eprintln!("{remote:?}: {}", self.sim().describe(remote));
        }
        panic!(
            "{when}, {} connections, {:?}, wait for something that does not come:{}",
            self.reactor.engine().connections(),
            self.stop,
            waiting.concat()
        );
    }

    fn is_done(&self, actor: &Actor) -> bool {
        actor.outcome.is_some()
            || !self.season.is_ending
                && actor.is_at_rest(&self.board)
                && self.sim().is_open(actor.remote)
    }

    fn is_settled(&self) -> bool {
        let resting = self.actors.iter().filter(|actor| actor.outcome.is_none()).count();
        let is_ended = if self.season.is_ending { self.stop.is_some() } else { true };
        // A peer that goes on to stay has a connection, and a proxied one has two.
        let connections = self.reactor.engine().connections();
        is_ended
            && self.actors.iter().all(|actor| self.is_done(actor))
            && (resting..=2 * resting).contains(&connections)
    }

    /// Everybody does something, and then the loop takes a turn.
    fn step(&mut self) {
        self.act();
        let time = self.sim().time();
        let alarm = self
            .season
            .is_stormy
            .then(|| time + Duration::from_micros(self.rng.random_range(0..2_000)));
        self.sim_mut().set_alarm(alarm);
        let before = self.sim().time();
        let due = self.reactor.engine().poll_timeout();
        self.stop = self.reactor.turn().expect("the kernel waits");
        self.turns += 1;
        if let Some(due) = due {
            self.check_wake(due.max(before));
        }
        let engine = self.reactor.engine();
        // What is pushed when somebody goes, late in a turn, finds room before it is queued, and may be
        // one message too much behind it.
        let most = engine.limits().max_memory_bytes.saturating_add(2 * LONGEST);
        let is_over = engine.memory().total_bytes() > most && !engine.is_draining();
        assert!(!is_over, "the turn has left too much behind: {:?}", engine.memory());
        if self.looks_inside {
            self.reactor.check_invariants();
            // This takes longer than the turn.
            if self.sim().tally().waits.is_multiple_of(16) {
                self.reactor.engine().check_invariants();
            }
        }
    }

    /// The loop has not slept past a deadline.
    fn check_wake(&self, due: Time) {
        let woken = self.sim().woken();
        assert!(woken <= due + LATE, "a deadline was at {due:?}, and the loop slept to {woken:?}");
    }

    pub(crate) fn sim(&self) -> &Sim {
        self.reactor.kernel().inner()
    }

    fn sim_mut(&mut self) -> &mut Sim {
        self.reactor.kernel_mut().inner_mut()
    }

    /// What the loop has counted.
    pub(crate) fn stats(&self) -> Stats {
        *self.reactor.engine().stats()
    }
}

/// The world outside.
impl<R: Rules> World<R> {
    /// Somebody comes, perhaps.
    fn come(&mut self) {
        if self.rng.random_bool(self.crowd) {
            let number = self.actors.len();
            let script = Script::random(number, &mut self.board, &mut self.rng);
            let port = self.ports.of(&script);
            let address = ADDRESSES[self.rng.random_range(0..ADDRESSES.len())].parse().unwrap();
            let remote = self.sim_mut().dial_from(address, port);
            self.actors.push(Actor::new(number, script, remote, &mut self.rng));
            self.season.peers += 1;
        }
        if self.rng.random_bool(self.crowd) {
            let port = self.rng.random_range(1..1_000);
            let payload = format!("{port} {}", self.posts).into_bytes();
            let remote = SocketAddr::from(([127, 0, 0, 1], port));
            let from = PeerAddr::Inet { remote, local: None };
            let mailbox = self.mailbox;
            self.sim_mut().post(mailbox, &payload, from);
            self.posted.insert(payload);
            self.posts += 1;
        }
    }

    fn act(&mut self) {
        let sim = self.reactor.kernel_mut().inner_mut();
        for actor in &mut self.actors {
            actor.act(sim, &mut self.rng, self.season, &mut self.board);
        }
        self.upstreams.act(sim);
        while let Some((payload, to)) = sim.next_answer(self.mailbox) {
            let PeerAddr::Inet { remote, .. } = to else { panic!("{to} did not ask") };
            let prefix = format!("{} ", remote.port());
            assert!(payload.starts_with(prefix.as_bytes()), "{to} gets another's answer");
            assert!(self.posted.remove(&payload), "{to} is answered twice, or did not ask");
        }
    }
}

/// What must hold in the end.
impl<R: Rules> World<R> {
    pub(crate) fn check_outcome(&self) {
        let sim = self.sim();
        let unhappy = self
            .actors
            .iter()
            .filter(|actor| !actor.is_satisfied(&self.board) && !actor.is_excused(sim));
        let unhappy: Vec<String> = unhappy
            .map(|actor| format!("\n  {actor}\n    {}", sim.describe(actor.remote)))
            .collect();
        let stats = self.reactor.engine().stats();
        let excuses = stats.slow_consumers
            + stats.handshake_timeouts
            + stats.pong_timeouts
            + stats.close_timeouts
            + stats.shed;
        // Whoever is in the middle of something when the server is told to end is not heard out.
        assert!(
            unhappy.len() as u64 <= excuses || self.ends_at.is_some() || self.is_forced(),
            "{excuses} were cut off, and of these something is missing:{}",
            unhappy.concat()
        );
        self.board.check();
        self.audit();
    }

    /// What this run has come to: what happy peers there were, and which counters have counted.
    pub(crate) fn reach(&self) -> BTreeSet<String> {
        let happy = self.actors.iter().filter(|actor| actor.is_satisfied(&self.board));
        let peers = happy.flat_map(|actor| {
            let Script { kind, service, ending, deflates, topics, .. } = &actor.script;
            let deflates = deflates.then(|| "compression".to_owned());
            let gap = (topics.gaps > 0).then(|| "gap".to_owned());
            let traits = [format!("{kind:?} {service:?}"), format!("{ending:?}")];
            traits.into_iter().chain(deflates).chain(gap)
        });
        let counters = self.reactor.engine().stats().entries();
        let counted = counters.into_iter().filter(|counter| counter.value > 0);
        let forced = self.is_forced().then(|| "forced".to_owned());
        peers.chain(counted.map(|counter| counter.name.to_owned())).chain(forced).collect()
    }

    /// A number that tells runs apart.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.sim().fingerprint()
    }
}

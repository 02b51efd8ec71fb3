//! A short session of everybody: what is said, and what must hold when one call of it fails.
//!
//! ```text
//!   a bystander      line, stays
//!   a line peer      two reads, STOP
//!   a web client     handshake, message, ping, its Close
//!   a UNIX peer      more than fits into any buffer, and the end at once
//!   a packet peer    two packets
//!   somebody at the front: the server dials another server for him
//!   a datagram
//!   then a newcomer, and at last a drain, which finds the bystander and a web client there
//! ```

use std::collections::VecDeque;

use readily::address::ConnectAddress;
use readily::codec::websocket as frames;
use readily::engine::{BindingId, Dial, Endpoint, Engine, Limits, Speaks, StopScope};
use readily::kernel::StreamKind;
use readily::kernel::sim::Received;
use readily::protocol::{Route, Site};
use readily::reactor::{Reactor, Rules, Stop};
use readily::service::{CloseReason, ConnId, Context, Echo, Message, Service};

use crate::kernel::{Behind, Failing, Plan, Watched};
use crate::outside::{Outside, Sockets};
use crate::support::{SWITCHING, UPGRADE};

/// Listeners, in this order.
const LINE: usize = 0;
const WEB: usize = 1;
const FRONT: usize = 2;
const UNIX: usize = 3;
const PACKET: usize = 4;
const KINDS: [StreamKind; 5] =
    [StreamKind::Tcp, StreamKind::Tcp, StreamKind::Tcp, StreamKind::Unix, StreamKind::Packet];

/// What a peer does.
enum Act {
    Say(Vec<u8>),
    Hear(Vec<u8>),
    Finish,
    HearEnd,
}

/// A peer, and what is left for it to do.
struct Person<P> {
    peer: P,
    acts: VecDeque<Act>,
    /// How much of the first piece is said.
    said: usize,
    heard: Vec<u8>,
    /// It has heard an end where it was to hear more.
    is_harmed: bool,
}

/// A session under way.
struct Session<O: Outside<Kernel: Behind>, R: Rules> {
    reactor: Reactor<Failing<O::Kernel>, (), R>,
    outside: O,
    persons: Vec<Person<O::Peer>>,
    /// Whom the server has dialed: he echoes.
    dialed: Vec<O::Peer>,
    answers: Vec<Vec<u8>>,
    stop: Option<Stop>,
    /// Waiting has failed.
    is_over: bool,
    plan: Option<Plan>,
}

/// How much is heard at once, at most.
const AT_ONCE: usize = 65_536;

/// More turns than any part of a session takes.
const PATIENCE: usize = 2_000;

/// Runs a session in which one call fails. Returns whether it came to that call.
pub(crate) fn run<O: Outside<Kernel: Behind>, R: Rules>(plan: Option<Plan>) -> bool {
    let mut session = Session::<O, R>::new(plan);
    session.come(LINE, vec![say("here\n"), hear("here\n")]);
    session.come(LINE, line_peer());
    session.come(WEB, web_client());
    session.come(UNIX, unix_peer());
    session.come(PACKET, packet_peer());
    session.come(FRONT, vec![say("through"), hear("through"), Act::Finish, Act::HearEnd]);
    let kernel = &mut session.reactor.kernel_mut().inner;
    session.outside.post(kernel, b"datagram");
    session.settle();
    session.come(WEB, upgrade().into());
    session.settle();
    session.check_answers();
    // Whoever was there goes on, and whoever comes is served.
    session.persons[0].acts.extend([say("still here\n"), hear("still here\n")]);
    session.come(LINE, vec![say("new\n"), hear("new\n"), Act::Finish, Act::HearEnd]);
    session.settle();
    session.drain();
    session.check_outcome();
    session.reactor.kernel().has_failed
}

fn say(text: &str) -> Act {
    Act::Say(text.as_bytes().to_vec())
}

fn hear(text: &str) -> Act {
    Act::Hear(text.as_bytes().to_vec())
}

fn line_peer() -> Vec<Act> {
    let first = [say("a\nb"), hear("a\n"), say("\nc\nSTOP\nlate"), hear("b\nc\n")];
    first.into_iter().chain([Act::HearEnd, Act::Finish]).collect()
}

fn upgrade() -> [Act; 2] {
    [say(UPGRADE), Act::Hear(SWITCHING.to_vec())]
}

fn web_client() -> Vec<Act> {
    let mask = Some([1, 2, 3, 4]);
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    // In front, because a pong would overtake a reply that waits for room.
    frames::encode_ping(&mut asked, b"there?", mask);
    frames::encode_text(&mut asked, b"hello", mask);
    frames::encode_pong(&mut answered, b"there?", None);
    frames::encode_text(&mut answered, b"hello", None);
    let talk = [Act::Say(asked), Act::Hear(answered), Act::Say(close(1000, mask))];
    let end = [Act::Hear(close(1000, None)), Act::HearEnd, Act::Finish];
    upgrade().into_iter().chain(talk).chain(end).collect()
}

/// Over a UNIX socket output that waits for room has the socket watched for it.
fn unix_peer() -> Vec<Act> {
    let many = format!("{}\n", "x".repeat(999)).repeat(800);
    vec![say(&many), Act::Finish, hear(&many), Act::HearEnd]
}

fn packet_peer() -> Vec<Act> {
    vec![say("one"), say("two"), hear("one"), hear("two"), Act::Finish, Act::HearEnd]
}

fn close(code: u16, mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::new();
    frames::encode_close(&mut frame, Some(code.into()), "", mask);
    frame
}

impl<O: Outside<Kernel: Behind>, R: Rules> Session<O, R> {
    fn new(plan: Option<Plan>) -> Session<O, R> {
        let (Sockets { kernel, listeners, datagram }, outside) = O::new(&KINDS);
        let limits =
            Limits { high_water_bytes: 50_000, low_water_bytes: 10_000, ..Limits::default() };
        let mut engine = Engine::new(limits, 1, ());
        let echo = engine.add_service(Box::new(Echo));
        let echo = engine.add_binding(echo, StopScope::Connection);
        let forward = engine.add_service(Box::new(Forward::to(outside.address())));
        let front = engine.add_binding(forward, StopScope::Connection);
        engine.add_binding(forward, StopScope::Connection);
        let route = Route { path: "/ws".into(), binding: echo.index(), ..Route::default() };
        let site = Site { routes: vec![route], ..Site::default() };
        let endpoints = [
            Endpoint::Line(echo),
            Endpoint::Web(site),
            Endpoint::Raw(front),
            Endpoint::Line(echo),
            Endpoint::Packet(echo),
        ];
        let endpoints = endpoints.map(|endpoint| engine.add_endpoint(endpoint));
        let datagrams = engine.add_endpoint(Endpoint::Datagram(echo));
        let mut reactor = Reactor::with_rules(Failing::new(kernel), engine, 100);
        for (listener, endpoint) in listeners.into_iter().zip(endpoints) {
            reactor.add_listener(Watched::new(listener), endpoint).unwrap();
        }
        reactor.add_datagram(Watched::new(datagram), datagrams).unwrap();
        reactor.kernel_mut().set_plan(plan);
        Session {
            reactor,
            outside,
            persons: Vec::new(),
            dialed: Vec::new(),
            answers: Vec::new(),
            stop: None,
            is_over: false,
            plan,
        }
    }

    fn come(&mut self, listener: usize, acts: Vec<Act>) {
        let peer = self.outside.come(&mut self.reactor.kernel_mut().inner, listener);
        let acts = acts.into();
        self.persons.push(Person { peer, acts, said: 0, heard: Vec::new(), is_harmed: false });
    }

    /// Takes turns until nobody has anything to do.
    fn settle(&mut self) {
        for _ in 0..PATIENCE {
            self.act();
            let is_settled = self.persons.iter().all(|person| person.acts.is_empty());
            if self.is_over || is_settled && self.has_answers() {
                return;
            }
            self.turn();
        }
        let waiting: Vec<_> = self.persons.iter().map(|person| person.acts.len()).collect();
        panic!("{:?}: {waiting:?} acts are left, {} answers", self.plan, self.answers.len());
    }

    /// The server is told to end, and does.
    fn drain(&mut self) {
        for person in self.persons.iter_mut().filter(|person| !person.is_harmed) {
            if person.heard.is_empty() && person.acts.is_empty() {
                person.acts.extend([Act::HearEnd, Act::Finish]);
            }
        }
        let web = self.persons.len() - 2;
        let close_answer = Act::Say(close(1001, Some([5, 6, 7, 8])));
        if !self.persons[web].is_harmed {
            self.persons[web].acts.push_front(close_answer);
            self.persons[web].acts.push_front(Act::Hear(close(1001, None)));
        }
        self.reactor.drain();
        for _ in 0..PATIENCE {
            if self.stop.is_some() || self.is_over {
                self.act();
                return;
            }
            self.act();
            self.turn();
        }
        panic!("{:?}: it does not end: {:?}", self.plan, self.reactor);
    }

    fn turn(&mut self) {
        match self.reactor.turn() {
            Ok(stop) => {
                self.stop = stop;
                self.reactor.check_invariants();
                self.reactor.engine().check_invariants();
            }
            Err(error) => {
                assert!(self.plan.is_some_and(Plan::is_the_end), "{:?}: {error}", self.plan);
                self.is_over = true;
            }
        }
    }

    /// Everybody does what can be done at this time.
    fn act(&mut self) {
        let kernel = &mut self.reactor.kernel_mut().inner;
        self.outside.look(kernel);
        for person in &mut self.persons {
            while !person.acts.is_empty() && person.act(&mut self.outside, kernel) {}
        }
        self.dialed.extend(self.outside.arrival(kernel));
        let outside = &mut self.outside;
        self.dialed.retain_mut(|peer| {
            let received = outside.hear(kernel, peer, AT_ONCE);
            if let Received::Data(bytes) = &received {
                // So little that there is room, if there is anybody.
                outside.say(kernel, peer, bytes);
            }
            if received == Received::End {
                outside.finish(kernel, peer);
            }
            matches!(received, Received::Data(_) | Received::Nothing)
        });
        self.answers.extend(self.outside.answer(kernel));
    }

    /// The datagram is answered, or it is known that it is not.
    fn has_answers(&self) -> bool {
        let stats = self.reactor.engine().stats();
        self.answers.len() as u64 + stats.datagrams_not_sent >= 1
    }
}

impl<P> Person<P> {
    /// Goes on with the first act. Returns whether to try the next.
    fn act<O: Outside<Peer = P>>(&mut self, outside: &mut O, kernel: &mut O::Kernel) -> bool {
        match &self.acts[0] {
            Act::Say(bytes) => {
                let Some(count) = outside.say(kernel, &mut self.peer, &bytes[self.said..]) else {
                    return self.end();
                };
                self.said += count;
                if self.said < bytes.len() {
                    // A server whose replies are not read does not read.
                    return count == 0 && self.listen(outside, kernel);
                }
                self.said = 0;
            }
            Act::Finish => outside.finish(kernel, &mut self.peer),
            Act::Hear(bytes) => {
                let length = bytes.len();
                if self.heard.len() < length {
                    return self.listen(outside, kernel);
                }
                let rest = self.heard.split_off(length);
                assert_eq!(self.heard.escape_ascii().to_string(), bytes.escape_ascii().to_string());
                self.heard = rest;
            }
            Act::HearEnd => {
                assert!(self.heard.is_empty(), "more than was asked for");
                match outside.hear(kernel, &mut self.peer, AT_ONCE) {
                    Received::Nothing => return false,
                    Received::Data(bytes) => panic!("{} is too much", bytes.escape_ascii()),
                    Received::End => {}
                    Received::Reset => return self.end(),
                }
            }
        }
        self.acts.pop_front();
        true
    }

    /// Hears what has come. Returns whether anything has.
    fn listen<O: Outside<Peer = P>>(&mut self, outside: &mut O, kernel: &mut O::Kernel) -> bool {
        match outside.hear(kernel, &mut self.peer, AT_ONCE) {
            Received::Data(bytes) => self.heard.extend(bytes),
            Received::Nothing => return false,
            Received::End | Received::Reset => return self.end(),
        }
        true
    }

    /// It is over too soon.
    fn end(&mut self) -> bool {
        self.is_harmed = true;
        self.acts.clear();
        false
    }
}

/// What must hold in the end.
impl<O: Outside<Kernel: Behind>, R: Rules> Session<O, R> {
    fn check_answers(&self) {
        assert!(self.is_over || self.answers.iter().all(|answer| answer == b"datagram"));
    }

    fn check_outcome(&self) {
        let plan = self.plan;
        let kernel = self.reactor.kernel();
        let is_over = plan.is_some_and(Plan::is_the_end) && kernel.has_failed;
        assert_eq!(self.is_over, is_over, "{plan:?}");
        if is_over {
            return;
        }
        assert_eq!(self.stop, Some(Stop::Drained(None)), "{plan:?}");
        assert_eq!(self.reactor.engine().connections(), 0, "{plan:?}: nobody is cut off");
        let harmed: Vec<_> = self.persons.iter().map(|person| person.is_harmed).collect();
        let stats = self.reactor.engine().stats();
        let harm = harmed.iter().filter(|is_harmed| **is_harmed).count() as u64;
        let is_harmless = !kernel.has_failed || plan.is_none_or(Plan::is_harmless);
        assert!(harm <= u64::from(!is_harmless), "{plan:?} harms {harmed:?}");
        // The counters say it.
        let tally = &kernel.tally;
        assert_eq!(stats.accept_failures, tally.accept_failures + tally.unwatched, "{plan:?}");
        assert_eq!(stats.accept_aborted, tally.aborted, "{plan:?}");
        assert_eq!(stats.refused_no_descriptor, tally.refused, "{plan:?}");
        let opened = tally.accepted + tally.dialed - tally.unwatched;
        assert_eq!((stats.opened, stats.closed), (opened, opened), "{plan:?}");
        assert_eq!(stats.bytes_received, tally.bytes_read, "{plan:?}");
        assert_eq!(stats.bytes_sent, tally.bytes_written, "{plan:?}");
        assert_eq!(stats.datagrams, tally.received, "{plan:?}");
        assert_eq!(stats.datagram_replies, tally.sent, "{plan:?}");
        assert!(stats.lost <= u64::from(!is_harmless), "{plan:?}: {stats}");
        let named = stats.lost + tally.unwatched + tally.aborted + tally.refused;
        assert!(named >= harm, "{plan:?} harms {harmed:?}: {stats}");
    }
}

/// Passes on what one client says to a server that it dials for him, and back.
struct Forward {
    address: ConnectAddress,
    client: Option<ConnId>,
    server: Option<ConnId>,
    said: Vec<u8>,
}

/// The binding of the client, and that of the server.
const CLIENT: BindingId = BindingId::nth(1);
const SERVER: BindingId = BindingId::nth(2);

impl Forward {
    fn to(address: ConnectAddress) -> Forward {
        Forward { address, client: None, server: None, said: Vec::new() }
    }
}

impl Service for Forward {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if cx.binding(peer) == Some(CLIENT) {
            self.client = Some(peer);
            let address = self.address.clone();
            cx.dial(Dial { binding: SERVER, address, speaks: Speaks::Bytes });
            return;
        }
        self.server = Some(peer);
        cx.send(peer, Message::binary(&self.said));
        if self.client.is_none() {
            cx.close(peer, 1000, "");
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        match (self.client, self.server) {
            (Some(client), Some(server)) => {
                cx.send(if from == client { server } else { client }, message);
            }
            _ => self.said.extend_from_slice(message.as_bytes()),
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        let other = if self.client == Some(peer) {
            self.client = None;
            self.server
        } else {
            self.server = None;
            self.client
        };
        if let Some(other) = other {
            cx.close(other, 1000, "");
        }
    }
}

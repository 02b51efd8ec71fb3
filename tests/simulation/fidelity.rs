//! The same scripts over the simulated and over the real kernel: what peers hear, what the engine
//! sees and what the counters say is the same. So what is found over the one is true of the other.

use std::time::Duration;

use readily::codec::websocket as frames;
use readily::engine::{
    BindingId, ConnId, Endpoint, EndpointId, Engine, Limits, Observer, Sighting, StopScope,
};
use readily::kernel::sim::Received;
use readily::kernel::{Kernel, StreamKind};
use readily::protocol::{Route, Site};
use readily::reactor::Reactor;
use readily::service::{Context, Echo, Message, Service};
use readily::time::Time;

use crate::outside::{Outside, Real, Simulated, Sockets};
use crate::script::{LONGEST, upgrade};
use crate::support::SWITCHING;

/// A script for one peer after the other.
#[derive(Debug)]
enum Step {
    /// A peer comes to this listener.
    Come(usize),
    Say(Vec<u8>),
    /// It hears so much more.
    Hear(usize),
    /// It hears that the server has ended its side, or that the connection is broken.
    HearEnd,
    Finish,
    Reset,
    /// The server has forgotten it.
    BeForgotten,
    /// The server is told to end.
    Drain,
}

/// Listeners, in this order.
const LINE: usize = 0;
const WEB: usize = 1;
const UNIX: usize = 2;
const PACKET: usize = 3;
const KINDS: [StreamKind; 4] =
    [StreamKind::Tcp, StreamKind::Tcp, StreamKind::Unix, StreamKind::Packet];

/// All that peers do, one after the other.
fn script() -> Vec<Step> {
    let say = |text: &str| Step::Say(text.as_bytes().to_vec());
    let mut steps = Vec::new();
    for listener in [LINE, UNIX] {
        // In pieces, and to the end.
        steps.extend([Step::Come(listener), say("hello\n"), Step::Hear(6), say("a\nb\nc")]);
        steps.extend([Step::Hear(4), say("\r\n"), Step::Hear(3), Step::Finish, Step::HearEnd]);
        // More than fits into any buffer, and the end at once.
        let many = format!("{}\n", "x".repeat(1_000)).repeat(2_000);
        steps.extend([Step::Come(listener), say(&many), Step::Finish]);
        steps.extend([Step::Hear(many.len()), Step::HearEnd]);
        // STOP, and what comes too late.
        steps.extend([Step::Come(listener), say("x\nSTOP\nlate\n"), Step::Hear(2)]);
        steps.extend([Step::HearEnd, Step::Finish]);
        // A line that is too long.
        steps.extend([Step::Come(listener), Step::Say(vec![b'x'; LONGEST + 1]), Step::Hear(18)]);
        steps.extend([Step::HearEnd, Step::Finish]);
    }
    // Gone without a word, and with half of one.
    steps.extend([Step::Come(LINE), Step::Finish, Step::HearEnd]);
    steps.extend([Step::Come(LINE), say("half"), Step::Finish, Step::HearEnd]);
    steps.extend([Step::Come(LINE), say("hi\n"), Step::Hear(3), Step::Reset, Step::BeForgotten]);
    // Packets keep their boundaries.
    steps.extend([Step::Come(PACKET), say("one"), say("two"), Step::Hear(3), Step::Hear(3)]);
    steps.extend([say("STOP"), Step::HearEnd, Step::Finish]);
    // WebSocket: a message, a ping, each way to end.
    let come = || [Step::Come(WEB), Step::Say(upgrade("/ws", "")), Step::Hear(SWITCHING.len())];
    steps.extend(come());
    steps.push(frame(|out, mask| frames::encode_text(out, b"hello", mask)));
    steps.push(frame(|out, mask| frames::encode_ping(out, b"there?", mask)));
    steps.push(Step::Hear(7 + 8));
    steps.push(frame(|out, mask| frames::encode_close(out, Some(1000.into()), "bye", mask)));
    steps.extend([Step::Hear(4), Step::HearEnd, Step::Finish]);
    steps.extend(come());
    steps.extend([say("\u{2}\u{3}abc"), Step::Hear(4), Step::HearEnd, Step::Finish]);
    steps.extend(come());
    steps.extend([Step::Finish, Step::HearEnd]);
    steps.extend(come());
    steps.extend([Step::Reset, Step::BeForgotten]);
    // The last one is there when the server ends.
    steps.extend(come());
    steps.extend([Step::Drain, Step::Hear(4)]);
    steps.push(frame(|out, mask| frames::encode_close(out, Some(1001.into()), "", mask)));
    steps.extend([Step::HearEnd, Step::Finish, Step::BeForgotten]);
    steps
}

/// A frame of a client.
fn frame(encode: impl FnOnce(&mut Vec<u8>, Option<[u8; 4]>)) -> Step {
    let mut out = Vec::new();
    encode(&mut out, Some([1, 2, 3, 4]));
    Step::Say(out)
}

/// Runs the script and writes down what comes of it.
fn transcript<O: Outside>() -> Vec<String> {
    let (Sockets { kernel, listeners, .. }, mut outside) = O::new(&KINDS);
    let (engine, endpoints) = engine();
    let mut reactor = Reactor::new(kernel, engine, 10);
    for (listener, endpoint) in listeners.into_iter().zip(endpoints) {
        reactor.add_listener(listener, endpoint).unwrap();
    }
    let mut peer = None;
    // What the transcript says, and what was heard and is not in it.
    let (mut lines, mut heard) = (Vec::new(), Vec::new());
    for step in script() {
        match step {
            Step::Come(listener) => {
                until(&mut reactor, |reactor| reactor.engine().connections() == 0);
                peer = Some(outside.come(reactor.kernel_mut(), listener));
                lines.push(format!("comes to {listener}"));
            }
            Step::Say(bytes) => {
                lines.push(format!("says {} bytes", bytes.len()));
                let peer = peer.as_mut().unwrap();
                let mut sent = 0;
                until(&mut reactor, |reactor| {
                    let kernel = reactor.kernel_mut();
                    let rest = &bytes[sent..];
                    sent += outside.say(kernel, peer, rest).unwrap_or(rest.len());
                    // A peer that does not read meanwhile is not read from.
                    if sent < bytes.len()
                        && let Received::Data(data) = hear(&mut outside, kernel, peer, 65_536)
                    {
                        heard.extend(data);
                    }
                    sent == bytes.len()
                });
            }
            Step::Hear(count) => {
                let peer = peer.as_mut().unwrap();
                until(&mut reactor, |reactor| {
                    let (rest, kernel) = (count - heard.len(), reactor.kernel_mut());
                    if rest > 0
                        && let Received::Data(data) = hear(&mut outside, kernel, peer, rest)
                    {
                        heard.extend(data);
                    }
                    heard.len() == count
                });
                let shown = heard[..heard.len().min(200)].escape_ascii();
                lines.push(format!("hears {count} bytes: {shown}"));
                heard.clear();
            }
            Step::HearEnd => {
                let peer = peer.as_mut().unwrap();
                let mut last = Received::Nothing;
                until(&mut reactor, |reactor| {
                    last = hear(&mut outside, reactor.kernel_mut(), peer, 1);
                    last != Received::Nothing
                });
                lines.push(format!("hears {last:?}"));
            }
            Step::Finish => outside.finish(reactor.kernel_mut(), peer.as_mut().unwrap()),
            Step::Reset => outside.reset(reactor.kernel_mut(), peer.take().unwrap()),
            Step::BeForgotten => {
                until(&mut reactor, |reactor| reactor.engine().connections() == 0);
            }
            Step::Drain => reactor.drain(),
        }
    }
    lines.push(format!("{:?}", reactor.engine().stats()));
    lines.append(&mut reactor.engine_mut().observer_mut().0);
    lines
}

/// Looks, and hears what one peer has got.
fn hear<O: Outside>(
    outside: &mut O,
    kernel: &mut O::Kernel,
    peer: &mut O::Peer,
    most: usize,
) -> Received {
    outside.look(kernel);
    outside.hear(kernel, peer, most)
}

/// Takes turns until something is so.
fn until<K: Kernel>(
    reactor: &mut Reactor<K, Notes>,
    mut is_so: impl FnMut(&mut Reactor<K, Notes>) -> bool,
) {
    for _ in 0..20_000 {
        if is_so(reactor) {
            return;
        }
        reactor.turn().unwrap();
    }
    panic!("it does not come to that: {:?}", reactor.engine().observer().0);
}

/// Echoes behind each kind of listener, and a clock that does not let the loop sleep for long.
fn engine() -> (Engine<Notes>, [EndpointId; 4]) {
    let mut limits = Limits::default().with_max_message(LONGEST);
    limits.protocol.max_line = LONGEST;
    let mut engine = Engine::new(limits, 1, Notes::default());
    let echo = engine.add_service(Box::new(Echo));
    let echo = engine.add_binding(echo, StopScope::Connection);
    engine.add_service(Box::<Ticker>::default());
    let route = Route { path: "/ws".to_owned(), binding: echo.index(), ..Route::default() };
    let site = Site { routes: vec![route], ..Site::default() };
    let endpoints =
        [Endpoint::Line(echo), Endpoint::Web(site), Endpoint::Line(echo), Endpoint::Packet(echo)];
    let endpoints = endpoints.map(|endpoint| engine.add_endpoint(endpoint));
    (engine, endpoints)
}

/// Wakes the loop every millisecond.
#[derive(Default)]
struct Ticker(Time);

impl Service for Ticker {
    fn on_message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {}

    fn poll_timeout(&self) -> Option<Time> {
        Some(self.0)
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.0 = cx.now() + Duration::from_millis(1);
    }
}

/// What the engine sees.
#[derive(Default, Debug)]
struct Notes(Vec<String>);

impl Observer for Notes {
    fn see(&mut self, _: BindingId, _: Option<ConnId>, what: Sighting<'_>) {
        self.0.push(match what {
            Sighting::Message(bytes) => format!("message of {} bytes", bytes.len()),
            Sighting::Opened { head } => format!("opened by {} bytes", head.len()),
            other => format!("{other:?}"),
        });
    }
}

#[test]
fn simulation_and_the_real_kernel_have_the_same_transcript() {
    let (simulated, real) = (transcript::<Simulated>(), transcript::<Real>());
    for (number, (one, other)) in simulated.iter().zip(&real).enumerate() {
        assert_eq!(one, other, "line {number} of the simulated and of the real transcript");
    }
    assert_eq!(simulated.len(), real.len());
}

//! A session without sockets: an engine, a clock that the test turns, and a shell that moves bytes as
//! the test says. So readers of stdout, and servers, can be as slow as they like.

use std::net::SocketAddr;
use std::time::Duration;

use tungstenite::handshake::derive_accept_key;

use super::Session;
use crate::address::ConnectAddress;
use crate::client::options::Options;
use crate::client::{Client, Ending, Peer};
use crate::codec::websocket as frames;

use crate::config::Target;
use crate::engine::{CloseStep, ConnId, Engine, ServiceId, StopScope};
use crate::time::{Now, Time};

/// A client whose streams and server are in the hands of the test.
struct World {
    engine: Engine,
    now: Now,
    session: ServiceId,
}

/// As the reactor names them, one after the other.
const STDOUT: ConnId = ConnId { index: 0, generation: 1 };
const STDERR: ConnId = ConnId { index: 1, generation: 2 };
const STDIN: ConnId = ConnId { index: 2, generation: 3 };
const SERVER: ConnId = ConnId { index: 3, generation: 4 };

impl World {
    /// A client that is connected.
    fn connected(url: &str, is_interactive: bool) -> World {
        let options = Options { is_interactive, ..Options::new(Target::parse(url).unwrap()) };
        let to = SocketAddr::from(([127, 0, 0, 1], 7));
        let addresses = vec![ConnectAddress::Tcp { to, from: None }];
        let limits = Client { options: options.clone(), addresses: addresses.clone() }.limits();
        let mut engine = Engine::new(limits, 7, ());
        let session = engine.add_service(Box::new(Session::new(options, addresses)));
        for _ in Peer::ALL {
            engine.add_binding(session, StopScope::Connection);
        }
        let now = Now { time: Time::from_nanos(1_000_000_000), ..Now::default() };
        for (id, peer) in [(STDOUT, Peer::Output), (STDERR, Peer::Errors), (STDIN, Peer::Input)] {
            engine.adopt(id, peer.binding(), now);
        }
        let dial = engine.next_dial().expect("it connects");
        engine.dialing(SERVER, dial.binding, dial.speaks, now);
        engine.connected(SERVER, now);
        let mut world = World { engine, now, session };
        if url.starts_with("ws") {
            let request = String::from_utf8(world.take(SERVER, usize::MAX)).unwrap();
            let field = |line: &&str| line.starts_with("Sec-WebSocket-Key: ");
            let key = request.lines().find(field).expect("a key");
            let key = derive_accept_key(key.rsplit(" ").next().unwrap().as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
            );
            world.say(SERVER, answer.as_bytes());
        }
        world
    }

    /// A peer says something.
    fn say(&mut self, peer: ConnId, bytes: &[u8]) {
        self.engine.receive(peer, &mut bytes.to_vec(), self.now);
        self.end_turn();
    }

    fn end_input(&mut self) {
        self.engine.receive_eof(STDIN, self.now);
        self.end_turn();
    }

    /// What is due at this time is done, and the shell has looked at everybody.
    fn end_turn(&mut self) {
        self.engine.handle_timeout(self.now);
        let mut dirty = Vec::new();
        self.engine.take_dirty(&mut dirty);
        for id in dirty {
            self.engine.clear_dirty(id);
        }
    }

    /// A peer takes at most so much of what waits for it.
    fn take(&mut self, peer: ConnId, most: usize) -> Vec<u8> {
        let output = self.engine.output(peer).unwrap_or_default();
        let taken = output[..most.min(output.len())].to_vec();
        if !taken.is_empty() {
            self.engine.wrote(peer, taken.len(), self.now);
            self.end_turn();
        }
        taken
    }

    fn is_waiting(&self, peer: ConnId) -> bool {
        self.engine.output(peer).is_some()
    }

    /// Time passes, and whatever is due in it is done when it is due.
    fn pass(&mut self, time: Duration) {
        let end = self.now.time + time;
        while let Some(due) = self.engine.poll_timeout()
            && due < end
        {
            self.now.time = self.now.time.max(due) + Duration::from_millis(1);
            self.end_turn();
        }
        self.now.time = end;
        self.end_turn();
    }

    fn ending(&self) -> Option<Ending> {
        self.engine.service::<Session>(self.session).expect("it is there").ending()
    }

    /// Whether the server was cut off.
    fn is_cut_off(&mut self) -> bool {
        self.engine.poll_close(SERVER) == Some(CloseStep::Close)
    }
}

/// A text message of the server.
fn text(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frames::encode_text(&mut out, bytes, None);
    out
}

/// More than the low-water mark, and less than the high one.
const MUCH: usize = 100_000;

#[test]
fn a_server_is_not_read_from_while_nobody_reads_what_it_has_us_log() {
    let mut world = World::connected("ws://h:7/", true);
    let message = text(&[b'x'; 50_000]);
    for _ in 0..5 {
        world.say(SERVER, &message);
        assert!(world.engine.wants_read(SERVER), "there is room");
    }
    world.say(SERVER, &message);
    assert!(!world.engine.wants_read(SERVER), "stderr is full");
    world.take(STDERR, usize::MAX);
    assert!(world.engine.wants_read(SERVER), "and there is room again");
}

#[test]
fn room_at_the_server_is_none_for_what_it_says() {
    let mut world = World::connected("tcp://h:7", false);
    world.say(STDIN, &[b'x'; MUCH]);
    world.say(SERVER, &[b'y'; 300_000]);
    assert!(!world.engine.wants_read(SERVER), "stdout is full");
    // The service hears that somebody has room.
    assert_eq!(world.take(SERVER, MUCH).len(), MUCH);
    assert!(!world.engine.wants_read(SERVER), "stdout is as full as before");
    world.take(STDOUT, usize::MAX);
    assert!(world.engine.wants_read(SERVER));
}

#[test]
fn a_server_that_takes_its_last_input_slowly_is_waited_for_and_one_that_takes_none_is_not() {
    let mut world = World::connected("tcp://h:7", false);
    world.say(STDIN, &[b'x'; MUCH]);
    // Nobody reads our stdout any more, so nothing more is asked; what was, goes to the server.
    world.engine.lost(STDOUT, std::io::ErrorKind::BrokenPipe, world.now);
    assert_eq!(world.ending(), Some(Ending::Success));
    for _ in 0..5 {
        world.pass(Duration::from_millis(1_900));
        world.take(SERVER, 1_000);
        assert!(!world.is_cut_off() && world.is_waiting(SERVER));
    }
    world.pass(Duration::from_millis(4_100));
    assert!(world.is_cut_off());
}

#[test]
fn a_silent_server_is_waited_for_while_it_takes_what_it_was_sent() {
    let mut world = World::connected("ws://h:7/", false);
    world.say(STDIN, &b"a line\n".repeat(MUCH / 7));
    world.end_input();
    for _ in 0..5 {
        world.pass(Duration::from_millis(1_900));
        world.take(SERVER, 1_000);
        assert_eq!(world.ending(), None);
    }
    world.pass(Duration::from_millis(4_100));
    assert_eq!(world.ending(), Some(Ending::Failure), "it takes no more");
    let said = String::from_utf8(world.take(STDERR, usize::MAX)).unwrap();
    assert!(said.ends_with("the server takes no more input\n"), "{said}");
}

#[test]
fn an_answer_to_everything_is_not_the_end_while_some_of_it_is_not_sent() {
    let mut world = World::connected("udp://127.0.0.1:7", false);
    world.say(STDIN, b"one\ntwo\n");
    // Somebody answers more often than he is asked.
    world.say(SERVER, b"1");
    world.say(SERVER, b"2");
    world.end_input();
    assert_eq!(world.ending(), None, "nothing of it is sent");
    world.take(SERVER, 3);
    world.take(SERVER, 3);
    world.pass(Duration::from_millis(2_100));
    assert_eq!(world.ending(), Some(Ending::Success));
}

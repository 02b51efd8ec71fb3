//! Every row of the table of WebSocket states, played to the engine.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use readily::buffer::BufferPool;
use readily::codec::websocket::{
    Decoder, Event, Limits as FrameLimits, Opcode, Role, encode_close, encode_frame, encode_ping,
    encode_pong, encode_text,
};
use readily::engine::{ConnId, Endpoint, Engine, Limits, StopScope};
use readily::protocol::{Route, Site};
use readily::service::Echo;
use readily::time::Now;

use super::pages::root;

const REQUEST: &[u8] = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const MASK: Option<[u8; 4]> = Some([1, 2, 3, 4]);
const ID: ConnId = ConnId { index: 0, generation: 1 };
/// Deadlines are late by this much at most: two ticks of the wheel.
const LATENESS: Duration = Duration::from_millis(34);

/// One row: the state, what happens, what is said, and the state then.
type Row = [String; 4];

/// The rows of the table in the book.
fn table() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/book/websocket.md")).expect("the chapter");
    let (_, table) = text.split_once("| state | what happens |").expect("the table");
    let lines = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows = lines.map(|line| {
        let cells: Vec<_> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        cells.try_into().expect("four cells")
    });
    rows.collect()
}

/// A server with one client, and its clock.
struct World {
    engine: Engine,
    now: Now,
}

impl World {
    /// A client in this state.
    fn in_state(state: &str) -> World {
        let mut engine = Engine::new(Limits::default(), 7, ());
        let echo = engine.add_service(Box::new(Echo));
        let binding = engine.add_binding(echo, StopScope::Connection);
        let route = Route { path: "/ws".into(), binding: binding.index(), ..Route::default() };
        let site = Site { routes: vec![route], ..Site::default() };
        let endpoint = engine.add_endpoint(Endpoint::Web(site));
        let mut world = World { engine, now: Now::default() };
        world.engine.open(ID, endpoint, world.now);
        world.receive(REQUEST);
        let answer = world.take();
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
        match state {
            "Open" => {}
            "CloseSent" => {
                world.engine.begin_drain(world.now);
                assert_eq!(said(&world.take()), "Close 1001");
            }
            "Closed" => {
                world.receive(&frame(|out| encode_close(out, Some(1000.into()), "", MASK)));
                assert_eq!(said(&world.take()), "Close 1000");
            }
            other => panic!("no state {other}"),
        }
        world
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.engine.receive(ID, &mut bytes.to_vec(), self.now);
    }

    /// What is queued for the client; it is written.
    fn take(&mut self) -> Vec<u8> {
        let output = self.engine.output(ID).unwrap_or_default().to_vec();
        if !output.is_empty() {
            self.engine.wrote(ID, output.len(), self.now);
        }
        output
    }

    fn pass(&mut self, time: Duration) {
        self.now.time = self.now.time + time;
        self.engine.handle_timeout(self.now);
    }

    /// Nothing comes for so long. Until just before, nothing is said.
    fn wait(&mut self, time: Duration) {
        let moment = Duration::from_millis(1);
        self.pass(time - moment);
        assert_eq!((said(&self.take()), self.engine.poll_close(ID)), ("nothing".into(), None));
        self.pass(moment + LATENESS);
    }

    /// Has it happen what stands in the table.
    fn happens(&mut self, what: &str) {
        let limits = Limits::default();
        let words: Vec<_> = what.split(' ').collect();
        match *words {
            ["a", "text", "message", "comes"] => {
                self.receive(&frame(|out| encode_text(out, b"hello", MASK)));
            }
            ["a", "ping", "comes"] => self.receive(&frame(|out| encode_ping(out, b"life?", MASK))),
            ["a", "pong", "comes", "that", "nobody", "asked", "for"] => {
                self.receive(&frame(|out| encode_pong(out, b"life!", MASK)));
            }
            ["a", "part", "of", "a", "fragmented", "message", "comes"] => {
                self.receive(&frame(|out| encode_frame(out, false, Opcode::Text, b"hel", MASK)));
            }
            ["Close", "without", "a", "code", "comes"] => {
                self.receive(&frame(|out| encode_close(out, None, "", MASK)));
            }
            ["Close", code, "comes"] => {
                let code: u16 = code.parse().expect("a code");
                self.receive(&frame(|out| encode_close(out, Some(code.into()), "", MASK)));
            }
            ["a", "frame", "without", "a", "mask", "comes"] => {
                self.receive(&frame(|out| encode_text(out, b"hello", None)));
            }
            ["text", "comes", "that", "is", "not", "UTF-8"] => {
                self.receive(&frame(|out| encode_frame(out, true, Opcode::Text, b"\xff", MASK)));
            }
            ["the", "header", "of", "a", "message", "comes", "that", "is", "too", "long"] => {
                let length = limits.protocol.frames.max_message as u64 + 1;
                let mut header = vec![0x81, 0x80 | 127];
                header.extend(length.to_be_bytes());
                header.extend([1, 2, 3, 4]);
                self.receive(&header);
            }
            ["the", "stream", "ends"] => self.engine.receive_eof(ID, self.now),
            ["the", "server", "drains"] => self.engine.begin_drain(self.now),
            ["nothing", "comes", "for", seconds, "seconds"] => {
                self.wait(Duration::from_secs(seconds.parse().expect("a number")));
            }
            ["nothing", "comes", "for", seconds, "seconds", "after", "a", "ping"] => {
                self.pass(limits.ping_interval + LATENESS);
                assert_eq!(said(&self.take()), "a ping");
                self.wait(Duration::from_secs(seconds.parse().expect("a number")));
            }
            _ => panic!("nobody knows how it happens that {what}"),
        }
    }

    /// The state by what is to be seen of it: a connection that is `Closed` is to be ended, and of the others
    /// only an `Open` one answers a ping.
    fn state(mut self) -> &'static str {
        if self.engine.poll_close(ID).is_some() {
            return "Closed";
        }
        self.happens("a ping comes");
        match &*said(&self.take()) {
            "a pong with the same payload" => "Open",
            "nothing" => "CloseSent",
            other => panic!("a ping is answered with {other}"),
        }
    }
}

fn frame(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

/// What a client hears, in the words of the table.
fn said(output: &[u8]) -> String {
    let (mut output, mut words) = (output.to_vec(), Vec::new());
    let mut input = &mut output[..];
    let (mut decoder, mut pool) = (Decoder::new(Role::Client), BufferPool::new());
    while let Some(event) =
        decoder.next(&mut input, &FrameLimits::default(), &mut pool).expect("frames of a server")
    {
        words.push(match event {
            Event::Text(text) if text.as_slice() == b"hello" => "the service's answer".to_owned(),
            Event::Ping(_) => "a ping".to_owned(),
            Event::Pong(pong) if pong.as_slice() == b"life?" => {
                "a pong with the same payload".to_owned()
            }
            Event::Close(None) => "Close without a code".to_owned(),
            Event::Close(Some(close)) => format!("Close {}", u16::from(close.code)),
            other => panic!("{other:?}"),
        });
    }
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

/// The row as the engine has it.
fn played([state, happens, ..]: &Row) -> Row {
    let mut world = World::in_state(state);
    world.happens(happens);
    let said = said(&world.take());
    [state.clone(), happens.clone(), said, world.state().to_owned()]
}

#[test]
fn every_row_of_the_table_of_states_is_what_the_engine_does() {
    let rows = table();
    assert!(rows.len() > 20, "{}", rows.len());
    let wrong: Vec<_> = rows.iter().filter(|row| played(row) != **row).collect();
    assert!(
        wrong.is_empty(),
        "{wrong:#?}\nare in truth {:#?}",
        wrong.iter().map(|row| played(row)).collect::<Vec<_>>()
    );
    let cases: BTreeSet<_> = rows.iter().map(|row| (&row[0], &row[1])).collect();
    assert_eq!(cases.len(), rows.len(), "a row stands there twice");
}

#[test]
fn the_table_has_the_states_of_the_code() {
    let code = root().join("src/protocol/websocket.rs");
    let code = fs::read_to_string(code).expect("the protocol");
    let (_, states) = code.split_once("enum State {").expect("the states");
    let states: BTreeSet<_> = states
        .split('}')
        .next()
        .into_iter()
        .flat_map(|all| all.split(','))
        .map(str::trim)
        .collect();
    let rows = table();
    let told: BTreeSet<_> = rows.iter().flat_map(|row| [&*row[0], &*row[3]]).collect();
    assert_eq!(told, states.into_iter().filter(|state| !state.is_empty()).collect());
}

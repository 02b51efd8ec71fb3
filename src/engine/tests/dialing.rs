//! Connections that a service asks for: made, given up, held, half-closed, and left to the service
//! when everybody else is sent away.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::world::{Socket, World};
use crate::address::ConnectAddress;
use crate::codec::websocket as frames;
use crate::codec::websocket::deflate::Policy;
use crate::engine::{
    BindingId, ConnId, Context, Dial, Endpoint, EndpointId, Limits, ServiceId, Speaks, StopScope,
};
use crate::protocol::{CloseReason, Message, OpeningRequest};
use crate::service::{Echo, Service};

/// Does to a connection what the lines of a controller say, and notes what it is told.
#[derive(Default)]
struct Caller {
    server: Option<ConnId>,
    told: Vec<String>,
}

const CONTROLLER: BindingId = BindingId::nth(0);
const SERVER: BindingId = BindingId::nth(1);

impl Service for Caller {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if cx.binding(peer) == Some(SERVER) {
            self.server = Some(peer);
            self.told.push("open".to_owned());
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let text = String::from_utf8_lossy(message.as_bytes()).into_owned();
        if cx.binding(from) == Some(SERVER) {
            self.told.push(format!("message {text}"));
            return;
        }
        let address = "127.0.0.1:1".parse().expect("an address");
        let address = ConnectAddress::Tcp { to: address, from: None };
        let dial = |speaks| Dial { binding: SERVER, address: address.clone(), speaks };
        match (text.as_str(), self.server) {
            ("dial", _) => cx.dial(dial(Speaks::Bytes)),
            ("dial packets", _) => cx.dial(dial(Speaks::Packets)),
            ("dial web", _) => cx.dial(dial(Speaks::WebSocket(Arc::new(OpeningRequest {
                host: "h:1".to_owned(),
                path: "/ws".to_owned(),
                fields: Vec::new(),
                deflate: Policy::Off,
            })))),
            ("hold", Some(server)) => cx.hold(server),
            ("resume", Some(server)) => cx.resume(server),
            ("silence", Some(server)) => {
                let silence = cx.silence(server).map(|silence| silence.as_secs_f64());
                self.told.push(format!("{silence:.0?}"));
            }
            ("half", Some(server)) => cx.half_close(server),
            ("close", Some(server)) => cx.close(server, 1000, "bye"),
            (text, Some(server)) => {
                let sent = cx.send(server, Message::text(text));
                self.told.push(format!("sent {sent}"));
            }
            other => panic!("{other:?}"),
        }
    }

    fn on_drained(&mut self, _: &mut Context<'_>, _: ConnId) {
        self.told.push("drained".to_owned());
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        if cx.binding(peer) == Some(SERVER) {
            assert!(!cx.send(peer, Message::text("too late")));
            self.told.push(format!("close: {reason}"));
        }
    }

    fn on_close_over(&mut self, _: &mut Context<'_>, _: ConnId, reason: CloseReason) {
        self.told.push(format!("answered: {reason}"));
    }

    fn on_drain(&mut self, _: &mut Context<'_>) {
        self.told.push("drain".to_owned());
    }
}

/// A world with a caller, and somebody who tells it what to do.
pub(super) struct Call {
    pub(super) world: World,
    service: ServiceId,
    endpoint: EndpointId,
    controller: ConnId,
    seen: usize,
}

impl Call {
    fn new(limits: Limits) -> Call {
        let mut world = World::with(limits);
        let service = world.engine.add_service(Box::<Caller>::default());
        assert_eq!(world.engine.add_binding(service, StopScope::Connection), CONTROLLER);
        assert_eq!(world.engine.add_binding(service, StopScope::Connection), SERVER);
        let endpoint = world.engine.add_endpoint(Endpoint::Line(CONTROLLER));
        let controller = world.open(endpoint);
        Call { world, service, endpoint, controller, seen: 0 }
    }

    pub(super) fn tell(&mut self, command: &str) {
        self.world.receive(self.controller, format!("{command}\n").as_bytes());
    }

    /// What the service has been told since this was asked last.
    fn told(&mut self) -> Vec<String> {
        let caller: &Caller = self.world.engine.service(self.service).expect("a caller");
        let new = caller.told[self.seen..].to_vec();
        self.seen = caller.told.len();
        new
    }

    /// Has a connection asked for; the shell begins to make it.
    fn dial(&mut self, command: &str) -> ConnId {
        self.tell(command);
        let dial = self.world.engine.next_dial().expect("it was asked for");
        assert_eq!(dial.binding, SERVER);
        assert!(self.world.engine.next_dial().is_none());
        let id = ConnId { index: self.world.next, generation: self.world.next + 100 };
        self.world.next += 1;
        self.world.engine.dialing(id, dial.binding, dial.speaks, self.world.now);
        id
    }

    /// The same, and it is there.
    fn connect(&mut self, command: &str) -> ConnId {
        let id = self.dial(command);
        self.world.engine.connected(id, self.world.now);
        id
    }

    /// The same, and the server has agreed to a WebSocket.
    pub(super) fn websocket(&mut self) -> ConnId {
        let id = self.connect("dial web");
        let request = self.world.take(id);
        self.world.receive(id, &accept(&request));
        assert_eq!(self.told(), ["open"]);
        id
    }

    /// A frame of ours, as its server reads it: first byte and payload. It must be masked.
    fn frame(&mut self, id: ConnId) -> (u8, Vec<u8>) {
        let frame = self.world.take(id);
        assert_eq!(usize::from(frame[1]), 0x80 | (frame.len() - 6), "masked, and one frame");
        let payload = frame[6..].iter().zip(frame[2..6].iter().cycle());
        (frame[0], payload.map(|(byte, mask)| byte ^ mask).collect())
    }
}

/// What a server answers to a request.
fn accept(request: &[u8]) -> Vec<u8> {
    let request = std::str::from_utf8(request).expect("text");
    let key = request.split("Sec-WebSocket-Key: ").nth(1).expect("a key");
    let key = key.split("\r\n").next().expect("a line");
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes()
}

/// A frame of a server.
pub(super) fn unmasked(encode: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

fn text(message: &str) -> Vec<u8> {
    unmasked(|out| frames::encode_text(out, message.as_bytes(), None))
}

fn close(code: u16) -> Vec<u8> {
    unmasked(|out| frames::encode_close(out, Some(code.into()), "", None))
}

pub(super) fn call() -> Call {
    Call::new(Limits::default())
}

#[test]
fn a_connection_is_open_when_it_is_there() {
    let mut call = call();
    let id = call.dial("dial");
    assert_eq!(call.told(), [""; 0]);
    assert!(!call.world.engine.wants_read(id));
    call.world.engine.connected(id, call.world.now);
    assert_eq!(call.told(), ["open"]);
    assert!(call.world.engine.wants_read(id));
    // Bytes as they come, in both directions.
    call.tell("hi");
    assert_eq!(call.world.take(id), b"hi");
    call.world.receive(id, b"one\ntw");
    call.world.receive(id, b"o");
    assert_eq!(call.told(), ["sent true", "message one\ntw", "message o"]);
    // It is not connected twice.
    call.world.engine.connected(id, call.world.now);
    assert_eq!(call.told(), [""; 0]);
    call.world.engine.receive_eof(id, call.world.now);
    assert_eq!(call.told(), ["close: EOF"]);
    assert_eq!(call.world.socket(id), Socket::Closed);
}

#[test]
fn to_a_client_stop_is_a_packet_like_any_other() {
    let mut call = call();
    let id = call.connect("dial packets");
    call.world.receive(id, b"STOP");
    call.world.receive(id, b"");
    assert_eq!(call.told(), ["open", "message STOP", "message "]);
    assert_eq!(call.world.socket(id), Socket::Open);
}

#[test]
fn a_websocket_is_open_when_the_server_has_agreed() {
    let mut call = call();
    let id = call.connect("dial web");
    assert_eq!(call.told(), [""; 0]);
    let request = call.world.take(id);
    assert!(
        request.starts_with(b"GET /ws HTTP/1.1\r\nHost: h:1\r\n"),
        "{}",
        request.escape_ascii()
    );
    // Nothing can be sent before; the answer may come byte by byte, with frames behind it.
    let answer = [accept(&request), text("early")].concat();
    for byte in answer {
        call.world.receive(id, &[byte]);
    }
    assert_eq!(call.told(), ["open", "message early"]);
    call.tell("hi");
    assert_eq!(call.frame(id), (0x81, b"hi".to_vec()));
}

#[test]
fn nothing_is_heard_of_room_before_a_connection_is_open() {
    let mut call = Call::new(Limits { low_water_bytes: 0, ..Limits::default() });
    let id = call.connect("dial web");
    // The answer begins while some of the request is still on its way.
    let request = call.world.engine.output(id).expect("a request").to_vec();
    let answer = accept(&request);
    let (start, rest) = answer.split_at(10);
    call.world.receive(id, start);
    call.world.take(id);
    call.world.pass(Duration::ZERO);
    assert_eq!(call.told(), [""; 0]);
    call.world.receive(id, rest);
    assert_eq!(call.told(), ["open"]);
}

#[test]
fn every_frame_of_a_client_has_a_mask_of_its_own() {
    let mut call = call();
    let id = call.websocket();
    let mut masks = Vec::new();
    let mut note = |frame: Vec<u8>| masks.push(frame[2..6].to_vec());
    for _ in 0..3 {
        call.tell("hi");
        note(call.world.take(id));
    }
    let ping = unmasked(|out| frames::encode_ping(out, b"p", None));
    note(call.world.send(id, &ping));
    call.world.pass(Duration::from_secs(26));
    note(call.world.take(id));
    call.tell("close");
    note(call.world.take(id));
    masks.sort();
    masks.dedup();
    assert_eq!(masks.len(), 6);
}

#[test]
fn a_server_that_refuses_is_told_of_as_a_bad_handshake() {
    let mut call = call();
    let id = call.connect("dial web");
    call.world.take(id);
    call.world.receive(id, b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    assert_eq!(call.told(), ["close: the server answered 404: bad handshake"]);
    assert_eq!(call.world.socket(id), Socket::Closed);
    // And one that breaks the rules by its code.
    let id = call.websocket();
    call.world.receive(id, b"\x81\x81\0\0\0\0x");
    assert_eq!(call.frame(id), (0x88, 1002_u16.to_be_bytes().to_vec()));
    let told = call.told();
    assert!(told.len() == 1 && told[0].starts_with("close: refused: "), "{told:?}");
}

#[test]
fn a_connection_that_cannot_be_made_is_closed_without_having_been_open() {
    let mut call = call();
    let id = call.dial("dial");
    call.world.engine.lost(id, io::ErrorKind::ConnectionRefused, call.world.now);
    assert_eq!(call.told(), ["close: connection refused"]);
    assert_eq!(call.world.socket(id), Socket::Closed);
    // The event that comes too late is about nobody.
    call.world.engine.connected(id, call.world.now);
    assert_eq!(call.told(), [""; 0]);
}

#[test]
fn a_server_has_so_long_to_be_connected_to_and_as_long_again_to_agree() {
    let limits = Limits {
        connect_timeout: Duration::from_secs(2),
        handshake_timeout: Duration::from_secs(3),
        ..Limits::default()
    };
    let mut call = Call::new(limits);
    let id = call.dial("dial");
    call.world.pass(Duration::from_millis(1_900));
    assert_eq!(call.world.socket(id), Socket::Open);
    call.world.pass(Duration::from_millis(200));
    assert_eq!(call.told(), ["close: no answer"]);
    assert_eq!(call.world.socket(id), Socket::Closed);

    let id = call.dial("dial web");
    call.world.pass(Duration::from_millis(1_900));
    call.world.engine.connected(id, call.world.now);
    call.world.pass(Duration::from_millis(2_900));
    assert_eq!((call.told(), call.world.socket(id)), (vec![], Socket::Open));
    call.world.pass(Duration::from_millis(200));
    assert_eq!(call.told(), ["close: request timeout"]);
    assert_eq!(call.world.socket(id), Socket::Closed);

    // Who is there has no deadline.
    let id = call.dial("dial");
    call.world.engine.connected(id, call.world.now);
    call.world.pass(Duration::from_secs(3600));
    assert_eq!((call.told(), call.world.socket(id)), (vec!["open".to_owned()], Socket::Open));
}

#[test]
fn a_half_closed_connection_goes_on_receiving() {
    let mut call = call();
    let id = call.connect("dial");
    call.tell("last words");
    call.tell("half");
    assert_eq!(call.world.socket(id), Socket::Open, "not before they are written");
    call.tell("too late");
    assert_eq!(call.told(), ["open", "sent true", "sent false"]);
    assert_eq!(call.world.take(id), b"last words");
    assert_eq!(call.world.socket(id), Socket::WriteEnded);
    assert_eq!(call.world.socket(id), Socket::Open, "once");
    // As long as the server likes.
    call.world.pass(Duration::from_secs(3600));
    assert!(call.world.engine.wants_read(id));
    call.world.receive(id, b"answer");
    call.tell("hold");
    assert!(!call.world.engine.wants_read(id), "it can be held, too");
    call.tell("resume");
    assert!(call.world.engine.wants_read(id));
    call.world.engine.receive_eof(id, call.world.now);
    assert_eq!(call.told(), ["message answer", "close: EOF"]);
    assert_eq!(call.world.socket(id), Socket::Closed);
}

#[test]
fn who_is_held_is_not_read_from_nor_asked_for_a_sign_of_life() {
    let mut call = call();
    let id = call.websocket();
    call.tell("hold");
    assert!(!call.world.engine.wants_read(id));
    // Who is not read from cannot answer a ping: none is sent, however long it takes.
    for _ in 0..10 {
        call.world.pass(Duration::from_secs(20));
        assert_eq!(call.world.take(id), b"");
    }
    assert_eq!((call.told(), call.world.socket(id)), (vec![], Socket::Open));
    // What has been read by then still comes.
    call.world.receive(id, &text("read before"));
    assert_eq!(call.told(), ["message read before"]);

    let mut dirty = Vec::new();
    call.world.engine.take_dirty(&mut dirty);
    dirty.iter().for_each(|&id| call.world.engine.clear_dirty(id));
    call.tell("resume");
    call.tell("resume");
    assert!(call.world.engine.wants_read(id));
    call.world.engine.take_dirty(&mut dirty);
    assert_eq!(dirty, [id], "the shell is told to go on, once");
    // And the time for the next ping starts there.
    call.world.pass(Duration::from_secs(24));
    assert_eq!(call.world.take(id), b"");
    call.world.pass(Duration::from_secs(2));
    assert_eq!(call.frame(id), (0x89, vec![]));
    // A ping that is out when it is held is not waited for either.
    call.tell("hold");
    call.world.pass(Duration::from_secs(60));
    assert_eq!(call.world.socket(id), Socket::Open);
    call.tell("resume");
    call.world.pass(Duration::from_secs(24));
    assert_eq!((call.told(), call.world.socket(id)), (vec![], Socket::Open));
}

#[test]
fn pings_come_as_often_as_asked_also_if_a_pong_may_take_longer() {
    let limits = Limits { ping_interval: Duration::from_secs(1), ..Limits::default() };
    assert!(limits.pong_timeout > Duration::from_secs(3));
    let mut call = Call::new(limits);
    let id = call.websocket();
    let pong = unmasked(|out| frames::encode_pong(out, b"", None));
    for round in 0..5 {
        call.world.pass(Duration::from_millis(1_050));
        assert_eq!(call.world.take(id).first(), Some(&0x89), "round {round}");
        call.world.pass(Duration::from_millis(50));
        call.world.receive(id, &pong);
    }
    // And an answer that does not come is still missed.
    call.world.pass(Duration::from_millis(1_050));
    assert_eq!(call.frame(id), (0x89, vec![]));
    call.world.pass(Duration::from_secs(7));
    assert_eq!(call.told(), [""; 0]);
    call.world.pass(Duration::from_millis(1_100));
    assert_eq!(call.told(), ["close: no answer to a ping"]);
}

#[test]
fn a_drain_leaves_what_was_dialed_to_the_service_and_gives_up_what_is_being_made() {
    let mut call = call();
    let made = call.connect("dial");
    assert_eq!(call.told(), ["open"]);
    let agreed = call.websocket();
    let (connecting, asking) = (call.dial("dial"), call.connect("dial web"));
    call.world.take(asking);
    call.tell("dial");
    call.world.engine.begin_drain(call.world.now);
    assert!(call.world.engine.next_dial().is_none(), "what was not begun is not");
    let draining = "close: the server shuts down";
    assert_eq!(call.told(), ["drain", draining, draining]);
    for (id, socket) in [
        (connecting, Socket::Closed),
        (asking, Socket::Closed),
        (made, Socket::Open),
        (agreed, Socket::Open),
        (call.controller, Socket::WriteEnded),
    ] {
        assert_eq!(call.world.socket(id), socket, "{id}");
        assert_eq!(call.world.take(id), b"");
    }
    call.world.receive(agreed, &text("still here"));
    call.world.receive(made, b"me too");
    assert_eq!(call.told(), ["message still here", "message me too"]);
    let newcomer = call.world.open(call.endpoint);
    call.world.engine.lost(newcomer, io::ErrorKind::ConnectionReset, call.world.now);
}

#[test]
fn a_close_is_answered_or_never_will_be() {
    const CLOSED: &str = "close: closed by the service with 1000";
    type End = fn(&mut Call, ConnId);
    let table: [(&str, End); 5] = [
        ("websocket: close 1000 (normal)", |call, id| call.world.receive(id, &close(1000))),
        ("websocket: close 4000", |call, id| {
            // Its pings are not answered any more.
            let ping = unmasked(|out| frames::encode_ping(out, b"", None));
            call.world.receive(id, &[ping, close(4000)].concat());
        }),
        ("websocket: close 1006 (abnormal closure): unexpected EOF", |call, id| {
            call.world.engine.receive_eof(id, call.world.now);
        }),
        ("connection reset", |call, id| {
            call.world.engine.lost(id, io::ErrorKind::ConnectionReset, call.world.now);
        }),
        ("no answer to a Close frame", |call, id| {
            call.world.pass(Duration::from_millis(4_900));
            assert_eq!(call.told(), [""; 0]);
            call.world.pass(Duration::from_millis(200));
            let _ = id;
        }),
    ];
    for (answer, end) in table {
        let mut call = call();
        let id = call.websocket();
        call.tell("close");
        assert_eq!(call.told(), [CLOSED]);
        let payload = [&1000_u16.to_be_bytes()[..], b"bye"].concat();
        assert_eq!(call.frame(id), (0x88, payload));
        assert!(call.world.engine.wants_read(id));
        end(&mut call, id);
        assert_eq!(call.told(), [format!("answered: {answer}")]);
        assert_eq!(call.world.take(id), b"");
        // Told once, however it goes on.
        call.world.engine.receive_eof(id, call.world.now);
        call.world.engine.lost(id, io::ErrorKind::ConnectionReset, call.world.now);
        call.world.pass(Duration::from_secs(60));
        assert_eq!(call.told(), [""; 0]);
        assert_eq!(call.world.socket(id), Socket::Closed);
    }
}

#[test]
fn what_is_over_is_over_once_also_if_the_answer_overtakes_the_question() {
    let mut call = call();
    let id = call.websocket();
    call.tell("close");
    // The server has closed by itself, and takes nothing of what we have queued.
    call.world.receive(id, &close(1000));
    let over =
        ["close: closed by the service with 1000", "answered: websocket: close 1000 (normal)"];
    assert_eq!(call.told(), over);
    call.world.pass(Duration::from_secs(60));
    assert_eq!(call.world.socket(id), Socket::Closed, "it was waited for");
    assert_eq!(call.told(), [""; 0]);
}

#[test]
fn a_server_that_was_closed_is_heard_to_its_end() {
    let mut call = call();
    let id = call.websocket();
    call.tell("hold");
    call.tell("close");
    call.world.take(id);
    // It may have much to say, and its service no room for it. Who is not read from has time.
    assert!(!call.world.engine.wants_read(id));
    call.world.pass(Duration::from_secs(60));
    call.tell("resume");
    assert!(call.world.engine.wants_read(id));
    call.told();
    call.world.receive(id, &text("late"));
    assert_eq!(call.told(), ["message late"]);
    // So has who says anything at all.
    let long = text(&"x".repeat(100));
    for byte in &long {
        call.world.pass(Duration::from_secs(4));
        call.world.receive(id, &[*byte]);
    }
    assert_eq!(call.told(), [format!("message {}", "x".repeat(100))]);
    call.world.receive(id, &close(1000));
    assert_eq!(call.told(), ["answered: websocket: close 1000 (normal)"]);
}

#[test]
fn silence_is_what_a_websocket_peer_does_between_its_bytes() {
    let mut call = call();
    let id = call.websocket();
    call.world.pass(Duration::from_secs(3));
    call.tell("silence");
    call.world.receive(id, &text("part")[..3]);
    call.tell("silence");
    assert_eq!(call.told(), ["Some(3)", "Some(0)"]);
}

#[test]
fn a_websocket_has_no_halves() {
    let mut call = call();
    let id = call.websocket();
    call.tell("half");
    call.world.take(id);
    assert_eq!(call.world.socket(id), Socket::Open);
    call.tell("hi");
    assert_eq!(call.told(), ["sent true"]);
    assert_eq!(call.frame(id), (0x81, b"hi".to_vec()));
}

#[test]
fn what_was_parked_is_heard_of_a_server_that_takes_nothing_any_more() {
    let limits = Limits { max_queued_bytes: 1, ..Limits::default() }.with_max_message(100);
    let mut world = World::with(limits);
    let binding = world.bind(Echo);
    let id = ConnId { index: 0, generation: 1 };
    world.engine.dialing(id, binding, Speaks::Bytes, world.now);
    world.engine.connected(id, world.now);
    world.receive(id, &[b'x'; 200]);
    world.receive(id, b"parked, because so much waits to be written");
    assert_eq!((world.engine.stats().parked, world.engine.stats().messages), (1, 1));
    let error = io::ErrorKind::ConnectionReset;
    assert!(world.engine.write_failed(id, error, world.now), "read on");
    world.pass(Duration::ZERO);
    assert_eq!(world.engine.stats().messages, 2);
    assert!(world.engine.wants_read(id), "what follows is read, too");
    world.engine.receive_eof(id, world.now);
    assert_eq!(world.socket(id), Socket::Closed);
}

#[test]
fn what_a_server_said_before_it_went_is_heard() {
    let gone = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    for error in gone {
        let mut call = call();
        let id = call.connect("dial");
        call.tell("more than it takes");
        assert_eq!(call.told(), ["open", "sent true"]);
        assert!(call.world.engine.write_failed(id, error, call.world.now), "read on");
        assert!(call.world.engine.output(id).is_none() && call.world.engine.wants_read(id));
        call.tell("and more");
        call.world.receive(id, b"enough");
        assert_eq!(call.told(), ["sent false", "message enough"]);
        // An orderly end does not change that something was not taken.
        call.world.engine.receive_eof(id, call.world.now);
        assert_eq!(call.told(), ["close: connection reset"]);
        assert_eq!(call.world.socket(id), Socket::Closed);
    }
    let mut call = call();
    let id = call.connect("dial");
    assert!(!call.world.engine.write_failed(id, io::ErrorKind::TimedOut, call.world.now));
    assert_eq!(call.told(), ["open", "close: timed out"]);
    // Nor is a client of ours heard that takes nothing of what it is told.
    let client = call.world.open(call.endpoint);
    assert!(!call.world.engine.write_failed(client, gone[0], call.world.now));
    assert_eq!(call.world.socket(client), Socket::Closed);
}

#[test]
fn a_service_is_told_when_the_end_of_its_output_is_lost() {
    let mut call = call();
    let id = call.connect("dial");
    call.tell("the end");
    call.tell("close");
    assert_eq!(call.told(), ["open", "sent true", "close: closed by the service with 1000"]);
    call.world.engine.lost(id, io::ErrorKind::StorageFull, call.world.now);
    assert_eq!(call.told(), ["answered: no storage space"]);
    // Not when all of it was written.
    let id = call.connect("dial");
    call.tell("close");
    call.world.take(id);
    call.world.engine.lost(id, io::ErrorKind::ConnectionReset, call.world.now);
    assert_eq!(call.told(), ["open", "close: closed by the service with 1000"]);
}

#[test]
fn a_loop_that_drains_makes_no_connections() {
    let mut call = call();
    call.world.engine.begin_drain(call.world.now);
    call.told();
    call.tell("dial");
    assert!(call.world.engine.next_dial().is_none());
}

#[test]
fn a_client_leaves_the_end_of_tcp_to_the_server() {
    let mut call = call();
    let id = call.websocket();
    call.world.receive(id, &close(1001));
    assert_eq!(call.told(), ["close: websocket: close 1001 (going away)"]);
    assert_eq!(call.frame(id), (0x88, 1001_u16.to_be_bytes().to_vec()));
    // RFC 6455 section 7.1.1: no FIN of ours, which would leave TIME-WAIT with us.
    assert_eq!(call.world.socket(id), Socket::Open);
    call.world.engine.receive_eof(id, call.world.now);
    assert_eq!(call.world.socket(id), Socket::Closed);
    // One that does not end has a second.
    let id = call.websocket();
    call.world.receive(id, &close(1001));
    call.world.take(id);
    assert_eq!(call.world.socket(id), Socket::Open);
    call.world.pass(Duration::from_millis(1_100));
    assert_eq!(call.world.socket(id), Socket::Closed);
}

#[test]
fn whoever_dialed_reads_on_above_its_own_high_water() {
    let mut call = call();
    let id = call.connect("dial");
    let line = "x".repeat(10_000);
    for _ in 0..50 {
        call.tell(&line);
    }
    let queued = call.world.engine.output(id).expect("output").len();
    assert!(queued > call.world.engine.limits().high_water_bytes);
    // The other side may be a server that waits for just that before it reads on.
    assert!(call.world.engine.wants_read(id));
    call.told();
    call.world.receive(id, b"hi");
    assert_eq!(call.told(), ["message hi"]);
    // And the service is told when there is room again.
    call.world.take(id);
    call.world.pass(Duration::ZERO);
    assert_eq!(call.told(), ["drained"]);
}

#[test]
fn our_side_is_ended_once() {
    let mut call = call();
    let id = call.connect("dial");
    call.tell("half");
    assert_eq!(call.world.socket(id), Socket::WriteEnded);
    call.tell("close");
    assert_eq!(call.world.socket(id), Socket::Open, "it lingers");
    call.world.engine.receive_eof(id, call.world.now);
    assert_eq!(call.world.socket(id), Socket::Closed);
}

//! A pong goes ahead of what a write had no room for, also where the write before it took everything.

use std::time::Duration;

use readily::codec::websocket as frames;
use readily::engine::{Endpoint, Engine, Limits, StopScope};
use readily::kernel::StreamKind;
use readily::kernel::sim::{Received, Remote, Sim, Weather};
use readily::protocol::{Route, Site};
use readily::reactor::Reactor;
use readily::service::Echo;

use crate::script::{SWITCHING, upgrade};

#[test]
fn a_pong_goes_ahead_of_what_there_was_no_room_for_at_all() {
    let mut engine = Engine::new(Limits::default(), 1, ());
    let echo = engine.add_service(Box::new(Echo));
    let echo = engine.add_binding(echo, StopScope::Connection);
    let route = Route { path: "/ws".to_owned(), binding: echo.index(), ..Route::default() };
    let web = engine.add_endpoint(Endpoint::Web(Site { routes: vec![route], ..Site::default() }));
    let mut sim = Sim::new(1);
    let (listener, port) = sim.listen(StreamKind::Tcp);
    let remote = sim.dial(port);
    let mut reactor = Reactor::new(sim, engine, 10);
    reactor.add_listener(listener, web).expect("listens");
    say(&mut reactor, remote, &upgrade("/ws", ""));
    assert_eq!(hear(&mut reactor, remote), SWITCHING);

    // Its echo is just what the kernel takes.
    let filling = vec![b'f'; Weather::CALM.capacity - 4];
    say(&mut reactor, remote, &frame(|out, mask| frames::encode_binary(out, &filling, mask)));
    say(&mut reactor, remote, &frame(|out, mask| frames::encode_text(out, b"waits", mask)));
    say(&mut reactor, remote, &frame(|out, mask| frames::encode_ping(out, b"alive?", mask)));
    let mut heard = hear(&mut reactor, remote);
    heard.extend(hear(&mut reactor, remote));
    assert_eq!(heard.split_off(Weather::CALM.capacity), b"\x8a\x06alive?\x81\x05waits");
}

fn frame(encode: impl FnOnce(&mut Vec<u8>, Option<[u8; 4]>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Some([1, 2, 3, 4]));
    out
}

fn say(reactor: &mut Reactor<Sim>, remote: Remote, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = reactor.kernel_mut().send(remote, bytes).expect("it is open");
        bytes = &bytes[count..];
        settle(reactor);
    }
}

/// What has come, once the server has done all it can.
fn hear(reactor: &mut Reactor<Sim>, remote: Remote) -> Vec<u8> {
    settle(reactor);
    match reactor.kernel_mut().receive(remote, usize::MAX) {
        Received::Data(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

/// Takes turns for much longer than anything takes.
fn settle(reactor: &mut Reactor<Sim>) {
    let end = reactor.kernel().time() + Duration::from_millis(10);
    while reactor.kernel().time() < end {
        reactor.kernel_mut().set_alarm(Some(end));
        reactor.turn().expect("turns");
    }
}

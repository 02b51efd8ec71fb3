//! The service that tells how the server is.

use std::time::Duration;

use serde_json::Value;

use super::world::{REQUEST, Socket, World, text};
use crate::codec::websocket as frames;
use crate::engine::{ConnId, Endpoint, EndpointId, Label, Limits, StopScope};
use crate::protocol::{Route, Site};
use crate::service::{Echo, ServerStats};

const SECOND: Duration = Duration::from_secs(1);

/// The snapshots in what was written to a line peer.
fn snapshots(output: &[u8]) -> Vec<Value> {
    let lines = output.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
}

/// What the next snapshot says to a line peer, after a second.
fn told(world: &mut World, peer: ConnId) -> Value {
    world.pass(SECOND);
    let mut told = snapshots(&world.take(peer));
    assert_eq!(told.len(), 1, "one a second");
    told.remove(0)
}

/// Where lines are served by an echo and by the service, and WebSockets by both: as a server labels them.
fn everything(world: &mut World) -> (EndpointId, EndpointId, EndpointId) {
    let echo = world.engine.add_service(Box::new(Echo));
    let stats = world.engine.add_service(Box::<ServerStats>::default());
    let mut bind = |transport: &str, service| {
        let binding = world.engine.add_binding(service, StopScope::Connection);
        let label = Label { transport: transport.to_owned(), service: format!("{service:?}") };
        world.engine.label(binding, label);
        binding
    };
    let lines = [bind("tcp", echo), bind("tcp", stats)];
    let web = [("/ws", bind("ws", echo)), ("/stats", bind("ws", stats))];
    let routes = web.map(|(path, binding)| Route {
        path: path.to_owned(),
        binding: binding.index(),
        ..Route::default()
    });
    let [echo, stats] = lines.map(|binding| world.engine.add_endpoint(Endpoint::Line(binding)));
    let site = Site { routes: routes.into(), ..Site::default() };
    (echo, stats, world.engine.add_endpoint(Endpoint::Web(site)))
}

#[test]
fn whoever_comes_gets_a_snapshot_at_once_and_one_each_second() {
    let mut world = World::new();
    world.engine.start(world.now);
    let stats = world.lines(ServerStats::default());
    world.pass(SECOND);
    assert_eq!(world.engine.poll_timeout(), None, "nobody looks on");
    let id = world.open(stats);
    let first = snapshots(&world.take(id));
    assert_eq!((first.len(), &first[0]["uptime_ms"]), (1, &1000.into()));
    world.pass(SECOND * 99 / 100);
    assert_eq!(world.take(id), b"");
    world.pass(SECOND / 100);
    assert_eq!(snapshots(&world.take(id))[0]["uptime_ms"], 2000);
    assert!(world.send(id, b"what?\n").is_empty(), "a message means nothing");
    world.engine.receive_eof(id, world.now);
    assert_eq!(world.socket(id), Socket::Closed);
    // What was kept of its buffers is given back, and its deadline has gone with it.
    world.pass(SECOND * 60);
    world.engine.take_dirty(&mut Vec::new());
    assert_eq!(world.engine.poll_timeout(), None, "nobody looks on any more");
}

#[test]
fn a_snapshot_to_the_last_byte() {
    let mut world = World::new();
    world.engine.start(world.now);
    let (echo, stats, web) = everything(&mut world);
    let id = world.open(stats);
    let first = world.take(id);
    assert_eq!(
        String::from_utf8(first.clone()).unwrap(),
        "{\"uptime_ms\":0,\"lag_us\":0,\"longest_turn_us\":0,\"queued_bytes\":0,\"memory_bytes\":0,\
         \"transports\":{\"tcp\":{\"connections\":1,\"messages_received\":0,\"messages_sent\":0,\
         \"bytes_received\":0,\"bytes_sent\":0},\"ws\":{\"connections\":0,\"messages_received\":0,\
         \"messages_sent\":0,\"bytes_received\":0,\"bytes_sent\":0},\"http\":{\"connections\":0,\
         \"messages_received\":0,\"messages_sent\":0,\"bytes_received\":0,\"bytes_sent\":0}}}\n"
    );
    let (slow, page) = (world.open(echo), world.open(web));
    world.receive(slow, b"one\ntwo\n");
    let memory = world.engine.memory().total_bytes();
    world.engine.end_turn(Duration::from_micros(85), world.now.time);
    world.pass(SECOND + Duration::from_micros(321));
    let sent = first.len();
    assert_eq!(
        String::from_utf8(world.take(id)).unwrap(),
        format!(
            "{{\"uptime_ms\":1000,\"lag_us\":321,\"longest_turn_us\":85,\"queued_bytes\":8,\
             \"memory_bytes\":{memory},\"transports\":{{\"tcp\":{{\"connections\":2,\
             \"messages_received\":2,\"messages_sent\":3,\"bytes_received\":8,\
             \"bytes_sent\":{sent}}},\"ws\":{{\"connections\":0,\"messages_received\":0,\
             \"messages_sent\":0,\"bytes_received\":0,\"bytes_sent\":0}},\"http\":{{\
             \"connections\":1,\"messages_received\":0,\"messages_sent\":0,\"bytes_received\":0,\
             \"bytes_sent\":0}}}}}}\n"
        )
    );
    assert!(memory > 0);
    assert_eq!(world.socket(page), Socket::Open);
}

#[test]
fn connections_are_told_by_the_transport_that_they_speak_at_that_moment() {
    let mut world = World::new();
    let (echo, stats, web) = everything(&mut world);
    let id = world.open(stats);
    world.take(id);
    let counts = |world: &mut World| {
        let told = told(world, id);
        let transports = told["transports"].as_object().expect("an object");
        assert_eq!(transports.len(), 3, "each once");
        ["tcp", "ws", "http"].map(|name| told["transports"][name]["connections"].as_u64().unwrap())
    };
    assert_eq!(counts(&mut world), [1, 0, 0], "who looks on counts");
    let line = world.open(echo);
    let pages = [world.open(web), world.open(web)];
    assert_eq!(counts(&mut world), [2, 0, 2]);
    world.send(pages[0], REQUEST);
    let request = String::from_utf8(REQUEST.to_vec()).unwrap().replace("/ws", "/stats");
    world.send(pages[1], request.as_bytes());
    assert_eq!(counts(&mut world), [2, 2, 0], "one upgrades to each service");
    world.engine.receive_eof(line, world.now);
    assert_eq!(world.socket(line), Socket::Closed);
    world.engine.receive_eof(pages[0], world.now);
    assert_eq!(world.socket(pages[0]), Socket::Closed);
    assert_eq!(counts(&mut world), [1, 1, 0]);
}

#[test]
fn a_slow_reader_has_one_snapshot_waiting_and_never_two() {
    // Not even where so little may be pushed that it would be closed for the next.
    let least = Limits { max_queued_bytes: 1, ..Limits::default().with_max_message(125) };
    for limits in [Limits::default(), least] {
        let mut world = World::with(limits);
        let stats = world.lines(ServerStats::default());
        let (slow, quick) = (world.open(stats), world.open(stats));
        for _ in 0..100 {
            assert_eq!(snapshots(&world.take(quick)).len(), 1);
            assert_eq!(snapshots(world.engine.output(slow).unwrap()).len(), 1);
            world.pass(SECOND);
        }
        assert_eq!(world.socket(slow), Socket::Open);
        assert_eq!(world.engine.stats().slow_consumers, 0);
        let late = snapshots(&world.take(slow)).remove(0);
        let next = told(&mut world, slow);
        let ms = |snapshot: &Value| snapshot["uptime_ms"].as_u64().expect("a number");
        assert_eq!(ms(&next) - ms(&late), 101_000, "it goes on with how things are");
    }
}

#[test]
fn a_loop_that_was_busy_for_long_makes_up_for_nothing() {
    let mut world = World::new();
    let stats = world.lines(ServerStats::default());
    let id = world.open(stats);
    world.take(id);
    world.pass(SECOND * 10);
    let late = snapshots(&world.take(id));
    assert_eq!((late.len(), &late[0]["lag_us"]), (1, &9_000_000.into()));
    for _ in 0..3 {
        world.pass(SECOND * 99 / 100);
        assert_eq!(world.take(id), b"", "a second is between two");
        world.pass(SECOND / 100);
        assert_eq!(snapshots(&world.take(id)).len(), 1);
    }
}

#[test]
fn a_page_is_told_in_text_messages_what_a_terminal_is_told_in_lines() {
    let mut world = World::new();
    let (_, stats, web) = everything(&mut world);
    let id = world.open(web);
    let request = String::from_utf8(REQUEST.to_vec()).unwrap().replace("/ws", "/stats");
    let answer = world.send(id, request.as_bytes());
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(answer[end], 0x81, "a whole text message");
    assert_eq!(world.send(id, &text("what?")), b"", "a message means nothing");
    let terminal = world.open(stats);
    world.take(terminal);
    world.pass(SECOND);
    let line = world.take(terminal);
    let mut expected = Vec::new();
    frames::encode_text(&mut expected, line.strip_suffix(b"\n").expect("a line"), None);
    assert_eq!(world.take(id), expected);
}

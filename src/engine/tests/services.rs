//! What services say, on connections and in datagrams.

use super::world::{World, text};
use crate::address::{PeerAddr, UnixName};
use crate::engine::{Endpoint, StopScope};
use crate::service::{Burst, Count, Discard, Echo, Number, Random, Service, TimeService};

#[test]
fn counts_are_read_at_the_time_of_the_reply() {
    let mut world = World::new();
    let count = world.lines(Count::default());
    let first = world.open(count);
    assert_eq!(world.send(first, b"\n"), b"Client number: 1\n");
    let second = world.open(count);
    assert_eq!(world.send(second, b"\n"), b"Client number: 2\n");
    assert_eq!(world.send(first, b"\n"), b"Client number: 2\n");
    world.engine.receive_eof(second, world.now);
    world.engine.remove(second);
    assert_eq!(world.send(first, b"\n"), b"Client number: 2\n", "it never goes down");
    let own = world.lines(Count::new(Number::Own));
    let (one, two) = (world.open(own), world.open(own));
    assert_eq!(world.send(two, b"\n"), b"Client number: 2\n");
    assert_eq!(world.send(one, b"\n"), b"Client number: 1\n");
}

#[test]
fn a_websocket_client_counts_from_its_upgrade_on() {
    let mut world = World::new();
    let count = world.web(Count::default());
    let _still_http = world.open(count);
    let id = world.websocket(count);
    assert_eq!(world.send(id, &text("?")), b"\x81\x10Client number: 1");
}

#[test]
fn datagrams_are_answered_without_a_newline() {
    let mut world = World::new();
    let from = PeerAddr::Inet { remote: "127.0.0.1:9".parse().unwrap(), local: None };
    let unnamed = PeerAddr::Unix(None);
    let endpoint = |world: &mut World, service: Box<dyn Service>| {
        let service = world.engine.add_service(service);
        let binding = world.engine.add_binding(service, StopScope::Connection);
        world.engine.add_endpoint(Endpoint::Datagram(binding))
    };
    let echo = endpoint(&mut world, Box::new(Echo));
    let time = endpoint(&mut world, Box::<TimeService>::default());
    let count = endpoint(&mut world, Box::<Count>::default());
    let discard = endpoint(&mut world, Box::new(Discard));
    let now = world.now;
    let mut ask = |endpoint, payload: &[u8]| {
        let reply = world.engine.receive_datagram(endpoint, &from, payload, now);
        reply.map(<[u8]>::to_vec)
    };
    assert_eq!(ask(echo, b"").as_deref(), Some(&b""[..]), "an empty reply is one");
    assert_eq!(ask(echo, b"a\n").as_deref(), Some(&b"a\n"[..]));
    assert_eq!(ask(echo, b" STOP\n"), None);
    assert_eq!(ask(time, b"X").as_deref(), Some(&b"2026-11-21T23:36:12+01:00"[..]));
    assert_eq!(ask(count, b"").as_deref(), Some(&b"Client number: 1"[..]));
    assert_eq!(ask(count, b"").as_deref(), Some(&b"Client number: 2"[..]));
    assert_eq!(ask(discard, b"x"), None);
    assert_eq!(world.engine.receive_datagram(echo, &unnamed, b"x", now), None);
    assert_eq!(world.engine.stats().datagrams_unanswerable, 1);
    assert!(!world.engine.stop_requested());
}

#[test]
fn a_burst_without_a_legal_count_is_a_policy_violation() {
    for (count, code) in [("0", 1000u16), ("-1", 1008), ("11", 1008), ("x", 1008), ("", 1008)] {
        let mut world = World::new();
        let random = world.web(Random::new(1..=9, Some(Burst { limit: 10 })));
        let id = world.websocket(random);
        let answer = world.send(id, &text(count));
        assert_eq!(answer[0], 0x88);
        assert_eq!(answer[2..4], code.to_be_bytes(), "{count:?}");
        assert_eq!(answer.len() > 4, code == 1008, "a refusal says why");
    }
}

#[test]
fn datagrams_that_come_from_ourselves_are_not_answered() {
    let mut world = World::new();
    let binding = world.bind(Echo);
    let echo = world.engine.add_endpoint(Endpoint::Datagram(binding));
    let name = |path: &str| UnixName::Path(path.into());
    world.engine.add_own_address("10.0.0.1:7".parse().unwrap());
    world.engine.add_own_address("[::]:8".parse().unwrap());
    world.engine.add_own_name(name("/run/echo"));
    let inet = |remote: &str| PeerAddr::Inet {
        remote: remote.parse().unwrap(),
        local: Some("10.0.0.2".parse().unwrap()),
    };
    let now = world.now;
    let mut is_answered =
        |from: PeerAddr| world.engine.receive_datagram(echo, &from, b"x", now).is_some();
    for ourselves in ["10.0.0.1:7", "127.0.0.1:8", "[::1]:8", "10.0.0.2:8"] {
        assert!(!is_answered(inet(ourselves)), "{ourselves}");
    }
    for stranger in ["10.0.0.1:9", "10.0.0.2:7", "10.0.0.3:8"] {
        assert!(is_answered(inet(stranger)), "{stranger}");
    }
    assert!(!is_answered(PeerAddr::Unix(Some(name("/run/echo")))));
    assert!(is_answered(PeerAddr::Unix(Some(name("/run/client")))));
    assert_eq!(world.engine.stats().datagrams_from_ourselves, 5);
}

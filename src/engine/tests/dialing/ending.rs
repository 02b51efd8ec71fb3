//! Connections that are there: who reads, who is held, and what is heard until the end.

use super::*;

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

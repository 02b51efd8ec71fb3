//! Connections that are being made, until they are open or never will be.

use super::*;

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
fn a_loop_that_drains_makes_no_connections() {
    let mut call = call();
    call.world.engine.begin_drain(call.world.now);
    call.told();
    call.tell("dial");
    assert!(call.world.engine.next_dial().is_none());
}

//! What clients and bindings come to speak over a WebSocket (RFC 6455 section 1.9).

use super::world::{REQUEST, Socket, World, text};
use crate::codec::websocket::deflate::Policy;
use crate::codec::websocket::handshake::Subprotocols;
use crate::engine::{ConnId, Context, Endpoint, EndpointId};
use crate::protocol::{Route, Site};
use crate::service::{Message, Service};

/// Greets each client with the subprotocol that it knows of, and answers with what it knows later.
struct Witness;

impl Service for Witness {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        let greeting = format!("{:?}", cx.subprotocol());
        cx.send(peer, Message::text(&greeting));
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, _: Message<'_>) {
        let answer = format!("{:?}", cx.subprotocol());
        cx.send(from, Message::text(&answer));
    }
}

/// Two paths: `/ws` offers two subprotocols, and compresses, and `/plain` does nothing of it.
fn world() -> (World, EndpointId) {
    let mut world = World::new();
    let plain = Route {
        path: "/plain".to_owned(),
        binding: world.bind(Witness).index(),
        ..Route::default()
    };
    let ws = Route {
        path: "/ws".to_owned(),
        binding: world.bind(Witness).index(),
        deflate: Policy::NoTakeover,
        subprotocols: Subprotocols::parse("chat.v1,json").expect("legal"),
        ..Route::default()
    };
    let site = Site { routes: vec![plain, ws], ..Site::default() };
    let web = world.engine.add_endpoint(Endpoint::Web(site));
    (world, web)
}

/// A handshake at `path` with these fields behind its own.
fn handshake(path: &str, fields: &str) -> String {
    let request = str::from_utf8(REQUEST).expect("ASCII").replace("/ws", path);
    format!("{}{fields}\r\n", request.strip_suffix("\r\n").expect("an empty line"))
}

#[test]
fn the_first_that_the_client_wants_is_answered_with_once() {
    let (mut world, web) = world();
    for (path, fields, chosen) in [
        ("/ws", "Sec-WebSocket-Protocol: json\r\n", Some("json")),
        ("/ws", "Sec-WebSocket-Protocol: chat.v1, json\r\n", Some("chat.v1")),
        ("/ws", "Sec-WebSocket-Protocol: xml,json,chat.v1\r\n", Some("json")),
        ("/ws", "sec-websocket-protocol: xml\r\nSec-WebSocket-Protocol: json\r\n", Some("json")),
        ("/ws", "Sec-WebSocket-Protocol: xml\r\n", None),
        ("/ws", "Sec-WebSocket-Protocol: JSON\r\n", None),
        ("/ws", "", None),
        ("/plain", "Sec-WebSocket-Protocol: json\r\n", None),
        ("/plain", "", None),
    ] {
        let id = world.open(web);
        let request = handshake(path, fields);
        let output = world.send(id, request.as_bytes());
        let field = match chosen {
            Some(name) => format!("\r\nSec-WebSocket-Protocol: {name}"),
            None => String::new(),
        };
        let greeting = format!("{chosen:?}");
        let expected = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo={field}\r\n\r\n"
        );
        let frame = [&[0x81, u8::try_from(greeting.len()).expect("short")], greeting.as_bytes()];
        let expected = [expected.as_bytes(), &frame.concat()].concat();
        assert_eq!(output.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!(world.send(id, &text("?")), b"\x81\x04None", "said once");
    }
}

#[test]
#[cfg(feature = "deflate")]
fn a_subprotocol_and_an_extension_are_chosen_side_by_side() {
    let (mut world, web) = world();
    let id = world.open(web);
    let fields =
        "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: xml, json\r\n";
    let output = world.send(id, handshake("/ws", fields).as_bytes());
    let output = output.escape_ascii().to_string();
    assert_eq!(output.matches(r"\r\nSec-WebSocket-Protocol: json\r\n").count(), 1, "{output}");
    assert_eq!(output.matches(r"\r\nSec-WebSocket-Extensions: permessage-deflate").count(), 1);
    assert!(output.ends_with("Some(\\\"json\\\")"), "{output}");
}

#[test]
fn what_is_no_list_of_different_tokens_is_refused() {
    let (mut world, web) = world();
    for path in ["/ws", "/plain"] {
        for value in ["", ",", "json, json", "a b", "json;q=1", "json, \"x\"", "json, \u{e9}"] {
            let id = world.open(web);
            let request = handshake(path, &format!("Sec-WebSocket-Protocol: {value}\r\n"));
            let answer = world.send(id, request.as_bytes());
            assert!(answer.starts_with(b"HTTP/1.1 400 "), "{value}: {}", answer.escape_ascii());
            assert_eq!(world.socket(id), Socket::Open);
            let answer = world.send(id, handshake(path, "").as_bytes());
            assert!(answer.starts_with(b"HTTP/1.1 101 "), "a second try");
        }
    }
    assert_eq!(world.engine.stats().requests_refused, 14);
}

#[test]
fn who_speaks_no_websocket_has_none() {
    let mut world = World::new();
    let lines = world.lines(Witness);
    let id = world.open(lines);
    assert_eq!(world.take(id), b"None\n");
}

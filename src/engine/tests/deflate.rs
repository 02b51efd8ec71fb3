//! Compression, from the offer to what an idle connection holds.

use std::time::Duration;

use super::world::{Socket, World, close, masked, text};
use crate::buffer::BufferPool;
use crate::codec::websocket::deflate::{Inbound, Outbound, Pool, WindowBits, encode_deflated};
use crate::codec::websocket::{self as frames, Decoder, Event, Opcode, Role};
use crate::engine::{ConnId, Context, Limits};
use crate::protocol::{Message, Protocol};
use crate::service::{Discard, Echo, Service};

/// Sends each message to everybody.
#[derive(Default)]
struct Everybody(Vec<ConnId>);

impl Service for Everybody {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.0.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        cx.broadcast(self.0.iter().copied(), message);
    }
}

impl World {
    /// Whether a connection that compresses holds an inflater, and a compressor.
    fn holds(&self, id: ConnId) -> (bool, bool) {
        match &self.engine.core.connections.get(id).expect("it is there").protocol {
            Protocol::Compressed(compressed) => compressed.holds(),
            other => panic!("{other:?}"),
        }
    }
}

/// The messages in what a server has sent, to a client that knows nothing from before.
fn inflated(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut decoder, mut inbound) = (Decoder::new(Role::Client), Inbound::new(false));
    let (mut buffers, mut pool) = (BufferPool::new(), Pool::default());
    let (mut bytes, mut messages) = (bytes.to_vec(), Vec::new());
    let (mut input, limits) = (&mut bytes[..], frames::Limits::for_messages_of(1 << 24));
    loop {
        let next =
            decoder.next_inflating(&mut input, &limits, &mut buffers, &mut inbound, &mut pool);
        match next.expect("what a server sends is sound") {
            Some(Event::Text(payload) | Event::Binary(payload)) => messages.push(payload.to_vec()),
            Some(other) => panic!("{other:?}"),
            None => return messages,
        }
    }
}

fn deflated(message: &[u8]) -> Vec<u8> {
    let window = WindowBits::MAX;
    let encode = |out: &mut Vec<u8>, mask| {
        encode_deflated(out, Opcode::Binary, message, mask, window, &mut Pool::new(0));
    };
    masked(encode)
}

const ALONE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

#[test]
fn compression_is_agreed_on_where_the_binding_has_it_and_the_client_offers_it() {
    let mut world = World::new();
    let echo = world.web(Echo);
    assert_eq!(world.offering(echo, "/ws", "permessage-deflate").1, "");
    assert_eq!(world.offering(echo, "/deflate", "permessage-deflate").1, ALONE);
    assert_eq!(world.offering(echo, "/takeover", "permessage-deflate").1, "permessage-deflate");
    let eight = "permessage-deflate; server_max_window_bits=8";
    assert_eq!(world.offering(echo, "/deflate", eight).1, "");
    // What makes no sense is declined, and the handshake goes on.
    for offers in ["permessage-deflate; server_max_window_bits=99", "=", "permessage-deflate;"] {
        let (id, chosen) = world.offering(echo, "/deflate", offers);
        assert_eq!(chosen, "", "{offers}");
        assert_eq!(world.send(id, &text("plain")), b"\x81\x05plain");
        assert_eq!(
            world.send(id, &deflated(b"x")),
            b"\x88\x02\x03\xea",
            "1002: RSV1 means nothing"
        );
    }
}

#[test]
fn long_messages_come_back_compressed_and_short_ones_as_they_are() {
    let mut world = World::new();
    let echo = world.web(Echo);
    for path in ["/deflate", "/takeover"] {
        let (id, _) = world.offering(echo, path, "permessage-deflate");
        assert_eq!(world.send(id, &deflated(b"short")), b"\x82\x05short");
        let long = b"a long message, ".repeat(1000);
        let answer = world.send(id, &deflated(&long));
        assert!(answer[0] == 0xc2 && answer.len() < 500, "{} bytes", answer.len());
        assert_eq!(inflated(&answer), [long]);
        // A ping in the middle of a message is answered at once, and not compressed.
        let mut parts = deflated(&[b'x'; 1000]);
        parts[0] &= 0x7f;
        let ping = masked(|out, mask| frames::encode_ping(out, b"?", mask));
        assert_eq!(world.send(id, &[parts, ping].concat()), b"\x8a\x01?");
        let last = masked(|out, mask| {
            frames::encode_frame(out, true, Opcode::Continuation, b"", mask);
        });
        assert_eq!(world.send(id, &last)[0], 0xc2);
    }
}

#[test]
fn an_idle_connection_holds_nothing_for_compression() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let (id, _) = world.offering(echo, "/deflate", "permessage-deflate; client_max_window_bits");
    assert_eq!(world.holds(id), (false, false));
    let message = deflated(&b"to be continued ".repeat(1000));
    for _ in 0..3 {
        world.send(id, &message);
        assert_eq!(world.holds(id), (false, false));
    }
    let (begun, rest) = message.split_at(message.len() / 2);
    world.receive(id, begun);
    assert_eq!(world.holds(id), (true, false), "while a message is open");
    world.send(id, rest);
    assert_eq!(world.holds(id), (false, false));
    // The end in the middle of a message.
    world.receive(id, begun);
    world.engine.receive_eof(id, world.now);
    assert_eq!(world.holds(id), (false, false));

    let (id, _) = world.offering(echo, "/takeover", "permessage-deflate");
    assert_eq!(world.holds(id), (false, false), "nothing was said yet");
    world.send(id, &message);
    assert_eq!(world.holds(id), (true, true), "that is what takeover means");
    world.send(id, b"\x88\x80\0\0\0\0");
    assert_eq!(world.holds(id), (false, false), "nothing can be said any more");
}

#[test]
fn a_message_for_everybody_is_compressed_once_for_each_window() {
    let mut world = World::new();
    let web = world.web(Everybody::default());
    let mut join = |path: &str, offers: &str| world.offering(web, path, offers).0;
    let same = [0; 3].map(|_| join("/deflate", "permessage-deflate"));
    let narrow = join("/deflate", "permessage-deflate; server_max_window_bits=9");
    let plain = join("/ws", "permessage-deflate");
    let own = join("/takeover", "permessage-deflate");
    let story = b"once upon a time, and once again, ".repeat(1000);
    let answer = world.send(same[0], &deflated(&story));
    assert_eq!(world.engine.core.deflate.deflated_messages(), 3, "two windows, and one's own");
    assert_eq!(inflated(&answer), [&story[..]]);
    assert_eq!([world.take(same[1]), world.take(same[2])], [&answer[..]; 2]);
    for id in [narrow, own] {
        let answer = world.take(id);
        assert!(answer.len() < story.len() / 10);
        assert_eq!(inflated(&answer), [&story[..]]);
    }
    assert_eq!(world.take(plain)[4..], story, "it has agreed on nothing");
    // What is too short to be compressed is shared with those who do not compress.
    let answer = world.send(same[0], &deflated(b"the end"));
    assert_eq!(answer, b"\x82\x07the end");
    for id in [same[1], same[2], narrow, plain, own] {
        assert_eq!(world.take(id), answer);
    }
    assert_eq!(world.engine.core.deflate.deflated_messages(), 3);
}

#[test]
fn with_takeover_the_second_message_is_shorter() {
    let mut world = World::with(Limits::default());
    let echo = world.web(Echo);
    let (id, _) = world.offering(echo, "/takeover", "permessage-deflate");
    let letters: Vec<u8> = (0..400u32).map(|at| (at * at % 251).to_le_bytes()[0]).collect();
    // The client, too, refers to what it has said before.
    let mut compressor = Outbound::new(context());
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let mut pool = Pool::new(0);
        let mut frame = Vec::new();
        compressor.encode(&mut frame, Opcode::Binary, &letters, Some([7; 4]), &mut pool);
        let answer = world.send(id, &frame);
        lengths.push((frame.len(), answer.len()));
    }
    assert!(lengths[1].0 < lengths[0].0 / 4 && lengths[1].1 < lengths[0].1 / 4, "{lengths:?}");
}

fn context() -> frames::deflate::Context {
    frames::deflate::Context { window: WindowBits::MAX, takeover: true }
}

#[test]
fn a_bomb_is_refused_and_costs_one_connection() {
    let mut world = World::with(Limits::default().with_max_message(10_000));
    let echo = world.web(Echo);
    let (bad, good) = (
        world.offering(echo, "/deflate", "permessage-deflate").0,
        world.offering(echo, "/deflate", "permessage-deflate").0,
    );
    assert_eq!(inflated(&world.send(good, &deflated(&[b'x'; 10_000])))[0].len(), 10_000);
    let before = world.engine.core.deflate.inflated_bytes();
    let bomb = deflated(&vec![0; 10 << 20]);
    assert_eq!(world.send(bad, &bomb), b"\x88\x02\x03\xf1", "1009");
    assert!(world.engine.core.deflate.inflated_bytes() - before <= 10_000 + 16 * 1024);
    assert_eq!(world.socket(bad), Socket::WriteEnded);
    let garbage = masked(|out, mask| {
        frames::encode_frame(out, true, Opcode::Text, b"\xff\xff", mask);
        out[0] |= 0x40;
    });
    assert_eq!(world.send(good, &garbage), b"\x88\x02\x03\xef", "1007");
    assert_eq!(world.engine.stats().protocol_errors, 2);
}

#[test]
fn what_takes_long_to_inflate_waits_for_its_next_turn() {
    let mut world = World::new();
    let discard = world.web(Discard);
    let (id, _) = world.offering(discard, "/deflate", "permessage-deflate");
    // Each of a mebibyte, which is allowed, in a kilobyte.
    let messages = deflated(&vec![0; 1024 * 1024]).repeat(20);
    assert!(messages.len() < 64 * 1024);
    world.receive(id, &messages);
    let mut turns = 1;
    while world.engine.stats().messages < 20 && turns < 30 {
        assert!(!world.engine.wants_read(id), "what was read is not decoded");
        assert_eq!(world.engine.poll_timeout(), Some(world.now.time), "it goes on at once");
        let before = world.engine.stats().messages;
        world.pass(Duration::ZERO);
        assert!(world.engine.stats().messages - before <= 2, "and is not done at once");
        turns += 1;
    }
    assert!((10..30).contains(&turns) && world.engine.wants_read(id));
    assert!(world.engine.core.parked.is_empty());
    // A peer that is well within bounds is served at once.
    world.receive(id, &deflated(&[0; 1000]).repeat(20));
    assert_eq!(world.engine.stats().messages, 40);
}

/// Holds whoever says anything but "go on", upon which it resumes the other.
#[derive(Default)]
struct Holder(Option<ConnId>);

impl Service for Holder {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        if let (b"go on", Some(held)) = (message.as_bytes(), self.0) {
            cx.resume(held);
        } else {
            self.0 = Some(from);
            cx.hold(from);
        }
    }
}

#[test]
fn what_was_read_of_a_peer_that_is_held_waits_compressed() {
    let mut world = World::new();
    let web = world.web(Holder::default());
    let (id, _) = world.offering(web, "/deflate", "permessage-deflate");
    let other = world.websocket(web);
    world.receive(id, &deflated(&vec![0; 1024 * 1024]).repeat(6));
    for before in [2, 5] {
        for _ in 0..3 {
            assert_eq!(world.engine.stats().messages, before, "no more than a turn's worth");
            world.pass(Duration::from_millis(1));
        }
        world.receive(other, &text("go on"));
        world.pass(Duration::ZERO);
    }
    world.receive(other, &text("go on"));
    world.pass(Duration::ZERO);
    assert!(world.engine.core.parked.is_empty());
}

#[test]
fn a_close_frame_behind_what_waits_is_found_when_we_close() {
    let mut world = World::new();
    let web = world.web(Holder::default());
    let (id, _) = world.offering(web, "/deflate", "permessage-deflate");
    let messages = deflated(&vec![0; 1024 * 1024]).repeat(6);
    world.receive(id, &[messages, close(1000, "")].concat());
    world.pass(Duration::ZERO);
    assert!(!world.engine.core.parked.is_empty(), "it is held");
    world.engine.begin_drain(world.now);
    assert_eq!(world.take(id), b"\x88\x02\x03\xe9");
    for _ in 0..3 {
        world.pass(Duration::ZERO);
    }
    assert_eq!(world.socket(id), Socket::WriteEnded, "both have closed");
}

/// Has enough of a peer with its second message.
#[derive(Default)]
struct Impatient(usize);

impl Service for Impatient {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, _: Message<'_>) {
        self.0 += 1;
        if self.0 == 2 {
            cx.abort(from);
        }
    }
}

#[test]
fn what_stands_behind_the_end_is_not_kept() {
    let mut world = World::new();
    let web = world.web(Impatient::default());
    let (id, _) = world.offering(web, "/deflate", "permessage-deflate");
    let long = deflated(&[b'x'; 600_000]);
    world.receive(id, &[&long[..], &long, b"\x81"].concat());
    world.engine.check_invariants();
    assert_eq!(world.socket(id), Socket::Closed);
}

//! What the buffers of all connections take, to the byte.

use std::time::Duration;

use super::world::{Socket, World, masked, text};
use crate::codec::websocket as frames;
use crate::codec::websocket::Opcode;
use crate::codec::websocket::deflate::{Pool, WindowBits, encode_deflated};
use crate::engine::Memory;
use crate::service::{Echo, TimeService};
use crate::time::Time;

impl World {
    /// What the engine says, and is found where everybody is looked at.
    fn memory(&self) -> Memory {
        self.engine.check_invariants();
        self.engine.memory()
    }
}

#[cfg(feature = "deflate")]
fn compressed(message: &[u8]) -> Vec<u8> {
    masked(|out, mask| {
        let mut pool = Pool::new(0);
        encode_deflated(out, Opcode::Text, message, mask, WindowBits::MAX, &mut pool);
    })
}

#[test]
fn whatever_is_incomplete_is_counted_until_it_is_complete() {
    let mut world = World::new();
    let (lines, web) = (world.lines(Echo), world.web(Echo));
    assert_eq!(world.memory(), Memory::default());
    let line = world.open(lines);
    world.receive(line, &[b'x'; 10_000]);
    assert!((10_000..20_000).contains(&world.memory().lent_bytes), "{:?}", world.memory());
    let head = world.open(web);
    world.receive(head, b"GET / HTTP/1.1\r\nX: ");
    world.receive(head, &[b'x'; 4_000]);
    assert!(world.memory().lent_bytes >= 14_000, "{:?}", world.memory());
    let message = world.websocket(web);
    let frame = text(&"x".repeat(100_000));
    world.receive(message, &frame[..60_000]);
    world.receive(message, &frame[60_000..90_000]);
    let before = world.memory();
    assert!((104_000..250_000).contains(&before.lent_bytes), "{before:?}");
    assert_eq!(before.output_bytes, 0);
    // The echoes are output, and then nothing; what held them waits to be used again.
    world.receive(line, b"\n");
    world.receive(message, &frame[90_000..]);
    assert_eq!(world.memory().output_bytes, 10_001 + 10 + 100_000);
    world.take(line);
    assert_eq!(world.memory().output_bytes, 10 + 100_000);
    world.take(message);
    let after = world.memory();
    assert_eq!(after.output_bytes, 0);
    assert!((4_000..10_000).contains(&after.lent_bytes), "the head is left: {after:?}");
    assert!(after.kept_bytes >= 110_000, "{after:?}");
}

#[test]
fn output_is_counted_as_it_is_written_in_parts() {
    let mut world = World::new();
    let web = world.web(Echo);
    let ids: Vec<_> = (0..3).map(|_| world.websocket(web)).collect();
    for &id in &ids {
        world.receive(id, &text(&"x".repeat(1_000)));
    }
    assert_eq!(world.memory().output_bytes, 3 * 1_004);
    world.engine.wrote(ids[1], 1_000, world.now);
    assert_eq!(world.memory().output_bytes, 2 * 1_004 + 4);
    world.engine.lost(ids[0], std::io::ErrorKind::ConnectionReset, world.now);
    assert_eq!(world.memory().output_bytes, 1_004 + 4);
    world.engine.begin_drain(world.now);
    assert_eq!(world.memory().output_bytes, 1_004 + 4 + 2 * 4, "two Close frames more");
}

#[test]
fn parked_input_is_counted() {
    let mut world = World::new();
    let time = world.lines(TimeService::default());
    let id = world.open(time);
    world.receive(id, &[b'\n'; 200_000]);
    let memory = world.memory();
    let parked: usize = world.engine.core.parked.values().map(|parked| parked.len()).sum();
    assert!(parked > 100_000 && memory.lent_bytes >= memory.output_bytes + parked, "{memory:?}");
    while !world.take(id).is_empty() {
        world.pass(Duration::from_millis(1));
    }
    assert_eq!(world.memory().lent_bytes, 0);
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_remembered_to_compress_is_counted_while_the_connection_lives() {
    let mut world = World::new();
    let web = world.web(Echo);
    let ids = [(); 4].map(|()| world.offering(web, "/takeover", "permessage-deflate").0);
    assert_eq!(world.memory().deflate_bytes, 0, "an agreement is nothing");
    for &id in &ids {
        let echo = world.send(id, &compressed(&[b'x'; 10_000]));
        assert!(!echo.is_empty() && echo.len() < 1_000);
    }
    let held = world.memory().deflate_bytes;
    assert!((4 * 400_000..4 * 440_000).contains(&held), "{held} bytes");
    for id in ids {
        world.engine.lost(id, std::io::ErrorKind::ConnectionReset, world.now);
        assert_eq!(world.socket(id), Socket::Closed);
    }
    assert_eq!(world.memory(), Memory::default(), "the last one has gone");
}

#[test]
fn a_message_that_turns_out_wrong_is_not_counted_any_more() {
    // Of 4 GiB.
    let huge = vec![0x80, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4];
    let begun = || fragment(0x01, 5_000);
    let cases = [
        ([begun(), text("x")].concat(), "interleaved_message"),
        ([begun(), wrong(0x80, 9)].concat(), "invalid_utf8"),
        ([begun(), wrong(0x80, 9_000)].concat(), "invalid_utf8"),
        ([begun(), huge].concat(), "message_too_big"),
        ([begun(), vec![0x70, 0x80]].concat(), "reserved_bits"),
        (vec![0x88, 0x81, 0, 0, 0, 0, 0], "short_close"),
    ];
    for (bytes, error) in cases {
        // A frame that is cut is put together in a buffer, so where it is cut matters.
        for cut in [1, bytes.len() / 2, bytes.len() - 1] {
            let mut world = World::new();
            let web = world.web(Echo);
            let (id, other) = (world.websocket(web), world.websocket(web));
            let (first, second) = bytes.split_at(cut);
            world.receive(id, first);
            world.receive(id, second);
            assert_eq!(world.engine.stats().protocol_errors, 1, "{error}, cut at {cut}");
            world.take(id);
            assert_eq!(world.memory().lent_bytes, 0, "{error}, cut at {cut}");
            world.engine.lost(other, std::io::ErrorKind::ConnectionReset, world.now);
        }
    }
}

/// A frame that does not end a message.
fn fragment(first: u8, len: usize) -> Vec<u8> {
    let mut frame = masked(|out, mask| frames::encode_text(out, &vec![b'x'; len], mask));
    frame[0] = first;
    frame
}

/// The end of a text that is none.
fn wrong(first: u8, len: usize) -> Vec<u8> {
    let mut frame = masked(|out, mask| frames::encode_binary(out, &vec![0xff; len], mask));
    frame[0] = first;
    frame
}

impl World {
    /// When something is due, other than what the shell has to do at once.
    fn due(&mut self) -> Option<Time> {
        self.engine.take_dirty(&mut Vec::new());
        self.engine.poll_timeout()
    }
}

/// What is queued for others is written at the end of a turn, when time has passed in it already.
#[test]
fn buffers_are_given_back_in_the_end_whenever_they_came_back() {
    let mut world = World::new();
    let lines = world.lines(Echo);
    let one = world.open(lines);
    world.pass(Duration::from_secs(100));
    assert_eq!(world.due(), None);
    let start = world.now.time;
    world.receive(one, &[&[b'x'; 10_000][..], b"\n"].concat());
    world.engine.handle_timeout(world.now);
    world.take(one);
    assert!(world.memory().kept_bytes > 10_000);
    for _ in 0..3 {
        if let Some(due) = world.due() {
            assert!(due > world.now.time, "it does not spin");
            world.pass(due - world.now.time);
        }
    }
    assert_eq!((world.due(), world.memory()), (None, Memory::default()));
    assert!(world.now.time - start < Duration::from_secs(3), "{:?}", world.now.time - start);
}

#[test]
fn a_server_that_everybody_has_left_waits_for_nothing() {
    let mut world = World::new();
    let lines = world.lines(Echo);
    let one = world.open(lines);
    world.send(one, b"hello\n");
    world.engine.handle_timeout(world.now);
    assert!(world.due().is_some());
    world.engine.lost(one, std::io::ErrorKind::ConnectionReset, world.now);
    world.engine.remove(one);
    assert_eq!(world.due(), None);
}

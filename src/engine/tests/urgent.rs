//! Pings and pongs go ahead of what has to wait, a Close frame of nothing; and a flood of pings is
//! answered as far as it is worth it.

use std::time::Duration;

use super::dialing::{call, unmasked};
use super::world::{REQUEST, Socket, World, close, masked, text};
use crate::buffer::BufferPool;
use crate::codec::websocket as frames;
use crate::codec::websocket::deflate::{Inbound, Pool};
use crate::codec::websocket::{Decoder, Event, Opcode, Role};
use crate::engine::{ConnId, EndpointId, Limits};
use crate::protocol::ahead::MAX_PONGS;
use crate::service::{Burst, Echo, Random};

/// Who reads what was written.
struct Reader {
    decoder: Decoder,
    inbound: Inbound,
    buffers: BufferPool,
    pool: Pool,
}

impl Reader {
    fn new(role: Role, takeover: bool) -> Reader {
        Reader {
            decoder: Decoder::new(role),
            inbound: Inbound::new(takeover),
            buffers: BufferPool::new(),
            pool: Pool::default(),
        }
    }

    fn client() -> Reader {
        Reader::new(Role::Client, false)
    }

    /// A word for each frame: what it is, and of a message its length, of a ping or a pong what it
    /// carries. Of a frame that is cut nothing, until its end comes.
    fn read(&mut self, bytes: &[u8]) -> Vec<String> {
        let Reader { decoder, inbound, buffers, pool } = self;
        let limits = frames::Limits::for_messages_of(1 << 24);
        let (mut bytes, mut words) = (bytes.to_vec(), Vec::new());
        let mut input = &mut bytes[..];
        while let Some(event) =
            decoder.next_inflating(&mut input, &limits, buffers, inbound, pool).expect("sound")
        {
            words.push(match event {
                Event::Text(message) | Event::Binary(message) => {
                    format!("message {}", message.len())
                }
                Event::Ping(payload) => format!("ping {}", payload.escape_ascii()),
                Event::Pong(payload) => format!("pong {}", payload.escape_ascii()),
                Event::Close(close) => format!("close {}", u16::from(close.expect("a code").code)),
            });
        }
        words
    }
}

fn ping(payload: &str) -> Vec<u8> {
    masked(|out, mask| frames::encode_ping(out, payload.as_bytes(), mask))
}

/// A message of `length` bytes, as the client sends it.
fn message(length: usize) -> Vec<u8> {
    masked(|out, mask| frames::encode_binary(out, &vec![b'm'; length], mask))
}

/// A client with `count` replies of 10,000 bytes waiting, of which it has read the first 5,000 bytes.
fn blocked(world: &mut World, web: EndpointId, count: usize, reader: &mut Reader) -> ConnId {
    let id = world.websocket(web);
    world.receive(id, &message(10_000).repeat(count));
    assert_eq!(reader.read(&world.take_part(id, 5_000)), [""; 0]);
    id
}

#[test]
fn where_nothing_waits_everything_stays_in_order() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.websocket(echo);
    let said = [text("one"), ping("p"), text("two"), ping("q")].concat();
    assert_eq!(world.send(id, &said), b"\x81\x03one\x8a\x01p\x81\x03two\x8a\x01q");
}

#[test]
fn a_pong_goes_ahead_of_replies_that_wait() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 20, &mut reader);
    world.receive(id, &[ping("first"), message(7), ping("second")].concat());
    assert_eq!(reader.read(&world.take_part(id, 5_004)), ["message 10000"]);
    assert_eq!(reader.read(&world.take_part(id, 7 + 8)), ["pong first", "pong second"]);
    world.receive(id, &ping("third"));
    let words = reader.read(&world.take(id));
    assert_eq!(words[..2], ["pong third", "message 10000"]);
    assert_eq!(words[19..], ["message 10000", "message 7"]);
    // It is not blocked any more.
    world.receive(id, &[message(7), ping("last")].concat());
    assert_eq!(reader.read(&world.take(id)), ["message 7", "pong last"]);
}

#[test]
fn a_pong_goes_ahead_of_replies_to_what_was_read_with_its_ping() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = world.websocket(echo);
    let said = [message(10_000).repeat(20), ping("p"), message(1), close(1000, "")].concat();
    world.receive(id, &said);
    assert_eq!(reader.read(&world.take_part(id, 10_005)), ["message 10000"]);
    let words = reader.read(&world.take(id));
    assert_eq!(words[..3], ["message 10000", "pong p", "message 10000"]);
    assert_eq!(words[19..], ["message 10000", "message 1", "close 1000"]);
}

#[test]
fn a_write_that_takes_nothing_is_blocked_too() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let id = world.websocket(echo);
    world.receive(id, &[message(3), ping("one")].concat());
    world.engine.blocked(id);
    let mut reader = Reader::client();
    world.receive(id, &[message(4), ping("two")].concat());
    let expected = ["pong one", "pong two", "message 3", "message 4"];
    assert_eq!(reader.read(&world.take(id)), expected);
}

#[test]
fn a_silent_peer_is_pinged_ahead_of_what_waits_for_it_and_its_answer_is_heard() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 20, &mut reader);
    for _ in 0..26 {
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(reader.read(&world.take_part(id, 5_006)), ["message 10000", "ping "]);
    world.receive(id, &masked(|out, mask| frames::encode_pong(out, b"", mask)));
    for _ in 0..20 {
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(world.socket(id), Socket::Open);
    assert_eq!(reader.read(&world.take(id)), ["message 10000"; 19]);
}

#[test]
fn one_ping_waits_at_a_time() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 20, &mut reader);
    // A part of a message now and then is a sign of life, and it is not answered.
    for byte in &message(100)[..20] {
        for _ in 0..26 {
            world.pass(Duration::from_secs(1));
        }
        world.receive(id, &[*byte]);
    }
    let words = reader.read(&world.take(id));
    assert_eq!(words[..3], ["message 10000", "ping ", "message 10000"]);
    assert_eq!(words.len(), 21);
}

#[test]
fn of_a_flood_of_pings_the_newest_is_answered_and_few_others() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 20, &mut reader);
    let queued = world.engine.output(id).unwrap().len();
    let flood: Vec<u8> = (0..100_000).flat_map(|number| ping(&number.to_string())).collect();
    for read in flood.chunks(64 * 1024) {
        world.receive(id, read);
        world.engine.check_invariants();
        let grown = world.engine.output(id).unwrap().len() - queued;
        assert!(grown <= MAX_PONGS * 7, "{grown} bytes of pongs wait");
        assert!(world.engine.wants_read(id), "it is read to its end");
    }
    let words = reader.read(&world.take(id));
    let expected: Vec<_> = (0..15).chain([99_999]).map(|number| format!("pong {number}")).collect();
    assert_eq!(words[1..=16], expected);
    assert_eq!(words.len(), 20 + 16);
}

#[test]
fn pongs_that_have_left_make_room_for_others() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 20, &mut reader);
    let ask = |world: &mut World, range: std::ops::Range<u32>| {
        range.for_each(|number| world.receive(id, &ping(&format!("{number:02}"))));
    };
    ask(&mut world, 0..20);
    // The rest of a message, six pongs, and a part of another.
    reader.read(&world.take_part(id, 5_004 + 6 * 4 + 1));
    ask(&mut world, 20..40);
    let words = reader.read(&world.take(id));
    let expected = (6..15).chain([19]).chain(20..26).chain([39]);
    assert_eq!(words[..17], expected.map(|n| format!("pong {n:02}")).collect::<Vec<_>>());
    assert_eq!(words[17..], ["message 10000"; 19]);
}

#[test]
fn what_a_flood_has_parked_is_gone_on_with() {
    // So many pongs are above the cap for a moment, and then they are not.
    let limits = Limits { max_queued_bytes: 1, ..Limits::default() }.with_max_message(10_000);
    let mut world = World::with(limits);
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 1, &mut reader);
    world.receive(id, &[ping("p").repeat(10_000), message(1), message(2), message(3)].concat());
    let mut words = reader.read(&world.take(id));
    for _ in 0..5 {
        world.pass(Duration::from_millis(1));
        words.extend(reader.read(&world.take(id)));
    }
    assert_eq!(words.len(), 1 + MAX_PONGS + 3);
    assert_eq!(words[1 + MAX_PONGS..], ["message 1", "message 2", "message 3"]);
    assert!(world.engine.wants_read(id));
}

#[test]
fn a_close_frame_overtakes_nothing_and_nothing_follows_it() {
    for is_ours in [true, false] {
        let mut world = World::new();
        let echo = world.web(Echo);
        let mut reader = Reader::client();
        let id = blocked(&mut world, echo, 3, &mut reader);
        world.receive(id, &ping("before"));
        if is_ours {
            world.engine.begin_drain(world.now);
            // Section 5.5.1: a ping behind our Close is not answered.
            world.receive(id, &ping("behind"));
            world.receive(id, &close(1001, ""));
        } else {
            world.receive(id, &[close(1001, ""), ping("behind")].concat());
        }
        let words = reader.read(&world.take(id));
        let expected =
            ["message 10000", "pong before", "message 10000", "message 10000", "close 1001"];
        assert_eq!(words, expected, "ours: {is_ours}");
        assert_eq!(world.socket(id), Socket::WriteEnded);
    }
}

#[test]
fn a_burst_is_closed_behind_its_last_number_whatever_is_asked_meanwhile() {
    let mut world = World::new();
    let random = world.web(Random::new(5..=5, Some(Burst { limit: 1_000 })));
    let mut reader = Reader::client();
    let id = world.websocket(random);
    world.receive(id, &text("1000"));
    let mut words = Vec::new();
    for number in 0..1_000 {
        words.extend(reader.read(&world.take_part(id, 3)));
        if number % 100 == 0 {
            world.receive(id, &ping("p"));
        }
    }
    words.extend(reader.read(&world.take(id)));
    // It was closed when it was asked: a ping behind that is not answered.
    assert_eq!(words[..1_000], ["message 1"; 1_000].map(str::to_owned));
    assert_eq!(words[1_000..], ["close 1000"]);
}

#[test]
fn a_ping_between_fragments_is_answered_ahead_and_the_message_in_order() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let mut reader = Reader::client();
    let id = blocked(&mut world, echo, 2, &mut reader);
    let fragment =
        |fin, opcode| masked(|out, mask| frames::encode_frame(out, fin, opcode, &[b'x'; 50], mask));
    world.receive(id, &fragment(false, Opcode::Binary));
    world.receive(id, &ping("between"));
    world.receive(id, &[fragment(true, Opcode::Continuation), message(1)].concat());
    let words = reader.read(&world.take(id));
    let expected = ["message 10000", "pong between", "message 10000", "message 100", "message 1"];
    assert_eq!(words, expected);
}

#[test]
fn the_end_of_an_http_response_is_no_frame() {
    let mut world = World::new();
    let echo = world.web(Echo);
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = {
        let id = world.open(echo);
        world.send(id, &[get, REQUEST].concat())
    };
    for taken in 0..answer.len() {
        let id = world.open(echo);
        // Of the first response a part is gone before the upgrade, of everything one behind it.
        world.receive(id, get);
        let mut received = world.take_part(id, taken.min(60));
        world.receive(id, &[REQUEST, &message(200), &ping("p")].concat());
        received.extend(world.take_part(id, taken - received.len()));
        world.receive(id, &[message(300), ping("q")].concat());
        received.extend(world.take(id));
        let frames = received.strip_prefix(&*answer).expect("the whole answer comes first");
        let words = Reader::client().read(frames);
        assert_eq!(words, ["pong p", "pong q", "message 200", "message 300"], "{taken} are taken");
    }
}

#[test]
fn a_client_answers_a_server_that_does_not_read_ahead_of_what_it_says() {
    let mut call = call();
    let id = call.websocket();
    call.tell(&"x".repeat(10_000));
    call.tell(&"y".repeat(20_000));
    let mut reader = Reader::new(Role::Server, false);
    assert_eq!(reader.read(&call.world.take_part(id, 100)), [""; 0]);
    let ping = |payload: &[u8]| unmasked(|out| frames::encode_ping(out, payload, None));
    call.world.receive(id, &ping(b"one"));
    call.world.receive(id, &ping(&[b'2'; 125]));
    let mut words = reader.read(&call.world.take_part(id, 9_908 + 9 + 50));
    call.world.receive(id, &ping(b"three"));
    words.extend(reader.read(&call.world.take(id)));
    let two = format!("pong {}", "2".repeat(125));
    assert_eq!(words, ["message 10000", "pong one", &two, "pong three", "message 20000"]);
}

#[test]
fn pongs_that_do_not_stay_keep_nobody_from_being_read() {
    for queued in [0, 100_000, 200_000] {
        let mut world = World::new();
        let echo = world.web(Echo);
        let id = world.websocket(echo);
        world.receive(id, &message(queued));
        let length = world.engine.output(id).expect("an echo").len();
        world.take_part(id, length.min(100) - 1);
        for _ in 0..4 {
            assert!(world.engine.wants_read(id), "{queued} bytes wait");
            world.receive(id, &ping("how are you?").repeat(25_000));
            let waits = world.engine.output(id).expect("an echo").len();
            assert!(waits < queued + 1_000, "{waits} bytes wait");
            world.engine.check_invariants();
            world.pass(Duration::from_millis(1));
        }
    }
}

#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_are_overtaken_and_stay_in_order() {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    let mut rng = StdRng::seed_from_u64(1);
    for (path, takeover) in [("/deflate", false), ("/takeover", true)] {
        let mut world = World::new();
        let echo = world.web(Echo);
        let (id, _) = world.offering(echo, path, "permessage-deflate");
        let mut reader = Reader::new(Role::Client, takeover);
        let mut words = Vec::new();
        for length in [1_000, 70_000, 300, 5_000, 10, 900] {
            let noise: Vec<u8> = (0..length).map(|_| rng.random_range(b'a'..b'e')).collect();
            world.receive(id, &masked(|out, mask| frames::encode_binary(out, &noise, mask)));
            let first = world.engine.output(id).unwrap()[0];
            assert!(length != 1_000 || first == 0xc2, "it is compressed");
            world.receive(id, &ping(&length.to_string()));
            let count = world.engine.output(id).unwrap().len() / 10;
            words.extend(reader.read(&world.take_part(id, count)));
        }
        words.extend(reader.read(&world.take(id)));
        let (pongs, messages): (Vec<_>, Vec<_>) =
            words.iter().partition(|word| word.starts_with("pong"));
        let lengths = ["1000", "70000", "300", "5000", "10", "900"];
        assert_eq!(
            pongs,
            lengths.map(|length| format!("pong {length}")).iter().collect::<Vec<_>>()
        );
        let expected = lengths.map(|length| format!("message {length}"));
        assert_eq!(messages, expected.iter().collect::<Vec<_>>());
        assert!(words.iter().position(|word| word == "pong 900") < Some(8), "{words:?}");
    }
}

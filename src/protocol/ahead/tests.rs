use std::collections::VecDeque;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::buffer::BufferPool;
use crate::codec::websocket::{Decoder, Event, Limits, Role};
use crate::codec::websocket::{encode_close, encode_frame, encode_ping, encode_pong};

/// A frame that is queued.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Frame {
    opcode: Opcode,
    bytes: Vec<u8>,
}

impl Frame {
    fn encoded(opcode: Opcode, payload: &[u8], mask: Option<[u8; 4]>) -> Frame {
        let mut bytes = Vec::new();
        match opcode {
            Opcode::Ping => encode_ping(&mut bytes, payload, mask),
            Opcode::Pong => encode_pong(&mut bytes, payload, mask),
            Opcode::Close => encode_close(&mut bytes, Some(1000.into()), "", mask),
            opcode => encode_frame(&mut bytes, true, opcode, payload, mask),
        }
        Frame { opcode, bytes }
    }

    fn is_control(&self) -> bool {
        matches!(self.opcode, Opcode::Ping | Opcode::Pong)
    }
}

/// The same queue, as a list of frames, of which the first may have begun to leave.
#[derive(Default)]
struct Model {
    frames: VecDeque<Frame>,
    begun: usize,
}

impl Model {
    fn take(&mut self, mut count: usize) {
        while let Some(first) = self.frames.front()
            && count >= first.bytes.len() - self.begun
        {
            count -= first.bytes.len() - self.begun;
            self.begun = 0;
            self.frames.pop_front();
        }
        self.begun += count;
    }

    /// What is not begun, in the order that was promised.
    fn put(&mut self) {
        let begun = usize::from(self.begun > 0);
        let (control, data): (Vec<_>, Vec<_>) =
            self.frames.drain(begun..).partition(Frame::is_control);
        let pongs = control.iter().filter(|frame| frame.opcode == Opcode::Pong).count();
        let (mut pong, mut ping) = (0, 0);
        let kept = control.into_iter().filter(|frame| {
            let number = if frame.opcode == Opcode::Pong { &mut pong } else { &mut ping };
            *number += 1;
            match frame.opcode {
                Opcode::Pong => *number < MAX_PONGS || *number == pongs,
                _ => *number == 1,
            }
        });
        self.frames.extend(kept.collect::<Vec<_>>());
        self.frames.extend(data);
    }

    fn bytes(&self) -> Vec<u8> {
        let all = self.frames.iter().map(|frame| &*frame.bytes).collect::<Vec<_>>().concat();
        all[self.begun..].to_vec()
    }
}

fn append(output: &mut Buffer, frame: &Frame) {
    if frame.is_control() {
        note(output);
    }
    output.extend(&frame.bytes);
}

#[test]
fn wherever_a_write_stops_what_is_urgent_follows_the_frame_it_stopped_in() {
    for mask in [None, Some([7, 0, 99, 255])] {
        let frames = [
            Frame::encoded(Opcode::Text, b"short", mask),
            Frame::encoded(Opcode::Pong, b"one", mask),
            Frame::encoded(Opcode::Binary, &[b'm'; 300], mask),
            Frame::encoded(Opcode::Ping, b"", mask),
            Frame::encoded(Opcode::Text, b"", mask),
            Frame::encoded(Opcode::Pong, &[b'p'; 125], mask),
            Frame::encoded(Opcode::Binary, &[b'l'; 70_000], mask),
            Frame::encoded(Opcode::Pong, b"three", mask),
            Frame::encoded(Opcode::Close, b"", mask),
        ];
        let length: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
        for count in (0..1_000).chain(length - 1_000..length) {
            let mut output = Buffer::default();
            let mut model = Model::default();
            for frame in &frames {
                append(&mut output, frame);
                model.frames.push_back(frame.clone());
            }
            take(&mut output, count);
            put(&mut output);
            model.take(count);
            model.put();
            assert!(output.as_slice() == model.bytes(), "{count} bytes are taken");
        }
    }
}

#[test]
fn a_head_that_is_no_frame_is_not_looked_into() {
    // As if it were a frame of 0x2f bytes, masked.
    let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    let message = Frame::encoded(Opcode::Text, b"hello", None);
    let pong = Frame::encoded(Opcode::Pong, b"p", None);
    for count in 0..head.len() {
        let mut output = Buffer::default();
        output.extend(head);
        begin(&mut output);
        append(&mut output, &message);
        append(&mut output, &pong);
        take(&mut output, count);
        put(&mut output);
        let expected = [&head[count..], &pong.bytes, &message.bytes].concat();
        assert_eq!(output.as_slice(), expected, "{count} bytes are taken");
    }
}

/// What a peer makes of the bytes.
#[derive(Default)]
struct Heard {
    data: Vec<Vec<u8>>,
    pongs: Vec<Vec<u8>>,
    pings: usize,
}

impl Heard {
    fn all(role: Role, bytes: &mut [u8]) -> Heard {
        let mut heard = Heard::default();
        let mut input = bytes;
        let (mut decoder, mut pool) = (Decoder::new(role), BufferPool::new());
        while let Some(event) =
            decoder.next(&mut input, &Limits::default(), &mut pool).expect("sound frames")
        {
            match event {
                Event::Text(payload) | Event::Binary(payload) => heard.data.push(payload.to_vec()),
                Event::Pong(payload) => heard.pongs.push(payload.to_vec()),
                Event::Ping(_) => heard.pings += 1,
                Event::Close(_) => panic!("nobody closes"),
            }
        }
        assert!(decoder.is_idle(), "half a frame at the end");
        heard
    }
}

/// Any frames, any writes, any moments: the queue is what the model says it is, and what left it are
/// frames, with the messages in order, and the pongs, of which the newest is the last.
#[test]
fn any_frames_in_any_writes_keep_their_order_and_their_bounds() {
    let mut dropped = 0;
    for seed in 0..400 {
        let mut rng = StdRng::seed_from_u64(seed);
        let role = if rng.random() { Role::Server } else { Role::Client };
        let is_masked = role == Role::Client;
        let (mut output, mut model, mut left) = (Buffer::default(), Model::default(), Vec::new());
        let (mut data, mut pongs) = (Vec::new(), Vec::new());
        let urgency = [0.1, 0.5, 0.95][rng.random_range(0..3)];
        let flow = [0.02, 0.1, 0.3][rng.random_range(0..3)];
        for _ in 0..rng.random_range(1..400) {
            let opcode = match rng.random_bool(urgency) {
                true if rng.random_bool(0.1) => Opcode::Ping,
                true => Opcode::Pong,
                false => Opcode::Binary,
            };
            let longest = if rng.random_bool(0.02) { 70_000 } else { 200 };
            let mut payload = vec![b'x'; rng.random_range(8..longest)];
            if opcode != Opcode::Binary {
                payload.truncate(125);
            }
            payload[..8].copy_from_slice(&rng.random::<[u8; 8]>());
            match opcode {
                Opcode::Binary => data.push(payload.clone()),
                Opcode::Pong => pongs.push(payload.clone()),
                _ => {}
            }
            let frame = Frame::encoded(opcode, &payload, is_masked.then(|| rng.random()));
            append(&mut output, &frame);
            model.frames.push_back(frame);
            if rng.random_bool(flow) {
                let count = match rng.random_range(0..4) {
                    0 => output.len(),
                    1 => 0,
                    _ => rng.random_range(0..output.len()),
                };
                left.extend(&output.as_slice()[..count]);
                if count == output.len() {
                    output.consume(count);
                } else {
                    take(&mut output, count);
                }
                model.take(count);
                put(&mut output);
                model.put();
                if rng.random_bool(0.1) {
                    output.shrink();
                }
                assert!(output.as_slice() == model.bytes(), "seed {seed}: another queue");
            }
        }
        put(&mut output);
        model.put();
        let waiting = model.frames.iter().filter(|frame| frame.opcode == Opcode::Pong).count();
        assert!(waiting <= MAX_PONGS + 1, "seed {seed}: {waiting} pongs, one of them begun");
        left.extend(output.as_slice());
        let peer = if role == Role::Server { Role::Client } else { Role::Server };
        let heard = Heard::all(peer, &mut left);
        assert!(heard.data == data, "seed {seed}: other messages");
        assert_eq!(heard.pongs.last(), pongs.last(), "seed {seed}: not the newest");
        let mut asked = pongs.iter();
        for pong in &heard.pongs {
            assert!(asked.any(|one| one == pong), "seed {seed}: pongs out of order");
        }
        dropped += pongs.len() - heard.pongs.len();
    }
    assert!(dropped > 1_000, "{dropped} pongs were dropped");
}

#[test]
fn a_hundred_thousand_pongs_are_put_ahead_at_once() {
    let mut output = Buffer::default();
    let message = Frame::encoded(Opcode::Binary, &[b'm'; 256 * 1024], None);
    append(&mut output, &message);
    take(&mut output, 1);
    let pong = |number: u32| Frame::encoded(Opcode::Pong, &number.to_be_bytes(), None);
    for number in 0..100_000 {
        append(&mut output, &pong(number));
    }
    let behind = Frame::encoded(Opcode::Text, b"behind", None);
    append(&mut output, &behind);
    put(&mut output);
    let kept = (0..15).chain([99_999]).flat_map(|number| pong(number).bytes);
    let expected = message.bytes[1..].iter().copied().chain(kept).chain(behind.bytes);
    assert!(output.as_slice().iter().copied().eq(expected));
    // One of them more takes the place of the newest, and nothing else moves.
    append(&mut output, &pong(100_000));
    put(&mut output);
    let end = message.bytes.len() - 1 + 16 * 6;
    assert_eq!(output.as_slice()[end - 6..end], pong(100_000).bytes);
    assert_eq!(output.len(), end + 8);
}

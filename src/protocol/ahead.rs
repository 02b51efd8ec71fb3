//! Pings and pongs go ahead of what has to wait.
//!
//! A peer that reads slowly has its replies waiting, and a pong behind them would come too late to say
//! that anybody is alive. So each ping and pong is appended to the output like everything else, and
//! where the output is not taken whole, those in what is left are put in front:
//!
//! ```text
//!      taken by the kernel         left
//!   ┌──────────────────────┬─────────────────────────────────────────────┐
//!   │ message │ mess       │ age │ message │ pong 1 │ message │ pong 2   │
//!   └──────────────────────┴─────────────────────────────────────────────┘
//!                          ┌─────────────────────────────────────────────┐
//!                          │ age │ pong 1 │ pong 2 │ message │ message   │
//!                          └─────────────────────────────────────────────┘
//!                                ▲ cut             ▲ ahead
//! ```
//!
//! Nothing goes into the middle of a frame; messages stay in order, and so do pongs; a Close frame is a
//! frame like others, behind which nothing is queued. Who is not blocked pays nothing: where a frame
//! ends is looked for only when a write takes a part of the output, and each frame that leaves this way
//! is looked at once.
//!
//! A peer that pings and does not read has at most [`MAX_PONGS`] pongs waiting. Then the newest takes
//! the place of the last (RFC 6455 section 5.5.3 allows to answer the newest ping alone). Of our own
//! pings one waits at a time: a second one would not ask for anything else.

use std::mem;
use std::ops::Range;

use crate::buffer::{Buffer, Marks};
use crate::codec::websocket::Opcode;
use crate::codec::websocket::header::peek;

/// So many pongs wait to be written where the output has to wait.
pub const MAX_PONGS: usize = 16;

/// What is queued so far are no frames: nothing is put in front of its end.
pub fn begin(output: &mut Buffer) {
    (output.marks.cut, output.marks.ahead) = (output.len(), output.len());
}

/// A ping or a pong is going to be appended.
pub fn note(output: &mut Buffer) {
    let end = output.len();
    output.marks.strays.get_or_insert(end);
}

/// A write has taken `count` bytes of the frames, and not all.
pub fn take(output: &mut Buffer, count: usize) {
    let mut boundary = output.marks.cut;
    while boundary < count {
        boundary += frame(&output.as_slice()[boundary..]).1;
    }
    let Marks { ahead, strays, .. } = output.marks;
    output.marks.cut = boundary - count;
    output.marks.ahead = ahead.max(boundary) - count;
    output.marks.strays = strays.map(|strays| strays.max(boundary) - count);
    output.consume(count);
}

/// Puts pings and pongs ahead of what waits. The work is linear in what was queued since the first of
/// them, and in what waits, which is moved once.
pub fn put(output: &mut Buffer) {
    let Some(strays) = output.marks.strays.take() else { return };
    let Marks { cut, ahead, .. } = output.marks;
    let mut front = Front::default();
    let mut at = cut;
    while at < ahead {
        at += front.push(&output.as_slice()[at..]);
    }
    // What is not put ahead closes the gaps.
    let queued = output.as_mut_slice();
    let (mut at, mut kept) = (strays, strays);
    while at < queued.len() {
        let (opcode, length) = frame(&queued[at..]);
        if let Opcode::Ping | Opcode::Pong = opcode {
            front.push(&queued[at..]);
        } else {
            queued.copy_within(at..at + length, kept);
            kept += length;
        }
        at += length;
    }
    output.truncate(kept);
    output.replace(cut..ahead, &front.frames);
    output.marks.ahead = cut + front.frames.len();
}

/// What goes ahead.
#[derive(Default)]
struct Front {
    frames: Vec<u8>,
    pongs: usize,
    /// Where the newest pong stands.
    newest: Range<usize>,
    has_ping: bool,
}

impl Front {
    /// Adds the ping or pong at the front of `bytes`, as far as it is to be sent, and returns how long
    /// it is.
    fn push(&mut self, bytes: &[u8]) -> usize {
        let (opcode, length) = frame(bytes);
        if opcode == Opcode::Ping {
            if mem::replace(&mut self.has_ping, true) {
                return length;
            }
        } else {
            if self.pongs == MAX_PONGS {
                self.frames.drain(self.newest.clone());
            } else {
                self.pongs += 1;
            }
            self.newest = self.frames.len()..self.frames.len() + length;
        }
        self.frames.extend_from_slice(&bytes[..length]);
        length
    }
}

/// What the frame at the front of `bytes` is, and how long.
fn frame(bytes: &[u8]) -> (Opcode, usize) {
    peek(bytes).expect("frames are queued whole")
}

#[cfg(test)]
mod tests;

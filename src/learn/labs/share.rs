//! No budget.

use crate::engine::Endpoint;
use crate::learn::broken::ReadsUntilEmpty;
use crate::learn::lab::Lab;
use crate::learn::run::{Run, Verdict};
use crate::learn::stage::{BUDGET, Stage};
use crate::reactor::{Rules, Sound};
use crate::service::{Discard, Echo};
use crate::timeline::What;

/// How much mallory sends at once.
const FLOOD: usize = 4 * 1024 * 1024;

pub(super) const LAB: Lab = lab! {
    breaks ReadsUntilEmpty;
    title: "No budget: one peer starves the others",
    mistake: "\
\"Read until WouldBlock\" is what tutorials say of edge-triggered events. A peer that sends as fast as it
is read from never gets there, and all that time nobody else is served, however little they want.",
    wrong: "\
loop {
    match stream.read(&mut buffer) {
        Ok(count) => receive(&buffer[..count]),
        Err(error) if error.kind() == WouldBlock => break,
        Err(error) => return Err(error),
    }
}",
    right: "\
let count = stream.read(&mut buffer)?;        // one read: a budget of buffer.len() bytes
receive(&buffer[..count]);
if count == buffer.len() {
    ready.push_back(token);                   // the rest in the next turn, behind all others
}",
    scene: "\
mallory has sent 4 MiB to be discarded, and the loop reads 64 KiB at once. At the same moment bob sends
one line to an echo server on the same loop. mallory is in front.",
    question: "How often is mallory read from before it is bob's turn?",
    look: "\
the turn in which both are ready: what stands in front of bob's \"read\"?",
    place: ("src/reactor/stream_io.rs", "serve_stream"),
    chapter: "docs/book/fairness.md",
    rung: "examples/05_drain_rule.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::with(
        4,
        100,
        vec![
            ("discard", Box::new(Discard), Endpoint::Raw),
            ("echo", Box::new(Echo), Endpoint::Line),
        ],
    );
    let mallory = stage.enters("mallory", 0);
    let bob = stage.enters("bob", 1);
    stage.says(mallory, &vec![b'x'; FLOOD]);
    stage.says(bob, b"hi\n");
    // What has happened in front of bob's first byte, in the turn in which it is read.
    let (mut reads, mut bytes_read, mut is_served) = (0, 0, false);
    let turn = stage.turn(None);
    for event in &turn.events {
        if let What::Read { bytes, .. } = &event.what {
            is_served |= bytes.length == stage.said(bob).len();
            if is_served {
                break;
            }
            reads += 1;
            bytes_read += bytes.length;
        }
    }
    stage.hears(bob);
    let is_right = is_served && bytes_read <= BUDGET;
    let words = format!(
        "bob's line waited while mallory was read from {reads} {}: {} KiB.",
        if reads == 1 { "time" } else { "times" },
        bytes_read / 1024
    );
    stage.end(Verdict { is_right, words })
}

//! Forgetting the rest of a short write.

use super::echoed;
use crate::learn::broken::DropsTheTail;
use crate::learn::lab::Lab;
use crate::learn::run::Run;
use crate::learn::stage::{PATIENCE, Stage};
use crate::reactor::{Rules, Sound};

pub(super) const LAB: Lab = lab! {
    breaks DropsTheTail;
    title: "Forgetting the rest of a short write",
    mistake: "\
A write takes what there is room for, and says how much that was. With short answers and fast readers
it is always all, so nobody looks at the number; write_all() does not help, it fails with WouldBlock.",
    wrong: "\
let _ = connection.stream.write(&connection.output)?;   // how many bytes were taken?
connection.output.clear();",
    right: "\
let count = connection.stream.write(&connection.output)?;
connection.output.drain(..count);
// What is left waits for the next writable event.",
    scene: "\
erin sends one line to an echo server. There is room for 5 bytes on the way back to her, and then again
for 5 whenever she has read.",
    question: "What does erin have in the end?",
    look: "\
the write, which took 5 of 12 bytes. When erin has read there is room, the kernel says so, and
nothing is written.",
    place: ("src/reactor/stream_io.rs", "flush"),
    chapter: "docs/book/backpressure.md",
    rung: "examples/04_write_buffer.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::echo();
    let erin = stage.enters("erin", 0);
    let remote = stage.remote(erin);
    stage.sim().set_window(remote, 5);
    stage.says(erin, b"hello world\n");
    for _ in 0..3 {
        stage.settle();
        stage.hears(erin);
    }
    stage.passes(PATIENCE);
    stage.hears(erin);
    let verdict = echoed(&stage, erin);
    stage.end(verdict)
}

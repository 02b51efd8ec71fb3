//! `WouldBlock` taken for "try again".

use super::sleeps;
use crate::learn::broken::TriesAgain;
use crate::learn::lab::Lab;
use crate::learn::run::Run;
use crate::learn::stage::{BUDGET, Stage};
use crate::reactor::{Rules, Sound};

pub(super) const LAB: Lab = lab! {
    breaks TriesAgain;
    title: "WouldBlock taken for \"try again\"",
    mistake: "\
The system's name for WouldBlock is EAGAIN, \"try again\", and that is what one does. But it means \"not
before there is another event\". Until then each try costs a system call, and the CPU is never idle.",
    wrong: "\
match stream.read(&mut buffer) {
    Ok(count) => {
        receive(&buffer[..count]);
        is_ready = count == buffer.len();
    }
    Err(error) if error.kind() == WouldBlock => is_ready = true,     // EAGAIN: try again
    Err(error) => return Err(error),
}
if is_ready {
    ready.push_back(token);
}",
    right: "\
    Err(error) if error.kind() == WouldBlock => is_ready = false,    // wait for the next event",
    scene: "\
dana sends a line that fills the buffer of an echo server to the last byte, so there may be more. There is
not: dana is silent for a second.",
    question: "How often does the loop turn in that second?",
    look: "\
what each turn waits for (\"does not wait\"), and what it gets for that: WouldBlock.",
    place: ("src/reactor/stream_io.rs", "read_once"),
    chapter: "docs/book/edges.md",
    rung: "examples/02_one_poll.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::echo();
    let dana = stage.enters("dana", 0);
    stage.says(dana, format!("{:.<1$}\n", "one", BUDGET - 1).as_bytes());
    sleeps(stage)
}

//! Stopping before `WouldBlock`.

use super::echoed;
use crate::learn::broken::StopsWithTheBudget;
use crate::learn::lab::Lab;
use crate::learn::run::Run;
use crate::learn::stage::{PATIENCE, Stage};
use crate::reactor::{Rules, Sound};

pub(super) const LAB: Lab = lab! {
    breaks StopsWithTheBudget;
    title: "Stopping before WouldBlock",
    mistake: "\
An edge-triggered event says once that there is something to read, not how much, and it is not said
again. One read for each event is enough as long as everything that came fits into the buffer.",
    wrong: "\
for event in &events {
    let connection = &mut connections[event.token()];
    let count = connection.stream.read(&mut buffer)?;   // one event, one read
    connection.receive(&buffer[..count]);
}",
    right: "\
let count = connection.stream.read(&mut buffer)?;
connection.receive(&buffer[..count]);
if count == buffer.len() {
    ready.push_back(token);       // there may be more: the next turn does not wait, and reads
}",
    scene: "\
dana sends five lines at once, 100,000 bytes, to an echo server whose buffer holds 65,536.",
    question: "How many lines come back to dana, and when do the others?",
    look: "\
the first read: it fills the buffer (\"and there may be more\"). The next turn waits all the same, and
the kernel has nothing new to tell.",
    place: ("src/reactor/stream_io.rs", "serve_stream"),
    chapter: "docs/book/edges.md",
    rung: "examples/05_drain_rule.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::echo();
    let dana = stage.enters("dana", 0);
    let lines = ["one", "two", "three", "four", "five"];
    stage.says(dana, lines.map(|word| format!("{word:.<19999}\n")).concat().as_bytes());
    stage.settle();
    stage.hears(dana);
    stage.passes(PATIENCE);
    stage.hears(dana);
    let verdict = echoed(&stage, dana);
    stage.end(verdict)
}

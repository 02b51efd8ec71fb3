//! A close hint ignored.

use super::amount;
use crate::learn::broken::MissesTheHint;
use crate::learn::lab::Lab;
use crate::learn::run::{Run, Verdict};
use crate::learn::stage::{PATIENCE, Stage};
use crate::reactor::{Rules, Sound};

pub(super) const LAB: Lab = lab! {
    breaks MissesTheHint;
    title: "A close hint ignored",
    mistake: "\
A read that returns less than the buffer holds has emptied the socket, says epoll(7), so one may stop
there and save the read that would say WouldBlock. But the end of a stream is no byte: it hides behind
the short read, and nobody mentions it again. The event has: is_read_closed (EPOLLRDHUP).",
    wrong: "\
let count = stream.read(&mut buffer)?;
receive(&buffer[..count]);
if count < buffer.len() {
    continue;                                 // that was all: wait for the next event
}",
    right: "\
if count < buffer.len() && !event.is_read_closed() {
    continue;                                 // that was all
}                                             // else read on, to WouldBlock or to Ok(0)",
    scene: "\
bob sends a line and ends his side at once, like `echo hi | nc -N`. He waits until the server has ended
its side, too.",
    question: "bob gets his line back. Does his nc ever exit?",
    look: "\
the event, which tells both, \"to read\" and \"the peer has ended its side\". After a short read the loop
stops; the end was never read.",
    place: ("src/reactor/turn.rs", "mark"),
    chapter: "docs/book/edges.md",
    rung: "examples/05_drain_rule.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::echo();
    let bob = stage.enters("bob", 0);
    stage.says(bob, b"hi\n");
    stage.ends(bob);
    stage.settle();
    stage.hears(bob);
    stage.hears(bob);
    stage.passes(PATIENCE);
    stage.hears(bob);
    let is_right = stage.has_found_the_end(bob);
    let outcome = if is_right { "and then the end" } else { "and waits for the end still" };
    let words = format!(
        "bob has sent {} and the end of his side. {:.0?} later he has got {} back, {outcome}.",
        amount(stage.said(bob)),
        stage.silence(bob),
        amount(stage.heard(bob))
    );
    stage.end(Verdict { is_right, words })
}

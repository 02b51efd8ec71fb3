//! Writing to nobody but the one who has spoken.

use crate::engine::Endpoint;
use crate::learn::broken::LeavesOthersWaiting;
use crate::learn::lab::Lab;
use crate::learn::run::{Run, Verdict};
use crate::learn::stage::{PATIENCE, Stage};
use crate::reactor::{Rules, Sound};
use crate::service::Chat;

pub(super) const LAB: Lab = lab! {
    breaks LeavesOthersWaiting;
    title: "Writing to nobody but the one who has spoken",
    mistake: "\
In an echo server whoever is to be written to is the one whose event is being handled. In a chat it is
somebody else: nothing has happened on that socket, so no event leads to it, and its output waits.",
    wrong: "\
for event in &events {
    let connection = &mut connections[event.token()];
    let message = connection.read()?;
    rooms.say(message, &mut connections);     // appends to the output of others
    connection.write()?;                      // and writes that of this one
}",
    right: "\
for event in &events {
    let connection = &mut connections[event.token()];
    let message = connection.read()?;
    rooms.say(message, &mut connections);     // and notes in `dirty` whom it has appended to
}
for token in dirty.drain(..) {
    connections[token].write()?;              // all of them, before the loop waits again
}",
    scene: "\
alice and bob are in a room of a chat. alice says hello. A minute later bob says something himself.",
    question: "When does bob see alice's line?",
    look: "\
the turn in which alice is read from: who is written to? (She gets what has waited for her since bob
came.) And the first turn in which bob is written to.",
    place: ("src/reactor/turn.rs", "flush_dirty"),
    chapter: "docs/book/turn.md",
    rung: "examples/custom_service.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::new(vec![("chat", Box::<Chat>::default(), Endpoint::Line)]);
    let alice = stage.enters("alice", 0);
    let bob = stage.enters("bob", 0);
    stage.rehearses(|stage| {
        stage.hears(alice);
        stage.hears(bob);
    });
    let before = stage.heard(bob).len();
    stage.says(alice, b"hello\n");
    let said = stage.sim().time();
    stage.settle();
    let mut waited = None;
    for is_last in [false, true] {
        stage.hears(bob);
        let has_it = stage.heard(bob)[before..].windows(5).any(|five| five == b"hello");
        if has_it && waited.is_none() {
            waited = Some(stage.sim().time() - said);
        }
        if !is_last {
            stage.passes(PATIENCE);
            stage.says(bob, b"is anybody here?\n");
            stage.settle();
        }
    }
    let (is_right, words) = match waited {
        Some(waited) => {
            (waited < PATIENCE, format!("alice's line came to bob after {waited:.1?}."))
        }
        None => (false, "alice's line never came to bob.".to_owned()),
    };
    stage.end(Verdict { is_right, words })
}

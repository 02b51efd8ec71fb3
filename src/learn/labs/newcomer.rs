//! Events of a closed and reused descriptor.

use super::echoed;
use crate::learn::broken::MistakesTheNewcomer;
use crate::learn::lab::Lab;
use crate::learn::run::Run;
use crate::learn::stage::{PATIENCE, Stage};
use crate::reactor::{Rules, Sound};

pub(super) const LAB: Lab = lab! {
    breaks MistakesTheNewcomer;
    title: "Events of a closed and reused descriptor",
    mistake: "\
A token is a place in a table, or the number of a descriptor. Both are given to the next one who comes,
and an event for the former may be under way still: in the same batch of events, or because another
process holds the socket open (epoll(7), question 6). The place is right, and the person is another.",
    wrong: "\
let connection = &mut connections[event.token().0];     // whoever has this place by now
connection.is_readable = true;
if !connection.is_queued {
    connection.is_queued = true;
    ready.push_back(event.token());
}",
    right: "\
let (index, generation) = unpack(event.token());        // the token names a person, not a place
let Some(connection) = connections.get_mut(index) else { continue };
if connection.generation != generation {
    continue;                                           // for one who has left
}",
    scene: "\
bob leaves. carol comes, gets his place, and sends a line. In front of her event the kernel delivers one
more of bob's.",
    question: "What can an event of somebody who has left do to carol?",
    look: "\
the turn with bob's event and carol's. The first has put carol's place into the queue, but under bob's
name, so the second finds the place queued already. Then bob is looked for and not found, and carol's
event is spent. Below the same event is there, and is dropped.",
    place: ("src/reactor/mod.rs", "is_same"),
    chapter: "docs/book/tokens.md",
    rung: "examples/03_slab.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::echo();
    let bob = stage.enters("bob", 0);
    stage.leaves(bob);
    stage.settle();
    let carol = stage.enters("carol", 0);
    stage.says(carol, b"hello\n");
    let remote = stage.remote(bob);
    stage.sim().repeat_event(remote);
    stage.tell("the kernel has one more event for bob, who is gone");
    stage.settle();
    stage.hears(carol);
    stage.passes(PATIENCE);
    stage.hears(carol);
    let verdict = echoed(&stage, carol);
    stage.end(verdict)
}

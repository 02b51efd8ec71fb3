//! Accepting without a pause when descriptors run out.

use super::sleeps;
use crate::kernel::sim::Weather;
use crate::learn::broken::NeverRests;
use crate::learn::lab::Lab;
use crate::learn::run::Run;
use crate::learn::stage::{Stage, WEATHER};
use crate::reactor::{Rules, Sound};

pub(super) const LAB: Lab = lab! {
    breaks NeverRests;
    title: "Accepting without a pause when descriptors run out",
    mistake: "\
Without a free descriptor accept() fails with EMFILE, and who waits stays in the queue. So the listener
stays ready: the loop tries again at once, and again, with a CPU at 100 % and a log that fills the disk.",
    wrong: "\
match listener.accept() {
    Ok((stream, _)) => connections.insert(stream),
    Err(error) if error.kind() == WouldBlock => is_ready = false,
    Err(error) => log::error!(\"accept: {error}\"),     // and the next turn tries again
}",
    right: "\
Err(error) => {
    log::error!(\"accept: {error}\");
    accept_again_at = now + Duration::from_millis(100);       // the poll waits until then
}",
    scene: "\
ann and bob are connected, and there are no more descriptors. cid connects, and waits for a second.
(readily holds a descriptor in reserve to turn cid away with; here somebody else has got it.)",
    question: "How often does the loop turn in that second?",
    look: "\
what each turn waits for: here not at all, below until the pause is over.",
    place: ("src/reactor/accept.rs", "cannot_accept"),
    chapter: "docs/book/turn.md",
    rung: "examples/05_drain_rule.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::echo();
    stage.enters("ann", 0);
    stage.enters("bob", 0);
    let open = stage.sim().open_descriptors();
    stage.sim().limit_descriptors(open);
    stage.sim().set_weather(Weather { reserve_loss: 1.0, ..WEATHER });
    stage.dials("cid", 0);
    sleeps(stage)
}

//! A timer that is not re-armed.

use std::time::Duration;

use super::lines;
use crate::engine::Endpoint;
use crate::learn::broken::SleepsTooLong;
use crate::learn::lab::Lab;
use crate::learn::run::{Run, Verdict};
use crate::learn::stage::Stage;
use crate::protocol::Site;
use crate::reactor::{Rules, Sound};
use crate::service::{Echo, Stream};

/// How many samples bob asks for.
const SAMPLES: usize = 3;

pub(super) const LAB: Lab = lab! {
    breaks SleepsTooLong;
    title: "A timer not re-armed",
    mistake: "\
The loop sleeps until the next deadline. Who reckons that only when the last one has passed sleeps well
as long as deadlines come in order. One that is set later and due earlier is slept through.",
    wrong: "\
if next_deadline <= now {
    fire(now);
    next_deadline = timers.first();           // and kept until it has passed
}
poll.poll(&mut events, Some(next_deadline - now))?;",
    right: "\
poll.poll(&mut events, Some(timers.first() - now))?;     // reckoned anew in each turn
fire(now);",
    scene: "\
mallory connects to a web server and says nothing: she has 10 s to send a request. Then bob asks the
service stream for 3 samples, 10 a second.",
    question: "When does bob get his second sample?",
    look: "\
how long the turn behind bob's START waits: until mallory's 10 s are over. Below it waits for the sample.",
    place: ("src/reactor/wait.rs", "timeout"),
    chapter: "docs/book/timers.md",
    rung: "examples/07_timers.rs",
};

fn play<R: Rules>() -> Run {
    let mut stage = Stage::<R>::new(vec![
        ("web", Box::new(Echo), |_| Endpoint::Web(Site::default())),
        ("stream", Box::<Stream>::default(), Endpoint::Line),
    ]);
    stage.enters("mallory", 0);
    let bob = stage.enters("bob", 1);
    stage.says(bob, b"START 10 3\n");
    let began = stage.sim().time();
    let mut longest = Duration::ZERO;
    let mut last = began;
    for _ in 0..20 {
        // Nobody but the loop itself knows when to wake.
        stage.turn(None);
        let before = stage.heard(bob).len();
        stage.hears(bob);
        let now = stage.sim().time();
        if stage.heard(bob).len() > before {
            longest = longest.max(now - last);
            last = now;
        }
        if lines(stage.heard(bob)) == SAMPLES {
            break;
        }
    }
    let samples = lines(stage.heard(bob));
    let is_right = samples == SAMPLES && longest < Duration::from_millis(101);
    let words =
        format!("bob has {samples} samples, and once had to wait {longest:.1?} for the next.");
    stage.end(Verdict { is_right, words })
}

//! All labs, from what everybody meets first to what one meets late.

/// A lab whose scene, `play`, is played with a rule broken and with it kept.
macro_rules! lab {
    (breaks $bug:ident; $($rest:tt)*) => {
        Lab { rule: $bug::RULE, broken: play::<$bug>, kept: play::<Sound>, $($rest)* }
    };
}

mod drain;
mod end;
mod hint;
mod newcomer;
mod others;
mod share;
mod short_write;
mod shortage;
mod timer;
mod would_block;

use std::time::Duration;

use super::lab::Lab;
use super::run::{Run, Verdict};
use super::stage::{Passed, Peer, Stage};
use crate::reactor::Rules;

/// The labs. The first has number 1.
pub const LABS: &[Lab] = &[
    drain::LAB,
    short_write::LAB,
    end::LAB,
    hint::LAB,
    would_block::LAB,
    share::LAB,
    shortage::LAB,
    newcomer::LAB,
    timer::LAB,
    others::LAB,
];

/// What somebody got of an echo.
fn echoed<R: Rules>(stage: &Stage<R>, peer: Peer) -> Verdict {
    let (name, said, heard) = (stage.name(peer), stage.said(peer), stage.heard(peer));
    let is_right = heard == said;
    let all = if is_right { "all of it" } else { &amount(heard) };
    let words = format!(
        "{name} has sent {}. {:.0?} later {name} has got {all} back.",
        amount(said),
        stage.silence(peer)
    );
    Verdict { is_right, words }
}

/// How much of a text there is.
fn amount(text: &[u8]) -> String {
    let bytes = text.len();
    match lines(text) {
        0 => format!("{bytes} bytes"),
        1 => format!("a line ({bytes} bytes)"),
        lines => format!("{lines} lines ({bytes} bytes)"),
    }
}

/// How many lines there are.
fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

/// Lets a second pass, and looks how busy the loop was with nothing to do.
fn sleeps<R: Rules>(mut stage: Stage<R>) -> Run {
    let Passed { time, turns, slept } = stage.passes(Duration::from_secs(1));
    // Behind what there is to do a turn or two may look whether that was all.
    let is_right = turns <= slept + 2;
    let words = if is_right {
        format!("The loop turned {turns} times in {time:.1?}, and slept the rest of the time.")
    } else {
        format!(
            "The loop turned {turns} times in {time:.1?}, and slept before {slept} of them. There we have \
             stopped it; by itself it goes on like this."
        )
    };
    stage.end(Verdict { is_right, words })
}

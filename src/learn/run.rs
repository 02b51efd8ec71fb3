//! What has come of a lab: everything that happened, and a verdict on it.

use crate::timeline::{Lane, Turn};

/// Something in a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Moment {
    /// Somebody outside does something.
    Outside(String),
    /// The loop takes a turn.
    Turn(Turn),
}

/// A lab that was played with one set of rules.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// What happened, in order.
    pub moments: Vec<Moment>,
    /// Everybody who was there, by name.
    pub lanes: Vec<Lane>,
    /// How it has ended.
    pub verdict: Verdict,
}

impl Run {
    /// The turns alone.
    pub fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.moments.iter().filter_map(|moment| match moment {
            Moment::Turn(turn) => Some(turn),
            Moment::Outside(_) => None,
        })
    }
}

/// What is to be said of a run, reckoned from what has happened in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Nobody had reason to complain.
    pub is_right: bool,
    /// What people have got, or have not.
    pub words: String,
}

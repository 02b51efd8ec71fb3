//! What has come of a lab: everything that happened, and a verdict on it.

use std::time::Duration;

use crate::timeline::{Lane, Turn};

/// Something in a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Moment {
    /// Somebody outside does something.
    Outside(String),
    /// The loop takes a turn.
    Turn(Turn),
}

impl Moment {
    /// Whether the same happens, be it some microseconds earlier.
    pub(super) fn is_same(&self, other: &Moment) -> bool {
        match (self, other) {
            (Moment::Outside(one), Moment::Outside(other)) => one == other,
            (Moment::Turn(one), Moment::Turn(other)) => {
                let sleeps = |turn: &Turn| turn.timeout != Some(Duration::ZERO);
                one.events == other.events && sleeps(one) == sleeps(other)
            }
            _ => false,
        }
    }
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
    /// How many moments are as in another run: up to there the loops do the same.
    pub fn same_as(&self, other: &Run) -> usize {
        let pairs = self.moments.iter().zip(&other.moments);
        pairs.take_while(|(one, other)| one.is_same(other)).count()
    }

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

//! What a lab consists of.

use super::run::Run;

/// A mistake that people make, and a scene in which it shows.
#[derive(Clone, Copy, Debug)]
pub struct Lab {
    /// The mistake, in a few words.
    pub title: &'static str,
    /// The constant of [`Rules`](crate::reactor::Rules) that is broken.
    pub rule: &'static str,
    /// Why one makes it, and what is wrong with that.
    pub mistake: &'static str,
    /// How it stands in one's own code.
    pub wrong: &'static str,
    /// How it should.
    pub right: &'static str,
    /// Who is there, and what they are going to do.
    pub scene: &'static str,
    /// To be answered before one looks.
    pub question: &'static str,
    /// What to look at in the run with the mistake.
    pub look: &'static str,
    /// Where the rule stands in the reactor: a file, and a function in it.
    pub place: (&'static str, &'static str),
    /// The chapter of the book that explains it, a file.
    pub chapter: &'static str,
    /// The rung of the ladder that does it right, a file.
    pub rung: &'static str,
    /// Plays the scene with the rule broken.
    pub broken: fn() -> Run,
    /// Plays the scene with all rules kept.
    pub kept: fn() -> Run,
}

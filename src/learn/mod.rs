//! Labs: mistakes that people make with a readiness loop, each played twice, with the mistake and without.
//!
//! A mistake is not a second loop that was written badly. The reactor has a type parameter with a constant
//! for each [rule](crate::reactor::Rules) that it keeps, and a lab runs [that very reactor](crate::reactor)
//! with one of them [broken]. What it runs on is the [simulated kernel](crate::kernel::sim), with people
//! who do what the lab says; what happens is seen by a [film](crate::timeline), turn by turn.
//!
//! ```text
//!   scene ──► Stage<R> ──► Reactor<Watched<Sim, Eye>, Eye, R> ──► Run { moments, verdict } ──► text
//!                                                      │
//!                                             NeverRests, or Sound
//! ```
//!
//! The verdict is reckoned from what people have got in the run; no lab knows its outcome beforehand.
//!
//! ```
//! let lab = &readily::learn::LABS[0];
//! assert!(!(lab.broken)().verdict.is_right);
//! assert!((lab.kept)().verdict.is_right);
//! ```
//!
//! `readily learn` shows them. The same types are planted in the random simulation
//! (`tests/simulation/planted.rs`), which has to find each of them without a script.

pub mod broken;
mod lab;
mod labs;
mod run;
mod stage;
pub mod text;

pub use self::lab::Lab;
pub use self::labs::LABS;
pub use self::run::{Moment, Run, Verdict};

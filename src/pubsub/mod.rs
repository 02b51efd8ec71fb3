//! Publish and subscribe: who is to get a message, which number it has, and what those who were away
//! have missed. Pure: it knows peers by their [`ConnId`](crate::engine::ConnId) and sends nothing itself.
//!
//! ```text
//!   publish("news/tech", text)
//!        │
//!        ▼             by name: the topic itself, and the patterns above it
//!   ┌──────────┐       ┌───────────┬──────────┬─────┐
//!   │  names   │ ────► │ news/tech │  news/*  │  *  │ ──► receivers(dialect): &[ConnId]
//!   └──────────┘       └───────────┴──────────┴─────┘             │
//!                        │ history: 7 8 9 10                      ▼
//!                        │            ▲                 Context::broadcast or offer
//!                        │            └ the cursor of a peer that is behind
//! ```
//!
//! **Topics** are names such as `news/tech`, divided by slashes. **Patterns** end in a `*` that stands
//! for all the rest: `news/*` is every topic below `news/`, however deep (but not `news`), and `*` is
//! every topic. A peer with several subscriptions that match gets a message once.
//!
//! **Fan-out is a loop over a slice.** Peers of a topic stand in a dense vector ([`Audience`]), one for
//! each *dialect*, so that a service encodes a message once for each way of saying it. Only where
//! several subscriptions match, or somebody is behind, is a slice put together, with an array access
//! for each peer.
//!
//! **One order.** Each message of a topic has the next number, and who publishes does so to everybody
//! before the next comes. With a [history](Bounds::history), a topic keeps its last messages as one
//! ring. Who has no room for a message is not waited for: a cursor remembers the next message that it
//! has to be sent, and it [reads](Topics::next_missed) the ring when it has room. Coming back after a
//! disconnect is the same thing with a cursor that the peer names itself. Where the ring has moved on,
//! a [gap](Missed::Gap) is what the peer is told: never nothing.
//!
//! **Everything is bounded** by [`Bounds`] and the constants here. A topic that nobody is subscribed to
//! and of which nothing is kept is forgotten; when there is no room, those are, too, that nobody has
//! been subscribed to for the longest time. New topics count on from the highest number that was
//! forgotten, so that a number is never given twice to a name.

mod audience;
mod behind;
mod channels;
mod history;
mod marks;
mod name;
mod publish;
#[cfg(test)]
mod tests;
mod topics;

pub use self::audience::Audience;
pub use self::behind::Missed;
pub use self::name::{MAX_DEPTH, MAX_NAME, check_topic};
pub use self::publish::Published;
pub use self::topics::Topics;

use std::fmt;

/// What a table of topics may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many topics and patterns there are at a time: those with a subscriber, and those of which
    /// something is kept.
    pub topics: usize,
    /// How many subscriptions a peer has at a time, and in how many topics it may be behind.
    pub subscriptions: usize,
    /// How many messages of a topic are kept; 0 for no history.
    pub history: usize,
    /// How many bytes the histories of all topics have together.
    pub history_bytes: usize,
}

impl Default for Bounds {
    /// 16,384 topics, 128 subscriptions, no history, 64 MiB.
    fn default() -> Bounds {
        Bounds { topics: 16_384, subscriptions: 128, history: 0, history_bytes: 64 * 1024 * 1024 }
    }
}

/// Why something cannot be done; for peers, behind `ERR `.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is no name.
    NoName,
    /// The name has more than [`MAX_NAME`] bytes.
    LongName,
    /// The name has more than [`MAX_DEPTH`] parts.
    DeepName,
    /// The name has whitespace or control characters in it, or an empty part.
    BadName,
    /// A `*` stands where it may not.
    BadPattern,
    /// A pattern stands where a topic must.
    Pattern,
    /// There are as many [topics](Bounds::topics) as there may be.
    TooManyTopics,
    /// The peer has as many [subscriptions](Bounds::subscriptions) as it may have.
    TooManySubscriptions,
    /// The peer has no such subscription.
    NotSubscribed,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoName => f.write_str("a topic is missing"),
            Refusal::LongName => write!(f, "a topic has at most {MAX_NAME} bytes"),
            Refusal::DeepName => write!(f, "a topic has at most {MAX_DEPTH} parts"),
            Refusal::BadName => f.write_str("a topic is words with slashes between them"),
            Refusal::BadPattern => {
                f.write_str("`*` stands alone or behind the last slash, as in `news/*`")
            }
            Refusal::Pattern => f.write_str("a pattern is no topic"),
            Refusal::TooManyTopics => f.write_str("too many topics"),
            Refusal::TooManySubscriptions => f.write_str("too many subscriptions"),
            Refusal::NotSubscribed => f.write_str("not subscribed to that"),
        }
    }
}

impl std::error::Error for Refusal {}

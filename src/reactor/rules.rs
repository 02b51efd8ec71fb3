//! The rules that a readiness loop must keep, each with a name, so that a test can break one.
//!
//! A test that has never failed proves little. The simulation
//! ([`kernel::sim`](crate::kernel::sim)) is therefore asked to find bugs that were planted: the
//! reactor has a type parameter with one constant for each rule, and a test breaks one of them.
//!
//! ```text
//!   struct Forgetful;                                    the loop with that bug:
//!   impl Rules for Forgetful {                           Reactor<Sim, (), Forgetful>
//!       const RESUME_READING: bool = false;
//!   }
//! ```
//!
//! All of them are kept by [`Sound`], which is the default. A constant is no branch: the compiler
//! drops what cannot happen, and the loop of the server is the same code as if this module did not
//! exist.

/// What the loop keeps to. Each constant is `true` where the rule is kept.
pub trait Rules {
    /// A stream that was served and may have more to read goes back on the ready queue: there will
    /// be no second event for what the first one was about.
    const GO_ON_AFTER_BUDGET: bool = true;
    /// An event is for whoever it was registered for, not for whoever has the place in the slab by
    /// now.
    const COMPARE_GENERATIONS: bool = true;
    /// A peer that has room again is read from again: what it has sent meanwhile was announced
    /// long ago.
    const RESUME_READING: bool = true;
    /// A listener that cannot accept for want of descriptors or memory rests: its queue stays as it is,
    /// and so does its readiness.
    const PAUSE_ACCEPTING: bool = true;
    /// A connection that was reset before it was accepted says nothing of those behind it.
    const GO_ON_AFTER_ABORT: bool = true;
    /// Neither does one that was turned away for want of descriptors.
    const GO_ON_AFTER_REFUSAL: bool = true;
    /// Who leaves makes room for another of the same address.
    const COUNT_DEPARTURES: bool = true;
    /// What a write did not take is kept.
    const KEEP_TAIL_OF_WRITE: bool = true;
    /// An event that says that the peer has ended its side makes the loop read to the end, because a
    /// short read does not show it.
    const HEED_CLOSE_HINT: bool = true;
    /// A read of no bytes is the end of the stream, and not the want of some: nothing comes behind it.
    const HEED_END: bool = true;
    /// Nothing is freed before all events of a turn are seen to.
    const FREE_AT_END_OF_TURN: bool = true;
    /// How long to sleep is reckoned anew each turn: a deadline may have moved to an earlier time.
    const RECKON_DEADLINES: bool = true;
    /// A call that was interrupted is made again: it says nothing about readiness.
    const RETRY_INTERRUPTED: bool = true;
    /// `WouldBlock` ends readiness; else the loop would ask for ever.
    const HEED_WOULD_BLOCK: bool = true;
    /// A packet that was shorter than the buffer is not the last one.
    const READ_ALL_PACKETS: bool = true;
    /// Output that waits for room on a UNIX socket has the socket watched for it.
    const WATCH_FOR_ROOM: bool = true;
    /// A stream is read from once, and then it is the turn of others, whatever it has left.
    const READ_ONCE_A_TURN: bool = true;
    /// A connection stands in the ready queue once, and so is served once a turn.
    const QUEUE_ONCE: bool = true;
    /// What was queued for others than the one that spoke is written in the same turn.
    const FLUSH_OTHERS: bool = true;
}

/// Keeps all rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sound;

impl Rules for Sound {}

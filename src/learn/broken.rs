//! The loops of the labs: each breaks one of the [rules](Rules) of the reactor and keeps all others.
//!
//! They are types without data. `Reactor<Watched<Sim, Eye>, Eye, StopsWithTheBudget>` is the loop with
//! that mistake in it, made by the compiler; the loop of the server, `Reactor<Mio>`, does not know of them.

use crate::reactor::Rules;

/// Makes a type that breaks one rule.
macro_rules! broken {
    ($($(#[$doc:meta])* $name:ident breaks $rule:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl $name {
            /// The name of the rule.
            pub const RULE: &'static str = stringify!($rule);
        }

        impl Rules for $name {
            const $rule: bool = false;
        }
    )*};
}

broken! {
    /// Reads once for each event, and forgets that there may be more.
    StopsWithTheBudget breaks GO_ON_AFTER_BUDGET;
    /// Takes what a write was given for written.
    DropsTheTail breaks KEEP_TAIL_OF_WRITE;
    /// Takes a read of no bytes for "nothing yet".
    MissesTheEnd breaks HEED_END;
    /// Does not look at what an event says of the end.
    MissesTheHint breaks HEED_CLOSE_HINT;
    /// Takes `WouldBlock` for "try again".
    TriesAgain breaks HEED_WOULD_BLOCK;
    /// Reads from one stream until it is empty.
    ReadsUntilEmpty breaks READ_ONCE_A_TURN;
    /// Accepts again at once when there are no descriptors.
    NeverRests breaks PAUSE_ACCEPTING;
    /// Gives an event to whoever has the place by now.
    MistakesTheNewcomer breaks COMPARE_GENERATIONS;
    /// Sleeps to the deadline that was the next one when it was reckoned.
    SleepsTooLong breaks RECKON_DEADLINES;
    /// Writes to nobody but the one who has spoken.
    LeavesOthersWaiting breaks FLUSH_OTHERS;
}

//! Bugs that were planted, one for each rule that a readiness loop must keep: the simulation has to
//! find every one of them, or it proves nothing.
//!
//! Nobody looks inside here: what finds them is what peers notice, or the kernel.

use std::panic::{AssertUnwindSafe, catch_unwind};

use readily::learn::broken;
use readily::reactor::Rules;

use crate::{SEEDS, run};

/// Plants a bug for each of some rules, and has a test search for it. Those that a lab shows (`in`) are
/// the very bugs of the lab.
macro_rules! planted {
    ($($test:ident breaks $rule:ident $(in $lab:ident)?;)*) => {$(
        #[test]
        fn $test() {
            planted!(@find $rule $($lab)?);
        }
    )*};
    (@find $rule:ident) => {
        struct Broken;
        impl Rules for Broken {
            const $rule: bool = false;
        }
        find::<Broken>(stringify!($rule));
    };
    (@find $rule:ident $lab:ident) => {
        const { assert!(!broken::$lab::$rule, "it is this rule that is broken") };
        find::<broken::$lab>(stringify!($rule));
    };
}

planted! {
    simulation_finds_a_drain_that_stops_with_the_budget breaks GO_ON_AFTER_BUDGET in StopsWithTheBudget;
    simulation_finds_events_that_are_taken_for_a_newcomers breaks COMPARE_GENERATIONS in MistakesTheNewcomer;
    simulation_finds_a_peer_that_is_not_read_from_again breaks RESUME_READING;
    simulation_finds_accepting_without_a_pause breaks PAUSE_ACCEPTING in NeverRests;
    simulation_finds_a_queue_forgotten_behind_an_abort breaks GO_ON_AFTER_ABORT;
    simulation_finds_a_queue_forgotten_behind_a_refusal breaks GO_ON_AFTER_REFUSAL;
    simulation_finds_places_that_are_not_given_back breaks COUNT_DEPARTURES;
    simulation_finds_the_lost_tail_of_a_short_write breaks KEEP_TAIL_OF_WRITE in DropsTheTail;
    simulation_finds_an_ignored_close_hint breaks HEED_CLOSE_HINT in MissesTheHint;
    simulation_finds_the_end_taken_for_no_data breaks HEED_END in MissesTheEnd;
    simulation_finds_a_socket_freed_during_dispatch breaks FREE_AT_END_OF_TURN;
    simulation_finds_a_deadline_missed_after_rearming breaks RECKON_DEADLINES in SleepsTooLong;
    simulation_finds_an_interrupted_read_taken_for_the_last breaks RETRY_INTERRUPTED;
    simulation_finds_would_block_ignored breaks HEED_WOULD_BLOCK in TriesAgain;
    simulation_finds_a_packet_taken_for_the_last breaks READ_ALL_PACKETS;
    simulation_finds_output_that_nobody_watches_room_for breaks WATCH_FOR_ROOM;
    simulation_finds_one_that_is_read_until_it_is_empty breaks READ_ONCE_A_TURN in ReadsUntilEmpty;
    simulation_finds_a_connection_queued_twice breaks QUEUE_ONCE;
    simulation_finds_others_that_are_not_written_to breaks FLUSH_OTHERS in LeavesOthersWaiting;
}

/// Runs seed after seed until one of them fails.
fn find<R: Rules>(rule: &str) {
    for seed in 0..SEEDS {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run::<R>(seed, false))) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
            let first = text.lines().next().unwrap_or_default();
            println!("{rule}: found by seed {seed}: {first}");
            return;
        }
    }
    panic!("{rule} is broken, and {SEEDS} seeds do not notice");
}

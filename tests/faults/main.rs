//! The n-th call to the kernel fails, for every n, in every way in which that call can fail.
//!
//! Weather ([`kernel::sim`](readily::kernel::sim)) strikes at random, and often. Here one thing goes
//! wrong in a short session of everybody, once, and so nothing hides what comes of it:
//!
//! - there is no panic and no spinning, and the [invariants](readily::reactor::Reactor::check_invariants)
//!   hold after every turn;
//! - nobody is harmed but the one connection that the call was about, and nobody at all where
//!   the failure was one that passes;
//! - the counters agree with what went through, and name what went wrong;
//! - whoever comes next is served, and the server drains.
//!
//! A wait that fails for good ends the loop with its error, and that is the only call that may.
//!
//! The same sessions run over the simulated and over the real kernel: the failing one is put in front
//! of either.

// Clippy lets tests unwrap, but does not see that their helpers are tests as well.
#![allow(clippy::unwrap_used)]

mod kernel;
#[path = "../support/outside.rs"]
mod outside;
mod session;
#[path = "../support/mod.rs"]
mod support;

use readily::reactor::{Rules, Sound};

use self::kernel::{Behind, Call, Plan};
use self::outside::{Outside, Real, Simulated};
use self::session::run;

/// No session makes so many calls of a kind.
const ENOUGH: usize = 1_000;

/// Has each call of a kind fail in each way, and returns how often one did.
fn fail_each<O: Outside<Kernel: Behind>, R: Rules>(call: Call) -> usize {
    let mut failures = 0;
    for &fault in call.faults() {
        let sessions = (0..ENOUGH).map(|nth| run::<O, R>(Some(Plan { call, nth, fault })));
        let count = sessions.take_while(|has_failed| *has_failed).count();
        assert!((1..ENOUGH).contains(&count), "{call:?} {fault:?}: {count} sessions");
        failures += count;
    }
    failures
}

/// A test for each kind of call.
macro_rules! each {
    ($($test:ident $call:ident;)*) => {$(
        #[test]
        fn $test() {
            let simulated = fail_each::<Simulated, Sound>(Call::$call);
            let real = fail_each::<Real, Sound>(Call::$call);
            println!("{:?}: {simulated} failures simulated and {real} real", Call::$call);
        }
    )*};
}

each! {
    every_wait_may_fail Poll;
    every_registration_may_fail Register;
    every_change_of_a_registration_may_fail Reregister;
    every_accept_may_fail Accept;
    every_turning_away_may_fail Refuse;
    every_connect_may_fail Connect;
    every_look_at_a_connect_may_fail IsConnected;
    every_read_may_fail Read;
    every_write_may_fail Write;
    every_shutdown_may_fail Shutdown;
    every_receive_may_fail Receive;
    every_send_may_fail Send;
}

#[test]
fn nobody_is_harmed_where_nothing_fails() {
    assert!(!run::<Simulated, Sound>(None));
    assert!(!run::<Real, Sound>(None));
}

/// Plants a bug, by the [rule](Rules) that it breaks, and looks for it where a call fails.
macro_rules! planted {
    ($($test:ident breaks $rule:ident at $call:ident over $world:ident;)*) => {$(
        #[test]
        #[should_panic]
        fn $test() {
            struct Broken;
            impl Rules for Broken {
                const $rule: bool = false;
            }
            fail_each::<$world, Broken>(Call::$call);
        }
    )*};
}

planted! {
    a_read_that_is_not_made_again_is_found breaks RETRY_INTERRUPTED at Read over Simulated;
    a_would_block_that_is_ignored_is_found breaks HEED_WOULD_BLOCK at Read over Simulated;
    the_lost_tail_of_a_short_write_is_found breaks KEEP_TAIL_OF_WRITE at Write over Simulated;
    room_that_nobody_watches_for_is_found breaks WATCH_FOR_ROOM at Write over Simulated;
    a_queue_forgotten_behind_an_abort_is_found breaks GO_ON_AFTER_ABORT at Accept over Real;
}

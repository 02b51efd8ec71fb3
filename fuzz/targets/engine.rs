//! The whole engine, fed by an arbitrary script: connections that come, speak, take their output or do
//! not, end and vanish; datagrams; connections that a service makes itself; and time.
//!
//! ```text
//!   Script ──────► Shell ──────► Engine ──────► every service but metrics, over every protocol,
//!   what happens   does what     under test     and Mischief, which does with everybody
//!      │           the reactor                  what messages tell it to
//!      │           does; audits
//!      └─────────► Echo: what must come back to who is echoed
//! ```
//!
//! What must hold is in `engine/audit.rs` and, for what peers receive, in `engine/echo.rs`.
#![no_main]

#[path = "engine/audit.rs"]
mod audit;
#[path = "engine/echo.rs"]
mod echo;
#[path = "engine/mischief.rs"]
mod mischief;
#[path = "engine/peer.rs"]
mod peer;
#[path = "engine/rooms.rs"]
mod rooms;
#[path = "engine/script.rs"]
mod script;
#[path = "engine/shell.rs"]
mod shell;
#[path = "engine/words.rs"]
mod words;

use libfuzzer_sys::fuzz_target;

use self::script::Script;
use self::shell::Shell;

fuzz_target!(|script: Script| {
    let mut shell = Shell::new(script.limits);
    for act in script.acts {
        shell.act(act);
        shell.audit();
    }
    shell.wind_up();
});

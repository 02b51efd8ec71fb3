//! The whole engine, fed by an arbitrary script: connections that come, speak, take their output or do
//! not, end and vanish; datagrams; connections that a service makes itself; and time.
//!
//! The target is the shell around it, as the reactor is in the server, and holds the engine to what
//! every shell relies on: see [`Shell::audit`] and [`Shell::wind_up`].
#![no_main]

#[path = "engine/mischief.rs"]
mod mischief;
#[path = "engine/script.rs"]
mod script;
#[path = "engine/shell.rs"]
mod shell;

use libfuzzer_sys::fuzz_target;

use self::script::Act;
use self::shell::Shell;

fuzz_target!(|script: Vec<Act>| {
    let mut shell = Shell::new();
    for act in script.into_iter().take(300) {
        shell.act(act);
        shell.audit();
    }
    shell.wind_up();
});

//! Frames beside tungstenite: both readers take the same bytes for the same messages, and refuse the
//! same, but for what is listed where they are compared.
#![no_main]

#[path = "../../tests/differential/opinions.rs"]
mod opinions;

use libfuzzer_sys::fuzz_target;
use readily::codec::websocket::Role;

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (is_server, script) = input;
    let role = if is_server { Role::Server } else { Role::Client };
    if let Err(difference) = opinions::check(role, &script) {
        panic!("{difference}");
    }
});

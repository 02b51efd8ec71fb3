//! Frames beside tungstenite: both readers take the same bytes for the same messages, and refuse the
//! same, but for what is listed where they are compared.
#![no_main]

#[path = "../../tests/differential/opinions.rs"]
mod opinions;

use libfuzzer_sys::fuzz_target;
use readily::codec::websocket::Role;
use readily_fuzz::Input;

fuzz_target!(|input: Input| {
    let role = if input.choice & 1 == 0 { Role::Server } else { Role::Client };
    if let Err(difference) = opinions::check(role, input.bytes) {
        panic!("{difference}");
    }
});

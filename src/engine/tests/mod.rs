//! The engine without sockets: bytes in, bytes out, and a clock that the test turns.

#[cfg(feature = "deflate")]
mod deflate;
mod dialing;
mod ending;
mod lines;
mod memory;
mod pressure;
mod random;
mod requests;
mod services;
mod subprotocols;
mod web;
mod world;

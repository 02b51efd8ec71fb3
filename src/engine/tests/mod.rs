//! The engine without sockets: bytes in, bytes out, and a clock that the test turns.

mod chat;
#[cfg(feature = "deflate")]
mod deflate;
mod dialing;
mod ending;
mod idle;
mod lines;
mod meeting;
mod memory;
mod notify;
mod pace;
mod pressure;
mod random;
mod requests;
mod services;
mod shedding;
mod slow;
mod stats;
mod stream;
mod subprotocols;
mod urgent;
mod web;
mod world;

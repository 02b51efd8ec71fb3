//! The engine without sockets: bytes in, bytes out, and a clock that the test turns.

mod dialing;
mod ending;
mod lines;
mod pressure;
mod random;
mod services;
mod web;
mod world;

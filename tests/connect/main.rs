//! `readily connect`: the real program between standard streams and a server, one module a subject.
//!
//! Its servers are readily's own and independent ones: bare sockets that a test scripts line by line,
//! and for WebSocket a few functions that read and write frames by themselves. What is waited for is
//! always something that the other side sends; nothing sleeps to synchronise.

#![cfg(target_os = "linux")]

#[path = "../support/bounded.rs"]
mod bounded;
#[path = "../support/client.rs"]
mod client;
#[path = "../support/mod.rs"]
mod support;

mod alive;
mod datagrams;
mod dialing;
mod interactive;
mod options;
mod peer;
mod pipe;
mod program;
mod reconnect;
mod signals;
mod streams;
mod terminal;
mod transports;
mod volume;
mod web;
mod websocket;

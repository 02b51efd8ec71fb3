//! readily: one thread, one readiness loop, thousands of clients.
#![forbid(unsafe_code)]

pub mod address;
pub mod buffer;
pub mod codec;
pub mod config;
pub mod engine;
pub mod kernel;
pub mod protocol;
pub mod reactor;
pub mod service;
pub mod time;

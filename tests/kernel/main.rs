//! The real kernel over real sockets: what its operations promise, one module a subject.
//!
//! Every test listens on port 0 or on a path of its own, and waits by polling the kernel with a
//! deadline; none sleeps.

#![cfg(target_os = "linux")]
// Clippy lets tests unwrap, but does not see that their helpers are tests as well.
#![allow(clippy::unwrap_used)]

mod bind;
mod datagram;
#[path = "../support/ipv6.rs"]
mod ipv6;
mod packet;
mod process;
mod support;
mod tcp;
mod unix;

//! readily: one thread, one readiness loop, thousands of clients.
//!
//! This is the library inside the program of the same name. A server made with it serves TCP
//! lines, UDP datagrams, UNIX sockets and WebSocket from a single thread: no async runtime, no
//! callbacks into freed things, no locks. The [`server`] module is the way in; the rest is laid
//! out to be read.
//!
//! ```text
//!      kernel                the I/O shell                        the server, without sockets
//! ┌──────────────┐ ready ┌───────────────────┐ receive(id, bytes) ┌──────────────────────────┐
//! │ epoll, socks │ ────► │ Reactor<K: Kernel>│ ─────────────────► │ Engine                   │
//! └──────────────┘       │  slab of sources  │ receive_eof        │  connections:            │
//!        ▲               │  readiness        │ handle_timeout     │    protocol + output     │
//!        │ read, write   │  one read buffer  │                    │  services, timers,       │
//!        └────────────── │  ready queue      │ ◄───────────────── │  counters                │
//!                        └───────────────────┘ output, deadlines  └──────────────────────────┘
//! ```
//!
//! | layer | what it is | what it never mentions |
//! |---|---|---|
//! | [`codec`] | bytes to lines, HTTP heads and frames, and back | engine, sockets, clocks |
//! | [`protocol`] | the conversation with one peer, as a state machine | the same |
//! | [`service`] | what the server says | sockets, codecs |
//! | [`pubsub`] | topics: who is to get what, and what they have missed | how it is sent |
//! | [`engine`] | all connections, timers, fan-out, draining: pure | sockets, clocks |
//! | [`kernel`] | the only door to the operating system | engine, protocols |
//! | [`reactor`] | the turn: readiness, budgets, reads and writes | codecs, services |
//! | [`config`], [`server`], [`client`], `bench` | URLs as text, and all of it put together | – |
//! | [`timeline`] | what happened in each turn, to be looked at | sockets, clocks |
//! | [`recording`] | a run in a file, and the same run again | sockets, clocks |
//! | [`learn`] | mistakes, played on a simulated kernel | sockets, clocks |
//!
//! [`time`], [`address`], [`access`] and [`buffer`] are the words that all of them share. A test
//! holds the table.
//!
//! To read it in order: [`reactor`] (the turn), [`kernel`] (the trait), [`engine`], [`protocol`],
//! then a codec.
#![forbid(unsafe_code)]

pub mod access;
pub mod address;
#[cfg(feature = "bench")]
pub mod bench;
pub mod buffer;
pub mod client;
pub mod codec;
pub mod config;
mod decimal;
pub mod engine;
mod json;
pub mod kernel;
pub mod learn;
pub mod protocol;
pub mod pubsub;
pub mod reactor;
pub mod recording;
pub mod server;
pub mod service;
pub mod time;
pub mod timeline;

/// The programs in the README are compiled, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// And those in the book.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../docs/book/readiness.md")]
    struct Readiness;
    #[doc = include_str!("../docs/book/turn.md")]
    struct Turn;
    #[doc = include_str!("../docs/book/tokens.md")]
    struct Tokens;
    #[doc = include_str!("../docs/book/edges.md")]
    struct Edges;
    #[doc = include_str!("../docs/book/backpressure.md")]
    struct Backpressure;
    #[doc = include_str!("../docs/book/timers.md")]
    struct Timers;
    #[doc = include_str!("../docs/book/tokio.md")]
    struct Tokio;
    #[doc = include_str!("../docs/book/websocket.md")]
    struct WebSocket;
}

//! What happened in each turn of a loop, to be looked at.
//!
//! Two onlookers see all of it: one at the [kernel](crate::kernel::Watched), which knows what was ready, read
//! and written, and one inside the [engine](crate::engine::Observer), which knows what that meant. An [`Eye`]
//! is both. A [`Film`] makes turns of what its eyes have seen, and a [`Turn`] is plain data that can be
//! shown as text ([`text`]), as events for a trace viewer ([`trace`]) or as a page ([`page`]).
//!
//! ```text
//!   Reactor ──► Watched<K, Eye> ──► K       any kernel: Replay, Sim, Mio
//!      │                 │
//!   Engine<Eye> ─────────┴──► Film ──► Turn { events } ──► text, trace, page
//! ```
//!
//! It works over any kernel. Of a loop that a test or a lesson drives:
//!
//! ```
//! use readily::engine::{Endpoint, Engine, Limits, StopScope};
//! use readily::kernel::sim::Sim;
//! use readily::kernel::{StreamKind, Watched};
//! use readily::reactor::Reactor;
//! use readily::service::Echo;
//! use readily::timeline::{Film, text};
//!
//! let mut film = Film::new(["echo"]);
//! let mut engine = Engine::new(Limits::default(), 1, film.eye());
//! let echo = engine.add_service(Box::new(Echo));
//! let echo = engine.add_binding(echo, StopScope::Connection);
//! let endpoint = engine.add_endpoint(Endpoint::Line(echo));
//! let mut sim = Sim::new(1);
//! let (listener, port) = sim.listen(StreamKind::Tcp);
//! let mut reactor = Reactor::new(Watched::new(sim, film.eye()), engine, 10);
//! reactor.add_listener(listener.into(), endpoint)?;
//!
//! let client = reactor.kernel_mut().inner_mut().dial(port);
//! reactor.kernel_mut().inner_mut().send(client, b"hello\n");
//! let mut shown = String::new();
//! while !shown.contains("wrote ") {
//!     reactor.turn()?;
//!     let turn = film.turn();
//!     shown.push_str(&text::turn(&turn, film.lanes()));
//! }
//! assert!(shown.contains("service  echo: on_message"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod event;
mod eye;
mod film;
pub mod page;
mod served;
pub mod text;
pub mod trace;

pub use self::event::{Event, Excerpt, What, Why};
pub use self::eye::Eye;
pub use self::film::{Film, Lane, Turn};

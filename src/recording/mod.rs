//! A run of a server in a file, and the same run again.
//!
//! What a server does follows from its configuration, a seed, and what the kernel answers. The first two
//! are the [`Head`] of a recording, a text; the rest is a [tape](crate::kernel::tape):
//!
//! ```text
//!   readily recording 3           which format
//!   version 0.1.0                 which readily has made it
//!   seed 4159265358979323846      where every random number comes from
//!   binding echo=tcp://:8001      what was served
//!   max_line 65536                and every limit
//!   …
//!                                 an empty line
//!   frame frame frame …           what the kernel has answered
//! ```
//!
//! To record, a server is [bound on](crate::server::Server::bind_on) a [`Recording`](crate::kernel::Recording) of the kernel, and a
//! [`Player`] has the same reactor, engine and services run on a [`Replay`](crate::kernel::Replay). It is
//! compared all the way, so that a replay also is a proof: what was shown is what has happened.

mod file;
mod head;
mod player;
#[cfg(test)]
mod tests;

pub use self::file::{Unreadable, create, read};
pub use self::head::Head;
pub use self::player::{Player, Summary};

//! How a server is, at one moment and to be read only.

use super::core::Core;
use super::memory::Memory;
use super::stats::Stats;
use crate::time::Now;

/// What a service may know of the server that it runs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// The counters.
    pub stats: Stats,
    /// How many connections there are.
    pub connections: usize,
    /// What their buffers take.
    pub memory: Memory,
    /// When the server started.
    pub started: Now,
    /// Whether it is about to end.
    pub is_draining: bool,
}

impl Core {
    pub(super) fn report(&self) -> Report {
        Report {
            stats: self.stats,
            connections: self.connections.len(),
            memory: self.memory(),
            started: self.started,
            is_draining: self.drain.is_some(),
        }
    }
}

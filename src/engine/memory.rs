//! What the buffers of all connections take, at any time and exactly.
//!
//! The pools keep the books while buffers are lent, grow and come back (see [`buffer`](crate::buffer)),
//! so to know the sum costs nothing and nobody has to be looked at for it. The price is a rule: what has
//! grown is settled before a call of the engine ends. [`check_memory`](Core::check_memory) looks at
//! everybody and finds who broke it.

use std::fmt;
use std::time::Duration;

use super::core::Core;
use crate::time::Time;

/// What the buffers of a server take, in bytes. Connections themselves are not among it, nor are the
/// one read buffer and what services keep.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Memory {
    /// Buffers that hold something: output, incomplete messages and requests, parked input.
    pub lent_bytes: usize,
    /// Buffers that wait to be used again.
    pub kept_bytes: usize,
    /// Compressors and inflaters, those of connections and those that wait.
    pub deflate_bytes: usize,
    /// How many bytes wait to be written to all peers together. They lie in what is lent.
    pub output_bytes: usize,
}

impl Memory {
    /// All of it.
    pub fn total_bytes(&self) -> usize {
        self.lent_bytes + self.kept_bytes + self.deflate_bytes
    }
}

/// As logs have it: all of it and its parts, and how much waits to be written.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Memory { lent_bytes, kept_bytes, deflate_bytes, output_bytes } = self;
        write!(f, "memory={} lent={lent_bytes} kept={kept_bytes} ", self.total_bytes())?;
        write!(f, "deflate={deflate_bytes} output={output_bytes}")
    }
}

/// Buffers that nobody needs for this long, or for twice as long, are given back.
const TRIM_EVERY: Duration = Duration::from_secs(1);

/// So many in a turn.
const TRIM_PER_TURN: usize = 4096;

impl Core {
    /// Gives buffers back, from time to time, that nobody has needed since the last time.
    pub(super) fn trim(&mut self) {
        let now = self.now.time;
        if now >= self.trim_at && self.pool.trim_unused(TRIM_PER_TURN) {
            self.trim_at = now + TRIM_EVERY;
        }
    }

    /// When that is due: while buffers are kept. So when nothing happens any more, all are given back in
    /// the end, and then nothing is due.
    pub(super) fn next_trim(&self) -> Option<Time> {
        (!self.pool.is_empty()).then_some(self.trim_at)
    }

    /// What the books say.
    pub(super) fn memory(&self) -> Memory {
        Memory {
            lent_bytes: self.pool.held_bytes() - self.pool.kept_bytes(),
            kept_bytes: self.pool.kept_bytes(),
            deflate_bytes: self.deflate.held_bytes(),
            output_bytes: self.pool.output_bytes(),
        }
    }

    /// The books say what is found where everybody is looked at.
    pub(super) fn check_memory(&self) {
        let mut found = Memory {
            kept_bytes: self.pool.kept_bytes(),
            deflate_bytes: self.deflate.kept_bytes(),
            lent_bytes: self.parked.values().map(|parked| parked.capacity()).sum(),
            ..Memory::default()
        };
        for id in self.connections.ids() {
            let connection = self.connections.get(id).expect("it is there");
            found.lent_bytes += connection.buffered_bytes();
            found.deflate_bytes += connection.protocol.context_bytes();
            found.output_bytes += connection.queued_bytes();
        }
        assert_eq!(self.memory(), found, "the books are wrong");
    }
}

//! A descriptor that is held back for when there are no others.
//!
//! A server without descriptors cannot even say so. accept(2) fails, and who has come waits in the
//! queue of the listener, connected as far as he can see, for an answer that nobody is going to
//! give. With one descriptor in reserve there is room for one connection, for as long as it takes
//! to close it:
//!
//! ```text
//!   accept ─► EMFILE      give the reserve up ─► accept ─► close ─► take the reserve back
//! ```
//!
//! Between the first step and the last somebody else may take it: another thread of a program that
//! embeds the server or, where it is the system that has no more (`ENFILE`), any process. Then the
//! reserve is lost, and taken back as soon as there is a descriptor again, before the next
//! connection is accepted.

use std::fs::File;

/// The descriptor, where it is held.
#[derive(Debug, Default)]
pub(super) struct Reserve(Option<File>);

impl Reserve {
    /// Takes a descriptor, unless one is held. Any file will do that occupies one in the table of
    /// the system, too, and this one is there in every container.
    pub(super) fn restore(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/").ok();
        }
    }

    /// Gives the descriptor up. Returns whether one was held.
    pub(super) fn give_up(&mut self) -> bool {
        self.0.take().is_some()
    }
}

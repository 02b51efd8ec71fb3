//! Telling who has been seen, with an array access for each.

use crate::engine::ConnId;

/// Who has been seen in the current pass. Connections are named by small indices, so that a table of
/// numbers of passes does for a set, and need not be emptied.
///
/// It tells peers apart by their index only: who shares one with a predecessor must have taken its place.
#[derive(Debug, Default)]
pub(super) struct Marks {
    passes: Vec<u32>,
    current: u32,
}

impl Marks {
    /// Begins anew: nobody has been seen.
    pub(super) fn begin(&mut self) {
        self.current = self.current.checked_add(1).unwrap_or_else(|| {
            self.passes.fill(0);
            1
        });
    }

    /// Marks a peer as seen. Returns whether it was not before.
    pub(super) fn mark(&mut self, peer: ConnId) -> bool {
        let index = peer.index as usize;
        if index >= self.passes.len() {
            self.passes.resize(index + 1, 0);
        }
        std::mem::replace(&mut self.passes[index], self.current) != self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_seen_once_a_pass_also_when_the_numbers_of_passes_begin_anew() {
        let peer = |index| ConnId { index, generation: 7 };
        let mut marks = Marks { current: u32::MAX - 1, ..Marks::default() };
        for _ in 0..3 {
            marks.begin();
            assert!(marks.mark(peer(5)));
            assert!(marks.mark(peer(0)));
            assert!(!marks.mark(peer(5)));
        }
    }
}

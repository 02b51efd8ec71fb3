//! Who is who: the connections of a load, numbered in the order in which they came.

use crate::engine::ConnId;

/// Finds the number of a connection without searching.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// By the place in the table of connections: the generation, and the number.
    at_place: Vec<Option<(u32, usize)>>,
    count: usize,
}

impl Roster {
    /// Somebody new comes. Returns his number.
    pub(super) fn add(&mut self, id: ConnId) -> usize {
        let place = id.index as usize;
        if place >= self.at_place.len() {
            self.at_place.resize(place + 1, None);
        }
        let number = self.count;
        self.count += 1;
        self.at_place[place] = Some((id.generation, number));
        number
    }

    /// The number of a connection, if it is here.
    pub(super) fn find(&self, id: ConnId) -> Option<usize> {
        let (generation, number) = (*self.at_place.get(id.index as usize)?)?;
        (generation == id.generation).then_some(number)
    }
}

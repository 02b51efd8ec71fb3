//! All connections, by the index that the shell gave them.

use std::fmt;

use super::connection::Connection;

/// Names a connection for as long as the program runs: a place in the shell's slab, and a
/// generation that tells apart those who had the place one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ConnId {
    /// The place.
    pub index: u32,
    /// Which of those who had the place.
    pub generation: u32,
}

/// As logs name it. Places are given to the next one at once, but a generation is not, so the log
/// of one connection can be followed by it.
impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "connection {}", self.generation)
    }
}

/// Room for so many is asked for at once. What is not used of it costs nothing: an allocation of this
/// size is pages of its own, which are there when they are written to, and grows without being copied
/// (mallopt(3), `M_MMAP_THRESHOLD`; mremap(2)). A table that grew from small would leave every size
/// that it had behind.
const FIRST_PLACES: usize = 4096;

/// The connections. The shell names them, so that a connection and its socket stand at the same
/// place in two tables and no third one is needed to find one from the other.
#[derive(Debug, Default)]
pub(super) struct Connections {
    places: Vec<Option<Connection>>,
    count: usize,
}

impl Connections {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Adds a connection.
    ///
    /// # Panics
    /// If its place is taken: the shell has named two connections the same.
    pub(super) fn insert(&mut self, id: ConnId, connection: Connection) {
        let index = id.index as usize;
        if self.places.capacity() == 0 {
            self.places.reserve(FIRST_PLACES);
        }
        if index >= self.places.len() {
            self.places.resize_with(index + 1, || None);
        }
        let place = &mut self.places[index];
        assert!(place.is_none(), "two connections at one place");
        *place = Some(connection);
        self.count += 1;
    }

    /// The connection, if it is still there.
    pub(super) fn get(&self, id: ConnId) -> Option<&Connection> {
        let connection = self.places.get(id.index as usize)?.as_ref()?;
        (connection.generation == id.generation).then_some(connection)
    }

    /// The connection, if it is still there.
    pub(super) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        let connection = self.places.get_mut(id.index as usize)?.as_mut()?;
        (connection.generation == id.generation).then_some(connection)
    }

    /// Who is at a place.
    pub(super) fn at(&self, index: u32) -> Option<ConnId> {
        let connection = self.places.get(index as usize)?.as_ref()?;
        Some(ConnId { index, generation: connection.generation })
    }

    /// Takes a connection out. When the last one leaves, so does the memory.
    pub(super) fn remove(&mut self, id: ConnId) -> Option<Connection> {
        self.get(id)?;
        let connection = self.places[id.index as usize].take();
        self.count -= 1;
        if self.count == 0 {
            self.places = Vec::new();
        }
        connection
    }

    /// The names of all, in the order of their places.
    pub(super) fn ids(&self) -> Vec<ConnId> {
        let places = 0..u32::try_from(self.places.len()).expect("indices are 32 bits");
        places.filter_map(|index| self.at(index)).collect()
    }

    /// The count is right, and where nobody is there is no memory.
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.count, self.places.iter().flatten().count());
        assert!(self.count > 0 || self.places.is_empty());
    }
}

//! A set of peers that is made for being gone through.

use std::collections::HashMap;

use crate::engine::ConnId;

/// Peers in a dense vector. Joining and leaving look one up and move at most one other; going through
/// all of them is going through a slice.
///
/// Invariant: `places` has the index of each of `peers`, and nothing else.
#[derive(Debug, Default)]
pub struct Audience {
    peers: Vec<ConnId>,
    places: HashMap<ConnId, u32>,
}

impl Audience {
    /// Adds a peer. Returns whether it was not there.
    pub fn insert(&mut self, peer: ConnId) -> bool {
        let place = u32::try_from(self.peers.len()).expect("indices of connections are 32 bits");
        let is_new = !self.places.contains_key(&peer);
        if is_new {
            self.places.insert(peer, place);
            self.peers.push(peer);
        }
        is_new
    }

    /// Takes a peer out; the last one moves to its place. Returns whether it was there.
    pub fn remove(&mut self, peer: ConnId) -> bool {
        let Some(place) = self.places.remove(&peer) else { return false };
        self.peers.swap_remove(place as usize);
        if let Some(&moved) = self.peers.get(place as usize) {
            self.places.insert(moved, place);
        }
        true
    }

    /// Whether a peer is there.
    pub fn contains(&self, peer: ConnId) -> bool {
        self.places.contains_key(&peer)
    }

    /// All peers, in no particular order.
    pub fn as_slice(&self) -> &[ConnId] {
        &self.peers
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.places.len(), self.peers.len());
        for (place, peer) in self.peers.iter().enumerate() {
            assert_eq!(self.places[peer] as usize, place);
        }
    }
}

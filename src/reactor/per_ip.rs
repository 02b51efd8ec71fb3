//! How many connections each address has: [`Reactor::set_max_per_ip`](super::Reactor::set_max_per_ip).
//!
//! One that is counted and never taken off again would lock an address out for ever, so there is one
//! place where connections are counted, when they get their place in the slab, and one where they are
//! taken off, when they give it back. Both know the place, and here is written down whose it is.
//! [`check_invariants`](super::Reactor::check_invariants) holds the one against the other.
//!
//! Addresses are kept only while the limit is on.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::PeerAddr;

/// Addresses that are counted as one.
///
/// Of IPv6 these are 64 bits, because the other 64 are the host's own choice (RFC 4291 section 2.5.4),
/// a new one for each connection if it likes (RFC 8981); so a limit for each address would be none.
/// Hosts of one network share a limit, then, as they do behind an address of IPv4 that is translated.
/// An address of IPv4 that is written as one of IPv6 (`::ffff:192.0.2.1`) is the address of IPv4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Block {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Block {
    /// Where a peer belongs; UNIX sockets have no addresses that could be counted.
    pub(super) fn of(peer: &PeerAddr) -> Option<Block> {
        let PeerAddr::Inet { remote, .. } = peer else { return None };
        Some(match remote.ip().to_canonical() {
            IpAddr::V4(address) => Block::V4(address.octets()),
            IpAddr::V6(address) => {
                let octets = address.octets();
                Block::V6(*octets.first_chunk().expect("16 are more than 8"))
            }
        })
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Block::V4(octets) => Ipv4Addr::from(*octets).fmt(f),
            Block::V6(network) => {
                let mut octets = [0; 16];
                octets[..8].copy_from_slice(network);
                write!(f, "{}/64", Ipv6Addr::from(octets))
            }
        }
    }
}

/// Who has how many.
#[derive(Debug)]
pub(super) struct PerIp {
    pub(super) most: usize,
    counts: HashMap<Block, usize>,
    /// Whose connection stands at each place of the slab.
    places: Vec<Option<Block>>,
}

impl PerIp {
    pub(super) fn new(most: usize) -> PerIp {
        PerIp { most, counts: HashMap::new(), places: Vec::new() }
    }

    /// Whether there may be another connection of `block`.
    pub(super) fn has_room(&self, block: Block) -> bool {
        self.counts.get(&block).is_none_or(|count| *count < self.most)
    }

    /// A connection has got its place.
    pub(super) fn enter(&mut self, place: usize, block: Block) {
        if place >= self.places.len() {
            self.places.resize(place + 1, None);
        }
        let before = self.places[place].replace(block);
        debug_assert_eq!(before, None, "whoever had place {place} has not left");
        *self.counts.entry(block).or_default() += 1;
    }

    /// A connection has given its place back. It may be one that was not counted.
    pub(super) fn leave(&mut self, place: usize) {
        let Some(block) = self.places.get_mut(place).and_then(Option::take) else { return };
        let count = self.counts.get_mut(&block).expect("it was counted when it came");
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&block);
        }
        if self.counts.is_empty() {
            *self = PerIp::new(self.most);
        }
    }

    /// # Panics
    /// If the counts are not those of the places, one of them is above the limit, or there is one of a
    /// place that nobody has.
    pub(super) fn check_invariants(&self, is_taken: impl Fn(usize) -> bool) {
        let mut counts = HashMap::new();
        for (place, block) in self.places.iter().enumerate() {
            if let Some(block) = block {
                assert!(is_taken(place), "{block} has left place {place}, and is counted");
                *counts.entry(*block).or_default() += 1;
            }
        }
        assert_eq!(self.counts, counts, "connections of each address");
        assert!(counts.values().all(|count| *count <= self.most), "{counts:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn block(address: &str) -> Block {
        let remote = SocketAddr::new(address.parse().unwrap(), 1);
        Block::of(&PeerAddr::Inet { remote, local: None }).unwrap()
    }

    #[test]
    fn addresses_that_one_host_may_choose_between_are_one() {
        assert_eq!(block("2001:db8::1"), block("2001:db8::ffff:1:2:3"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:0:1::1"));
        assert_ne!(block("127.0.0.1"), block("127.0.0.2"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.1"));
        assert_ne!(block("::ffff:192.0.2.1"), block("::1"));
        assert_eq!(Block::of(&PeerAddr::Unix(None)), None);
        assert_eq!(block("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(block("2001:db8::1").to_string(), "2001:db8::/64");
    }

    #[test]
    fn who_leaves_makes_room_and_nothing_is_kept_of_the_last() {
        let mut per_ip = PerIp::new(2);
        let (one, other) = (block("192.0.2.1"), block("192.0.2.2"));
        for place in [7, 3] {
            assert!(per_ip.has_room(one));
            per_ip.enter(place, one);
        }
        assert!(!per_ip.has_room(one) && per_ip.has_room(other));
        per_ip.enter(4, other);
        per_ip.check_invariants(|place| [3, 4, 7].contains(&place));
        // Somebody who was not counted, twice.
        per_ip.leave(5);
        per_ip.leave(100);
        per_ip.leave(7);
        per_ip.leave(7);
        assert!(per_ip.has_room(one));
        per_ip.check_invariants(|place| [3, 4].contains(&place));
        per_ip.leave(3);
        per_ip.leave(4);
        assert_eq!((per_ip.counts.capacity(), per_ip.places.capacity()), (0, 0));
    }

    #[test]
    #[should_panic(expected = "192.0.2.1 has left place 3, and is counted")]
    fn a_place_that_is_not_given_back_is_found_out() {
        let mut per_ip = PerIp::new(2);
        per_ip.enter(3, block("192.0.2.1"));
        per_ip.check_invariants(|_| false);
    }
}

//! Who comes in, who is turned away, and why not.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::libc;
use rand::RngExt as _;

use super::descriptors::{Handle, What};
use super::link::{Link, Remote};
use super::{Happening, Sim, error};
use crate::address::PeerAddr;
use crate::kernel::StreamKind;

/// How long something is short, at most, when it is.
const SHORTAGE: Duration = Duration::from_millis(500);

/// What accepting fails with in a shortage.
const SHORTAGES: [i32; 5] = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EPERM];

/// What it fails with for a connection that is gone. Systems differ.
const GONE: [i32; 4] = [libc::ECONNABORTED, libc::EPROTO, libc::ENETDOWN, libc::EHOSTUNREACH];

/// How many connections the loop may have.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) all: usize,
    pub(super) of_each: usize,
}

/// Whether two peers are counted as one: an address of IPv4, also as one of IPv6, or 64 bits.
fn are_neighbours(one: IpAddr, other: IpAddr) -> bool {
    match (one.to_canonical(), other.to_canonical()) {
        (IpAddr::V6(one), IpAddr::V6(other)) => one.segments()[..4] == other.segments()[..4],
        (one, other) => one == other,
    }
}

impl Sim {
    pub(super) fn accept_stream(&mut self, number: usize) -> io::Result<(Handle, PeerAddr)> {
        self.refusable = None;
        if self.call() {
            return Err(error(libc::EINTR));
        }
        let is_announced = self.descriptors.get_mut(number).may_read;
        self.conduct.demand(is_announced, "accepts, and no event has said so");
        if let Some(number) = self.accept_errors.pop_front() {
            return Err(error(number));
        }
        if let Some(shortage) = self.shortage() {
            // A descriptor is looked for first: nobody knows whether somebody waits.
            if matches!(shortage, libc::EMFILE | libc::ENFILE) {
                self.refusable = Some(number);
            } else {
                self.tally.accept_failures += 1;
            }
            return Err(error(shortage));
        }
        let remote = self.take_waiting(number)?;
        let handle = self.descriptors.open(What::Stream(remote.0));
        self.links[remote.0].descriptor = Some(handle.number);
        Ok((handle, self.address_of(remote)))
    }

    /// Takes somebody who waits and turns him away with the descriptor that is held in reserve.
    pub(super) fn refuse_stream(&mut self, number: usize) -> io::Result<PeerAddr> {
        let is_refusable = self.refusable.take() == Some(number);
        assert!(is_refusable, "turns somebody away, and nothing has said that there is no room");
        if self.call() {
            return Err(error(libc::EINTR));
        }
        if self.strikes(self.weather.reserve_loss) {
            self.tally.accept_failures += 1;
            return Err(error(libc::EMFILE));
        }
        let remote = self.take_waiting(number)?;
        self.tally.refused_no_descriptor += 1;
        self.break_off(remote);
        Ok(self.address_of(remote))
    }

    /// Closes a connection that was accepted, without a word.
    pub(super) fn abort_stream(&mut self, number: usize) {
        let link = self.link_of(number);
        match (self.is_full(), self.is_crowded(link)) {
            (true, _) => self.tally.refused_connections += 1,
            (false, true) => self.tally.refused_per_ip += 1,
            (false, false) => panic!("somebody is turned away for whom there is room"),
        }
        self.descriptors.close(number);
        self.conduct.closed(false);
        self.links[link].descriptor = None;
        self.break_off(Remote(link));
    }

    /// An RST over TCP. A UNIX socket knows none but for what was sent and not read.
    fn break_off(&mut self, remote: Remote) {
        if self.links[remote.0].kind == StreamKind::Tcp {
            return self.turn_away(remote);
        }
        self.links[remote.0].is_turned_away = true;
        self.close_stream(remote.0);
    }

    /// Takes the first of those who wait at a listener.
    fn take_waiting(&mut self, number: usize) -> io::Result<Remote> {
        let listener = self.listener_of(number);
        let has_some = !self.listeners[listener].backlog.is_empty();
        if has_some && self.strikes(self.weather.not_yet) {
            let later = self.later();
            self.enter(later, Happening::WakeListener(listener));
        } else if let Some(remote) = self.listeners[listener].backlog.pop_front() {
            self.conduct.accepted();
            if self.links[remote.0].is_broken() && self.rng.random() {
                self.links[remote.0].is_closed = true;
                self.tally.accept_aborted += 1;
                return Err(error(GONE[self.rng.random_range(0..GONE.len())]));
            }
            return Ok(remote);
        }
        self.descriptors.get_mut(number).may_read = false;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether the loop has as many connections as it may.
    fn is_full(&self) -> bool {
        self.links.iter().filter(|link| link.is_watched).count() >= self.places.all
    }

    /// Whether it has as many as it may of the neighbours of somebody.
    fn is_crowded(&self, link: usize) -> bool {
        let Link { kind, address, .. } = self.links[link];
        let is_neighbour = |link: &&Link| {
            let is_visitor = link.is_watched && !link.is_dialed() && link.kind == StreamKind::Tcp;
            is_visitor && are_neighbours(link.address, address)
        };
        let neighbours = self.links.iter().filter(is_neighbour).count();
        kind == StreamKind::Tcp && neighbours >= self.places.of_each
    }

    /// A connection is about to be watched: to be served, if it was accepted.
    pub(super) fn check_place(&self, link: usize) {
        if !self.links[link].is_dialed() {
            assert!(!self.is_full(), "there are more connections than there may be");
            assert!(!self.is_crowded(link), "there are more of one address than there may be");
        }
    }

    /// Somebody finds that nobody has his connection.
    pub(super) fn turn_away(&mut self, remote: Remote) {
        self.links[remote.0].is_closed = true;
        self.links[remote.0].is_turned_away = true;
        self.reset_to_remote(remote.0);
    }

    /// Where somebody comes from, as the loop is told.
    pub fn address_of(&self, remote: Remote) -> PeerAddr {
        let port = u16::try_from(1024 + remote.0 % 60_000).expect("a port");
        let address = SocketAddr::new(self.links[remote.0].address, port);
        match self.links[remote.0].kind {
            StreamKind::Tcp => PeerAddr::Inet { remote: address, local: None },
            StreamKind::Unix | StreamKind::Packet => PeerAddr::Unix(None),
        }
    }

    /// What there is none of, as an error: for a while, or because all descriptors are in use.
    pub(super) fn shortage(&mut self) -> Option<i32> {
        if self.exhausted_until <= self.now && self.strikes(self.weather.exhaustion) {
            self.exhausted_until = self.now + self.up_to(SHORTAGE);
            self.short_of = SHORTAGES[self.rng.random_range(0..SHORTAGES.len())];
        }
        if self.exhausted_until > self.now {
            return Some(self.short_of);
        }
        (self.descriptors.len() >= self.most_descriptors).then_some(libc::EMFILE)
    }
}

//! The world outside: peers that come, and servers that are dialed.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

use rand::RngExt as _;

use super::descriptors::{Handle, What};
use super::flow::{End, Item};
use super::link::{Link, Making, Remote};
use super::{Happening, Side, Sim};
use crate::address::ConnectAddress;
use crate::kernel::StreamKind;

/// A listener, as those know it who come to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Port(usize);

impl Port {
    pub(super) fn index(self) -> usize {
        self.0
    }
}

/// What a listener has.
#[derive(Debug)]
pub(super) struct Listening {
    kind: StreamKind,
    pub(super) descriptor: Option<usize>,
    pub(super) backlog: VecDeque<Remote>,
}

/// Somebody who can be dialed.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: ConnectAddress,
    pub(super) arrivals: VecDeque<Remote>,
}

/// What a remote peer finds when it reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Received {
    /// Bytes; of a packet connection, one packet.
    Data(Vec<u8>),
    /// Nothing for now.
    Nothing,
    /// The server has ended its side, and everything was read.
    End,
    /// The connection is broken.
    Reset,
}

impl Sim {
    /// A listener for connections of `kind`, and how to get to it.
    pub fn listen(&mut self, kind: StreamKind) -> (Handle, Port) {
        let listener = self.listeners.len();
        let handle = self.descriptors.open(What::Listener(listener));
        let descriptor = Some(handle.number);
        self.listeners.push(Listening { kind, descriptor, backlog: VecDeque::new() });
        (handle, Port(listener))
    }

    /// A peer on this machine begins to connect. It may send at once.
    pub fn dial(&mut self, port: Port) -> Remote {
        self.dial_from(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
    }

    /// A peer at `address` begins to connect. It may send at once.
    pub fn dial_from(&mut self, address: IpAddr, port: Port) -> Remote {
        let kind = self.listeners[port.0].kind;
        let remote = Remote(self.links.len());
        self.links.push(Link::new(kind, self.weather.capacity, Making::Done));
        self.links[remote.0].address = address;
        self.links[remote.0].listener = Some(port.0);
        let arrival = self.arrival(kind);
        self.enter(arrival, Happening::Arrival(port.0, remote));
        if self.strikes(self.weather.abort) {
            self.destroy(remote);
        }
        remote
    }

    /// Sends to the loop as much as there is room for, in several segments perhaps; of a packet
    /// connection, one packet or nothing. Returns how much, or `None` where nothing can be sent any
    /// more. A packet that found no room is `Some(0)`, and so is an empty one that was sent: see
    /// [`has_room`](Sim::has_room).
    pub fn send(&mut self, remote: Remote, bytes: &[u8]) -> Option<usize> {
        let link = &self.links[remote.0];
        if link.inbound.is_ended() || link.outbound.end() == Some(End::Reset) {
            return None;
        }
        if self.strikes(self.weather.reset) {
            self.destroy(remote);
            return None;
        }
        if self.links[remote.0].kind == StreamKind::Packet {
            if !self.has_room(remote, bytes.len()) {
                return Some(0);
            }
            self.push_inbound(remote, Item::Bytes(bytes.to_vec().into()));
            return Some(bytes.len());
        }
        let count = bytes.len().min(self.links[remote.0].inbound.room());
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            let length = if self.rng.random() { rest.len() } else { self.some_of(rest.len()) };
            // A few segments; the last one takes what is left.
            let length = if rest.len() < count / 2 { rest.len() } else { length };
            self.push_inbound(remote, Item::Bytes(rest[..length].to_vec().into()));
            rest = &rest[length..];
        }
        Some(count)
    }

    /// Whether a packet of so many bytes could be sent.
    pub fn has_room(&self, remote: Remote, bytes: usize) -> bool {
        let inbound = &self.links[remote.0].inbound;
        !inbound.is_ended() && inbound.has_room_for(bytes)
    }

    /// Marks what is sent next as urgent (TCP).
    pub fn mark_urgent(&mut self, remote: Remote) {
        if !self.links[remote.0].inbound.is_ended() {
            self.push_inbound(remote, Item::Urgent);
        }
    }

    /// Reads at most `most` bytes; of a packet connection, one packet.
    pub fn receive(&mut self, remote: Remote, most: usize) -> Received {
        let link = &mut self.links[remote.0];
        if link.outbound.end() == Some(End::Reset) {
            // A peer whose system discards what was not read (RFC 9112 section 9.6 warns of them).
            link.outbound.destroy();
            return Received::Reset;
        }
        let data = if link.kind == StreamKind::Packet {
            link.outbound.take_packet().map(Vec::from)
        } else {
            let count = link.outbound.readable().min(most);
            let mut bytes = vec![0; count];
            link.outbound.take(&mut bytes);
            (count > 0).then_some(bytes)
        };
        match data {
            Some(bytes) => {
                let is_told = link.wants_room || link.kind != StreamKind::Tcp;
                link.wants_room = false;
                if is_told {
                    self.wake(remote.0, Side::Write);
                }
                Received::Data(bytes)
            }
            None if link.outbound.end().is_some() => Received::End,
            None => Received::Nothing,
        }
    }

    /// Ends the remote side, and goes on receiving.
    pub fn finish(&mut self, remote: Remote) {
        if !self.links[remote.0].inbound.is_ended() {
            self.push_inbound(remote, Item::End);
        }
    }

    /// Breaks the connection.
    pub fn reset(&mut self, remote: Remote) {
        self.push_inbound(remote, Item::Reset);
    }

    /// Goes away. What has come and was not read, and what still comes, is answered by a reset.
    pub fn hang_up(&mut self, remote: Remote) {
        let link = &mut self.links[remote.0];
        link.is_closed_by_remote = true;
        if link.outbound.has_arrived() {
            self.reset(remote);
        } else {
            self.finish(remote);
        }
    }

    /// A connection that the loop has closed has one more event, the first of those that come next:
    /// another process has the description open still (epoll(7), question 6).
    pub fn repeat_event(&mut self, remote: Remote) {
        self.repeated.extend(self.links[remote.0].last_token);
    }

    /// So many bytes are on their way to a peer at most, and in its buffer.
    pub fn set_window(&mut self, remote: Remote, bytes: usize) {
        self.links[remote.0].outbound.set_capacity(bytes);
    }

    /// All there is to know of a connection, for people.
    pub fn describe(&self, remote: Remote) -> String {
        let link = &self.links[remote.0];
        let watch = link.descriptor.map(|number| self.descriptors.watch(number));
        format!("{link:?}, watched as {watch:?}")
    }

    /// The connections that the loop has, by their other ends.
    pub fn remotes(&self) -> impl Iterator<Item = Remote> {
        let links = self.links.iter().enumerate();
        links.filter(|(_, link)| link.descriptor.is_some()).map(|(number, _)| Remote(number))
    }

    /// Whether the network, or the system under the loop, has destroyed the connection.
    pub fn is_destroyed(&self, remote: Remote) -> bool {
        self.links[remote.0].is_destroyed
    }

    /// Whether the connection was closed by the loop without being served, or was never taken.
    pub fn is_turned_away(&self, remote: Remote) -> bool {
        self.links[remote.0].is_turned_away
    }

    /// Whether the loop has the connection: it is accepted, and not closed.
    pub fn is_open(&self, remote: Remote) -> bool {
        self.links[remote.0].descriptor.is_some()
    }

    /// Lets somebody be dialed.
    pub fn open_server(&mut self, address: ConnectAddress) {
        self.servers.push(Server { address, arrivals: VecDeque::new() });
    }

    /// The next connection that the loop has made to `address`.
    pub fn next_arrival(&mut self, address: &ConnectAddress) -> Option<Remote> {
        let server = self.servers.iter_mut().find(|server| server.address == *address)?;
        server.arrivals.pop_front()
    }

    /// Somebody is at a listener, or finds that it is gone.
    pub(super) fn arrive_at_listener(&mut self, listener: usize, remote: Remote) {
        if self.listeners[listener].descriptor.is_none() {
            return self.turn_away(remote);
        }
        self.listeners[listener].backlog.push_back(remote);
        self.wake_descriptor(self.listeners[listener].descriptor, Side::Read);
    }

    /// The loop has closed a listener: who waits there is turned away.
    pub(super) fn close_listener(&mut self, listener: usize) {
        self.listeners[listener].descriptor = None;
        for remote in std::mem::take(&mut self.listeners[listener].backlog) {
            self.turn_away(remote);
        }
    }

    /// The network breaks the connection, for both sides.
    pub fn destroy(&mut self, remote: Remote) {
        self.links[remote.0].is_destroyed = true;
        self.reset(remote);
        self.reset_to_remote(remote.0);
    }

    fn push_inbound(&mut self, remote: Remote, item: Item) {
        let arrival = self.arrival(self.links[remote.0].kind);
        let arrival = self.links[remote.0].inbound.push(item, arrival);
        self.enter(arrival, Happening::Inbound(remote.0));
    }
}

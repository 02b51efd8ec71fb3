//! What the loop does with connections: connect, read, write, end, close.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::time::Duration;

use nix::libc;
use rand::RngExt as _;

use super::descriptors::{Handle, What};
use super::flow::{End, Item};
use super::link::{Link, Making, Remote};
use super::{Happening, Side, Sim, error};
use crate::address::ConnectAddress;
use crate::kernel::{Read, StreamKind};
use crate::time::Time;

/// How many packets of one connection may be read in a turn.
const PACKETS: usize = 64;

/// Coming and going.
impl Sim {
    pub(super) fn connect_stream(&mut self, address: &ConnectAddress) -> io::Result<Handle> {
        self.call();
        let kind = match address {
            ConnectAddress::Tcp { .. } => StreamKind::Tcp,
            ConnectAddress::Unix(_) => StreamKind::Unix,
            _ => StreamKind::Packet,
        };
        let is_refused = self.strikes(self.weather.refusal);
        let server = self.servers.iter().position(|server| server.address == *address);
        let server = server.filter(|_| !is_refused);
        if kind != StreamKind::Tcp && server.is_none() {
            self.tally.broken += 1;
            return Err(error(libc::ECONNREFUSED));
        }
        if let Some(shortage) = self.shortage() {
            self.tally.broken += 1;
            return Err(error(shortage));
        }
        let link = self.links.len();
        self.links.push(Link::new(kind, self.weather.capacity, Making::Pending));
        self.links[link].server = server;
        let handle = self.descriptors.open(What::Stream(link));
        self.links[link].descriptor = Some(handle.number);
        if kind == StreamKind::Tcp {
            let decided = self.now + self.up_to(self.weather.latency);
            self.enter(decided, Happening::Decision(link));
        } else {
            self.decide(link);
        }
        Ok(handle)
    }

    /// A connection that is being made is there, or refused.
    pub(super) fn decide(&mut self, link: usize) {
        let Some(server) = self.links[link].server else {
            self.links[link].making = Making::Refused;
            return self.wake(link, Side::Write);
        };
        self.links[link].making = Making::Done;
        self.servers[server].arrivals.push_back(Remote(link));
        self.has_news = true;
        self.wake(link, Side::Write);
        if self.links[link].is_closed {
            // It was given up meanwhile.
            self.send_item(link, Item::End);
        }
    }

    pub(super) fn is_stream_connected(&mut self, number: usize) -> io::Result<bool> {
        self.call();
        let link = self.link_of(number);
        match self.links[link].making {
            Making::Pending => Ok(false),
            Making::Refused => {
                self.tell_broken(link);
                Err(error(libc::ECONNREFUSED))
            }
            Making::Done if self.links[link].is_broken() => {
                self.tell_broken(link);
                Err(error(libc::ECONNRESET))
            }
            Making::Done => {
                self.conduct.progress();
                Ok(true)
            }
        }
    }

    /// Closes whatever it is.
    pub(super) fn close_descriptor(&mut self, number: usize) {
        let Some(descriptor) = self.descriptors.close(number) else { return };
        self.conduct.closed(descriptor.watch.is_some());
        if let Some(watch) = descriptor.watch
            && self.strikes(self.weather.stale)
        {
            let later = self.now + self.up_to(Duration::from_millis(5));
            self.enter(later, Happening::Stale(watch.token));
        }
        match descriptor.what {
            What::Stream(link) => {
                self.links[link].last_token = descriptor.watch.map(|watch| watch.token);
                self.close_stream(link);
            }
            What::Listener(listener) => self.close_listener(listener),
            What::Datagram(mailbox) => self.post[mailbox].descriptor = None,
            What::Signals => {}
        }
    }

    /// Closing what has unread input destroys what is on its way to the peer (RFC 2525, 2.17).
    pub(super) fn close_stream(&mut self, number: usize) {
        let link = &mut self.links[number];
        link.descriptor = None;
        link.is_watched = false;
        link.is_closed = true;
        if link.making != Making::Done || link.is_broken() {
            return;
        }
        if link.inbound.has_arrived() {
            self.reset_to_remote(number);
        } else if !link.is_shut {
            self.send_item(number, Item::End);
        }
    }

    /// Closes what was dropped without being closed: listeners, of a loop that drains.
    pub(super) fn close_dropped(&mut self) {
        while let Some(number) = self.descriptors.dropped() {
            self.close_descriptor(number);
        }
    }
}

/// Reading and writing.
impl Sim {
    pub(super) fn read_stream(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<Read> {
        let is_interrupted = self.call();
        let link = self.link_of(number);
        self.check_read(number, self.links[link].kind);
        if is_interrupted {
            return Err(error(libc::EINTR));
        }
        if self.links[link].mask().readable && self.strikes(self.weather.not_yet) {
            let later = self.later();
            self.enter(later, Happening::Wake(link, Side::Read));
            return self.nothing_to_read(number);
        }
        if self.links[link].kind == StreamKind::Packet {
            if let Some(packet) = self.links[link].inbound.take_packet() {
                return Ok(self.read_packet(link, packet, buffer));
            }
        } else {
            let there = self.links[link].inbound.readable();
            if there > 0 {
                return Ok(self.read_bytes(link, there, buffer));
            }
        }
        match self.links[link].inbound.end() {
            None => self.nothing_to_read(number),
            Some(End::Reset) if !self.links[link].is_error_taken => {
                self.links[link].is_error_taken = true;
                self.tell_broken(link);
                self.conduct.progress();
                Err(error(libc::ECONNRESET))
            }
            Some(_) => {
                self.conduct.progress();
                Ok(Read::End)
            }
        }
    }

    /// A connection is read from once a turn, and only if something has said that it can be.
    fn check_read(&mut self, number: usize, kind: StreamKind) {
        let descriptor = self.descriptors.get_mut(number);
        let is_announced = descriptor.may_read;
        self.conduct.demand(is_announced, "reads, and no event has said that there is something");
        descriptor.reads += 1;
        let most = if kind == StreamKind::Packet { PACKETS } else { 1 };
        let is_fair = descriptor.reads <= most;
        self.conduct.demand(is_fair, "reads from one connection again, and others wait");
    }

    fn nothing_to_read(&mut self, number: usize) -> io::Result<Read> {
        self.descriptors.get_mut(number).may_read = false;
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn note_read(&mut self, link: usize, count: usize) {
        self.tally.bytes_read += count as u64;
        self.links[link].passage.bytes_read += count as u64;
    }

    fn read_packet(&mut self, link: usize, mut packet: VecDeque<u8>, buffer: &mut [u8]) -> Read {
        self.conduct.progress();
        // The remote peer may send more.
        self.has_news = true;
        if packet.len() > buffer.len() {
            return Read::Oversize;
        }
        let count = packet.len();
        packet.read_exact(&mut buffer[..count]).expect("it is as long");
        self.note_read(link, count);
        Read::Data(count)
    }

    /// Reads some of the bytes that are `there`. What is less than that is a part, unless the buffer
    /// is full: then nobody can take it for all.
    fn read_bytes(&mut self, link: usize, there: usize, buffer: &mut [u8]) -> Read {
        let most = there.min(buffer.len());
        let count = if self.strikes(self.weather.short_read) { self.some_of(most) } else { most };
        self.links[link].inbound.take(&mut buffer[..count]);
        self.note_read(link, count);
        self.conduct.progress();
        // The remote peer may send more.
        self.has_news = true;
        if count < most { Read::Part(count) } else { Read::Data(count) }
    }

    pub(super) fn write_stream(&mut self, number: usize, bytes: &[u8]) -> io::Result<usize> {
        let is_interrupted = self.call();
        let link = self.link_of(number);
        assert_eq!(self.links[link].making, Making::Done, "writes before there is a connection");
        if is_interrupted {
            return Err(error(libc::EINTR));
        }
        if self.links[link].is_broken() {
            // The reason may be read for afterwards.
            self.descriptors.get_mut(number).may_read = true;
            self.tell_broken(link);
            let is_news = !std::mem::replace(&mut self.links[link].is_error_taken, true);
            return Err(error(if is_news { libc::ECONNRESET } else { libc::EPIPE }));
        }
        assert!(!self.links[link].is_shut, "writes behind the end of its own side");
        let is_packet = self.links[link].kind == StreamKind::Packet;
        let outbound = &self.links[link].outbound;
        let room = if is_packet { usize::MAX } else { outbound.room() };
        let has_room = if is_packet { outbound.has_room_for(bytes.len()) } else { room > 0 };
        if !has_room {
            self.links[link].wants_room = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.strikes(self.weather.not_yet) {
            let later = self.later();
            self.enter(later, Happening::Wake(link, Side::Write));
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = bytes.len().min(room);
        let mut count = most;
        if !is_packet && self.strikes(self.weather.short_write) {
            count = self.some_of(most);
        }
        if count < most {
            let later = self.later();
            self.enter(later, Happening::Wake(link, Side::Write));
        } else if count < bytes.len() {
            self.links[link].wants_room = true;
        }
        self.conduct.progress();
        self.tally.bytes_written += count as u64;
        self.links[link].passage.bytes_written += count as u64;
        self.send_item(link, Item::Bytes(bytes[..count].to_vec().into()));
        Ok(count)
    }

    pub(super) fn shut_stream(&mut self, number: usize) -> io::Result<()> {
        self.call();
        let link = self.link_of(number);
        if self.links[link].is_broken() {
            self.tell_broken(link);
            return Err(error(libc::ENOTCONN));
        }
        let is_again = std::mem::replace(&mut self.links[link].is_shut, true);
        assert!(!is_again, "its own side ends twice");
        self.conduct.progress();
        self.send_item(link, Item::End);
        Ok(())
    }
}

/// The network.
impl Sim {
    /// Sends something to the remote peer.
    pub(super) fn send_item(&mut self, link: usize, item: Item) {
        let arrival = self.arrival(self.links[link].kind);
        let arrival = self.links[link].outbound.push(item, arrival);
        self.enter(arrival, Happening::Outbound(link));
    }

    /// Destroys what is on its way to the remote peer, and has it know.
    pub(super) fn reset_to_remote(&mut self, link: usize) {
        self.links[link].outbound.destroy();
        self.send_item(link, Item::Reset);
    }

    /// Something arrives at the loop's end.
    pub(super) fn arrive_at_loop(&mut self, number: usize) {
        let now = self.now;
        let link = &mut self.links[number];
        let had_bytes = link.inbound.has_arrived();
        if !link.inbound.deliver(now) {
            return;
        }
        if link.is_broken() {
            link.outbound.destroy();
        } else if link.is_closed && !had_bytes && link.inbound.has_arrived() {
            // Nobody is there to take it.
            return self.reset_to_remote(number);
        }
        self.wake(number, Side::Read);
    }

    /// Something arrives at the remote end.
    pub(super) fn arrive_at_remote(&mut self, number: usize) {
        let now = self.now;
        self.has_news = true;
        let link = &mut self.links[number];
        link.outbound.deliver(now);
        if link.is_closed_by_remote && link.outbound.has_arrived() && !link.is_broken() {
            link.outbound.destroy();
            let arrival = self.arrival(self.links[number].kind);
            let arrival = self.links[number].inbound.push(Item::Reset, arrival);
            self.enter(arrival, Happening::Inbound(number));
        }
    }

    /// When something arrives that is sent at this moment.
    pub(super) fn arrival(&mut self, kind: StreamKind) -> Time {
        match kind {
            StreamKind::Tcp => self.now + self.up_to(self.weather.latency),
            StreamKind::Unix | StreamKind::Packet => self.now,
        }
    }

    /// Some time after this, when a fault is over.
    pub(super) fn later(&mut self) -> Time {
        self.now + self.up_to(Duration::from_millis(2)) + Duration::from_nanos(1)
    }

    /// A part of `most`; mostly the smallest.
    pub(super) fn some_of(&mut self, most: usize) -> usize {
        if self.rng.random_bool(0.7) { 1 } else { self.rng.random_range(1..=most) }
    }

    /// A call fails because the connection is broken. It is counted once.
    pub(super) fn tell_broken(&mut self, link: usize) {
        let is_news = !std::mem::replace(&mut self.links[link].is_known_broken, true);
        self.tally.broken += u64::from(is_news);
    }

    pub(super) fn link_of(&mut self, number: usize) -> usize {
        match self.descriptors.get_mut(number).what {
            What::Stream(link) => link,
            other => panic!("{other:?} is no stream"),
        }
    }

    pub(super) fn listener_of(&mut self, number: usize) -> usize {
        match self.descriptors.get_mut(number).what {
            What::Listener(listener) => listener,
            other => panic!("{other:?} is no listener"),
        }
    }

    pub(super) fn kind_of(&self, number: usize) -> StreamKind {
        match self.descriptors.what(number) {
            What::Stream(link) => self.links[link].kind,
            other => panic!("{other:?} is no stream"),
        }
    }
}

//! Waiting: what has happened, and what is said of it.
//!
//! A watch is *due* when something has happened to its socket. The event that comes of it describes
//! the socket at the moment of the report, as epoll(7) does; so two things that happen one after the
//! other are one event, and something that is over by then is none.

use std::io;
use std::time::Duration;

use nix::libc;
use rand::RngExt as _;

use super::descriptors::{Watch, What};
use super::link::{Making, Mask, Remote};
use super::{Sim, error};
use crate::address::PeerAddr;
use crate::kernel::{Interest, Ready, Socket, Token};
use crate::time::Time;

/// Something that happens at its time.
#[derive(Debug)]
pub(super) enum Happening {
    /// Something arrives at the loop's end of a connection.
    Inbound(usize),
    /// Something arrives at the remote end.
    Outbound(usize),
    /// A connection comes to a listener.
    Arrival(usize, Remote),
    /// It turns out what becomes of a connection that is being made.
    Decision(usize),
    /// A connection is ready again.
    Wake(usize, Side),
    /// A listener is ready again.
    WakeListener(usize),
    /// A datagram arrives.
    Mail(usize, Vec<u8>, PeerAddr),
    /// A datagram socket is ready again.
    WakeMailbox(usize),
    /// An event of a socket that is closed.
    Stale(Token),
}

/// What an event is about, which decides whether somebody who watches for less gets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Read,
    Write,
}

impl Sim {
    /// Lets time pass until there is an event, something for the world outside to do, or `timeout`
    /// is over.
    pub(super) fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) {
        self.close_dropped();
        self.conduct.begin_turn(timeout != Some(Duration::ZERO), self.now);
        for (_, descriptor) in self.descriptors.iter_mut() {
            descriptor.reads = 0;
        }
        self.tally.waits += 1;
        self.is_asleep = false;
        let deadline = timeout.map(|timeout| self.now + timeout);
        if self.call() {
            return;
        }
        loop {
            self.collect(ready);
            let is_called = self.alarm.is_some_and(|alarm| alarm <= self.now);
            let is_over = deadline.is_some_and(|deadline| deadline <= self.now);
            if !ready.is_empty() || self.has_news || is_called || is_over {
                return;
            }
            let Some(next) = self.next_time().into_iter().chain(deadline).min() else {
                self.is_asleep = true;
                return;
            };
            self.now = self.now.max(next);
            self.happen();
        }
    }

    /// When the next thing happens by itself.
    fn next_time(&mut self) -> Option<Time> {
        let scheduled = self.schedule.first_key_value().map(|((time, _), _)| *time);
        let watches = self.descriptors.iter_mut().filter_map(|(_, descriptor)| descriptor.watch);
        let due = watches.filter_map(|watch| watch.due);
        scheduled.into_iter().chain(due).chain(self.alarm).min()
    }

    /// Lets everything happen whose time has come.
    pub(super) fn happen(&mut self) {
        while let Some(entry) = self.schedule.first_entry()
            && entry.key().0 <= self.now
        {
            match entry.remove() {
                Happening::Inbound(link) => self.arrive_at_loop(link),
                Happening::Outbound(link) => self.arrive_at_remote(link),
                Happening::Arrival(listener, remote) => self.arrive_at_listener(listener, remote),
                Happening::Decision(link) => self.decide(link),
                Happening::Wake(link, side) => self.wake(link, side),
                Happening::WakeListener(listener) => {
                    self.wake_descriptor(self.listeners[listener].descriptor, Side::Read);
                }
                Happening::Mail(mailbox, payload, from) => {
                    self.post[mailbox].inbox.push_back((payload, from));
                    self.wake_descriptor(self.post[mailbox].descriptor, Side::Read);
                }
                Happening::WakeMailbox(mailbox) => {
                    self.wake_descriptor(self.post[mailbox].descriptor, Side::Read);
                }
                Happening::Stale(token) => self.stale.push(token),
            }
        }
    }

    /// Something has happened to a connection.
    pub(super) fn wake(&mut self, link: usize, side: Side) {
        self.wake_descriptor(self.links[link].descriptor, side);
    }

    /// Something has happened to a socket, if the loop has it still.
    pub(super) fn wake_descriptor(&mut self, number: Option<usize>, side: Side) {
        let Some(number) = number else { return };
        let due = self.now + self.up_to(self.weather.lateness);
        if let Some(watch) = &mut self.descriptors.get_mut(number).watch
            && (side == Side::Read || watch.interest == Interest::ReadableAndWritable)
        {
            watch.due = Some(watch.due.map_or(due, |earlier| earlier.min(due)));
        }
    }

    /// Starts to watch a socket, or watches it for something else. What is true of it at this moment
    /// is reported.
    pub(super) fn watch(
        &mut self,
        socket: &Socket<'_, Sim>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let (Socket::Listener(handle)
        | Socket::Stream(handle)
        | Socket::Datagram(handle)
        | Socket::Signals(handle)) = socket;
        self.call();
        let descriptor = self.descriptors.get_mut(handle.number);
        let is_new = descriptor.watch.is_none();
        let what = descriptor.what;
        if self.strikes(self.weather.unwatchable) {
            if let What::Stream(link) = what {
                self.links[link].is_destroyed = true;
                if is_new && !self.links[link].is_dialed() {
                    self.tally.accept_failures += 1;
                } else {
                    self.tell_broken(link);
                }
            }
            return Err(error(libc::ENOMEM));
        }
        if is_new && let What::Stream(link) = what {
            self.check_place(link);
            self.links[link].is_watched = true;
            self.tally.watched += 1;
            self.links[link].passage.watched += 1;
        }
        let due = Some(self.now + self.up_to(self.weather.lateness));
        self.descriptors.get_mut(handle.number).watch = Some(Watch { token, interest, due });
        Ok(())
    }

    /// Makes events of what is due.
    fn collect(&mut self, ready: &mut Vec<Ready>) {
        let due: Vec<(usize, What, Watch)> = self
            .descriptors
            .iter_mut()
            .filter_map(|(number, descriptor)| {
                let watch = descriptor.watch?;
                (watch.due? <= self.now).then_some((number, descriptor.what, watch))
            })
            .collect();
        for (number, what, watch) in due {
            let mut mask = self.mask(what, watch.interest);
            let is_split = !mask.is_empty() && self.strikes(self.weather.split);
            if is_split {
                mask = self.part_of(mask);
            }
            let later = self.now + self.up_to(self.weather.lateness) + Duration::from_micros(1);
            let descriptor = self.descriptors.get_mut(number);
            descriptor.watch = Some(Watch { due: is_split.then_some(later), ..watch });
            self.report(number, watch.token, mask, ready);
        }
        for token in std::mem::take(&mut self.stale) {
            let (readable, writable) = (self.rng.random(), self.rng.random());
            let mask = Mask { readable, writable, read_closed: readable, urgent: false };
            ready.push(event(token, mask));
        }
        if self.strikes(self.weather.spurious) {
            self.report_for_nothing(ready);
        }
        if !ready.is_empty() {
            let first = self.rng.random_range(0..ready.len());
            ready.rotate_left(first);
        }
        let mask = Mask { readable: true, writable: true, ..Mask::default() };
        ready.splice(0..0, self.repeated.drain(..).map(|token| event(token, mask)));
    }

    /// An event, if it says anything.
    fn report(&mut self, number: usize, token: Token, mask: Mask, ready: &mut Vec<Ready>) {
        if !mask.is_empty() {
            self.descriptors.get_mut(number).may_read |= mask.readable;
            ready.push(event(token, mask));
        }
    }

    /// An event of somebody to whom nothing has happened.
    fn report_for_nothing(&mut self, ready: &mut Vec<Ready>) {
        let watched: Vec<(usize, Watch)> = self
            .descriptors
            .iter_mut()
            .filter_map(|(number, descriptor)| Some((number, descriptor.watch?)))
            .collect();
        if watched.is_empty() {
            return;
        }
        let (number, watch) = watched[self.rng.random_range(0..watched.len())];
        let can_write = watch.interest == Interest::ReadableAndWritable;
        let (readable, writable) = (self.rng.random(), can_write && self.rng.random());
        let mask = Mask { readable, writable, ..Mask::default() };
        self.report(number, watch.token, mask, ready);
    }

    /// A part of what there is to tell.
    fn part_of(&mut self, mask: Mask) -> Mask {
        match self.rng.random_range(0..3) {
            0 if mask.readable && mask.writable => {
                Mask { writable: mask.writable, ..Mask::default() }
            }
            1 => Mask { read_closed: false, urgent: false, ..mask },
            _ if mask.readable => Mask { writable: false, ..mask },
            _ => mask,
        }
    }

    /// What is true of a socket, as far as it is watched for.
    fn mask(&self, what: What, interest: Interest) -> Mask {
        let is_readable = match what {
            What::Stream(link) => {
                let link = &self.links[link];
                let mut mask = link.mask();
                // An error is reported however the socket is watched.
                let is_error = link.is_broken() || link.making == Making::Refused;
                mask.writable &= is_error || interest == Interest::ReadableAndWritable;
                return mask;
            }
            What::Listener(listener) => !self.listeners[listener].backlog.is_empty(),
            What::Datagram(mailbox) => !self.post[mailbox].inbox.is_empty(),
            What::Signals => !self.signals.is_empty(),
        };
        Mask { readable: is_readable, ..Mask::default() }
    }
}

fn event(token: Token, mask: Mask) -> Ready {
    let Mask { readable, writable, read_closed, urgent } = mask;
    Ready { token, readable, writable, read_closed, urgent }
}

//! Taking new connections, and what to do when there cannot be any more.
//!
//! Who cannot be served is turned away at once, so that he knows; and whoever is connected already
//! does not notice, because all of it is bounded:
//!
//! | what is the matter | who waits | then |
//! |---|---|---|
//! | there are [as many as there may be](Reactor::new) | is accepted, and aborted | the next one |
//! | or [of this address](Reactor::set_max_per_ip) | is accepted, and aborted | the next one |
//! | no descriptor is free | is turned away with the one [in reserve](Kernel::refuse) | the next one |
//! | neither is the reserve, or no memory, or it is forbidden | goes on waiting | the listener rests |
//! | the buffers hold [as much as they may](crate::engine::Engine::is_full) | goes on waiting | in the next turn |
//!
//! A listener that rests is tried again by itself. So do all of them when many are turned away for
//! want of a descriptor, because those may come again at once: 64 in a tenth of a second hear of it, and
//! the others wait for their turn.

use std::io;
use std::time::Duration;

use log::{debug, warn};

use super::per_ip::Block;
use super::readiness::Readiness;
use super::source::Source;
use super::{Reactor, Rules};
use crate::engine::Observer;
use crate::kernel::{AcceptError, Kernel};
use crate::time::{Time, Warning};

/// The most connections that are taken in one turn, over all listeners.
const ACCEPTS_PER_TURN: usize = 64;

/// How long a listener rests when the system has no memory for a connection. Without a rest the loop
/// would spin: the connection stays in the queue, and the listener ready.
const PAUSE: Duration = Duration::from_millis(100);

/// The most connections that are turned away in so much time for want of a descriptor.
const REFUSALS_PER_PAUSE: usize = 64;

/// What was warned of, and when last. One kind of warning does not silence another.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    too_many: Warning,
    too_many_of_one: Warning,
    no_descriptor: Warning,
    failed: Warning,
}

/// How many connections were turned away since when.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    since: Time,
    count: usize,
}

impl Refusals {
    /// One more. Returns until when there may be no other, if these were enough for a while.
    fn note(&mut self, now: Time) -> Option<Time> {
        if now - self.since >= PAUSE {
            *self = Refusals { since: now, count: 0 };
        }
        self.count += 1;
        (self.count >= REFUSALS_PER_PAUSE).then(|| self.since + PAUSE)
    }
}

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Whether a connection may be waiting at a listener that is not resting.
    pub(super) fn can_accept(&self) -> bool {
        self.has_knocks
            && self.listeners.iter().any(|&index| match &self.sources[index] {
                Source::Listener(listener) => {
                    listener.paused_until.is_none() && listener.readiness.has(Readiness::READABLE)
                }
                _ => false,
            })
    }

    /// When the next resting listener is tried again at which somebody may wait.
    pub(super) fn next_accept(&self) -> Option<Time> {
        if !self.has_knocks {
            return None;
        }
        let paused = self.listeners.iter().filter_map(|&index| match &self.sources[index] {
            Source::Listener(listener) if listener.readiness.has(Readiness::READABLE) => {
                listener.paused_until
            }
            _ => None,
        });
        paused.min()
    }

    /// Takes waiting connections, one from each listener in turn until none has any or the turn's
    /// budget is used up.
    pub(super) fn accept(&mut self) {
        if !self.has_knocks {
            return;
        }
        let mut budget = ACCEPTS_PER_TURN;
        let mut has_accepted = true;
        while has_accepted && budget > 0 {
            has_accepted = false;
            for position in 0..self.listeners.len() {
                if budget > 0 && self.accept_once(self.listeners[position]) {
                    has_accepted = true;
                    budget -= 1;
                }
            }
        }
        // Whoever was first in this turn is last in the next.
        if self.listeners.len() > 1 {
            self.listeners.rotate_left(1);
        }
        self.has_knocks = self.listeners.iter().any(|&index| self.is_knocked_at(index));
    }

    /// Whether somebody may wait at a listener, be it that it rests.
    pub(super) fn is_knocked_at(&self, index: usize) -> bool {
        match &self.sources[index] {
            Source::Listener(listener) => listener.readiness.has(Readiness::READABLE),
            _ => false,
        }
    }

    /// Takes one connection. Returns whether there may be another.
    fn accept_once(&mut self, index: usize) -> bool {
        let now = self.now;
        let Source::Listener(listener) = &mut self.sources[index] else { return false };
        if !listener.readiness.has(Readiness::READABLE)
            || listener.paused_until.is_some_and(|until| until > now.time)
            || self.engine.is_full()
        {
            return false;
        }
        listener.paused_until = None;
        let (stream, peer) = match self.kernel.accept(&mut listener.socket) {
            Ok(accepted) => accepted,
            Err(error) => {
                return match AcceptError::of(&error) {
                    AcceptError::NoDescriptor => self.turn_away(index, &error),
                    kind => self.cannot_accept(index, kind, &error),
                };
            }
        };
        let endpoint = listener.endpoint;
        if self.engine.connections() >= self.max_connections {
            self.kernel.abort(stream);
            self.engine.stats_mut().refused_connections += 1;
            if self.warnings.too_many.is_due(now.time) {
                warn!("refused {peer}: there are {} connections already", self.max_connections);
            }
            return true;
        }
        let block = self.per_ip.as_ref().and_then(|_| Block::of(&peer));
        if let (Some(per_ip), Some(block)) = (&self.per_ip, block)
            && !per_ip.has_room(block)
        {
            let most = per_ip.most;
            self.kernel.abort(stream);
            self.engine.stats_mut().refused_per_ip += 1;
            if self.warnings.too_many_of_one.is_due(now.time) {
                warn!("refused {peer}: there are {most} connections of {block} already");
            }
            return true;
        }
        let id = self.next_id();
        // There is room in a new socket; the first write finds out if not.
        if let Err(error) = self.watch(id, stream, Readiness::WRITABLE) {
            debug!("cannot watch {peer}: {error}");
            self.engine.stats_mut().accept_failures += 1;
            return true;
        }
        if let (Some(per_ip), Some(block)) = (&mut self.per_ip, block) {
            per_ip.enter(id.index as usize, block);
        }
        debug!("{id}: from {peer}");
        self.engine.open(id, endpoint, now);
        true
    }

    /// There is no descriptor for who waits, and so he is to hear. Returns whether somebody else may
    /// wait.
    fn turn_away(&mut self, index: usize, shortage: &io::Error) -> bool {
        let Source::Listener(listener) = &mut self.sources[index] else { return false };
        match self.kernel.refuse(&mut listener.socket) {
            Ok(peer) => {
                self.engine.stats_mut().refused_no_descriptor += 1;
                if self.warnings.no_descriptor.is_due(self.now.time) {
                    warn!("refused {peer}: {shortage}");
                }
                if !R::GO_ON_AFTER_REFUSAL {
                    listener.readiness.read_dry();
                }
                if let Some(until) = self.refusals.note(self.now.time) {
                    self.rest(until);
                }
                R::GO_ON_AFTER_REFUSAL
            }
            Err(error) => self.cannot_accept(index, AcceptError::of(&error), &error),
        }
    }

    /// Lets all listeners rest.
    fn rest(&mut self, until: Time) {
        for &index in &self.listeners {
            if let Source::Listener(listener) = &mut self.sources[index] {
                listener.paused_until = Some(until);
            }
        }
    }

    /// Does what an error of accept(2) asks for. Returns whether there may be another connection.
    fn cannot_accept(&mut self, index: usize, kind: AcceptError, error: &io::Error) -> bool {
        let now = self.now;
        let Source::Listener(listener) = &mut self.sources[index] else { return false };
        match kind {
            AcceptError::Empty => {
                listener.readiness.read_dry();
                false
            }
            AcceptError::Interrupted => true,
            AcceptError::Aborted => {
                self.engine.stats_mut().accept_aborted += 1;
                debug!("gone before it was accepted: {error}");
                if !R::GO_ON_AFTER_ABORT {
                    listener.readiness.read_dry();
                }
                R::GO_ON_AFTER_ABORT
            }
            AcceptError::NoDescriptor | AcceptError::Failed => {
                listener.paused_until = R::PAUSE_ACCEPTING.then(|| now.time + PAUSE);
                self.engine.stats_mut().accept_failures += 1;
                if self.warnings.failed.is_due(now.time) {
                    warn!("cannot accept: {error}; trying again every {PAUSE:?}");
                }
                false
            }
        }
    }
}

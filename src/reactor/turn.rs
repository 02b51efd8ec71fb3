//! One turn: its steps in their order, and what is done in each for every source that has part in it.

use std::io;

use log::{info, trace};

use super::readiness::Readiness;
use super::source::Source;
use super::{Reactor, Rules, Stop, is_same, token};
use crate::engine::{ConnId, Observer};
use crate::kernel::Kernel;

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// One turn. Returns why to stop, if this was the last one.
    pub fn turn(&mut self) -> io::Result<Option<Stop>> {
        self.wait()?;
        self.began = Some(self.now.time);
        self.mark();
        self.serve();
        self.accept();
        self.engine.handle_timeout(self.now);
        self.dial();
        if self.engine.stop_requested() && !self.engine.is_draining() {
            info!("asked to stop");
            self.drain();
        }
        self.end_watch();
        self.flush_dirty();
        self.reap();
        self.observer_is_behind = self.engine.observer_mut().end_turn();
        Ok(self.stop())
    }

    /// Marks what became ready and queues those that can be served.
    fn mark(&mut self) {
        for position in 0..self.events.len() {
            let mut event = self.events[position];
            trace!("{event:?}");
            event.read_closed &= R::HEED_CLOSE_HINT;
            let id = token::unpack(event.token);
            match self.sources.get_mut(id.index as usize) {
                Some(Source::Listener(source)) => {
                    source.readiness.mark(&event);
                    self.has_knocks = true;
                }
                Some(Source::Signals(_)) => self.obey_signals(id.index as usize),
                _ => {
                    if let Some(readiness) = self.readiness_mut(id) {
                        readiness.mark(&event);
                        self.enqueue(id);
                    }
                }
            }
        }
    }

    /// Serves everything that was ready when the turn began; what becomes ready by being served
    /// waits for the next turn.
    fn serve(&mut self) {
        for _ in 0..self.ready.len() {
            let Some(id) = self.ready.pop_front() else { break };
            let Some(readiness) = self.readiness_mut(id) else { continue };
            readiness.clear(Readiness::QUEUED);
            let is_connecting = readiness.has(Readiness::CONNECTING);
            match self.sources[id.index as usize] {
                Source::Stream(_) if is_connecting => self.finish_dial(id),
                Source::Stream(_) => self.serve_stream(id),
                _ => self.serve_datagrams(id),
            }
        }
    }

    /// Puts a source at the end of the ready queue, once.
    pub(super) fn enqueue(&mut self, id: ConnId) {
        if let Some(readiness) = self.readiness_mut(id)
            && !(R::QUEUE_ONCE && readiness.has(Readiness::QUEUED))
        {
            readiness.set(Readiness::QUEUED);
            self.ready.push_back(id);
        }
    }

    /// What is known of a stream or datagram socket, if its place has not gone to another.
    pub(super) fn readiness_mut(&mut self, id: ConnId) -> Option<&mut Readiness> {
        let (generation, readiness) = match self.sources.get_mut(id.index as usize)? {
            Source::Stream(source) => (source.generation, &mut source.readiness),
            Source::Datagram(source) => (source.generation, &mut source.readiness),
            Source::Listener(_) | Source::Signals(_) => return None,
        };
        is_same::<R>(generation, id).then_some(readiness)
    }

    /// Writes what was queued by others than the connection itself: fan-out, timers, drains.
    fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        self.engine.take_dirty(&mut dirty);
        for id in dirty.drain(..) {
            if R::FLUSH_OTHERS && self.engine.needs_shell(id) {
                self.flush(id);
                if R::RESUME_READING {
                    self.enqueue_if_readable(id);
                }
            }
        }
        self.dirty = dirty;
    }

    /// Closes what is to be closed.
    fn reap(&mut self) {
        while let Some(index) = self.closing.pop() {
            self.free(index);
        }
        if self.sources.len() * 4 < self.sources.capacity() && self.engine.connections() == 0 {
            self.sources.shrink_to_fit();
            self.ready.shrink_to_fit();
        }
    }

    /// Closes a source and gives its place away.
    pub(super) fn free(&mut self, index: usize) {
        if let Source::Stream(source) = self.sources.remove(index) {
            let id = source.id(index);
            self.kernel.close(source.stream);
            self.engine.remove(id);
            if let Some(per_ip) = &mut self.per_ip
                && R::COUNT_DEPARTURES
            {
                per_ip.leave(index);
            }
        }
    }
}

//! How long to wait, and what time it is: the first two steps of a turn.

use std::io;
use std::time::Duration;

use super::{Reactor, Rules};
use crate::engine::Observer;
use crate::kernel::Kernel;
use crate::time::Time;

/// How long to wait for an observer that could not pass everything on.
const OBSERVER_RETRY: Duration = Duration::from_millis(20);

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Waits until something is ready or due, and reads the clock. With that a turn begins.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        let timeout = self.timeout();
        self.events.clear();
        if self.spin.is_zero() || timeout == Some(Duration::ZERO) {
            return self.look(timeout);
        }
        let deadline = timeout.map(|timeout| self.now.time + timeout);
        loop {
            let is_awake = self.now.time - self.last_event < self.spin;
            let wait = match deadline {
                _ if is_awake => Some(Duration::ZERO),
                Some(deadline) => Some(deadline - self.now.time),
                None => None,
            };
            let before = self.now.time;
            self.look(wait)?;
            if is_awake && self.events.is_empty() {
                self.spun += self.now.time - before;
            }
            if !self.events.is_empty() {
                self.last_event = self.now.time;
                return Ok(());
            }
            if !is_awake || deadline.is_some_and(|deadline| deadline <= self.now.time) {
                return Ok(());
            }
        }
    }

    /// Asks the kernel what is ready, and what time it is.
    ///
    /// The first look behind a turn tells how long it took. One that does not sleep takes no time worth
    /// speaking of, so the reading behind it will do; in front of one that may sleep there is another.
    fn look(&mut self, wait: Option<Duration>) -> io::Result<()> {
        let began = self.began.take();
        let end = began.filter(|_| wait != Some(Duration::ZERO)).map(|_| self.kernel.time());
        self.kernel.poll(&mut self.events, wait)?;
        self.now = self.kernel.now();
        if let Some(began) = began {
            let end = end.unwrap_or(self.now.time);
            self.engine.end_turn(end - began, end);
        }
        Ok(())
    }

    /// How long the kernel may wait.
    fn timeout(&mut self) -> Option<Duration> {
        if !self.ready.is_empty() || self.can_accept() {
            return Some(Duration::ZERO);
        }
        let due =
            if R::RECKON_DEADLINES { self.engine.poll_timeout() } else { self.due_as_reckoned() };
        let deadlines = [
            due.map(|deadline| deadline - self.now.time),
            self.next_accept().map(|deadline| deadline - self.now.time),
            self.observer_is_behind.then_some(OBSERVER_RETRY),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// The engine's next deadline as it was when the last one had passed: wrong, since it may have moved
    /// to an earlier time. See [`Rules::RECKON_DEADLINES`].
    fn due_as_reckoned(&mut self) -> Option<Time> {
        if self.reckoned.is_none_or(|deadline| deadline <= self.now.time) {
            self.reckoned = self.engine.poll_timeout();
        }
        self.reckoned
    }
}

//! How the loop ends: it stops listening, waits for the connections to end, and closes last what
//! others look at it by.

use log::{info, warn};

use super::source::Source;
use super::{Reactor, Rules, Stop};
use crate::engine::Observer;
use crate::kernel::{Kernel, Signal};

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Stops listening and lets the connections end. Called by the first signal; a shell of its
    /// own kind may call it, too.
    pub fn drain(&mut self) {
        if self.engine.is_draining() {
            return;
        }
        for (index, source) in &self.sources {
            let is_closed = match source {
                Source::Listener(listener) => !self.engine.outlasts_drain(listener.endpoint),
                Source::Datagram(_) => true,
                Source::Stream(_) | Source::Signals(_) => false,
            };
            if is_closed {
                self.closing.push(index);
                self.listeners.retain(|&listener| listener != index);
            }
        }
        self.engine.begin_drain(self.now);
    }

    /// Lets those go, too, who only look on, when nobody else is left.
    pub(super) fn end_watch(&mut self) {
        if self.engine.is_left_to_onlookers() {
            self.closing.append(&mut self.listeners);
            self.engine.end_watch(self.now);
        }
    }

    /// Why to stop, if this turn was the last one.
    pub(super) fn stop(&self) -> Option<Stop> {
        match self.forced {
            Some(signal) => Some(Stop::Forced(signal)),
            None if self.engine.is_drained(self.now) => {
                let left = self.engine.drain_waits_for();
                if left > 0 {
                    warn!("the drain timeout is over: cutting {left} connections off");
                }
                Some(Stop::Drained(self.drained_by))
            }
            None => None,
        }
    }

    /// Does what the signals say.
    pub(super) fn obey_signals(&mut self, index: usize) {
        while let Some(Source::Signals(signals)) = self.sources.get_mut(index) {
            let Some(signal) = self.kernel.next_signal(signals) else { break };
            match signal {
                Signal::User1 => self.engine.log_report(),
                // A terminal that is closed may say so twice: by the system and by the shell.
                Signal::Hangup if self.engine.is_draining() => {}
                Signal::Interrupt | Signal::Terminate if self.engine.is_draining() => {
                    info!("{}: stopping at once", signal.name());
                    self.forced = Some(signal);
                }
                Signal::Interrupt | Signal::Terminate | Signal::Hangup => {
                    info!("{}: draining {} connections", signal.name(), self.engine.connections());
                    self.drained_by = Some(signal);
                    self.drain();
                }
            }
        }
    }
}

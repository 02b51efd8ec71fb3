//! What holds between any two turns, for tests and for whoever looks into a loop that misbehaves.

use super::readiness::Readiness;
use super::source::Source;
use super::{Reactor, Rules};
use crate::engine::{ConnId, Observer};
use crate::kernel::Kernel;

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Checks the loop; the engine has [checks](crate::engine::Engine::check_invariants) of its own. It
    /// looks at every source, so it is not for a busy server.
    ///
    /// # Panics
    /// If something is not as it must be between two turns: who can be read from and is wanted
    /// stands in the ready queue, once; whoever has output and room for it is known to the engine as
    /// somebody to look at; whoever is to be closed is; listeners are looked at where somebody may wait; and
    /// the connections of each address are as many as are counted.
    pub fn check_invariants(&self) {
        assert!(self.closing.is_empty(), "somebody was to be closed in the last turn");
        let mut streams = 0;
        for (index, source) in &self.sources {
            match source {
                Source::Stream(source) => {
                    streams += 1;
                    self.check_stream(source.id(index), source.readiness);
                }
                Source::Datagram(source) => {
                    let is_ready = source.readiness.has(Readiness::READABLE);
                    assert!(!is_ready || source.readiness.has(Readiness::QUEUED), "datagrams wait");
                }
                Source::Listener(_) | Source::Signals(_) => {}
            }
        }
        let is_knocked_at = self.listeners.iter().any(|&index| self.is_knocked_at(index));
        assert!(self.has_knocks || !is_knocked_at, "somebody waits, and nobody looks");
        if let Some(per_ip) = &self.per_ip {
            let is_stream = |place| matches!(self.sources.get(place), Some(Source::Stream(_)));
            per_ip.check_invariants(is_stream);
        }
        assert_eq!(streams, self.engine.connections(), "a connection has a socket, and a name");
    }

    fn check_stream(&self, id: ConnId, readiness: Readiness) {
        assert!(!readiness.has(Readiness::CLOSING), "{id} was to be closed in the last turn");
        let times = self.ready.iter().filter(|&&queued| queued == id).count();
        let is_queued = readiness.has(Readiness::QUEUED);
        assert_eq!(times, usize::from(is_queued), "{id} is in the ready queue {times} times");
        if readiness.has(Readiness::CONNECTING) {
            return;
        }
        let is_wanted = readiness.has(Readiness::READABLE) && self.engine.wants_read(id);
        // What happens late in a turn, such as the end of a connection that kept another from being read,
        // is for the next one.
        let is_next = self.engine.needs_shell(id);
        assert!(!is_wanted || is_queued || is_next, "{id} is ready, and forgotten");
        let can_write = readiness.has(Readiness::WRITABLE) && self.engine.output(id).is_some();
        assert!(!can_write || is_next, "{id} has output, and is forgotten");
    }
}

//! What holds between any two rounds, whoever is in the middle of what.

use super::audit::Manner;
use super::peer::Peer;
use super::script::Kind;
use super::shell::Shell;
use crate::engine::tests::world::Socket;
use crate::protocol::Format;

/// More than a protocol says by itself at a time, HTTP responses aside: pongs, a Close frame.
const OWN_WORDS: usize = 200;

impl Shell {
    /// The tables, the timers, each connection, and how much waits for it.
    pub(super) fn check_invariants(&self) {
        let engine = &self.world.engine;
        engine.check_invariants();
        assert!(!engine.is_full(), "nobody made room: {:?}", engine.memory());
        for peer in self.peers.iter().filter(|peer| peer.socket != Socket::Closed) {
            let state = engine.core.connections.get(peer.id).expect("it is not closed");
            let queued = state.queued_bytes();
            assert!(queued <= self.bound(peer), "{queued} bytes are queued for {peer}");
        }
    }

    /// How much may wait for a peer: the cap, what a protocol says by itself at a time, and where
    /// the service replies, all that it replies to one message.
    fn bound(&self, peer: &Peer) -> usize {
        let limits = self.world.engine.limits();
        let longest = match peer.script.kind {
            Kind::Raw => self.mood.most,
            _ => limits.protocol.frames.max_message,
        };
        let replies = match self.manner {
            Manner::Repeat(copies) => copies,
            Manner::PayOut(_) => 1,
            Manner::Relay => 0,
        };
        limits.max_queued_bytes
            + peer.script.longest_answer
            + replies * (longest + Format::OVERHEAD)
            + OWN_WORDS
    }
}

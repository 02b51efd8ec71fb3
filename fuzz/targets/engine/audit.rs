//! What every shell relies on.

use readily::engine::Engine;

use super::mischief::{MOST_REPLIES, Mischief};
use super::peer::Peer;
use super::script::LONGEST_BYTES;
use super::shell::Shell;

/// In so many turns the engine has done what is due, and in so many rounds everybody has gone.
const MOST_TURNS: usize = 10_000;

/// More than what an engine says by itself at a time: the page, a response, a Close frame.
const OWN_WORDS: usize = 8_000;

impl Shell {
    /// What holds between any two things that happen:
    ///
    /// - Nothing is done that the engine does not say: no step is due, nothing to write or to read has
    ///   come up for a connection that was neither touched nor listed.
    /// - What waits for a peer is bounded.
    /// - The counters are what was counted, and the engine finds its own tables in order.
    /// - What is due comes to an end, and then the next moment is in the future.
    pub(crate) fn audit(&mut self) {
        for index in 0..self.peers.len() {
            self.audit_peer(index);
        }
        self.audit_counters();
        self.engine.check_invariants();
        for turn in 0.. {
            assert!(turn < MOST_TURNS, "something is due for ever");
            let is_due = self.engine.poll_timeout().is_some_and(|due| due <= self.now.time);
            if !is_due || self.engine.is_drained(self.now) {
                break;
            }
            self.engine.handle_timeout(self.now);
            self.see_to_all();
        }
    }

    fn audit_peer(&mut self, index: usize) {
        let peer = &self.peers[index];
        let (waited, was_read) = peer.seen;
        let (waits, is_read) = self.look(peer.id);
        assert!(waits <= waited, "nobody said that there is something to write");
        assert!(was_read || !is_read, "nobody said that there is somebody to read from");
        let limits = self.engine.limits();
        let replies = if peer.is_flooded { MOST_REPLIES } else { 0 };
        // A read may be full of pings.
        let bound = limits.max_queued_bytes
            + limits.protocol.frames.max_message
            + replies
            + LONGEST_BYTES
            + OWN_WORDS;
        assert!(waits <= bound, "{waits} bytes wait, and {bound} are too many");
        assert_eq!(self.engine.poll_close(peer.id), None, "nobody said that a step is due");
    }

    fn audit_counters(&self) {
        let (stats, counted) = (self.engine.stats(), &self.counted);
        let open = self.peers.len() as u64;
        assert_eq!(self.engine.connections() as u64, open);
        assert_eq!((stats.opened, stats.opened - stats.closed), (counted.opened.into(), open));
        assert_eq!(stats.bytes_received, counted.bytes_received);
        assert_eq!(stats.bytes_sent, counted.bytes_sent);
        assert_eq!(stats.datagrams, counted.datagrams);
        assert!(stats.upgraded <= stats.opened);
    }

    /// What holds in the end. First everybody takes all there is: then whoever is echoed has all of
    /// it, and is read from. Then the server is told to end and peers end, too: everybody goes, and the time moves only
    /// to where the engine asks to be woken.
    pub(crate) fn wind_up(mut self) {
        self.settle();
        let is_whole = !self.engine.is_draining();
        for peer in &self.peers {
            peer.check_echo(&self.engine, is_whole);
            let is_read = self.engine.wants_read(peer.id);
            assert!(is_read || peer.echo.is_none(), "who has taken everything is not read from");
        }

        self.engine.begin_drain(self.now);
        for round in 0.. {
            assert!(round < MOST_TURNS, "they never go");
            self.see_to_all();
            self.take_all();
            for id in self.ids() {
                if self.engine.wants_read(id) {
                    self.end(id);
                }
            }
            self.audit();
            if self.engine.is_drained(self.now) {
                break;
            }
            let wake = self.engine.poll_timeout().expect("a drain has a deadline");
            self.pass(wake - self.now.time);
        }
        self.cut_off();
        assert_eq!(self.engine.connections(), 0);
        let mischief = self.engine.service::<Mischief>(self.rooms.mischief);
        assert!(mischief.expect("it was added").is_alone(), "a service was not told of an end");
    }

    /// Nobody is left but whom a service has dialed and holds: the loop cuts those off when the time
    /// of a drain is over.
    fn cut_off(&mut self) {
        for id in self.ids() {
            let peer = &self.peers[self.find(id).expect("it is there")];
            assert!(peer.is_our_own && !self.engine.wants_read(id), "somebody was forgotten");
            self.lose(id);
        }
        self.see_to_all();
        assert!(self.peers.is_empty(), "{} are left", self.peers.len());
    }

    /// Everybody takes what there is until nothing more comes of it.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < MOST_TURNS, "they never come to rest");
            self.take_all();
            self.see_to_all();
            self.audit();
            if self.ids().iter().all(|id| self.engine.output(*id).is_none()) {
                break;
            }
        }
    }
}

impl Peer {
    /// Holds what came back to a peer against what it has said; all of it if it `is_whole`.
    pub(crate) fn check_echo(&self, engine: &Engine, is_whole: bool) {
        if let Some(echo) = &self.echo {
            echo.check(&engine.limits().protocol, is_whole && !self.is_broken);
        }
    }
}

//! The people who come to a server on stage: what they do is told between two turns, and has its effect in
//! the next one.

use std::fmt;
use std::time::Duration;

use super::Stage;
use crate::kernel::sim::{Received, Remote};
use crate::learn::run::Moment;
use crate::learn::text::SHOWN_BYTES;
use crate::reactor::Rules;
use crate::time::Time;
use crate::timeline::Excerpt;

/// Somebody outside, by number.
#[derive(Clone, Copy, Debug)]
pub(in crate::learn) struct Peer(usize);

/// Who that is.
pub(super) struct Person {
    pub(super) name: &'static str,
    remote: Remote,
    /// How the loop calls the connection.
    pub(super) address: String,
    said: Vec<u8>,
    /// When that was, the last time.
    spoke: Time,
    heard: Vec<u8>,
    has_found_the_end: bool,
}

/// What they do.
impl<R: Rules> Stage<R> {
    /// Tells what happens outside.
    pub(in crate::learn) fn tell(&mut self, words: impl Into<String>) {
        if !self.is_rehearsal {
            self.moments.push(Moment::Outside(words.into()));
        }
    }

    /// Somebody begins to connect to the service with this number.
    pub(in crate::learn) fn dials(&mut self, name: &'static str, door: usize) -> Peer {
        let (port, service) = self.doors[door];
        let remote = self.sim().dial(port);
        let address = self.sim().address_of(remote).to_string();
        self.cast.push(Person {
            name,
            remote,
            address,
            said: Vec::new(),
            spoke: Time::ZERO,
            heard: Vec::new(),
            has_found_the_end: false,
        });
        self.tell(format!("{name} connects to {service}"));
        Peer(self.cast.len() - 1)
    }

    /// Somebody has come; the turns in which that was seen to are left out.
    pub(in crate::learn) fn enters(&mut self, name: &'static str, door: usize) -> Peer {
        let peer = self.dials(name, door);
        self.rehearses(Stage::settle);
        peer
    }

    /// Something that is not shown.
    pub(in crate::learn) fn rehearses(&mut self, something: impl FnOnce(&mut Stage<R>)) {
        self.is_rehearsal = true;
        something(self);
        self.is_rehearsal = false;
    }

    pub(in crate::learn) fn says(&mut self, peer: Peer, bytes: &[u8]) {
        let remote = self.cast[peer.0].remote;
        let count = self.sim().send(remote, bytes).unwrap_or(0);
        self.cast[peer.0].spoke = self.sim().time();
        self.cast[peer.0].said.extend(&bytes[..count]);
        let name = self.cast[peer.0].name;
        self.tell(format!("{name} sends {}", Quote(&bytes[..count])));
    }

    /// Somebody ends his side, and waits for us to end ours.
    pub(in crate::learn) fn ends(&mut self, peer: Peer) {
        let Person { name, remote, .. } = self.cast[peer.0];
        self.sim().finish(remote);
        self.tell(format!("{name} ends the connection on this side (a FIN)"));
    }

    /// Somebody goes away.
    pub(in crate::learn) fn leaves(&mut self, peer: Peer) {
        let Person { name, remote, .. } = self.cast[peer.0];
        self.sim().hang_up(remote);
        self.tell(format!("{name} leaves (close)"));
    }

    /// Somebody reads what has come.
    pub(in crate::learn) fn hears(&mut self, peer: Peer) {
        let Person { name, remote, .. } = self.cast[peer.0];
        match self.sim().receive(remote, usize::MAX) {
            Received::Data(data) => {
                self.cast[peer.0].heard.extend(&data);
                self.tell(format!("{name} reads {}", Quote(&data)));
            }
            Received::Nothing => {}
            Received::End | Received::Reset if self.cast[peer.0].has_found_the_end => {}
            Received::End => {
                self.cast[peer.0].has_found_the_end = true;
                self.tell(format!("{name} reads the end of the connection"));
            }
            Received::Reset => {
                self.cast[peer.0].has_found_the_end = true;
                self.tell(format!("{name} is turned away (an RST)"));
            }
        }
    }

    pub(in crate::learn) fn name(&self, peer: Peer) -> &'static str {
        self.cast[peer.0].name
    }

    pub(in crate::learn) fn remote(&self, peer: Peer) -> Remote {
        self.cast[peer.0].remote
    }

    pub(in crate::learn) fn said(&self, peer: Peer) -> &[u8] {
        &self.cast[peer.0].said
    }

    pub(in crate::learn) fn heard(&self, peer: Peer) -> &[u8] {
        &self.cast[peer.0].heard
    }

    /// How long ago somebody has said something for the last time.
    pub(in crate::learn) fn silence(&self, peer: Peer) -> Duration {
        self.reactor.kernel().inner().time() - self.cast[peer.0].spoke
    }

    /// Whether somebody has read the end, or that there is no connection.
    pub(in crate::learn) fn has_found_the_end(&self, peer: Peer) -> bool {
        self.cast[peer.0].has_found_the_end
    }
}

/// What was said or heard, for people.
struct Quote<'a>(&'a [u8]);

impl fmt::Display for Quote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut excerpt = Excerpt::from(self.0);
        excerpt.bytes.truncate(SHOWN_BYTES);
        write!(f, "{excerpt} ({} bytes)", excerpt.length)
    }
}

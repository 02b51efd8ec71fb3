//! One peer and the model of it: what was sent, heard, said and received, and whether that fits.

use super::audit::{CLOSE_ME, Manner, Note, greeting};
use super::frames::Read;
use super::script::{Ending, Kind, Script};
use super::{Words, audit};
use crate::engine::ConnId;
use crate::engine::tests::world::Socket;
use crate::protocol::CloseReason;
use crate::protocol::ahead::MAX_PONGS;

/// What a line peer is told whose line is too long.
const LAST_WORDS: &[u8] = b"ERR line too long\n";

/// A peer that has come.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: ConnId,
    pub(super) script: Script,
    pub(super) socket: Socket,
    /// How much of the script has been handed in.
    pub(super) sent: usize,
    /// The FIN behind it has been handed in.
    pub(super) has_ended: bool,
    /// The shell has broken the connection.
    pub(super) was_lost: bool,
    /// It held most when too much was held.
    pub(super) was_shed: bool,
    /// On the list of those to be served: there may be more to read, and it is wanted.
    pub(super) is_ready: bool,
    /// Some of its output could not be written; there will be room.
    pub(super) is_blocked: bool,
    /// What was written to it; packets with their lengths in front.
    pub(super) received: Vec<u8>,
    /// How much that was without the lengths.
    pub(super) bytes_taken: usize,
    /// Whether its service was told of it.
    pub(super) is_known: bool,
    /// What the service heard from it.
    pub(super) heard: Vec<Words>,
    /// What the service said to it.
    pub(super) said: Vec<Words>,
    /// Why the service was told that it is gone.
    pub(super) reason: Option<CloseReason>,
}

/// Coming, speaking, going.
impl Peer {
    pub(super) fn new(id: ConnId, script: Script) -> Peer {
        Peer {
            id,
            script,
            socket: Socket::Open,
            sent: 0,
            has_ended: false,
            was_lost: false,
            was_shed: false,
            is_ready: true,
            is_blocked: false,
            received: Vec::new(),
            bytes_taken: 0,
            is_known: false,
            heard: Vec::new(),
            said: Vec::new(),
            reason: None,
        }
    }

    /// Whether there is something left to be read from it: bytes, an empty packet, the end.
    pub(super) fn has_more(&self) -> bool {
        self.sent < self.script.bytes.len()
            || !self.script.packet_ends.is_empty()
            || self.script.has_fin && !self.has_ended
    }

    /// The next bytes, at most `most`; of packets, the next one. `None` where the script ends.
    pub(super) fn next_read(&mut self, most: usize) -> Option<Vec<u8>> {
        let rest = self.script.bytes.len() - self.sent;
        let count = match self.script.kind {
            Kind::Packet => self.script.packet_ends.pop_front()? - self.sent,
            _ if rest == 0 => return None,
            _ => most.min(rest),
        };
        self.sent += count;
        Some(self.script.bytes[self.sent - count..self.sent].to_vec())
    }

    /// Takes what was written to it.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.script.kind == Kind::Packet {
            self.received.extend(length_of(bytes));
        }
        self.received.extend(bytes);
        self.bytes_taken += bytes.len();
    }

    /// Writes down what the service has reported, and checks that it may.
    pub(super) fn note(&mut self, note: Note) {
        assert!(self.reason.is_none(), "{self} is gone, and then {note:?}");
        match note {
            Note::Opened(_) => self.is_known = true,
            Note::Heard(_, words) => {
                if self.script.kind != Kind::Raw {
                    let expected = self.script.messages.get(self.heard.len());
                    assert_eq!(Some(&words), expected, "{self} was misheard");
                }
                self.heard.push(words);
            }
            Note::Said(_, words) => self.said.push(words),
            Note::Closed(_, reason) => self.reason = Some(reason),
        }
    }
}

/// What must have come of it in the end.
impl Peer {
    /// Whether the peer is as it should be that stays: everything is said, and answered.
    pub(super) fn is_at_rest(&self, manner: Manner) -> bool {
        self.script.ending == Ending::Stays
            && self.script.kind != Kind::Http
            && self.socket == Socket::Open
            && !self.has_more()
            && !self.is_blocked
            && self.has_its_answers(manner)
    }

    /// Whether the service has said all that it owes.
    fn has_its_answers(&self, manner: Manner) -> bool {
        match manner {
            Manner::Repeat(copies) | Manner::PayOut(copies) => {
                self.said.len() == 1 + copies * self.heard.len()
            }
            Manner::Relay => true,
        }
    }

    /// Whether its conversation was cut short by the server or the network.
    pub(super) fn was_cut_short(&self) -> bool {
        self.was_lost
            || self.was_shed
            || matches!(self.reason, Some(CloseReason::SlowConsumer | CloseReason::Draining))
    }

    /// Whether what was said to it may have been dropped.
    fn may_miss_something(&self) -> bool {
        self.was_lost || self.was_shed || self.reason == Some(CloseReason::SlowConsumer)
    }

    /// Checks that it heard and was heard. `has_drained`: the server has.
    pub(super) fn check(&self, manner: Manner, has_drained: bool) {
        self.check_reason(manner, has_drained);
        let is_whole = !self.was_cut_short() && (self.is_known || !has_drained);
        self.check_heard(is_whole);
        self.check_said(manner);
        match self.script.kind {
            Kind::Http => self.check_received(&self.script.answers, is_whole),
            Kind::WebSocket => self.check_web(is_whole),
            Kind::Line | Kind::Raw | Kind::Packet => {
                let mut expected = self.said_on_the_wire();
                if let Some(CloseReason::Refused(_)) = self.reason {
                    expected.extend(LAST_WORDS);
                }
                self.check_received(&expected, !self.may_miss_something());
            }
        }
    }

    /// The service was told once why the peer is gone, and it was told the truth.
    fn check_reason(&self, manner: Manner, has_drained: bool) {
        let is_gone = self.socket != Socket::Open;
        assert_eq!(self.reason.is_some(), is_gone && self.is_known, "{self} is gone: {is_gone}");
        let Some(reason) = &self.reason else { return };
        let is_true = match reason {
            CloseReason::Lost(_) => self.was_lost,
            CloseReason::SlowConsumer => manner == Manner::Relay,
            CloseReason::Shed => self.was_shed,
            CloseReason::Draining => has_drained,
            reason => self.script.explains(reason),
        };
        assert!(is_true, "{self} is no {reason:?}");
    }

    /// The service heard what was said, and all of it if the conversation is whole. (Messages are
    /// compared when they are heard; where framing is raw, only their sum means something.)
    fn check_heard(&self, is_whole: bool) {
        if self.script.kind == Kind::Raw {
            let heard: Vec<u8> = self.heard.iter().flat_map(|(_, bytes)| bytes).copied().collect();
            assert!(self.script.bytes.starts_with(&heard), "{self} was misheard");
            assert!(!is_whole || heard == self.script.bytes, "{self} was not heard out");
        } else if is_whole {
            assert_eq!(self.is_known, self.script.kind != Kind::Http, "{self} has a service");
            assert_eq!(self.heard.len(), self.script.messages.len(), "{self} was not heard out");
        }
    }

    /// The service greeted, and answered each message as often as its manner is.
    fn check_said(&self, manner: Manner) {
        let (Manner::Repeat(copies) | Manner::PayOut(copies)) = manner else { return };
        if !self.is_known {
            assert!(self.said.is_empty(), "{self} has no service");
            return;
        }
        let answered = self.heard.iter().filter(|(_, bytes)| bytes != CLOSE_ME).cloned();
        let answers = answered.flat_map(|words| std::iter::repeat_n(words, copies));
        let expected: Vec<Words> = std::iter::once(greeting()).chain(answers).collect();
        if matches!(manner, Manner::PayOut(_)) && self.reason.is_some() {
            assert!(expected.starts_with(&self.said), "{self} was answered wrongly");
        } else {
            assert!(self.said == expected, "{self} was answered wrongly");
        }
    }

    /// What was received is what was expected, or where something `may` be missing, its start.
    fn check_received(&self, expected: &[u8], is_whole: bool) {
        let received = &self.received;
        let same = received.iter().zip(expected).take_while(|(one, other)| one == other).count();
        let is_right = same == received.len() && (!is_whole || same == expected.len());
        assert!(
            is_right,
            "{self} received {} bytes and should have {}; they agree up to {}…, {}…",
            received.len(),
            expected.len(),
            received[..same][same.saturating_sub(40)..].escape_ascii(),
            received[same..].iter().take(40).copied().collect::<Vec<_>>().escape_ascii(),
        );
    }

    /// What the service said, in the framing of the peer.
    fn said_on_the_wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        for (_, bytes) in &self.said {
            if self.script.kind == Kind::Packet {
                wire.extend(length_of(bytes));
            }
            wire.extend(bytes);
            if self.script.kind == Kind::Line {
                wire.push(b'\n');
            }
        }
        wire
    }

    /// The answers to the requests, then frames.
    fn check_web(&self, is_whole: bool) {
        let Some(mut frames) =
            self.received.strip_prefix(&*self.script.answers).map(<[u8]>::to_vec)
        else {
            let is_upgraded = self.is_known && !self.may_miss_something();
            return self.check_received(&self.script.answers, is_upgraded);
        };
        let read = Read::all(&mut frames);
        if self.may_miss_something() {
            assert!(self.said.starts_with(&read.messages), "{self} received something else");
            self.check_pongs(&read.pongs, false);
            return;
        }
        assert!(self.said == read.messages, "{self} did not receive what was said");
        assert!(read.rest_is_nothing, "{self} received half a frame, or more after Close");
        self.check_pongs(&read.pongs, is_whole);
        let expected = match &self.reason {
            None | Some(CloseReason::Ended | CloseReason::Abnormal) => None,
            Some(CloseReason::PeerClosed { code, .. }) => *code,
            Some(CloseReason::Refused(_)) => Some(1002),
            Some(CloseReason::Draining) => Some(1001),
            Some(_) => Some(audit::CLOSE_CODE),
        };
        assert_eq!(read.close, expected, "{self} received another Close frame");
    }

    /// Pings are answered in order, and not all of them only if there were many. Where the conversation
    /// `is_whole`, the newest is.
    fn check_pongs(&self, pongs: &[(Vec<u8>, usize)], is_whole: bool) {
        let pings = &self.script.pings;
        let mut asked = pings.iter();
        let mut answered = 0;
        for (pong, _) in pongs {
            let skipped = asked.position(|(ping, _)| ping == pong);
            answered += 1 + skipped.unwrap_or_else(|| panic!("{self}: {pong:?} is out of order"));
        }
        let is_any_skipped = answered > pongs.len();
        assert!(!is_any_skipped || answered > MAX_PONGS, "{self} has no answer to some pings");
        assert!(!is_whole || answered == pings.len(), "{self} has no answer to its newest ping");
    }

    /// How many pongs came in front of answers to messages that are in front of their pings. None comes
    /// behind more.
    pub(super) fn overtaking_pongs(&self, manner: Manner) -> usize {
        let Manner::Repeat(copies) = manner else { return 0 };
        let Some(frames) = self.received.strip_prefix(&*self.script.answers) else { return 0 };
        if self.script.kind != Kind::WebSocket {
            return 0;
        }
        let mut asked = self.script.pings.iter();
        let pongs = Read::all(&mut frames.to_vec()).pongs.into_iter();
        let overtaking = pongs.filter(|(pong, came_behind)| {
            let (_, said) = asked.find(|(ping, _)| ping == pong).expect("it is in order");
            let answers = 1 + copies * said;
            assert!(*came_behind <= answers, "{self}: a pong came behind {came_behind}");
            *came_behind < answers
        });
        overtaking.count()
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Script { kind, ending, .. } = self.script;
        write!(f, "{kind:?} peer {:?} ({ending:?}, {:?})", self.id, self.reason)
    }
}

/// What stands in front of a packet in [`Peer::received`].
fn length_of(packet: &[u8]) -> [u8; 4] {
    u32::try_from(packet.len()).expect("a short packet").to_be_bytes()
}

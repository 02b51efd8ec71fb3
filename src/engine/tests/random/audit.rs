//! The service of the random test: it answers in one of several manners, and reports all that it
//! is told and all that it says.
//!
//! Reports go through a channel, because the engine owns its services: the shell reads them at the
//! end of each round and holds them against the scripts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::Sender;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::Words;
use crate::engine::{ConnId, Context};
use crate::protocol::{CloseReason, Message, MessageKind};
use crate::service::Service;

/// What everybody is told who comes.
pub(super) const GREETING: &str = "welcome";

/// A message that asks to be closed.
pub(super) const CLOSE_ME: &[u8] = b"close me";

/// The status code of that.
pub(super) const CLOSE_CODE: u16 = 4000;

/// How messages are answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manner {
    /// With so many copies, at once: replies are larger than requests, and input is parked.
    Repeat(usize),
    /// With so many copies, as long as there is room; the rest when output has drained.
    PayOut(usize),
    /// With a push to everybody, the sender too; those who do not read are closed.
    Relay,
}

impl Manner {
    pub(super) fn random(rng: &mut StdRng) -> Manner {
        let copies = rng.random_range(1..=3);
        match rng.random_range(0..3) {
            0 => Manner::Repeat(copies),
            1 => Manner::PayOut(copies),
            _ => Manner::Relay,
        }
    }
}

/// What the service reports.
#[derive(Debug)]
pub(super) enum Note {
    Opened(ConnId),
    Heard(ConnId, Words),
    Said(ConnId, Words),
    Closed(ConnId, CloseReason),
}

/// The service.
pub(super) struct Audit {
    manner: Manner,
    notes: Sender<Note>,
    /// Who has come and not gone.
    present: BTreeSet<ConnId>,
    /// What is still to be paid out.
    owed: BTreeMap<ConnId, VecDeque<Words>>,
}

impl Audit {
    pub(super) fn new(manner: Manner, notes: Sender<Note>) -> Audit {
        Audit { manner, notes, present: BTreeSet::new(), owed: BTreeMap::new() }
    }

    fn note(&self, note: Note) {
        self.notes.send(note).expect("the shell listens for as long as there is an engine");
    }

    /// Says something to the peer that the call is about.
    fn reply(&self, cx: &mut Context<'_>, to: ConnId, message: Message<'_>) {
        assert!(cx.send(to, message), "a reply is always admitted");
        self.note(Note::Said(to, words(message)));
    }

    /// Pays out what is owed, up to the high-water mark.
    fn pay_out(&mut self, cx: &mut Context<'_>, to: ConnId) {
        let mut owed = self.owed.remove(&to).unwrap_or_default();
        while cx.room(to) > 0
            && let Some((kind, bytes)) = owed.pop_front()
        {
            self.reply(cx, to, Message::decoded(kind, &bytes));
        }
        self.owed.insert(to, owed);
    }
}

impl Service for Audit {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        assert!(self.present.insert(peer), "somebody comes who is there");
        self.note(Note::Opened(peer));
        self.reply(cx, peer, Message::text(GREETING));
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        assert!(self.present.contains(&from), "somebody speaks who is not there");
        self.note(Note::Heard(from, words(message)));
        if message.as_bytes() == CLOSE_ME {
            cx.close(from, CLOSE_CODE, "as you wish");
            assert!(!cx.send(from, message), "nothing comes behind a close");
            return;
        }
        match self.manner {
            Manner::Repeat(copies) => {
                for _ in 0..copies {
                    self.reply(cx, from, message);
                }
            }
            Manner::PayOut(copies) => {
                let copies = std::iter::repeat_n(words(message), copies);
                self.owed.entry(from).or_default().extend(copies);
                self.pay_out(cx, from);
            }
            Manner::Relay => {
                // Whoever takes none of it is closed for it, and the model expects less of them.
                cx.broadcast(self.present.iter().copied(), message);
                for &peer in &self.present {
                    self.note(Note::Said(peer, words(message)));
                }
            }
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        assert!(self.present.contains(&peer), "somebody has room who is not there");
        if let Manner::PayOut(_) = self.manner {
            self.pay_out(cx, peer);
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        assert!(self.present.remove(&peer), "somebody goes who is not there");
        assert!(!cx.send(peer, Message::text("too late")), "who is gone takes no messages");
        self.owed.remove(&peer);
        self.note(Note::Closed(peer, reason));
        if self.manner == Manner::Relay {
            let farewell = Message::text("somebody left");
            for &other in &self.present {
                // Others may be about to go, too: a drain closes all before it tells of any.
                if cx.send(other, farewell) {
                    self.note(Note::Said(other, words(farewell)));
                }
            }
        }
    }
}

fn words(message: Message<'_>) -> Words {
    (message.kind(), message.as_bytes().to_vec())
}

/// The greeting as it is noted.
pub(super) fn greeting() -> Words {
    (MessageKind::Text, GREETING.as_bytes().to_vec())
}

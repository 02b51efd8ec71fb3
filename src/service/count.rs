//! `count`: how many clients there have been.

use std::collections::HashMap;
use std::io::Write as _;

use super::{CloseReason, ConnId, Context, Message, PeerAddr, Service};

/// Which number a client is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Number {
    /// How many clients have come so far, at the time of the reply.
    #[default]
    Current,
    /// How many had come when this client did, itself included.
    Own,
}

/// Answers each message with `Client number: N`. N never goes down. Nobody connects to a datagram
/// socket, so there N counts the messages.
#[derive(Debug, Default)]
pub struct Count {
    number: Number,
    accepted: u64,
    /// Each client's own number, kept only where it is asked for. Looked up, never iterated, so
    /// the order of the map cannot show.
    own: HashMap<ConnId, u64>,
    reply: String,
}

impl Count {
    /// A counter at zero.
    pub fn new(number: Number) -> Count {
        Count { number, ..Count::default() }
    }
}

impl Service for Count {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        self.accepted += 1;
        if self.number == Number::Own {
            self.own.insert(peer, self.accepted);
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, _: Message<'_>) {
        use std::fmt::Write as _;
        let number = match self.number {
            Number::Current => self.accepted,
            Number::Own => self.own.get(&from).copied().unwrap_or(self.accepted),
        };
        self.reply.clear();
        write!(self.reply, "Client number: {number}").expect("a String takes everything");
        cx.send(from, Message::text(&self.reply));
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.own.remove(&peer);
    }

    fn on_datagram(
        &mut self,
        _: &mut Context<'_>,
        _: &PeerAddr,
        _: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        self.accepted += 1;
        write!(reply, "Client number: {}", self.accepted).expect("a Vec takes everything");
        true
    }
}

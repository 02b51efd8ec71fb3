//! Services that the program does not have: one that speaks to many at once, one that makes
//! connections, and one that ends them in every way there is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use readily::codec::websocket::deflate::Policy;
use readily::engine::{BindingId, Dial, Speaks};
use readily::protocol::OpeningRequest;
use readily::service::{CloseReason, ConnId, Context, Message, Service};

use crate::upstream::{self, address};

/// Says everything to everybody, with a number in front: all see one order, without a gap.
#[derive(Default)]
pub(crate) struct Relay {
    present: BTreeSet<ConnId>,
    count: u64,
}

impl Service for Relay {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        assert!(self.present.insert(peer), "somebody comes who is there");
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        assert!(self.present.contains(&from), "somebody speaks who is not there");
        let mut text = format!("{} ", self.count).into_bytes();
        text.extend_from_slice(message.as_bytes());
        self.count += 1;
        cx.broadcast(self.present.iter().copied(), Message::binary(&text));
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        assert!(self.present.remove(&peer), "somebody goes who is not there");
    }
}

/// Makes a connection for each client and passes everything on, both ways.
#[derive(Default)]
pub(crate) struct Proxy {
    /// The other side of each, once there is one.
    others: BTreeMap<ConnId, ConnId>,
    /// Clients without a connection, and what they have said, in the order in which they came.
    waiting: VecDeque<(ConnId, Vec<u8>)>,
    /// Clients that went before they had one: so many connections are of no use any more.
    unwanted: usize,
    /// Connections that were made and have not ended.
    made: BTreeSet<ConnId>,
    dials: usize,
}

/// The binding of clients, and that of the connections that are made for them.
pub(crate) const CLIENTS: BindingId = BindingId::nth(0);
const UPSTREAM: BindingId = BindingId::nth(1);

impl Proxy {
    /// To an echo of bytes and to one of messages in turn: what comes back is the same.
    fn next_dial(&mut self) -> Dial {
        self.dials += 1;
        let (port, speaks) = if self.dials.is_multiple_of(2) {
            (upstream::BYTES, Speaks::Bytes)
        } else {
            let request = OpeningRequest {
                host: "a".to_owned(),
                path: "/".to_owned(),
                fields: Vec::new(),
                deflate: Policy::Off,
            };
            (upstream::WEB, Speaks::WebSocket(Arc::new(request)))
        };
        Dial { binding: UPSTREAM, address: address(port), speaks }
    }
}

impl Service for Proxy {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if cx.binding(peer) == Some(CLIENTS) {
            self.waiting.push_back((peer, Vec::new()));
            cx.dial(self.next_dial());
        } else if self.unwanted > 0 {
            self.unwanted -= 1;
            self.made.insert(peer);
            cx.close(peer, 1000, "");
        } else {
            self.made.insert(peer);
            let (client, said) = self.waiting.pop_front().expect("each is made for somebody");
            self.others.insert(client, peer);
            self.others.insert(peer, client);
            cx.send(peer, Message::binary(&said));
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        if let Some(&other) = self.others.get(&from) {
            cx.send(other, message);
            if cx.room(other) == 0 {
                cx.hold(from);
            }
        } else if let Some((_, said)) = self.waiting.iter_mut().find(|(peer, _)| *peer == from) {
            said.extend_from_slice(message.as_bytes());
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if let Some(&other) = self.others.get(&peer) {
            cx.resume(other);
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        let was_made = self.made.remove(&peer);
        if let Some(other) = self.others.remove(&peer) {
            self.others.remove(&other);
            // Whoever is not read from cannot be heard to close.
            cx.resume(other);
            cx.close(other, 1000, "");
        } else if let Some(position) = self.waiting.iter().position(|(waiter, _)| *waiter == peer) {
            self.waiting.remove(position);
            self.unwanted += 1;
        } else if cx.binding(peer) == Some(UPSTREAM) && !was_made {
            // It could not be made. Whoever has waited longest is told so.
            if self.unwanted > 0 {
                self.unwanted -= 1;
            } else if let Some((client, _)) = self.waiting.pop_front() {
                cx.close(client, 1000, "");
            }
        }
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        for &peer in &self.made {
            cx.resume(peer);
            cx.close(peer, 1000, "");
        }
    }
}

/// Echoes, and ends the connection as it is told.
#[derive(Default)]
pub(crate) struct Obedient;

/// Messages that tell it so, and the code with which it closes.
pub(crate) const CLOSE: &[u8] = b"close";
pub(crate) const HALF_CLOSE: &[u8] = b"half close";
pub(crate) const ABORT: &[u8] = b"abort";
pub(crate) const CLOSE_CODE: u16 = 4000;

impl Service for Obedient {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        match message.as_bytes() {
            CLOSE => cx.close(from, CLOSE_CODE, ""),
            HALF_CLOSE => cx.half_close(from),
            ABORT => cx.abort(from),
            _ => drop(cx.send(from, message)),
        }
    }
}

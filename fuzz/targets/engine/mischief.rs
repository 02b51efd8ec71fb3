//! A service that does with other connections what messages tell it to, and watches that it is told
//! of everybody once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use readily::address::ConnectAddress;
use readily::codec::websocket::deflate::Policy;
use readily::engine::{BindingId, Dial, Speaks};
use readily::protocol::OpeningRequest;
use readily::service::{CloseReason, ConnId, Context, Message, Service};
use readily::time::Time;

/// The most that it says to one message.
pub(crate) const MOST_REPLIES: usize = 255 * 500;

/// Everybody it knows, and when it wants to be woken.
pub(crate) struct Mischief {
    /// Whose peers the connections become that it makes.
    own: BindingId,
    peers: Vec<ConnId>,
    closed: BTreeSet<ConnId>,
    over: BTreeSet<ConnId>,
    due: Option<Time>,
    /// How much may wait for a peer that did not ask for it.
    cap: usize,
    /// How often it still has more to say when there is room.
    more: u8,
}

impl Mischief {
    pub(crate) fn new(own: BindingId, cap: usize) -> Mischief {
        let (closed, over) = (BTreeSet::new(), BTreeSet::new());
        Mischief { own, peers: Vec::new(), closed, over, due: None, cap, more: 50 }
    }

    /// Whether everybody has gone.
    pub(crate) fn is_alone(&self) -> bool {
        self.peers.is_empty()
    }

    fn dial(&self, cx: &mut Context<'_>, speaks: Speaks) {
        let to = "127.0.0.1:9".parse().expect("an address");
        let address = ConnectAddress::Tcp { to, from: None };
        cx.dial(Dial { binding: self.own, address, speaks });
    }

    fn dial_web(&self, cx: &mut Context<'_>, deflate: Policy) {
        let (host, path, fields) = ("h:9".to_owned(), "/ws".to_owned(), Vec::new());
        let request = OpeningRequest { host, path, fields, deflate };
        self.dial(cx, Speaks::WebSocket(Arc::new(request)));
    }

    fn broadcast(&self, cx: &mut Context<'_>, message: Message<'_>) {
        self.push(cx, &self.peers, |cx| {
            let _ = cx.broadcast(self.peers.iter().copied(), message);
        });
    }

    /// Has something said to peers that did not ask for it: nobody's queue grows above the cap.
    fn push(&self, cx: &mut Context<'_>, to: &[ConnId], say: impl FnOnce(&mut Context<'_>)) {
        let before: Vec<usize> = to.iter().map(|peer| cx.queued(*peer)).collect();
        say(cx);
        for (peer, before) in to.iter().zip(before) {
            let queued = cx.queued(*peer);
            assert!(queued <= before.max(self.cap), "{queued} bytes wait of what nobody asked for");
        }
    }

    fn look(cx: &Context<'_>, peer: ConnId) {
        assert!(cx.room(peer) == 0 || cx.binding(peer).is_some(), "there is room for nobody");
        assert!(cx.queued(peer) == 0 || cx.binding(peer).is_some(), "somebody waits who is gone");
        assert!(cx.silence(peer).is_none_or(|silence| silence.as_nanos() <= u64::MAX.into()));
    }
}

impl Service for Mischief {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        assert!(!self.peers.contains(&peer) && !self.closed.contains(&peer), "opened twice");
        self.peers.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        assert!(!self.over.contains(&from), "a message behind the end");
        assert!(self.peers.contains(&from) || self.closed.contains(&from), "from a stranger");
        let [command, rest @ ..] = message.as_bytes() else { return };
        let number = rest.first().copied().unwrap_or(0);
        let other = self.peers.get(usize::from(number)).copied().unwrap_or(from);
        match command % 20 {
            0 => {
                let _ = cx.send(from, message);
            }
            1 if other != from => self.push(cx, &[other], |cx| {
                let _ = cx.send(other, message);
            }),
            2 => self.broadcast(cx, message),
            3 => cx.close(other, 1000 + u16::from(number), "bye"),
            4 => cx.abort(other),
            5 => cx.half_close(other),
            6 => cx.hold(other),
            7 => cx.resume(other),
            8 => self.dial(cx, Speaks::Bytes),
            9 => self.dial(cx, Speaks::Packets),
            10 => self.dial_web(cx, Policy::Off),
            11 => self.dial_web(cx, Policy::NoTakeover),
            12 => self.dial_web(cx, Policy::Takeover),
            13 => self.due = Some(cx.now() + Duration::from_millis(u64::from(number))),
            // Far more than it was sent.
            14 => {
                for _ in 0..number {
                    cx.send(from, Message::binary(&[b'x'; 500]));
                }
            }
            15 if number == 0 => cx.stop(Duration::from_secs(1)),
            16 => self.peers.iter().for_each(|peer| cx.resume(*peer)),
            17 => cx.close(from, 1000, ""),
            18 => cx.half_close(from),
            _ => Mischief::look(cx, other),
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        assert!(self.peers.contains(&peer), "a stranger has room");
        if let Some(more) = self.more.checked_sub(1) {
            self.more = more;
            cx.send(peer, Message::text("more"));
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        assert!(self.closed.insert(peer), "closed twice");
        self.peers.retain(|other| *other != peer);
        assert!(!cx.send(peer, Message::text("too late")));
        Mischief::look(cx, peer);
    }

    fn on_close_over(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        assert!(self.closed.contains(&peer) && self.over.insert(peer), "over twice, or too early");
        assert!(!cx.send(peer, Message::text("far too late")));
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        for peer in &self.peers {
            cx.close(*peer, 1001, "");
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.due
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let due = self.due.take();
        assert!(due.is_some_and(|due| due <= cx.now()), "woken too early");
        self.broadcast(cx, Message::text("tick"));
    }
}

//! A service that does with other connections what messages tell it to.

use std::sync::Arc;
use std::time::Duration;

use readily::address::ConnectAddress;
use readily::codec::websocket::deflate::Policy;
use readily::engine::{BindingId, Dial, Speaks};
use readily::protocol::OpeningRequest;
use readily::service::{CloseReason, ConnId, Context, Message, Service};
use readily::time::Time;

/// Everybody it knows, and when it wants to be woken.
pub(crate) struct Mischief {
    /// Whose peers the connections become that it makes.
    pub(crate) binding: BindingId,
    pub(crate) peers: Vec<ConnId>,
    pub(crate) due: Option<Time>,
}

impl Mischief {
    fn dial(&self, cx: &mut Context<'_>, speaks: Speaks) {
        let to = "127.0.0.1:9".parse().expect("an address");
        let address = ConnectAddress::Tcp { to, from: None };
        cx.dial(Dial { binding: self.binding, address, speaks });
    }
}

impl Service for Mischief {
    fn on_open(&mut self, _: &mut Context<'_>, peer: ConnId) {
        assert!(!self.peers.contains(&peer), "opened twice");
        self.peers.push(peer);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let [command, rest @ ..] = message.as_bytes() else { return };
        let number = rest.first().copied().unwrap_or(0);
        let other = self.peers.get(usize::from(number)).copied().unwrap_or(from);
        match command % 16 {
            0 => drop(cx.send(from, message)),
            1 => drop(cx.send(other, message)),
            2 => drop(cx.broadcast(self.peers.iter().copied(), message)),
            3 => cx.close(other, 1000 + u16::from(number), "bye"),
            4 => cx.abort(other),
            5 => cx.half_close(other),
            6 => cx.hold(other),
            7 => cx.resume(other),
            8 => self.dial(cx, Speaks::Bytes),
            9 => self.dial(cx, Speaks::Packets),
            10 => self.dial(
                cx,
                Speaks::WebSocket(Arc::new(OpeningRequest {
                    host: "h:9".to_owned(),
                    path: "/ws".to_owned(),
                    fields: Vec::new(),
                    deflate: Policy::Takeover,
                })),
            ),
            11 => self.due = Some(cx.now() + Duration::from_millis(u64::from(number))),
            // Far more than it was sent.
            12 => {
                for _ in 0..number {
                    cx.send(from, Message::binary(&[b'x'; 500]));
                }
            }
            13 if number == 0 => cx.stop(Duration::from_secs(1)),
            _ => {
                assert!(cx.room(other) <= 1 << 20 && cx.queued(other) <= 1 << 24);
                assert!(cx.silence(other).is_none_or(|silence| silence.as_secs() < 1 << 30));
            }
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        cx.send(peer, Message::text("more"));
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.peers.retain(|other| *other != peer);
        assert!(!cx.send(peer, Message::text("too late")));
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
        self.due = None;
        cx.broadcast(self.peers.iter().copied(), Message::text("tick"));
    }
}

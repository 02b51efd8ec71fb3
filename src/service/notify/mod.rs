//! `notify`: what is published in a topic goes to everybody who has subscribed to it.
//!
//! Messages are commands, and nothing is answered but `ERR reason`:
//!
//! | a client sends | |
//! |---|---|
//! | `SUB TOPIC` | it gets what is published there from now on, as `TOPIC text` |
//! | `UNSUB TOPIC` | it does not any more |
//! | `PUB TOPIC text` | publishes everything behind the space as it is |
//!
//! Topics are words with slashes between them, and a `*` in place of the last word of a subscription
//! stands for all that may follow (see [`pubsub`](crate::pubsub)). A client with several subscriptions
//! that match gets a message once, the publisher, too.
//!
//! **With history** (`?history=N`) the last N messages of each topic are kept, and the messages of a
//! topic are numbered from 1 on. Deliveries are `TOPIC SEQ text`, and
//!
//! | a client sends | |
//! |---|---|
//! | `SUB TOPIC SINCE SEQ` | the same as `SUB TOPIC`, after everything that came behind message SEQ |
//!
//! What is not kept any more is announced as `GAP TOPIC FROM TO` in front of what follows, and what
//! follows has the number TO + 1. If that is less than FROM, the numbers have begun anew since the client
//! was there: the server was started again. Numbers belong to one run of the server.
//!
//! **Fixed to a topic** (`?topic=T`) a binding takes no commands. By its role (`&role=`) its clients
//! publish every message of theirs, get everything that is published in T as bare text, or both.
//!
//! **Over HTTP** `POST /notify/TOPIC` publishes its body, less one line break at its end, on each web
//! listener that has a binding of this service. It takes a [token](Notify::with_publish_token), without
//! which it is forbidden, and is answered with how many have been sent the message.
//!
//! Nothing can be published in topics of the names `ERR` and `GAP`, which would look like something else.
//!
//! All bindings of a server are ways to the same topics.

mod command;
mod delivery;
mod post;

use self::command::Command;
use self::delivery::{BARE, Delivery, NAMED, NUMBERED};
use super::{
    CloseReason, ConnId, Context, Message, MessageKind, Request, Resource, Response, Service,
};
use crate::access::Token;
use crate::engine::BindingId;
use crate::pubsub::{Bounds, Missed, Refusal, Topics};

/// The longest text that is published, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// The most messages of a topic that can be kept.
pub const MAX_HISTORY: usize = 65_536;

/// The server cannot do what it should for this peer; it may try again later (RFC 6455 section 7.4,
/// registered at IANA).
const TRY_AGAIN_LATER: u16 = 1013;

/// What the clients of a binding do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotifyMode {
    /// They send commands.
    Commands {
        /// So many messages of each topic are kept for them; 0: none, and nothing is numbered.
        history: usize,
    },
    /// They are there for one topic.
    Fixed {
        /// A legal name of one.
        topic: String,
        /// What they do in it.
        role: Role,
    },
}

/// What clients of a topic do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// Each message of theirs is published, and they get none.
    Publish,
    /// They get what is published, and their own messages mean nothing.
    Subscribe,
    /// Both.
    #[default]
    Both,
}

/// Topics, for everybody who comes. See the [module](self).
#[derive(Debug)]
pub struct Notify {
    topics: Topics<{ Delivery::COUNT }>,
    /// By the index of the binding; commands without history where there is nothing.
    modes: Vec<Option<NotifyMode>>,
    /// What is sent, as it is put together.
    text: Vec<u8>,
    /// Who had no room for the last message.
    without_room: Vec<ConnId>,
    publish_token: Option<Token>,
}

impl Default for Notify {
    fn default() -> Notify {
        Notify::new([])
    }
}

impl Notify {
    /// A service whose clients do what is said of their bindings. At others, they send commands, and
    /// there is no history.
    pub fn new(modes: impl IntoIterator<Item = (BindingId, NotifyMode)>) -> Notify {
        let mut by_index: Vec<Option<NotifyMode>> = Vec::new();
        let mut history = 0;
        for (binding, mode) in modes {
            let index = usize::from(binding.index());
            by_index.resize(by_index.len().max(index + 1), None);
            if let NotifyMode::Commands { history: kept } = mode {
                history = history.max(kept);
            }
            by_index[index] = Some(mode);
        }
        Notify {
            topics: Topics::new(Bounds { history, ..Bounds::default() }),
            modes: by_index,
            text: Vec::new(),
            without_room: Vec::new(),
            publish_token: None,
        }
    }

    /// Lets those publish over HTTP who name this token; nobody, without one.
    pub fn with_publish_token(self, token: Option<Token>) -> Notify {
        Notify { publish_token: token, ..self }
    }

    /// What a client does.
    fn mode(&self, cx: &Context<'_>, peer: ConnId) -> Option<&NotifyMode> {
        let index = usize::from(cx.binding(peer)?.index());
        self.modes.get(index)?.as_ref()
    }

    /// Publishes in a topic, and returns how many got it.
    fn publish(&mut self, cx: &mut Context<'_>, topic: &str, text: &[u8]) -> Result<usize, Wrong> {
        let text = simdutf8::basic::from_utf8(text).map_err(|_| Wrong::NotText)?;
        let longest = MAX_TEXT.min(cx.longest_push().saturating_sub(Delivery::OVERHEAD));
        if text.len() > longest {
            return Err(Wrong::LongText(longest));
        }
        if text.contains(['\n', '\r']) {
            return Err(Wrong::LineBreak);
        }
        if is_reserved(topic) {
            return Err(Wrong::Reserved);
        }
        let mut published = self.topics.publish(topic, text.as_bytes())?;
        let number = published.number();
        self.without_room.clear();
        let mut count = 0;
        for delivery in Delivery::ALL {
            let gone = published.gone().filter(|_| delivery == NUMBERED);
            let receivers = published.receivers(delivery.dialect());
            if receivers.is_empty() {
                continue;
            }
            if let Some(gone) = gone {
                delivery::write_gap(topic, 1, gone, &mut self.text);
                let gap = Message::decoded(MessageKind::Text, &self.text);
                cx.broadcast(receivers.iter().copied(), gap);
            }
            delivery.write(topic, number, text.as_bytes(), &mut self.text);
            let message = Message::decoded(MessageKind::Text, &self.text);
            let receivers = receivers.iter().copied();
            count += match delivery {
                NUMBERED => cx.offer(receivers, message, &mut self.without_room),
                _ => cx.broadcast(receivers, message),
            };
        }
        if let Some(topic) = published.topic() {
            for &peer in &self.without_room {
                if !self.topics.fall_behind(peer, topic, number) {
                    cx.close(peer, TRY_AGAIN_LATER, "behind in too many topics");
                }
            }
        }
        Ok(count)
    }

    fn obey(&mut self, cx: &mut Context<'_>, peer: ConnId, message: &[u8]) -> Result<(), Wrong> {
        let history = match self.mode(cx, peer) {
            None => 0,
            Some(NotifyMode::Commands { history }) => *history,
            Some(NotifyMode::Fixed { role: Role::Subscribe, .. }) => return Ok(()),
            Some(NotifyMode::Fixed { topic, .. }) => {
                let topic = topic.clone();
                return self.publish(cx, &topic, delivery::without_ending(message)).map(drop);
            }
        };
        match Command::read(message)? {
            Command::Subscribe { topic, since: None } => {
                let delivery = if history > 0 { NUMBERED } else { NAMED };
                self.topics.subscribe(peer, delivery.dialect(), topic)?;
            }
            Command::Subscribe { .. } if history == 0 => return Err(Wrong::NoHistory),
            Command::Subscribe { topic, since: Some(seen) } => {
                crate::pubsub::check_topic(topic)?;
                self.topics.subscribe(peer, NUMBERED.dialect(), topic)?;
                self.topics.resume(peer, topic, seen)?;
                self.catch_up(cx, peer);
            }
            Command::Unsubscribe { topic } => self.topics.unsubscribe(peer, topic)?,
            Command::Publish { topic, text } => drop(self.publish(cx, topic, text)?),
        }
        Ok(())
    }

    /// Sends a peer what it has missed, as far as there is room.
    fn catch_up(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        while cx.room(peer) > 0 {
            match self.topics.next_missed(peer) {
                None => break,
                Some(Missed::Gap { topic, from, to }) => {
                    delivery::write_gap(topic, from, to, &mut self.text);
                }
                Some(Missed::Message { topic, number, text }) => {
                    NUMBERED.write(topic, number, text, &mut self.text);
                }
            }
            cx.send(peer, Message::decoded(MessageKind::Text, &self.text));
        }
    }
}

/// Whether deliveries of a topic of this name would look like what is told of others.
pub(crate) fn is_reserved(topic: &str) -> bool {
    matches!(topic, "ERR" | "GAP")
}

impl Service for Notify {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        let Some(NotifyMode::Fixed { topic, role }) = self.mode(cx, peer) else { return };
        if *role != Role::Publish {
            let topic = topic.clone();
            if let Err(refusal) = self.topics.subscribe(peer, BARE.dialect(), &topic) {
                cx.close(peer, TRY_AGAIN_LATER, &refusal.to_string());
            }
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        if let Err(wrong) = self.obey(cx, from, message.as_bytes()) {
            cx.send(from, Message::text(&format!("ERR {wrong}")));
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        self.catch_up(cx, peer);
    }

    fn resources(&self, _: &str) -> Vec<Resource> {
        vec![Resource::below(post::PATH, &["POST"])]
    }

    fn on_request(&mut self, cx: &mut Context<'_>, request: &Request<'_>, response: &mut Response) {
        self.post(cx, request, response);
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.topics.leave(peer);
    }
}

/// Why a command cannot be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Command,
    Since,
    NoHistory,
    NotText,
    LineBreak,
    Reserved,
    /// So many bytes are allowed.
    LongText(usize),
    Topic(Refusal),
}

impl From<Refusal> for Wrong {
    fn from(refusal: Refusal) -> Wrong {
        Wrong::Topic(refusal)
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wrong::Command => f.write_str("SUB TOPIC, UNSUB TOPIC or PUB TOPIC text is expected"),
            Wrong::Since => f.write_str("SUB TOPIC SINCE SEQ is expected, with a number for SEQ"),
            Wrong::NoHistory => f.write_str("there is no history here"),
            Wrong::NotText => f.write_str("what is published is UTF-8 text"),
            Wrong::Reserved => f.write_str("ERR and GAP are no topics"),
            Wrong::LineBreak => f.write_str("what is published is one line"),
            Wrong::LongText(longest) => write!(f, "what is published has at most {longest} bytes"),
            Wrong::Topic(refusal) => refusal.fmt(f),
        }
    }
}

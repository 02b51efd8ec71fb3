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
//! topic are numbered, each with the next number. Deliveries are `TOPIC SEQ text`, and
//!
//! | a client sends | |
//! |---|---|
//! | `SUB TOPIC SINCE SEQ` | the same as `SUB TOPIC`, after everything that came behind message SEQ |
//!
//! What is not kept any more is announced as `GAP TOPIC FROM TO` in front of what follows, and what
//! follows has the number TO + 1. If that is less than FROM, the numbers have begun anew since the client
//! was there: the server was started again. Numbers belong to one run of the server.
//!
//! The first number of a topic is 1, unless topics had to be forgotten to make room: then the next new ones
//! count on from the highest number that was forgotten, so that none is given twice. A client whose
//! subscription is a pattern may have seen some messages of such a topic before, and is told of a gap from 1
//! on in front of its next one.
//!
//! Without a history a client that does not read is closed, or misses whole messages, as its binding
//! [says](crate::engine::SlowConsumers). With one, a client that has no room for a message reads it from
//! the history when it has, and nobody waits for it. It may be behind in as many topics as it may have
//! subscriptions (128); in one more, it is closed with 1013.
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

use std::collections::VecDeque;
use std::rc::Rc;

use self::command::Command;
use self::delivery::Delivery;
use super::{
    CloseReason, ConnId, Context, Message, MessageKind, Request, Resource, Response, Service,
};
use crate::access::Token;
use crate::engine::BindingId;
use crate::pubsub::{Bounds, Missed, Refusal, Topics};
use crate::time::Time;

/// The longest text that is published, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

/// The most messages of a topic that can be kept.
pub const MAX_HISTORY: usize = 65_536;

/// The most bytes of what was missed that a client is sent at a time. They may be few when they are
/// compressed, and take as long all the same.
const CATCH_UP_BYTES: usize = 256 * 1024;

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
    topics: Topics<{ Delivery::ALL.len() }>,
    /// By the index of the binding.
    modes: Vec<Mode>,
    /// What is sent, as it is put together.
    text: Vec<u8>,
    /// Who had no room for the last message.
    without_room: Vec<ConnId>,
    /// Who cannot be behind in another topic.
    without_place: Vec<ConnId>,
    /// Who has been sent enough of what was missed for now, and goes on in the next turn.
    reading: VecDeque<ConnId>,
    publish_token: Option<Token>,
}

/// What the clients of a binding do, as it is looked up for each message.
#[derive(Clone, Debug)]
enum Mode {
    Commands { history: usize },
    Fixed { topic: Rc<str>, role: Role },
}

impl Default for Mode {
    fn default() -> Mode {
        Mode::Commands { history: 0 }
    }
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
        let mut by_index: Vec<Mode> = Vec::new();
        let mut most = 0;
        for (binding, mode) in modes {
            let index = usize::from(binding.index());
            by_index.resize(by_index.len().max(index + 1), Mode::default());
            by_index[index] = match mode {
                NotifyMode::Commands { history } => {
                    most = most.max(history);
                    Mode::Commands { history }
                }
                NotifyMode::Fixed { topic, role } => Mode::Fixed { topic: topic.into(), role },
            };
        }
        Notify {
            topics: Topics::new(Bounds { history: most, ..Bounds::default() }),
            modes: by_index,
            text: Vec::new(),
            without_room: Vec::new(),
            without_place: Vec::new(),
            reading: VecDeque::new(),
            publish_token: None,
        }
    }

    /// Lets those publish over HTTP who name this token; nobody, without one.
    pub fn with_publish_token(self, token: Option<Token>) -> Notify {
        Notify { publish_token: token, ..self }
    }

    /// What a client does.
    fn mode(&self, cx: &Context<'_>, peer: ConnId) -> Mode {
        let index = cx.binding(peer).map(|binding| usize::from(binding.index()));
        index.and_then(|index| self.modes.get(index)).cloned().unwrap_or_default()
    }

    /// Publishes in a topic, and returns how many got it.
    fn publish(&mut self, cx: &mut Context<'_>, topic: &str, text: &str) -> Result<usize, Wrong> {
        let longest = MAX_TEXT.min(cx.longest_push().saturating_sub(Delivery::OVERHEAD));
        if text.len() > longest {
            return Err(Wrong::LongText(longest));
        }
        let text = text.as_bytes();
        if memchr::memchr2(b'\n', b'\r', text).is_some() {
            return Err(Wrong::LineBreak);
        }
        if is_reserved(topic) {
            return Err(Wrong::Reserved);
        }
        let mut published = self.topics.publish(topic, text)?;
        let number = published.number();
        let mut reading = Vec::new();
        let mut count = 0;
        for &delivery in Delivery::ALL {
            let dialect = delivery.dialect();
            if delivery == Delivery::Numbered {
                published.let_gone_be_read(dialect, &mut reading, &mut self.without_place);
            }
            let receivers = published.receivers(dialect);
            if receivers.is_empty() {
                continue;
            }
            delivery.write(topic, number, text, &mut self.text);
            let message = Message::decoded(MessageKind::Text, &self.text);
            let receivers = receivers.iter().copied();
            count += match delivery {
                Delivery::Numbered => cx.offer(receivers, message, &mut self.without_room),
                Delivery::Bare | Delivery::Named => cx.broadcast(receivers, message),
            };
        }
        for peer in self.without_room.drain(..) {
            if !published.fall_behind(peer) {
                self.without_place.push(peer);
            }
        }
        drop(published);
        for peer in self.without_place.drain(..) {
            cx.close(peer, TRY_AGAIN_LATER, "behind in too many topics");
        }
        count += reading.len();
        for peer in reading {
            self.catch_up(cx, peer);
        }
        Ok(count)
    }

    fn obey(&mut self, cx: &mut Context<'_>, peer: ConnId, said: Message<'_>) -> Result<(), Wrong> {
        let history = match self.mode(cx, peer) {
            Mode::Commands { history } => history,
            Mode::Fixed { role: Role::Subscribe, .. } => return Ok(()),
            Mode::Fixed { topic, .. } => {
                let text = said.to_line().ok_or(Wrong::NotText)?;
                return self.publish(cx, &topic, text).map(drop);
            }
        };
        match Command::read(said.to_line().ok_or(Wrong::NotText)?)? {
            Command::Subscribe { topic, since: None } => {
                let delivery = if history > 0 { Delivery::Numbered } else { Delivery::Named };
                self.topics.subscribe(peer, delivery.dialect(), topic)?;
            }
            Command::Subscribe { .. } if history == 0 => return Err(Wrong::NoHistory),
            Command::Subscribe { topic, since: Some(seen) } => {
                crate::pubsub::check_topic(topic)?;
                self.topics.subscribe(peer, Delivery::Numbered.dialect(), topic)?;
                self.topics.resume(peer, topic, seen)?;
                self.catch_up(cx, peer);
            }
            Command::Unsubscribe { topic } => self.topics.unsubscribe(peer, topic)?,
            Command::Publish { topic, text } => drop(self.publish(cx, topic, text)?),
        }
        Ok(())
    }

    /// Sends a peer what it has missed, as far as there is room, and not all of much at once.
    fn catch_up(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        let mut sent = 0;
        while cx.room(peer) > 0 {
            if sent > CATCH_UP_BYTES {
                if !self.reading.contains(&peer) {
                    self.reading.push_back(peer);
                }
                break;
            }
            match self.topics.next_missed(peer) {
                None => break,
                Some(Missed::Gap { topic, from, to }) => {
                    delivery::write_gap(topic, from, to, &mut self.text);
                }
                Some(Missed::Message { topic, number, text }) => {
                    Delivery::Numbered.write(topic, number, text, &mut self.text);
                }
            }
            sent += self.text.len();
            cx.try_send(peer, Message::decoded(MessageKind::Text, &self.text));
        }
    }
}

/// Whether deliveries of a topic of this name would look like what is told of others.
pub(crate) fn is_reserved(topic: &str) -> bool {
    matches!(topic, "ERR" | "GAP")
}

impl Service for Notify {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if let Mode::Fixed { topic, role: Role::Both | Role::Subscribe } = self.mode(cx, peer)
            && let Err(refusal) = self.topics.subscribe(peer, Delivery::Bare.dialect(), &topic)
        {
            cx.close(peer, TRY_AGAIN_LATER, &refusal.to_string());
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        if let Err(wrong) = self.obey(cx, from, message) {
            cx.send(from, Message::text(&format!("ERR {wrong}")));
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if !self.reading.contains(&peer) {
            self.catch_up(cx, peer);
        }
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

    fn poll_timeout(&self) -> Option<Time> {
        (!self.reading.is_empty()).then_some(Time::ZERO)
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        // One a turn: the next has to wait no longer than for a client that sends much.
        if let Some(peer) = self.reading.pop_front() {
            self.catch_up(cx, peer);
        }
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
            Wrong::NotText => f.write_str("a message is UTF-8 text"),
            Wrong::Reserved => f.write_str("ERR and GAP are no topics"),
            Wrong::LineBreak => f.write_str("what is published is one line"),
            Wrong::LongText(longest) => write!(f, "what is published has at most {longest} bytes"),
            Wrong::Topic(refusal) => refusal.fmt(f),
        }
    }
}

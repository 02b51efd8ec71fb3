//! `chat`: rooms in which everybody hears everybody else, whichever transport they came by.
//!
//! Each member is in one room and has a name that nobody else has: at first `guest-N`, in `lobby`. What
//! a member says goes to every *other* member of its room; so do the notices of who comes and goes. All
//! of a room is in one order, the same for everybody.
//!
//! **In lines** (tcp, unix, unixpacket, and WebSocket without a subprotocol):
//!
//! | a member sends | |
//! |---|---|
//! | any text | the others get `NAME: text` |
//! | `/name NEW` | another name; the room gets `* OLD is now NEW` |
//! | `/join ROOM` | another room, which is answered with who is there; `* NAME left` in one, `* NAME joined` in the other |
//! | `/who` | answered with `* ROOM: NAME, NAME` |
//! | `/quit` | the connection is closed |
//! | `//text` | the others get `NAME: /text` |
//!
//! What cannot be done is answered with `ERR reason`.
//!
//! **In JSON**, over a WebSocket whose client chooses the subprotocol `chat.v1`, a text message is one
//! object. Those of a client:
//!
//! ```json
//! {"type":"message","text":"hi"}    {"type":"name","name":"ada"}    {"type":"join","room":"tea"}
//! {"type":"who"}                    {"type":"quit"}
//! ```
//!
//! Those of the server (`welcome` is the first of all; `seq` counts what is said in a room, so that who
//! misses something notices; of `names` there are at most a hundred):
//!
//! ```json
//! {"type":"welcome","room":"lobby","name":"guest-1"}
//! {"type":"message","room":"lobby","from":"ada","text":"hi","seq":7}
//! {"type":"joined","room":"lobby","name":"ada","seq":8}
//! {"type":"left","room":"lobby","name":"ada","seq":9}
//! {"type":"renamed","room":"lobby","name":"guest-1","to":"ada","seq":10}
//! {"type":"who","room":"lobby","names":["ada","bob"],"count":2}
//! {"type":"error","reason":"the name is taken"}
//! ```

mod command;
mod event;
#[cfg(feature = "json")]
mod json;

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::rc::Rc;

use self::command::{Command, Wrong};
use self::event::Event;
use super::{CloseReason, ConnId, Context, Message, MessageKind, Service};
use crate::pubsub::{Bounds, Topics};

/// The longest text of a message, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

/// The longest name of a member or room, in characters.
pub const MAX_NAME: usize = 32;

/// The most names that are told of those in a room.
const MAX_NAMES: usize = 100;

/// What a message becomes more than its text at most, besides the text becoming twice as long in JSON.
const OVERHEAD: usize = 1024;

/// The room that everybody comes to.
const LOBBY: &str = "lobby";

/// The names of those who have not chosen one begin with this, and those of others do not.
const GUEST: &str = "guest-";

/// Closing because the peer asked for it (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;

/// Rooms for everybody who comes. See the [module](self).
#[derive(Debug)]
pub struct Chat {
    /// Who is in which room; one is forgotten when the last member leaves.
    rooms: Topics<DIALECTS>,
    members: HashMap<ConnId, Member>,
    names: HashSet<Rc<str>>,
    /// How many came without a name.
    guests: u64,
    /// Everybody is leaving. Nobody can be told of each any more, and to find that out for everybody and
    /// each would take long.
    is_draining: bool,
    /// What is sent, as it is put together.
    text: Vec<u8>,
}

/// Somebody in a room.
#[derive(Clone, Debug)]
struct Member {
    name: Rc<str>,
    room: Rc<str>,
    dialect: Dialect,
}

/// How things are said to a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Dialect {
    Lines,
    #[cfg(feature = "json")]
    Json,
}

const DIALECTS: usize = Dialect::ALL.len();

impl Dialect {
    const ALL: &[Dialect] = &[
        Dialect::Lines,
        #[cfg(feature = "json")]
        Dialect::Json,
    ];

    /// Reads what a member says.
    fn read(self, text: &str) -> Result<Command<'_>, Wrong> {
        match self {
            Dialect::Lines => Command::of_line(text),
            #[cfg(feature = "json")]
            Dialect::Json => json::read(text),
        }
    }

    /// Appends what a member is told.
    fn write(self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self {
            Dialect::Lines => write!(out, "{event}").expect("a Vec takes everything"),
            #[cfg(feature = "json")]
            Dialect::Json => json::write(event, out),
        }
    }
}

impl Default for Chat {
    fn default() -> Chat {
        // There are no more rooms than members.
        let bounds = Bounds { topics: usize::MAX, subscriptions: 1, ..Bounds::default() };
        Chat {
            rooms: Topics::new(bounds),
            members: HashMap::new(),
            names: HashSet::new(),
            guests: 0,
            is_draining: false,
            text: Vec::new(),
        }
    }
}

impl Chat {
    /// The subprotocol of those who speak JSON.
    pub const SUBPROTOCOL: &str = "chat.v1";

    fn obey(
        &mut self,
        cx: &mut Context<'_>,
        peer: ConnId,
        command: Command<'_>,
    ) -> Result<(), Wrong> {
        match command {
            Command::Say(text) => self.say(cx, peer, &text),
            Command::Name(name) => self.rename(cx, peer, &name),
            Command::Join(room) => self.join(cx, peer, &room),
            Command::Who => {
                self.tell_who(cx, peer);
                Ok(())
            }
            Command::Quit => {
                cx.close(peer, NORMAL, "");
                Ok(())
            }
        }
    }

    fn say(&mut self, cx: &mut Context<'_>, peer: ConnId, text: &str) -> Result<(), Wrong> {
        let longest = MAX_TEXT.min(cx.longest_push().saturating_sub(OVERHEAD) / 2);
        if text.len() > longest {
            return Err(Wrong::LongText(longest));
        }
        if text.chars().any(|letter| letter.is_control() && letter != '\t') {
            return Err(Wrong::ControlCharacters);
        }
        let Member { name, room, .. } = &self.members[&peer];
        let (name, room) = (Rc::clone(name), Rc::clone(room));
        self.tell(cx, &room, Some(peer), |room, seq| Event::Message {
            room,
            from: &name,
            text,
            seq,
        });
        Ok(())
    }

    fn rename(&mut self, cx: &mut Context<'_>, peer: ConnId, new: &str) -> Result<(), Wrong> {
        check_name(new)?;
        if new.starts_with(GUEST) {
            return Err(Wrong::GuestName);
        }
        let new: Rc<str> = new.into();
        if !self.names.insert(Rc::clone(&new)) {
            return Err(Wrong::NameTaken);
        }
        let member = self.members.get_mut(&peer).expect("who speaks is a member");
        let old = std::mem::replace(&mut member.name, Rc::clone(&new));
        let room = Rc::clone(&member.room);
        self.names.remove(&old);
        self.tell(cx, &room, None, |room, seq| Event::Renamed { room, name: &old, to: &new, seq });
        Ok(())
    }

    fn join(&mut self, cx: &mut Context<'_>, peer: ConnId, room: &str) -> Result<(), Wrong> {
        check_name(room)?;
        let member = self.members.get_mut(&peer).expect("who speaks is a member");
        if *member.room != *room {
            let old = std::mem::replace(&mut member.room, room.into());
            let Member { name, room, dialect } = member.clone();
            self.leave(cx, peer, &old, &name);
            self.enter(cx, peer, &room, &name, dialect);
        }
        self.tell_who(cx, peer);
        Ok(())
    }

    /// Brings a member into a room.
    fn enter(
        &mut self,
        cx: &mut Context<'_>,
        peer: ConnId,
        room: &str,
        name: &str,
        dialect: Dialect,
    ) {
        let entered = self.rooms.subscribe(peer, dialect as usize, room);
        entered.expect("a name is one of a topic, and there may be as many as there are members");
        self.tell(cx, room, Some(peer), |room, seq| Event::Joined { room, name, seq });
    }

    /// Takes a member out of its room.
    fn leave(&mut self, cx: &mut Context<'_>, peer: ConnId, room: &str, name: &str) {
        self.rooms.leave(peer);
        if !self.is_draining {
            self.tell(cx, room, None, |room, seq| Event::Left { room, name, seq });
        }
    }

    /// Tells everybody in a room, but for one, of an event.
    fn tell<'a>(
        &mut self,
        cx: &mut Context<'_>,
        room: &'a str,
        except: Option<ConnId>,
        event: impl FnOnce(&'a str, u64) -> Event<'a>,
    ) {
        let mut published = self.rooms.publish(room, b"").expect("nothing is kept");
        let event = event(room, published.number());
        for &dialect in Dialect::ALL {
            let receivers = published.receivers(dialect as usize);
            if receivers.is_empty()
                || (receivers.len() == 1 && receivers.first() == except.as_ref())
            {
                continue;
            }
            self.text.clear();
            dialect.write(&event, &mut self.text);
            let others = receivers.iter().copied().filter(|&peer| Some(peer) != except);
            cx.broadcast(others, Message::decoded(MessageKind::Text, &self.text));
        }
    }

    /// Answers a member with who is in its room.
    fn tell_who(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        let member = &self.members[&peer];
        let audiences =
            Dialect::ALL.iter().map(|&one| self.rooms.audience(&member.room, one as usize));
        let count = audiences.clone().map(<[ConnId]>::len).sum();
        let names = audiences.flatten().take(MAX_NAMES).map(|peer| &*self.members[peer].name);
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let event = Event::Who { room: &member.room, names: &names, count };
        answer(cx, peer, member.dialect, &event, &mut self.text);
    }
}

/// Sends a member something that is for nobody else.
fn answer(
    cx: &mut Context<'_>,
    peer: ConnId,
    dialect: Dialect,
    event: &Event<'_>,
    text: &mut Vec<u8>,
) {
    text.clear();
    dialect.write(event, text);
    cx.send(peer, Message::decoded(MessageKind::Text, text));
}

/// Names of members and rooms are words, as they stand in what others read.
fn check_name(name: &str) -> Result<(), Wrong> {
    let is_in_word = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    let is_word = !name.is_empty() && name.chars().all(is_in_word);
    if is_word && name.chars().count() <= MAX_NAME { Ok(()) } else { Err(Wrong::BadName) }
}

impl Service for Chat {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        self.guests += 1;
        let name: Rc<str> = format!("{GUEST}{}", self.guests).into();
        let room: Rc<str> = LOBBY.into();
        let dialect = match cx.subprotocol() {
            #[cfg(feature = "json")]
            Some(Chat::SUBPROTOCOL) => Dialect::Json,
            _ => Dialect::Lines,
        };
        self.names.insert(Rc::clone(&name));
        let member = Member { name: Rc::clone(&name), room: Rc::clone(&room), dialect };
        self.members.insert(peer, member);
        #[cfg(feature = "json")]
        if dialect == Dialect::Json {
            let welcome = Event::Welcome { room: &room, name: &name };
            answer(cx, peer, dialect, &welcome, &mut self.text);
        }
        self.enter(cx, peer, &room, &name, dialect);
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let Some(&Member { dialect, .. }) = self.members.get(&from) else { return };
        let command = message.to_line().ok_or(Wrong::NotText).and_then(|text| dialect.read(text));
        if let Err(wrong) = command.and_then(|command| self.obey(cx, from, command)) {
            let event = Event::Error { reason: &wrong.to_string() };
            answer(cx, from, dialect, &event, &mut self.text);
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        let Some(Member { name, room, .. }) = self.members.remove(&peer) else { return };
        self.names.remove(&name);
        self.leave(cx, peer, &room, &name);
        if self.members.is_empty() {
            self.members = HashMap::new();
            self.names = HashSet::new();
        }
    }

    #[cfg(feature = "json")]
    fn subprotocols(&self) -> &[&str] {
        &[Chat::SUBPROTOCOL]
    }

    fn on_drain(&mut self, _: &mut Context<'_>) {
        self.is_draining = true;
    }
}

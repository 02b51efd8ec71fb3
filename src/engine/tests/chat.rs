//! Rooms: who hears what, in which order, beside a model of them.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::meeting::Meeting;
use crate::engine::ConnId;
use crate::service::Chat;
use crate::service::chat::MAX_TEXT;

#[test]
fn clients_of_all_kinds_meet_in_the_lobby() {
    let mut meeting = Meeting::new(Chat::default());
    let nc = meeting.line_client();
    let web = meeting.web_client(None);
    assert_eq!(meeting.heard(nc), ["* guest-2 joined"]);
    meeting.say(nc, "hi\r");
    meeting.say(web, "na\u{ef}ve\n");
    assert_eq!(meeting.heard(web), ["guest-1: hi"], "what one says is for the others");
    assert_eq!(meeting.heard(nc), ["guest-2: na\u{ef}ve"]);
    meeting.say(web, "/name ada");
    assert_eq!(meeting.heard(nc), ["* guest-2 is now ada"]);
    assert_eq!(meeting.heard(web), ["* guest-2 is now ada"]);
    meeting.say(web, "//name bob");
    assert_eq!(meeting.heard(nc), ["ada: /name bob"]);
    meeting.say(nc, "/who");
    assert_eq!(meeting.heard(nc), ["* lobby: ada, guest-1"]);
    meeting.say(nc, "/join tea");
    assert_eq!(meeting.heard(nc), ["* tea: guest-1"]);
    assert_eq!(meeting.heard(web), ["* guest-1 left"]);
    meeting.say(nc, "is anybody here?");
    assert_eq!(meeting.heard(web), [""; 0]);
    meeting.say(web, "/join tea");
    assert_eq!(meeting.heard(web), ["* tea: ada, guest-1"]);
    assert_eq!(meeting.heard(nc), ["* ada joined"]);
    meeting.say(web, "/quit");
    assert_eq!(meeting.heard(nc), ["* ada left"]);
    assert_eq!(meeting.world.take(web), b"\x88\x02\x03\xe8", "Close 1000");
}

#[test]
fn what_cannot_be_done_is_told_and_nobody_else_hears_of_it() {
    let mut meeting = Meeting::new(Chat::default());
    let (one, other) = (meeting.line_client(), meeting.line_client());
    meeting.say(one, "/name ada");
    meeting.heard(one);
    meeting.heard(other);
    let long = "x".repeat(MAX_TEXT + 1);
    for (message, answer) in [
        ("/name ada", "ERR the name is taken"),
        ("/name guest-9", "ERR names of guests are given, not chosen"),
        ("/name", "ERR a name is 1 to 32 letters and digits, or `-`, `_` and `.`"),
        ("/name a b", "ERR a name is 1 to 32 letters and digits, or `-`, `_` and `.`"),
        ("/name a\x1bb", "ERR a name is 1 to 32 letters and digits, or `-`, `_` and `.`"),
        ("/name a:", "ERR a name is 1 to 32 letters and digits, or `-`, `_` and `.`"),
        (
            "/join xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "ERR a name is 1 to 32 letters and digits, or `-`, `_` and `.`",
        ),
        (
            "/help",
            "ERR unknown command `/help` (/name NEW, /join ROOM, /who, /quit; //text says /text)",
        ),
        ("\x1b[2J", "ERR a message has no control characters in it"),
        (&long, "ERR a message has at most 16384 bytes"),
    ] {
        meeting.say(other, message);
        assert_eq!(meeting.heard(other), [answer], "{message}");
    }
    meeting.world.receive(other, b"\xff\n");
    assert_eq!(meeting.heard(other), ["ERR a message is UTF-8 text"]);
    assert_eq!(meeting.heard(one), [""; 0]);
    meeting.say(other, &long[1..]);
    assert_eq!(meeting.heard(one), [format!("guest-2: {}", &long[1..])]);
    meeting.say(one, "/name bob");
    meeting.say(other, "/name ada");
    assert_eq!(meeting.heard(other), ["* ada is now bob", "* guest-2 is now ada"], "it is free");
}

#[test]
fn a_message_of_several_lines_cannot_pretend_to_be_several() {
    let mut meeting = Meeting::new(Chat::default());
    let (nc, web) = (meeting.line_client(), meeting.web_client(None));
    meeting.heard(nc);
    meeting.say(web, "hi\nada: I owe you money");
    assert_eq!(meeting.heard(web), ["ERR a message has no control characters in it"]);
    assert_eq!(meeting.heard(nc), [""; 0]);
}

#[test]
#[cfg(feature = "json")]
fn objects_are_for_those_who_have_chosen_them() {
    let mut meeting = Meeting::new(Chat::default());
    let (nc, web) = (meeting.line_client(), meeting.web_client(Some("chat.v1")));
    assert_eq!(
        meeting.heard(web),
        [r#"{"type":"welcome","room":"lobby","name":"guest-2"}"#],
        "the first that it hears"
    );
    assert_eq!(meeting.heard(nc), ["* guest-2 joined"]);
    meeting.say(nc, "say \"hi\" <b>\t\u{1f600}");
    assert_eq!(
        meeting.heard(web),
        [concat!(
            r#"{"type":"message","room":"lobby","from":"guest-1","#,
            r#""text":"say \"hi\" <b>\t😀","seq":3}"#
        )]
    );
    meeting.say(web, r#"{"type":"message","text":"/who"}"#);
    assert_eq!(meeting.heard(nc), ["guest-2: /who"], "a slash is nothing special there");
    meeting.say(web, r#"{"type":"name","name":"ada"}"#);
    assert_eq!(
        meeting.heard(web),
        [r#"{"type":"renamed","room":"lobby","name":"guest-2","to":"ada","seq":5}"#]
    );
    meeting.say(web, r#"{"type":"who"}"#);
    assert_eq!(
        meeting.heard(web),
        [r#"{"type":"who","room":"lobby","names":["ada","guest-1"],"count":2}"#]
    );
    meeting.say(web, "hi");
    let [error] = &meeting.heard(web)[..] else { panic!("one answer") };
    assert!(
        error.starts_with(r#"{"type":"error","reason":"not a message of chat.v1: "#),
        "{error}"
    );
    meeting.say(web, "{\"type\":\"message\",\"text\":\"\\n* bob joined\"}");
    assert_eq!(
        meeting.heard(web),
        [r#"{"type":"error","reason":"a message has no control characters in it"}"#]
    );
    meeting.lose(nc);
    assert_eq!(meeting.heard(web), [r#"{"type":"left","room":"lobby","name":"guest-1","seq":6}"#]);
}

#[test]
fn so_many_names_are_told_and_no_more() {
    let mut meeting = Meeting::new(Chat::default());
    let one = meeting.line_client();
    for _ in 0..150 {
        meeting.line_client();
    }
    meeting.heard(one);
    meeting.say(one, "/who");
    let [told] = &meeting.heard(one)[..] else { panic!("one answer") };
    assert_eq!(told.matches("guest-").count(), 100);
    assert!(told.ends_with(" and 51 more"), "{told}");
}

#[test]
fn a_member_that_does_not_read_goes_and_the_others_hear_everything() {
    let mut meeting = Meeting::new(Chat::default());
    let [slow, sender, fast] = [(); 3].map(|()| meeting.line_client());
    meeting.heard(sender);
    let text = "x".repeat(MAX_TEXT);
    for number in 0..100 {
        meeting.say(sender, &text);
        let heard = meeting.heard(fast);
        let is_new = |line: &String| !line.starts_with('*');
        assert_eq!(heard.iter().filter(|line| is_new(line)).count(), 1, "message {number}");
    }
    assert_eq!(meeting.world.engine.stats().slow_consumers, 1);
    assert_eq!(meeting.heard(sender), ["* guest-1 left"]);
    assert!(meeting.world.engine.output(slow).is_none());
}

#[test]
fn nobody_is_told_who_leaves_when_all_do() {
    let mut meeting = Meeting::new(Chat::default());
    let clients = [(); 10].map(|()| meeting.line_client());
    for client in clients {
        meeting.heard(client);
    }
    meeting.world.engine.begin_drain(meeting.world.now);
    for client in clients {
        assert_eq!(meeting.heard(client), [""; 0]);
    }
    // Nor is it tried: ten came, and nothing else was said.
    #[cfg(feature = "json")]
    {
        let [first, _second] = [(); 2].map(|()| meeting.web_client(Some("chat.v1")));
        let joined = meeting.heard(first).pop().expect("a notice");
        assert!(joined.contains("\"joined\"") && joined.contains("\"seq\":12"), "{joined}");
    }
}

/// How a member of the model is spoken to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lines,
    Json,
}

struct Member {
    name: String,
    room: String,
    kind: Kind,
    /// What it has to have heard since it was looked at last.
    hears: Vec<String>,
}

/// Rooms, as simply as they can be said.
struct Model {
    members: BTreeMap<ConnId, Member>,
    /// The number of the last thing that was said in each room that somebody is in.
    said: BTreeMap<String, u64>,
    highest_forgotten: u64,
    guests: u64,
}

impl Model {
    /// Tells everybody in a room but `except`: in lines, or as the members of an object.
    fn tell(&mut self, room: &str, except: Option<ConnId>, line: &str, object: &str) {
        let Some(seq) = self.said.get_mut(room) else { return };
        *seq += 1;
        for (id, member) in &mut self.members {
            if member.room == room && Some(*id) != except {
                member.hears.push(match member.kind {
                    Kind::Lines => line.to_owned(),
                    Kind::Json => format!("{{{object},\"seq\":{seq}}}"),
                });
            }
        }
    }

    fn enter(&mut self, id: ConnId, room: &str) {
        self.said.entry(room.to_owned()).or_insert(self.highest_forgotten);
        let name = &self.members[&id].name.clone();
        let object = format!(r#""type":"joined","room":"{room}","name":"{name}""#);
        self.tell(room, Some(id), &format!("* {name} joined"), &object);
    }

    fn left(&mut self, room: &str, name: &str) {
        if self.members.values().all(|member| member.room != room) {
            let seq = self.said.remove(room).expect("somebody was there");
            self.highest_forgotten = self.highest_forgotten.max(seq);
        }
        let object = format!(r#""type":"left","room":"{room}","name":"{name}""#);
        self.tell(room, None, &format!("* {name} left"), &object);
    }

    fn who(&mut self, id: ConnId) {
        let room = &self.members[&id].room;
        let there = self.members.values().filter(|member| member.room == *room);
        let mut names: Vec<&str> = there.map(|member| &*member.name).collect();
        names.sort_unstable();
        let answer = match self.members[&id].kind {
            Kind::Lines => format!("* {room}: {}", names.join(", ")),
            Kind::Json => format!(
                r#"{{"type":"who","room":"{room}","names":{names:?},"count":{}}}"#,
                names.len()
            )
            .replace("\", \"", "\",\""),
        };
        self.members.get_mut(&id).expect("there").hears.push(answer);
    }
}

#[test]
fn rooms_do_as_a_model_of_them_does() {
    for seed in 0..6 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut meeting = Meeting::new(Chat::default());
        let mut model = Model {
            members: BTreeMap::new(),
            said: BTreeMap::new(),
            highest_forgotten: 0,
            guests: 0,
        };
        for step in 0..2_000 {
            let ids: Vec<ConnId> = model.members.keys().copied().collect();
            let somebody = ids.choose(&mut rng).copied();
            match (somebody, rng.random_range(0..20)) {
                (_, 0..2) if ids.len() < 12 => open(&mut meeting, &mut model, &mut rng),
                (None, _) => open(&mut meeting, &mut model, &mut rng),
                (Some(id), 2) => {
                    meeting.lose(id);
                    let member = model.members.remove(&id).expect("there");
                    model.left(&member.room, &member.name);
                }
                (Some(id), 3..6) => {
                    let room = ["lobby", "tea", "zoo", "caf\u{e9}"][rng.random_range(0..4)];
                    say(&mut meeting, &model, id, &format!("/join {room}"), "join", "room", room);
                    let member = model.members.get_mut(&id).expect("there");
                    if member.room != room {
                        let old = std::mem::replace(&mut member.room, room.to_owned());
                        let name = member.name.clone();
                        model.left(&old, &name);
                        model.enter(id, room);
                    }
                    model.who(id);
                }
                (Some(id), 6..9) => {
                    let new = ["ada", "bob", "eve", "joe", "zoe"][rng.random_range(0..5)];
                    say(&mut meeting, &model, id, &format!("/name {new}"), "name", "name", new);
                    rename(&mut model, id, new);
                }
                (Some(id), _) => {
                    let text = format!("{step}");
                    say(&mut meeting, &model, id, &text, "message", "text", &text);
                    let Member { name, room, .. } = &model.members[&id];
                    let (name, room) = (name.clone(), room.clone());
                    let object = format!(
                        r#""type":"message","room":"{room}","from":"{name}","text":"{text}""#
                    );
                    model.tell(&room, Some(id), &format!("{name}: {text}"), &object);
                }
            }
            for (&id, member) in &mut model.members {
                assert_eq!(meeting.heard(id), member.hears, "{id}, seed {seed}, step {step}");
                member.hears.clear();
            }
        }
    }
}

fn open(meeting: &mut Meeting, model: &mut Model, rng: &mut StdRng) {
    model.guests += 1;
    let name = format!("guest-{}", model.guests);
    let (id, kind) = match rng.random_range(0..3) {
        0 => (meeting.line_client(), Kind::Lines),
        1 if cfg!(feature = "json") => (meeting.web_client(Some("chat.v1")), Kind::Json),
        _ => (meeting.web_client(None), Kind::Lines),
    };
    let welcome = format!(r#"{{"type":"welcome","room":"lobby","name":"{name}"}}"#);
    let hears = if kind == Kind::Json { vec![welcome] } else { vec![] };
    model.members.insert(id, Member { name, room: "lobby".to_owned(), kind, hears });
    model.enter(id, "lobby");
}

/// A member says something as a line, or as an object of this type with one more entry.
fn say(
    meeting: &mut Meeting,
    model: &Model,
    id: ConnId,
    line: &str,
    kind: &str,
    key: &str,
    value: &str,
) {
    match model.members[&id].kind {
        Kind::Lines => meeting.say(id, line),
        Kind::Json => meeting.say(id, &format!(r#"{{"{key}":"{value}","type":"{kind}"}}"#)),
    }
}

fn rename(model: &mut Model, id: ConnId, new: &str) {
    let is_taken = model.members.values().any(|member| member.name == new);
    let member = model.members.get_mut(&id).expect("there");
    if is_taken {
        member.hears.push(match member.kind {
            Kind::Lines => "ERR the name is taken".to_owned(),
            Kind::Json => r#"{"type":"error","reason":"the name is taken"}"#.to_owned(),
        });
        return;
    }
    let old = std::mem::replace(&mut member.name, new.to_owned());
    let room = member.room.clone();
    let object = format!(r#""type":"renamed","room":"{room}","name":"{old}","to":"{new}""#);
    model.tell(&room, None, &format!("* {old} is now {new}"), &object);
}

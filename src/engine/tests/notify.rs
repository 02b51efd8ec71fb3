//! Topics over connections: what is delivered, what is refused, and what a client is told that it missed.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::meeting::Meeting;
use crate::engine::{BindingId, ConnId, Limits};
use crate::service::notify::MAX_TEXT;
use crate::service::{Notify, NotifyMode, Role};

/// Of [`Meeting`]: its lines, and its WebSocket.
const LINES: BindingId = BindingId::nth(0);
const WEB: BindingId = BindingId::nth(1);

fn with_history(history: usize) -> Notify {
    Notify::new([(LINES, NotifyMode::Commands { history })])
}

fn fixed(role: Role) -> Notify {
    Notify::new([(WEB, NotifyMode::Fixed { topic: "news".to_owned(), role })])
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_published_goes_to_those_who_have_subscribed() {
    let mut meeting = Meeting::new(Notify::default());
    let (one, web, other) =
        (meeting.line_client(), meeting.web_client(None), meeting.line_client());
    meeting.say(one, "SUB news/tech\r");
    meeting.say(web, "SUB news/*\n");
    meeting.say(other, "PUB news/tech  two  words ");
    assert_eq!(meeting.heard(one), ["news/tech  two  words "]);
    assert_eq!(meeting.heard(web), ["news/tech  two  words "]);
    meeting.say(web, "PUB news/arts na\u{ef}ve");
    assert_eq!(meeting.heard(web), ["news/arts na\u{ef}ve"], "the publisher, too");
    meeting.say(web, "PUB news up one");
    meeting.say(one, "UNSUB news/tech");
    meeting.say(one, "PUB news/tech");
    assert_eq!(meeting.heard(web), ["news/tech "], "an empty text is one");
    assert_eq!((meeting.heard(one), meeting.heard(other)), (vec![], vec![]));
}

#[test]
fn a_client_with_several_subscriptions_that_match_gets_a_message_once() {
    let mut meeting = Meeting::new(Notify::default());
    let clients = [(); 3].map(|()| meeting.line_client());
    for (client, topics) in clients.into_iter().zip([["a/b", "*"], ["*", "a/*"], ["a/b", "a/b"]]) {
        for topic in topics {
            meeting.say(client, &format!("SUB {topic}"));
        }
    }
    meeting.say(clients[0], "PUB a/b x");
    for client in clients {
        assert_eq!(meeting.heard(client), ["a/b x"]);
    }
}

#[test]
fn what_is_no_command_is_refused_and_the_connection_stays() {
    let mut meeting = Meeting::new(Notify::default());
    let (client, web) = (meeting.line_client(), meeting.web_client(None));
    for (message, answer) in [
        ("hello", "ERR SUB TOPIC, UNSUB TOPIC or PUB TOPIC text is expected"),
        ("", "ERR SUB TOPIC, UNSUB TOPIC or PUB TOPIC text is expected"),
        ("SUB", "ERR a topic is missing"),
        ("SUB a b", "ERR SUB TOPIC SINCE SEQ is expected, with a number for SEQ"),
        ("SUB a SINCE 1", "ERR there is no history here"),
        ("SUB a/b*", "ERR `*` stands alone or behind the last slash, as in `news/*`"),
        ("SUB /a", "ERR a topic is words with slashes between them"),
        ("UNSUB a", "ERR not subscribed to that"),
        ("PUB a/* x", "ERR a pattern is no topic"),
        ("PUB  x", "ERR a topic is missing"),
        ("PUB GAP 1 2", "ERR ERR and GAP are no topics"),
    ] {
        meeting.say(client, message);
        assert_eq!(meeting.heard(client), [answer], "{message}");
    }
    meeting.say(client, &format!("PUB a {}", "x".repeat(MAX_TEXT + 1)));
    assert_eq!(meeting.heard(client), ["ERR what is published has at most 65536 bytes"]);
    meeting.world.receive(client, b"PUB a \xff\n");
    assert_eq!(meeting.heard(client), ["ERR a message is UTF-8 text"]);
    meeting.say(web, "PUB a x\na 2 forged");
    assert_eq!(meeting.heard(web), ["ERR what is published is one line"]);
    for number in 0..128 {
        meeting.say(client, &format!("SUB t{number}"));
    }
    meeting.say(client, "SUB one-more");
    assert_eq!(meeting.heard(client), ["ERR too many subscriptions"]);
    meeting.say(client, "PUB t127 x");
    assert_eq!(meeting.heard(client), ["t127 x"]);
}

#[test]
fn who_comes_back_names_the_last_that_it_saw() {
    let mut meeting = Meeting::new(with_history(3));
    let (one, web) = (meeting.line_client(), meeting.web_client(None));
    meeting.say(one, "SUB a");
    meeting.say(web, "SUB a");
    for number in 1..=2 {
        meeting.say(web, &format!("PUB a m{number}"));
    }
    assert_eq!(meeting.heard(one), ["a 1 m1", "a 2 m2"]);
    assert_eq!(meeting.heard(web), ["a m1", "a m2"], "its binding has no history");
    meeting.lose(one);
    for number in 3..=4 {
        meeting.say(web, &format!("PUB a m{number}"));
    }
    let one = meeting.line_client();
    meeting.say(one, "SUB a SINCE 2");
    meeting.say(web, "PUB a m5");
    assert_eq!(meeting.heard(one), ["a 3 m3", "a 4 m4", "a 5 m5"], "nothing is missing");
    meeting.lose(one);
    for number in 6..=9 {
        meeting.say(web, &format!("PUB a m{number}"));
    }
    let one = meeting.line_client();
    meeting.say(one, "SUB a SINCE 5");
    assert_eq!(meeting.heard(one), ["GAP a 6 6", "a 7 m7", "a 8 m8", "a 9 m9"]);
    let late = meeting.line_client();
    meeting.say(late, "SUB a SINCE 100");
    assert_eq!(meeting.heard(late)[0], "GAP a 101 6", "the numbers have begun anew");
    meeting.say(late, "SUB b SINCE 0");
    meeting.say(late, "SUB b/* SINCE 0");
    assert_eq!(meeting.heard(late), ["ERR a pattern is no topic"]);
    meeting.say(web, "PUB b first");
    assert_eq!(meeting.heard(late), ["b 1 first"]);
}

#[test]
fn a_topic_of_the_binding_takes_no_commands() {
    for (role, hears, publishes) in
        [(Role::Both, true, true), (Role::Publish, false, true), (Role::Subscribe, true, false)]
    {
        let mut meeting = Meeting::new(fixed(role));
        let (lines, web, other) =
            (meeting.line_client(), meeting.web_client(None), meeting.web_client(None));
        meeting.say(lines, "SUB news");
        meeting.say(web, "PUB news x\n");
        let bare = if hears && publishes { &["PUB news x"][..] } else { &[] };
        assert_eq!(meeting.heard(web), bare);
        assert_eq!(meeting.heard(other), bare);
        let named = if publishes { &["news PUB news x"][..] } else { &[] };
        assert_eq!(meeting.heard(lines), named);
        meeting.say(lines, "PUB news y");
        assert_eq!(meeting.heard(other), if hears { &["y"][..] } else { &[] });
    }
}

/// Marks that are soon reached.
fn narrow() -> Limits {
    let limits = Limits { high_water_bytes: 300, low_water_bytes: 100, ..Limits::default() };
    Limits { max_queued_bytes: 2_000, ..limits }.with_max_message(1_000)
}

#[test]
fn a_slow_reader_with_a_history_gets_everything_that_is_still_there_and_nobody_waits() {
    let mut meeting = Meeting::with(narrow(), with_history(50));
    let [slow, fast, publisher] = [(); 3].map(|()| meeting.line_client());
    meeting.say(slow, "SUB t");
    meeting.say(fast, "SUB t");
    for number in 1..=200 {
        meeting.say(publisher, &format!("PUB t m{number}"));
        assert_eq!(meeting.heard(fast), [format!("t {number} m{number}")]);
    }
    let first = meeting.heard(slow);
    assert!(first.len() < 60, "{} are queued at a time", first.len());
    let mut all = first.clone();
    for _ in 0..20 {
        meeting.pass(Duration::from_millis(1));
        all.extend(meeting.heard(slow));
    }
    let mut expected: Vec<String> =
        (1..=first.len()).map(|number| format!("t {number} m{number}")).collect();
    expected.push(format!("GAP t {} 150", first.len() + 1));
    expected.extend((151..=200).map(|number| format!("t {number} m{number}")));
    assert_eq!(all, expected);
    meeting.say(publisher, "PUB t live");
    assert_eq!(meeting.heard(slow), ["t 201 live"], "it has caught up");
    assert_eq!(meeting.world.engine.stats().slow_consumers, 0);
}

#[test]
fn what_was_missed_is_read_as_there_is_room_for_it() {
    let mut meeting = Meeting::with(narrow(), with_history(1_000));
    let (reader, publisher) = (meeting.line_client(), meeting.line_client());
    for number in 1..=1_000 {
        meeting.say(publisher, &format!("PUB t m{number}"));
    }
    meeting.say(reader, "SUB t SINCE 0");
    meeting.say(publisher, "PUB t m1001");
    let mut all = Vec::new();
    while all.len() < 1_000 {
        let queued = meeting.world.engine.output(reader).map_or(0, <[u8]>::len);
        assert!((1..=320).contains(&queued), "{queued} bytes are queued");
        all.extend(meeting.heard(reader));
        meeting.pass(Duration::ZERO);
    }
    // The first went when the last came: 1,000 are kept, and it had been sent by then.
    let expected: Vec<String> = (1..=1_001).map(|number| format!("t {number} m{number}")).collect();
    assert_eq!(all, expected[..all.len()]);
}

#[test]
fn a_client_that_does_not_read_goes_where_nothing_is_kept_for_it() {
    let mut meeting = Meeting::with(narrow(), Notify::default());
    let [slow, fast, publisher] = [(); 3].map(|()| meeting.line_client());
    meeting.say(slow, "SUB t");
    meeting.say(fast, "SUB t");
    for number in 1..=500 {
        meeting.say(publisher, &format!("PUB t m{number}"));
        assert_eq!(meeting.heard(fast), [format!("t m{number}")]);
    }
    assert_eq!(meeting.world.engine.stats().slow_consumers, 1);
    assert_eq!(meeting.heard(slow), NOTHING);
}

#[test]
fn a_text_that_no_queue_has_room_for_is_refused_and_costs_nobody_his_connection() {
    let mut meeting = Meeting::with(narrow(), Notify::default());
    let client = meeting.line_client();
    meeting.say(client, "SUB t");
    meeting.say(client, &format!("PUB t {}", "x".repeat(1_990)));
    let [answer] = &meeting.heard(client)[..] else { panic!("one answer") };
    assert_eq!(answer, "ERR what is published has at most 1836 bytes");
    meeting.say(client, &format!("PUB t {}", "x".repeat(1_836)));
    assert_eq!(meeting.heard(client).len(), 1);
}

/// A client of the random test: the number of each topic that it has to see next.
#[derive(Default)]
struct Reader {
    expected: BTreeMap<String, u64>,
    gaps: usize,
}

impl Reader {
    /// Compares what a client hears: all numbers in order, or told to be gone.
    fn hears(&mut self, messages: &[String], published: &BTreeMap<String, Vec<String>>) {
        for message in messages {
            let words: Vec<&str> = message.split(' ').collect();
            let number = |word: &str| word.parse::<u64>().expect("a number");
            if let ["GAP", topic, from, to] = words[..] {
                let expected = self.expected.get_mut(topic).expect("it is subscribed");
                assert_eq!(number(from), *expected, "{message}");
                assert!(number(to) >= number(from), "{message}");
                *expected = number(to) + 1;
                self.gaps += 1;
            } else {
                let (topic, seq) = (words[0], number(words[1]));
                let expected = self.expected.entry(topic.to_owned()).or_insert(seq);
                assert_eq!(seq, *expected, "a silent hole: {message}");
                *expected += 1;
                let text = &published[topic][usize::try_from(seq).expect("few") - 1];
                assert_eq!(message, &format!("{topic} {seq} {text}"));
            }
        }
    }
}

#[test]
fn slow_and_fast_clients_see_one_order_and_are_told_of_every_gap() {
    const TOPICS: [&str; 3] = ["a", "a/b", "c"];
    let (mut gaps, mut resumed) = (0, 0);
    for seed in 0..6 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut meeting = Meeting::with(narrow(), with_history(12));
        let publisher = meeting.line_client();
        let mut published: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut readers: Vec<(ConnId, Reader)> = Vec::new();
        for step in 0..4_000 {
            let index = rng.random_range(0..8);
            match rng.random_range(0..20) {
                _ if index >= readers.len() => {
                    let id = meeting.line_client();
                    meeting.say(id, if rng.random_bool(0.5) { "SUB *" } else { "SUB c" });
                    readers.push((id, Reader::default()));
                }
                0 => {
                    // It goes, having seen what was on its way or not, and comes back.
                    let (id, reader) = &mut readers[index];
                    if rng.random_bool(0.5) {
                        reader.hears(&meeting.heard(*id), &published);
                    }
                    meeting.lose(*id);
                    *id = meeting.line_client();
                    let topics: Vec<_> = reader.expected.iter().collect();
                    for (topic, expected) in topics {
                        meeting.say(*id, &format!("SUB {topic} SINCE {}", expected - 1));
                        resumed += 1;
                    }
                }
                1..6 => {
                    let (id, reader) = &mut readers[index];
                    reader.hears(&meeting.heard(*id), &published);
                }
                _ => {
                    let topic = TOPICS[rng.random_range(0..3)];
                    let text = "x".repeat(rng.random_range(0..60)) + &step.to_string();
                    published.entry(topic.to_owned()).or_default().push(text.clone());
                    meeting.say(publisher, &format!("PUB {topic} {text}"));
                }
            }
            meeting.pass(Duration::from_millis(1));
            meeting.world.engine.check_invariants();
        }
        for (id, reader) in &mut readers {
            for _ in 0..100 {
                reader.hears(&meeting.heard(*id), &published);
                meeting.pass(Duration::from_millis(1));
            }
            for (topic, expected) in &reader.expected {
                assert_eq!(
                    *expected,
                    published[topic].len() as u64 + 1,
                    "{id} lacks some of {topic}"
                );
            }
            gaps += reader.gaps;
        }
        assert_eq!(meeting.world.engine.stats().slow_consumers, 0);
    }
    assert!(gaps > 100 && resumed > 100, "{gaps} gaps, {resumed} resumed");
}

#[test]
fn a_client_that_does_not_read_and_unsubscribes_harms_nobody() {
    let mut meeting = Meeting::with(narrow(), with_history(100));
    let (client, other) = (meeting.line_client(), meeting.line_client());
    // In one segment: the answers to the first ten leave no room for what was missed.
    meeting.say(client, &format!("{}SUB a SINCE 5\nUNSUB a", "\n".repeat(10)));
    meeting.say(other, "SUB a");
    meeting.say(other, "PUB a x");
    assert_eq!(meeting.heard(other), ["a 1 x"]);
}

#[test]
fn much_that_was_missed_is_not_read_all_in_one_turn() {
    let much = 64 * 1024 * 1024;
    let limits = Limits { high_water_bytes: much, max_queued_bytes: much, ..Limits::default() };
    let mut meeting = Meeting::with(limits, with_history(100));
    let (reader, publisher) = (meeting.line_client(), meeting.line_client());
    for _ in 0..100 {
        meeting.say(publisher, &format!("PUB t {}", "x".repeat(60_000)));
    }
    meeting.say(reader, "SUB t SINCE 0");
    meeting.say(publisher, "PUB t live");
    let mut all = Vec::new();
    for _ in 0..100 {
        let heard = meeting.heard(reader);
        assert!(heard.iter().map(String::len).sum::<usize>() < 400_000, "{}", heard.len());
        all.extend(heard);
        meeting.world.pass(Duration::ZERO);
    }
    let numbers = all.iter().map(|line| line.split(' ').nth(1).expect("a number"));
    assert!(numbers.eq((1..=101).map(|number| number.to_string())), "{} came", all.len());
    assert_eq!(all[100], "t 101 live");
}

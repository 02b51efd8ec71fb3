//! Topics, case by case.

mod model;

use super::{Bounds, MAX_NAME, Missed, Refusal, Topics};
use crate::engine::ConnId;

const DIALECTS: usize = 2;

fn peer(number: u32) -> ConnId {
    ConnId { index: number, generation: number + 1_000 }
}

fn dialect(peer: ConnId) -> usize {
    peer.index as usize % DIALECTS
}

/// What a peer has missed, as text.
fn missed(topics: &mut Topics, peer: ConnId) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(missed) = topics.next_missed(peer) {
        all.push(match missed {
            Missed::Gap { topic, from, to } => format!("GAP {topic} {from} {to}"),
            Missed::Message { topic, number, text } => {
                format!("{topic} {number} {}", text.escape_ascii())
            }
        });
    }
    all
}

#[test]
fn who_comes_back_gets_what_it_has_missed_or_is_told_what_is_gone() {
    let mut topics: Topics = Topics::new(Bounds { history: 3, ..Bounds::default() });
    for number in 1..=5 {
        topics.publish("t", format!("m{number}").as_bytes()).expect("a topic");
    }
    let last = ["t 3 m3", "t 4 m4", "t 5 m5"];
    for (seen, gap, from) in [
        (0, Some("GAP t 1 2"), 0),
        (1, Some("GAP t 2 2"), 0),
        (2, None, 0),
        (4, None, 2),
        (5, None, 3),
        (9, Some("GAP t 10 2"), 0),
        (u64::MAX, Some("GAP t 18446744073709551615 2"), 0),
    ] {
        topics.subscribe(peer(1), 0, "t").expect("room");
        topics.resume(peer(1), "t", seen).expect("subscribed");
        let expected: Vec<&str> = gap.into_iter().chain(last[from..].iter().copied()).collect();
        assert_eq!(missed(&mut topics, peer(1)), expected, "{seen}");
        topics.leave(peer(1));
    }
}

#[test]
fn a_number_is_not_given_twice_to_a_name_that_was_forgotten() {
    let bounds = Bounds { topics: 2, history: 1, ..Bounds::default() };
    let mut topics: Topics = Topics::new(bounds);
    for _ in 0..3 {
        topics.publish("old", b"").expect("a topic");
    }
    topics.publish("new", b"").expect("a topic");
    topics.publish("newer", b"").expect("the oldest idle one makes room");
    topics.subscribe(peer(1), 0, "old").expect("the next one, too");
    topics.resume(peer(1), "old", 2).expect("subscribed");
    assert_eq!(missed(&mut topics, peer(1)), ["GAP old 3 3"], "it had a third");
    assert_eq!(topics.publish("old", b"").expect("a topic").number(), 4);
    topics.check_invariants();
}

#[test]
fn who_is_behind_keeps_a_topic_that_only_its_pattern_matches() {
    let bounds = Bounds { topics: 2, history: 2, ..Bounds::default() };
    let mut topics: Topics = Topics::new(bounds);
    topics.subscribe(peer(1), 0, "*").expect("room");
    assert!(topics.publish("t", b"1").expect("a topic").fall_behind(peer(1)));
    assert_eq!(topics.publish("u", b"").unwrap_err(), Refusal::TooManyTopics);
    assert_eq!(missed(&mut topics, peer(1)), ["t 1 1"]);
    topics.publish("u", b"").expect("t is of no use any more");
    topics.check_invariants();
}

#[test]
fn who_unsubscribes_where_it_is_behind_takes_the_topic_with_it() {
    for history in [0, 2] {
        let mut topics: Topics = Topics::new(Bounds { history, ..Bounds::default() });
        for names in [&["t"][..], &["t", "*"], &["*", "t"]] {
            for name in names {
                topics.subscribe(peer(1), 0, name).expect("room");
            }
            topics.resume(peer(1), "t", 5).expect("subscribed");
            for name in names {
                topics.unsubscribe(peer(1), name).expect("subscribed");
                topics.check_invariants();
            }
            assert!(topics.is_empty(), "{names:?}");
        }
    }
}

#[test]
fn histories_have_so_many_bytes_together() {
    let bounds = Bounds { history: 100, history_bytes: 1_000, ..Bounds::default() };
    let mut topics: Topics = Topics::new(bounds);
    topics.publish("idle", &[b'x'; 500]).expect("a topic");
    topics.subscribe(peer(1), 0, "used").expect("room");
    for _ in 0..4 {
        topics.publish("used", &[b'x'; 400]).expect("a topic");
        topics.check_invariants();
    }
    assert_eq!(topics.len(), 1, "what is idle goes first");
    topics.resume(peer(1), "used", 0).expect("subscribed");
    assert_eq!(missed(&mut topics, peer(1))[0], "GAP used 501 502".replace("50", ""));
    topics.publish("used", &[b'x'; 1_000]).expect("sent, and not kept");
    topics.resume(peer(1), "used", 4).expect("subscribed");
    assert_eq!(missed(&mut topics, peer(1)), ["GAP used 5 5"]);
    topics.publish("nobody", &[0; 1_000]).expect("sent, and not kept");
    assert_eq!(topics.len(), 1, "nobody is there, and nothing is kept");
    topics.check_invariants();
}

#[test]
fn who_has_no_room_for_what_nobody_could_keep_is_told_of_it() {
    let bounds = Bounds { history: 9, history_bytes: 1_000, ..Bounds::default() };
    let mut topics: Topics = Topics::new(bounds);
    topics.subscribe(peer(1), 0, "*").expect("room");
    for text in [&[0; 2_000][..], b"small"] {
        let mut published = topics.publish("t", text).expect("a topic");
        if published.receivers(0) == [peer(1)] {
            assert!(published.fall_behind(peer(1)));
        }
    }
    assert_eq!(missed(&mut topics, peer(1)), ["GAP t 1 1", "t 2 small"]);
    topics.check_invariants();
}

#[test]
fn only_who_may_have_seen_some_of_what_is_forgotten_is_told_of_it() {
    let bounds = Bounds { topics: 4, history: 1, ..Bounds::default() };
    let mut topics: Topics<2> = Topics::new(bounds);
    topics.subscribe(peer(1), 0, "*").expect("room");
    topics.subscribe(peer(2), 1, "b").expect("room");
    for name in ["a", "a", "c", "d"] {
        topics.publish(name, b"").expect("the oldest idle one makes room");
    }
    for (name, told, sent) in [("b", vec![], [peer(1)].as_slice()), ("a", vec![peer(1)], &[])] {
        let mut published = topics.publish(name, b"x").expect("a topic");
        let (mut behind, mut without_place) = (Vec::new(), Vec::new());
        published.let_gone_be_read(0, &mut behind, &mut without_place);
        assert_eq!((behind, &without_place), (told, &Vec::new()), "{name}");
        assert_eq!(published.receivers(0), sent, "{name}");
        assert_eq!(published.receivers(1) == [peer(2)], name == "b");
    }
    let missed = topics.next_missed(peer(1));
    assert_eq!(missed, Some(Missed::Gap { topic: "a", from: 1, to: 2 }));
    let missed = topics.next_missed(peer(1));
    assert_eq!(missed, Some(Missed::Message { topic: "a", number: 3, text: b"x" }));
    topics.check_invariants();
}

#[test]
fn wrong_names_and_too_much_of_anything_are_refused() {
    let bounds = Bounds { topics: 3, subscriptions: 2, ..Bounds::default() };
    let mut topics: Topics = Topics::new(bounds);
    let long = "x".repeat(MAX_NAME + 1);
    assert_eq!(topics.subscribe(peer(1), 0, &long), Err(Refusal::LongName));
    assert_eq!(topics.publish("a/*", b"").unwrap_err(), Refusal::Pattern);
    assert_eq!(topics.unsubscribe(peer(1), "a"), Err(Refusal::NotSubscribed));
    assert_eq!(topics.subscribe(peer(1), 0, "a"), Ok(true));
    assert_eq!(topics.subscribe(peer(1), 0, "b"), Ok(true));
    assert_eq!(topics.subscribe(peer(1), 0, "c"), Err(Refusal::TooManySubscriptions));
    assert_eq!(topics.subscribe(peer(1), 0, "a"), Ok(false));
    assert_eq!(topics.subscribe(peer(2), 0, "c"), Ok(true));
    assert_eq!(topics.subscribe(peer(2), 0, "d"), Err(Refusal::TooManyTopics));
    assert_eq!(topics.resume(peer(2), "d", 0), Err(Refusal::NotSubscribed));
    topics.leave(peer(2));
    assert_eq!(topics.subscribe(peer(3), 0, "d"), Ok(true), "nobody is on c any more");
    topics.check_invariants();
}

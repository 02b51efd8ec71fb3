//! Topics beside a model of them: who gets what, in which order, and what they are told is missing.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use super::{DIALECTS, dialect, peer};
use crate::engine::ConnId;
use crate::pubsub::{Bounds, Missed, Refusal, Topics, name};

const NAMES: [&str; 10] = ["a", "b", "a/x", "a/y", "a/x/1", "a/x/2", "*", "a/*", "a/x/*", "b/*"];

/// What a peer is subscribed to, and the number that it has to be sent next of each topic.
#[derive(Default)]
struct Subscriber {
    subscriptions: BTreeSet<&'static str>,
    expected: BTreeMap<&'static str, u64>,
    /// Where it has named a number that nothing had.
    foreign: BTreeSet<&'static str>,
}

impl Subscriber {
    fn wants(&self, topic: &str) -> bool {
        self.subscriptions.iter().any(|name| name::matches(name, topic))
    }
}

/// What all topics must do, as simply as it can be said.
struct Model {
    topics: Topics<DIALECTS>,
    bounds: Bounds,
    rng: StdRng,
    subscribers: BTreeMap<ConnId, Subscriber>,
    /// Everything that was published in each topic, by its number.
    published: BTreeMap<&'static str, BTreeMap<u64, Vec<u8>>>,
    gaps: usize,
    caught_up: usize,
}

impl Model {
    fn new(bounds: Bounds, seed: u64) -> Model {
        Model {
            topics: Topics::new(bounds),
            bounds,
            rng: StdRng::seed_from_u64(seed),
            subscribers: BTreeMap::new(),
            published: BTreeMap::new(),
            gaps: 0,
            caught_up: 0,
        }
    }

    fn step(&mut self) {
        let peer = peer(self.rng.random_range(0..8));
        let name = *NAMES.choose(&mut self.rng).expect("there are names");
        match self.rng.random_range(0..100) {
            0..10 => self.subscribe(peer, name),
            10..16 => self.unsubscribe(peer, name),
            16..19 => self.leave(peer),
            19..24 => self.resume(peer, name),
            24..36 => self.read(peer),
            _ => self.publish(name),
        }
        self.topics.check_invariants();
    }

    fn subscribe(&mut self, peer: ConnId, name: &'static str) {
        let is_there = |subscriber: &Subscriber| subscriber.subscriptions.contains(name);
        let is_new = !self.subscribers.get(&peer).is_some_and(is_there);
        match self.topics.subscribe(peer, dialect(peer), name) {
            Ok(told) => {
                assert_eq!(told, is_new);
                self.subscribers.entry(peer).or_default().subscriptions.insert(name);
            }
            Err(Refusal::TooManySubscriptions) => {
                let count = self.subscribers[&peer].subscriptions.len();
                assert_eq!((is_new, count), (true, self.bounds.subscriptions));
            }
            Err(refusal) => {
                assert_eq!(refusal, Refusal::TooManyTopics);
                assert_eq!((is_new, self.topics.len()), (true, self.bounds.topics));
            }
        }
    }

    fn unsubscribe(&mut self, peer: ConnId, name: &'static str) {
        let Some(subscriber) = self.subscribers.get_mut(&peer) else {
            return assert_eq!(self.topics.unsubscribe(peer, name), Err(Refusal::NotSubscribed));
        };
        let is_there = subscriber.subscriptions.remove(name);
        assert_eq!(self.topics.unsubscribe(peer, name).is_ok(), is_there);
        let expected = std::mem::take(&mut subscriber.expected);
        subscriber.expected =
            expected.into_iter().filter(|(topic, _)| subscriber.wants(topic)).collect();
        if subscriber.subscriptions.is_empty() {
            self.subscribers.remove(&peer);
        }
    }

    fn leave(&mut self, peer: ConnId) {
        self.subscribers.remove(&peer);
        self.topics.leave(peer);
        assert_eq!(self.topics.behind(peer), 0);
    }

    fn resume(&mut self, peer: ConnId, name: &'static str) {
        let latest = self.published.get(name).and_then(|all| all.keys().next_back());
        let latest = latest.copied().unwrap_or(0);
        let highest = self.published.values().flat_map(BTreeMap::keys).max().copied().unwrap_or(0);
        let near = if self.rng.random() { highest } else { latest };
        let least = if self.rng.random() { 0 } else { near };
        let number = self.rng.random_range(least..=near + 2);
        let is_subscribed = self.subscribers.get(&peer).is_some_and(|peer| peer.wants(name));
        match self.topics.resume(peer, name, number) {
            Ok(()) => {
                assert!(is_subscribed, "{name}");
                let subscriber = self.subscribers.get_mut(&peer).expect("subscribed");
                subscriber.expected.insert(name, number + 1);
                subscriber.foreign.remove(name);
                if number > highest {
                    subscriber.foreign.insert(name);
                }
            }
            Err(Refusal::Pattern) => assert!(name::is_pattern(name)),
            Err(Refusal::NotSubscribed) => {}
            Err(refusal) => {
                assert_eq!(refusal, Refusal::TooManySubscriptions);
                assert_eq!(self.topics.behind(peer), self.bounds.subscriptions);
            }
        }
    }

    fn publish(&mut self, name: &'static str) {
        let text = vec![b'x'; self.rng.random_range(0..40)];
        let count = self.topics.len();
        let mut published = match self.topics.publish(name, &text) {
            Ok(published) => published,
            Err(Refusal::Pattern) => return assert!(name::is_pattern(name)),
            Err(refusal) => {
                assert_eq!((refusal, count), (Refusal::TooManyTopics, self.bounds.topics));
                return;
            }
        };
        let number = published.number();
        let (mut received, mut told) = (BTreeSet::new(), Vec::new());
        let (mut refused, mut without_place) = (Vec::new(), Vec::new());
        for dialect in 0..DIALECTS {
            if self.bounds.history > 0 {
                let mut peers = Vec::new();
                published.let_gone_be_read(dialect, &mut peers, &mut without_place);
                told.extend(peers);
            }
            for &receiver in published.receivers(dialect) {
                assert_eq!(self::dialect(receiver), dialect);
                assert!(received.insert(receiver), "{receiver} gets it twice");
            }
        }
        for &receiver in &received {
            if self.bounds.history > 0 && self.rng.random_bool(0.2) {
                // There was no room.
                refused.push((receiver, published.fall_behind(receiver)));
            }
        }
        drop(published);
        let is_counted = number > 0;
        if is_counted {
            let all = self.published.entry(name).or_default();
            let latest = all.keys().next_back().copied().unwrap_or(0);
            assert!(number > latest, "a number is given twice");
            let mut subscribers = self.subscribers.values();
            if subscribers.any(|peer| peer.expected.contains_key(name)) && self.bounds.history > 0 {
                assert!(number == latest + 1 || self.bounds.topics < NAMES.len(), "{name}");
            }
            all.insert(number, text);
        }
        let wanting: Vec<ConnId> = self.subscribers.keys().copied().collect();
        for id in wanting {
            let subscriber = self.subscribers.get_mut(&id).expect("there");
            if !subscriber.wants(name) {
                assert!(!received.contains(&id), "{id} did not ask for it");
                continue;
            }
            if !is_counted {
                assert!(received.contains(&id), "nothing is kept for {id}");
                continue;
            }
            if told.contains(&id) {
                // It is told that all is gone, and may have seen some of it.
                assert!(!subscriber.subscriptions.contains(name), "it would have kept the topic");
                subscriber.expected.insert(name, 1);
                subscriber.foreign.remove(name);
            }
            let expected = subscriber.expected.entry(name).or_insert(number);
            let refusal = refused.iter().find(|(peer, _)| *peer == id);
            if without_place.contains(&id) || refusal.is_some_and(|(_, is_behind)| !is_behind) {
                assert_eq!(self.topics.behind(id), self.bounds.subscriptions);
                self.leave(id);
            } else if !received.contains(&id) {
                assert!(self.topics.behind(id) > 0, "{id} is not sent it");
            } else if refusal.is_none() {
                // Without a history, topics come and go between two messages to a pattern.
                assert!(*expected == number || self.bounds.history == 0, "a silent hole for {id}");
                *expected = number + 1;
            }
        }
    }

    /// A peer has room for some of what it has missed.
    fn read(&mut self, peer: ConnId) {
        for _ in 0..self.rng.random_range(0..12) {
            let kept = self.bounds.history as u64;
            let Some(missed) = self.topics.next_missed(peer) else { break };
            let subscriber = self.subscribers.get_mut(&peer).expect("it is behind");
            match missed {
                Missed::Gap { topic, from, to } => {
                    self.gaps += 1;
                    let expected = subscriber.expected.get_mut(topic).expect("it is expected");
                    assert_eq!(from, *expected);
                    *expected = to + 1;
                    let is_foreign = subscriber.foreign.remove(topic);
                    assert!(!is_foreign || to < from, "{from} to {to} says not that it is new");
                    let all = self.published.get(topic);
                    let latest = all.and_then(|all| all.keys().next_back()).copied().unwrap_or(0);
                    if from <= to && self.bounds.history_bytes > 100_000 {
                        assert!(to + kept >= latest, "{from} to {to} of {topic} is kept");
                    }
                }
                Missed::Message { topic, number, text } => {
                    self.caught_up += 1;
                    assert!(
                        !subscriber.foreign.contains(topic),
                        "{peer} is not told that {topic} is new"
                    );
                    let expected = subscriber.expected.get_mut(topic).expect("it is expected");
                    assert_eq!(number, *expected, "a silent hole for {peer}");
                    *expected = number + 1;
                    assert_eq!(self.published[topic][&number], text);
                }
            }
        }
    }

    /// Everybody gets room for everything, and then nobody lacks anything.
    fn finish(&mut self) {
        while self.subscribers.keys().any(|&peer| self.topics.behind(peer) > 0) {
            for peer in self.subscribers.keys().copied().collect::<Vec<_>>() {
                self.read(peer);
            }
        }
        for (peer, subscriber) in &self.subscribers {
            for (topic, expected) in &subscriber.expected {
                let latest = self.published.get(topic).and_then(|all| all.keys().next_back());
                let latest = latest.copied().unwrap_or(0);
                assert!(*expected > latest, "{peer} lacks {topic} from {expected} to {latest}");
            }
        }
        for peer in self.subscribers.keys().copied().collect::<Vec<_>>() {
            self.leave(peer);
        }
        self.topics.check_invariants();
    }
}

#[test]
fn topics_do_as_a_model_of_them_does() {
    let roomy = Bounds { history: 6, ..Bounds::default() };
    let narrow = Bounds { topics: 6, subscriptions: 3, history: 4, history_bytes: 300 };
    let (mut gaps, mut caught_up) = (0, 0);
    for bounds in [Bounds::default(), roomy, narrow] {
        for seed in 0..8 {
            let mut model = Model::new(bounds, seed);
            for _ in 0..3_000 {
                model.step();
            }
            model.finish();
            assert!(bounds.history > 0 || model.topics.is_empty(), "nobody is there");
            gaps += model.gaps;
            caught_up += model.caught_up;
        }
    }
    assert!(gaps > 1_000 && caught_up > 1_000, "{gaps} gaps and {caught_up} caught up");
}

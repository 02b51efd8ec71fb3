//! Peers that have missed messages, and how they get them.

use super::channels::TopicId;
use super::{Refusal, Topics, name};
use crate::engine::ConnId;

/// The next message that a peer has to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    pub(super) topic: TopicId,
    pub(super) next: u64,
    /// What the peer expects, if it has named a number that had not been given yet and has not been told
    /// so. That may have been given since, and what the peer has seen was another message.
    pub(super) foreign: Option<u64>,
}

/// What a peer that is behind is to be told next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Missed<'a> {
    /// Messages that it has not got and that are not kept. The next has the number `to + 1`. That may
    /// be less than `from`, where the peer has named a number that was not given here: the topic has
    /// begun anew since.
    Gap {
        /// The topic.
        topic: &'a str,
        /// The first of them.
        from: u64,
        /// The last of them.
        to: u64,
    },
    /// A message.
    Message {
        /// The topic.
        topic: &'a str,
        /// Its number.
        number: u64,
        /// What was published.
        text: &'a [u8],
    },
}

impl<const DIALECTS: usize> Topics<DIALECTS> {
    /// A peer who is subscribed to `topic` has seen message `number` of it last: what came after that
    /// is missed. Somebody who comes for the first time has seen 0.
    ///
    /// # Errors
    /// If the topic is none, or nothing that the peer is subscribed to, or it is behind in too many.
    pub fn resume(&mut self, peer: ConnId, topic: &str, number: u64) -> Result<(), Refusal> {
        name::check_topic(topic)?;
        let id = self.channels.find(topic).ok_or(Refusal::NotSubscribed)?;
        let subscriber = self.subscribers.get(&peer).ok_or(Refusal::NotSubscribed)?;
        let mut names = subscriber.subscriptions.iter().map(|&id| &self.channels.get(id).name);
        if !names.any(|name| name::matches(name, topic)) {
            return Err(Refusal::NotSubscribed);
        }
        let history = &self.channels.get(id).history;
        let next = number.saturating_add(1);
        let is_foreign = number > history.head();
        let (next, foreign) = if is_foreign { (history.first(), Some(next)) } else { (next, None) };
        let is_behind = self.put_behind(peer, Cursor { topic: id, next, foreign });
        if is_behind { Ok(()) } else { Err(Refusal::TooManySubscriptions) }
    }

    /// A peer was not sent message `next` of a topic, and will read it and what follows from the
    /// history. Returns whether it can: not if it is behind in as many topics as it may be.
    pub(super) fn fall_behind(&mut self, peer: ConnId, topic: TopicId, next: u64) -> bool {
        self.put_behind(peer, Cursor { topic, next, foreign: None })
    }

    fn put_behind(&mut self, peer: ConnId, at: Cursor) -> bool {
        let topic = at.topic;
        let Some(subscriber) = self.subscribers.get_mut(&peer) else { return false };
        let behind = &mut subscriber.behind;
        if let Some(cursor) = behind.iter_mut().find(|cursor| cursor.topic == topic) {
            *cursor = at;
        } else if behind.len() < self.bounds.subscriptions {
            behind.push(at);
        } else {
            return false;
        }
        self.channels.get_mut(topic).behind.insert(peer);
        self.channels.settle(topic);
        true
    }

    /// Takes the next thing that a peer has missed. When there is nothing more, it is sent what is
    /// published again.
    pub fn next_missed(&mut self, peer: ConnId) -> Option<Missed<'_>> {
        let behind = &mut self.subscribers.get_mut(&peer)?.behind;
        while let Some(cursor) = behind.first_mut() {
            let id = cursor.topic;
            let history = &self.channels.get(id).history;
            let (next, first, head) = (cursor.next, history.first(), history.head());
            if let Some(from) = cursor.foreign.take() {
                let topic = &self.channels.get(id).name;
                return Some(Missed::Gap { topic, from, to: next - 1 });
            }
            if (first..=head).contains(&next) {
                cursor.next += 1;
                let channel = self.channels.get(id);
                let text = channel.history.get(next).expect("it is kept");
                return Some(Missed::Message { topic: &channel.name, number: next, text });
            }
            if next != head + 1 {
                cursor.next = first;
                let topic = &self.channels.get(id).name;
                return Some(Missed::Gap { topic, from: next, to: first - 1 });
            }
            behind.remove(0);
            self.channels.get_mut(id).behind.remove(peer);
            self.channels.settle(id);
        }
        None
    }

    /// In how many topics a peer is behind.
    pub fn behind(&self, peer: ConnId) -> usize {
        self.subscribers.get(&peer).map_or(0, |subscriber| subscriber.behind.len())
    }
}

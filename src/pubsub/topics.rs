//! Who is subscribed to what.

use std::collections::HashMap;

use super::behind::Cursor;
use super::channels::{Channels, TopicId};
use super::marks::Marks;
use super::{Bounds, Refusal, name};
use crate::engine::ConnId;

/// Topics, and the peers that are subscribed to them. See the [module](super).
///
/// A peer speaks one of so many dialects, for all of its subscriptions.
#[derive(Debug)]
pub struct Topics<const DIALECTS: usize = 1> {
    pub(super) bounds: Bounds,
    pub(super) channels: Channels<DIALECTS>,
    pub(super) subscribers: HashMap<ConnId, Subscriber>,
    pub(super) marks: Marks,
    /// What the message that was published last is to be looked for under.
    pub(super) matching: Vec<TopicId>,
    /// Its receivers, where they are not one slice as it is.
    pub(super) selected: Vec<ConnId>,
    pub(super) spelled: String,
}

/// A peer that has a subscription.
///
/// Invariant: it is behind in topics only that a subscription of its matches.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) dialect: usize,
    /// The topics and patterns, none twice.
    pub(super) subscriptions: Vec<TopicId>,
    /// Where it is behind; each is read to its end before the next.
    pub(super) behind: Vec<Cursor>,
}

impl<const DIALECTS: usize> Default for Topics<DIALECTS> {
    fn default() -> Self {
        Topics::new(Bounds::default())
    }
}

impl<const DIALECTS: usize> Topics<DIALECTS> {
    /// No topics yet.
    pub fn new(bounds: Bounds) -> Topics<DIALECTS> {
        Topics {
            bounds,
            channels: Channels::new(bounds),
            subscribers: HashMap::new(),
            marks: Marks::default(),
            matching: Vec::new(),
            selected: Vec::new(),
            spelled: String::new(),
        }
    }

    /// Subscribes `peer`, who speaks `dialect`, to a topic or pattern. Returns whether it was not
    /// subscribed to it.
    ///
    /// # Errors
    /// If `name` is none, or there is no room.
    ///
    /// # Panics
    /// If there is no such dialect, or the peer speaks another.
    pub fn subscribe(&mut self, peer: ConnId, dialect: usize, name: &str) -> Result<bool, Refusal> {
        name::check(name)?;
        assert!(dialect < DIALECTS, "there are dialects 0 to {}", DIALECTS - 1);
        let is_known = self.subscribers.get(&peer);
        let count = is_known.map_or(0, |subscriber| subscriber.subscriptions.len());
        if let (Some(subscriber), Some(id)) = (is_known, self.channels.find(name))
            && subscriber.subscriptions.contains(&id)
        {
            return Ok(false);
        }
        if count >= self.bounds.subscriptions {
            return Err(Refusal::TooManySubscriptions);
        }
        let id = self.channels.find_or_make(name)?;
        let subscriber = self.subscribers.entry(peer).or_insert_with(|| Subscriber {
            dialect,
            subscriptions: Vec::new(),
            behind: Vec::new(),
        });
        assert_eq!(subscriber.dialect, dialect, "a peer speaks one dialect");
        subscriber.subscriptions.push(id);
        self.channels.get_mut(id).audiences[dialect].insert(peer);
        self.channels.settle(id);
        Ok(true)
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn unsubscribe(&mut self, peer: ConnId, name: &str) -> Result<(), Refusal> {
        name::check(name)?;
        let id = self.channels.find(name).ok_or(Refusal::NotSubscribed)?;
        let subscriber = self.subscribers.get_mut(&peer).ok_or(Refusal::NotSubscribed)?;
        let mut subscriptions = subscriber.subscriptions.iter();
        let index = subscriptions.position(|&other| other == id).ok_or(Refusal::NotSubscribed)?;
        subscriber.subscriptions.swap_remove(index);
        let dialect = subscriber.dialect;
        self.channels.get_mut(id).audiences[dialect].remove(peer);
        // A topic in which the peer is behind is in use until its cursor is dropped, which settles it again.
        self.channels.settle(id);
        self.forget_cursors(peer);
        if self.subscribers[&peer].subscriptions.is_empty() {
            self.subscribers.remove(&peer);
        }
        Ok(())
    }

    /// A peer is gone: ends all of its subscriptions.
    pub fn leave(&mut self, peer: ConnId) {
        let Some(subscriber) = self.subscribers.remove(&peer) else { return };
        for cursor in subscriber.behind {
            self.channels.get_mut(cursor.topic).behind.remove(peer);
            self.channels.settle(cursor.topic);
        }
        for id in subscriber.subscriptions {
            self.channels.get_mut(id).audiences[subscriber.dialect].remove(peer);
            self.channels.settle(id);
        }
        if self.subscribers.is_empty() {
            self.subscribers = HashMap::new();
        }
    }

    /// Drops the cursors in topics that no subscription of the peer matches any more.
    fn forget_cursors(&mut self, peer: ConnId) {
        let Some(subscriber) = self.subscribers.get_mut(&peer) else { return };
        let Subscriber { subscriptions, behind, .. } = subscriber;
        let channels = &mut self.channels;
        behind.retain(|cursor| {
            let topic = &channels.get(cursor.topic).name;
            let mut names = subscriptions.iter().map(|&id| &channels.get(id).name);
            let is_subscribed = names.any(|name| name::matches(name, topic));
            if !is_subscribed {
                channels.get_mut(cursor.topic).behind.remove(peer);
                channels.settle(cursor.topic);
            }
            is_subscribed
        });
    }

    /// The peers of one dialect that are subscribed to a topic or pattern by just this name.
    pub fn audience(&self, name: &str, dialect: usize) -> &[ConnId] {
        let id = self.channels.find(name);
        id.map_or(&[], |id| self.channels.get(id).audiences[dialect].as_slice())
    }

    /// How many topics and patterns there are.
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is no topic.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        self.channels.check_invariants();
        for (peer, subscriber) in &self.subscribers {
            assert!((1..=self.bounds.subscriptions).contains(&subscriber.subscriptions.len()));
            assert!(subscriber.behind.len() <= self.bounds.subscriptions);
            for &id in &subscriber.subscriptions {
                assert!(self.channels.get(id).audiences[subscriber.dialect].contains(*peer));
            }
            for cursor in &subscriber.behind {
                assert!(self.channels.get(cursor.topic).behind.contains(*peer));
            }
        }
    }
}

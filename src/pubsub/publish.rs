//! Publishing: the number of a message, and its receivers.

use super::channels::TopicId;
use super::{Refusal, Topics, name};
use crate::engine::ConnId;

/// A message that was published, and is to be sent to its receivers before anything else happens. Its
/// topic is in the table until this is dropped, and longer if there is a use for it.
#[derive(Debug)]
pub struct Published<'a, const DIALECTS: usize> {
    topics: &'a mut Topics<DIALECTS>,
    topic: Option<TopicId>,
    number: u64,
}

impl<const DIALECTS: usize> Topics<DIALECTS> {
    /// Publishes a message in a topic.
    ///
    /// # Errors
    /// If `name` is no topic, or it is to be kept and there are too many topics.
    pub fn publish(&mut self, name: &str, text: &[u8]) -> Result<Published<'_, DIALECTS>, Refusal> {
        name::check_topic(name)?;
        let topic = match self.bounds.history {
            0 => self.channels.find(name),
            _ => Some(self.channels.find_or_make(name)?),
        };
        let number = topic.map_or(0, |topic| self.channels.record(topic, text));
        self.matching.clear();
        self.matching.extend(topic);
        if self.channels.has_patterns() {
            name::each_pattern(name, &mut self.spelled, |pattern| {
                self.matching.extend(self.channels.find(pattern));
            });
        }
        Ok(Published { topics: self, topic, number })
    }
}

impl<const DIALECTS: usize> Published<'_, DIALECTS> {
    /// Its number among the messages of its topic. Each has the next; 0 where nobody counts, because
    /// there is no history and nobody is subscribed to the topic by its name.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Everybody of one dialect who is to be sent the message, each once. Those who are behind are
    /// not among them: they come to it when they read the history.
    pub fn receivers(&mut self, dialect: usize) -> &[ConnId] {
        let Topics { channels, matching, marks, selected, .. } = &mut *self.topics;
        let audience = |id: &TopicId| channels.get(*id).audiences[dialect].as_slice();
        let behind = self.topic.map_or(&[][..], |topic| channels.get(topic).behind.as_slice());
        let mut audiences = matching.iter().map(audience).filter(|audience| !audience.is_empty());
        let Some(first) = audiences.next() else { return &[] };
        let second = audiences.next();
        if second.is_none() && behind.is_empty() {
            return first;
        }
        marks.begin();
        for &peer in behind {
            marks.mark(peer);
        }
        selected.clear();
        for audience in [first].into_iter().chain(second).chain(audiences) {
            selected.extend(audience.iter().copied().filter(|&peer| marks.mark(peer)));
        }
        selected
    }

    /// A receiver has no room for the message: it will read it and what follows from the history.
    /// Returns whether it can: not if there is none, or it is behind in as many topics as it may be.
    pub fn fall_behind(&mut self, peer: ConnId) -> bool {
        self.topic.is_some_and(|topic| self.topics.fall_behind(peer, topic, self.number))
    }

    /// The topic may have been forgotten since its last message, and numbers up to this one given before:
    /// who is subscribed to a pattern may have seen some of them, and not others. (Nobody is subscribed to
    /// a topic that is forgotten.) Puts those of one dialect behind, in front of the first number, so that
    /// they are told of the gap and read the message. Takes `peers` to be empty, and lists them there;
    /// those who cannot be behind in another topic, in `without_place`.
    pub fn let_gone_be_read(
        &mut self,
        dialect: usize,
        peers: &mut Vec<ConnId>,
        without_place: &mut Vec<ConnId>,
    ) {
        let Some(topic) = self.topic else { return };
        let born = self.topics.channels.get(topic).born;
        if born == 0 || self.number != born + 1 {
            return;
        }
        peers.extend_from_slice(self.receivers(dialect));
        peers.retain(|&peer| {
            let channel = self.topics.channels.get(topic);
            if channel.audiences[dialect].contains(peer) {
                return false;
            }
            let is_behind = self.topics.fall_behind(peer, topic, 1);
            if !is_behind {
                without_place.push(peer);
            }
            is_behind
        });
    }
}

impl<const DIALECTS: usize> Drop for Published<'_, DIALECTS> {
    /// One that nobody is subscribed to is gone again, if there was no room to keep anything.
    fn drop(&mut self) {
        if let Some(topic) = self.topic {
            self.topics.channels.settle(topic);
        }
    }
}

//! Publishing: the number of a message, and its receivers.

use super::channels::TopicId;
use super::{Refusal, Topics, name};
use crate::engine::ConnId;

/// A message that was published, and is to be sent to its receivers before anything else happens.
#[derive(Debug)]
pub struct Published<'a, const DIALECTS: usize> {
    topics: &'a mut Topics<DIALECTS>,
    topic: Option<TopicId>,
    number: u64,
    gone: Option<u64>,
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
        // One that nobody is subscribed to may be gone again, if there was no room to keep anything.
        let topic = topic.filter(|&topic| self.channels.settle(topic));
        self.matching.clear();
        self.matching.extend(topic);
        if self.channels.has_patterns() {
            name::each_pattern(name, &mut self.spelled, |pattern| {
                self.matching.extend(self.channels.find(pattern));
            });
        }
        let born = topic.map_or(0, |topic| self.channels.get(topic).born);
        let gone = (born > 0 && number == born + 1).then_some(born);
        Ok(Published { topics: self, topic, number, gone })
    }
}

impl<const DIALECTS: usize> Published<'_, DIALECTS> {
    /// Its number among the messages of its topic. Each has the next; 0 where nobody counts, because
    /// there is no history and nobody is subscribed to the topic by its name.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The topic may have been forgotten since its last message, and numbers up to this one may have been
    /// given: a receiver is to be told so first, because it may be subscribed to a pattern, and have seen
    /// some of them.
    pub fn gone(&self) -> Option<u64> {
        self.gone
    }

    /// The topic; `None` where nobody counts.
    pub fn topic(&self) -> Option<TopicId> {
        self.topic
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
}

//! The table of topics and patterns: made when they are first needed, forgotten when they are of no use.

use std::collections::{BTreeMap, HashMap};

use slab::Slab;

use super::audience::Audience;
use super::history::History;
use super::{Bounds, Refusal, name};

/// A topic or pattern, for as long as it is in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct TopicId(pub(super) u32);

/// A topic or a pattern.
#[derive(Debug)]
pub(super) struct Channel<const DIALECTS: usize> {
    pub(super) name: Box<str>,
    pub(super) audiences: [Audience; DIALECTS],
    /// Who reads the history to get to its end, and is not sent what is published.
    pub(super) behind: Audience,
    pub(super) history: History,
    /// The number that it counts on from.
    pub(super) born: u64,
    /// When it was last of use to somebody, while nobody is there and something is kept.
    idle_since: Option<u64>,
}

impl<const DIALECTS: usize> Channel<DIALECTS> {
    /// Whether somebody is subscribed, or has yet to be sent something.
    fn is_in_use(&self) -> bool {
        !self.behind.is_empty() || self.audiences.iter().any(|audience| !audience.is_empty())
    }
}

/// All topics and patterns.
///
/// Invariants: `ids` has the place of each by its name. In `idle` are those that are not in use and of
/// which something is kept, and what is neither is not in the table. `kept_bytes` is what all histories
/// cost.
#[derive(Debug)]
pub(super) struct Channels<const DIALECTS: usize> {
    bounds: Bounds,
    ids: HashMap<Box<str>, TopicId>,
    places: Slab<Channel<DIALECTS>>,
    /// Idle topics, the one that is first to be forgotten in front.
    idle: BTreeMap<u64, TopicId>,
    /// Counts what puts topics among the idle ones.
    clock: u64,
    /// The highest number of a topic that was forgotten; new ones count on from it.
    floor: u64,
    patterns: usize,
    kept_bytes: usize,
}

impl<const DIALECTS: usize> Channels<DIALECTS> {
    pub(super) fn new(bounds: Bounds) -> Channels<DIALECTS> {
        Channels {
            bounds,
            ids: HashMap::new(),
            places: Slab::new(),
            idle: BTreeMap::new(),
            clock: 0,
            floor: 0,
            patterns: 0,
            kept_bytes: 0,
        }
    }

    /// How many topics and patterns there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is a pattern at all.
    pub(super) fn has_patterns(&self) -> bool {
        self.patterns > 0
    }

    pub(super) fn find(&self, name: &str) -> Option<TopicId> {
        self.ids.get(name).copied()
    }

    pub(super) fn get(&self, id: TopicId) -> &Channel<DIALECTS> {
        &self.places[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: TopicId) -> &mut Channel<DIALECTS> {
        &mut self.places[id.0 as usize]
    }

    /// The topic or pattern of that name, which is made if it is not there. If nobody comes to use it,
    /// it has to be [settled](Self::settle).
    pub(super) fn find_or_make(&mut self, name: &str) -> Result<TopicId, Refusal> {
        if let Some(id) = self.find(name) {
            return Ok(id);
        }
        if self.places.len() >= self.bounds.topics {
            let (_, forgotten) = self.idle.pop_first().ok_or(Refusal::TooManyTopics)?;
            self.forget(forgotten);
        }
        let id = self.places.insert(Channel {
            name: name.into(),
            audiences: std::array::from_fn(|_| Audience::default()),
            behind: Audience::default(),
            history: History::from(self.floor),
            born: self.floor,
            idle_since: None,
        });
        let id = TopicId(u32::try_from(id).expect("fewer topics than connections"));
        self.ids.insert(name.into(), id);
        self.patterns += usize::from(name::is_pattern(name));
        Ok(id)
    }

    /// Gives a topic's next message its number, and keeps it if there is room.
    pub(super) fn record(&mut self, id: TopicId, text: &[u8]) -> u64 {
        let cost = History::cost_of(text.len());
        let is_kept = self.bounds.history > 0 && self.make_room(id, cost);
        let history = &mut self.places[id.0 as usize].history;
        let before = history.cost();
        if is_kept {
            history.keep(text);
            if history.len() > self.bounds.history {
                history.drop_oldest();
            }
        } else {
            history.skip();
        }
        self.kept_bytes = self.kept_bytes - before + history.cost();
        history.head()
    }

    /// Makes room for `cost` more bytes of the history of `id`: idle topics are forgotten first, then the
    /// oldest messages of its own. Returns whether there is room.
    fn make_room(&mut self, id: TopicId, cost: usize) -> bool {
        if cost > self.bounds.history_bytes {
            return false;
        }
        while self.kept_bytes + cost > self.bounds.history_bytes {
            if let Some((&since, &idle)) = self.idle.iter().find(|&(_, &idle)| idle != id) {
                self.idle.remove(&since);
                self.forget(idle);
                continue;
            }
            let history = &mut self.places[id.0 as usize].history;
            if history.is_empty() {
                return false;
            }
            let before = history.cost();
            history.drop_oldest();
            self.kept_bytes = self.kept_bytes - before + history.cost();
        }
        true
    }

    /// What uses a topic has changed: puts it where it belongs, which may be nowhere. Returns whether it
    /// is there still.
    pub(super) fn settle(&mut self, id: TopicId) -> bool {
        let channel = &mut self.places[id.0 as usize];
        if let Some(since) = channel.idle_since.take() {
            self.idle.remove(&since);
        }
        if channel.is_in_use() {
            return true;
        }
        if channel.history.is_empty() {
            self.forget(id);
            return false;
        }
        self.clock += 1;
        channel.idle_since = Some(self.clock);
        self.idle.insert(self.clock, id);
        true
    }

    /// Takes a topic out. It is not in `idle` any more.
    fn forget(&mut self, id: TopicId) {
        let channel = self.places.remove(id.0 as usize);
        self.ids.remove(&channel.name);
        self.patterns -= usize::from(name::is_pattern(&channel.name));
        self.floor = self.floor.max(channel.history.head());
        self.kept_bytes -= channel.history.cost();
        if self.places.is_empty() {
            // A crowd that has gone leaves no memory behind.
            self.ids = HashMap::new();
            self.places = Slab::new();
        }
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.ids.len(), self.places.len());
        assert!(self.places.len() <= self.bounds.topics);
        let (mut patterns, mut kept_bytes, mut idle) = (0, 0, 0);
        for (index, channel) in &self.places {
            assert_eq!(self.ids[&channel.name].0 as usize, index);
            channel.audiences.iter().chain([&channel.behind]).for_each(Audience::check_invariants);
            patterns += usize::from(name::is_pattern(&channel.name));
            kept_bytes += channel.history.cost();
            assert!(channel.history.len() <= self.bounds.history);
            assert!(channel.is_in_use() || !channel.history.is_empty(), "it is of no use");
            assert_eq!(channel.idle_since.is_none(), channel.is_in_use());
            if let Some(since) = channel.idle_since {
                assert_eq!(self.idle[&since].0 as usize, index);
                idle += 1;
            }
        }
        assert_eq!((patterns, kept_bytes), (self.patterns, self.kept_bytes));
        assert!(self.kept_bytes <= self.bounds.history_bytes);
        assert_eq!(idle, self.idle.len());
    }
}

//! What everybody has heard of what was said to many: what one hears has to agree with it.
//!
//! Nobody knows beforehand which number a message gets, or which of two comes first. But whoever has
//! heard it knows, and all others must have heard the same.

use std::collections::{BTreeMap, BTreeSet};

/// A message in a chat: who said it, and which of his it was.
pub(crate) type Said = (usize, usize);

/// What is known by now.
#[derive(Default)]
pub(crate) struct Board {
    /// How many messages have been, or are to be, published in each topic.
    scripted: BTreeMap<String, u64>,
    /// The messages of each topic that somebody has heard, by their numbers.
    topics: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
    /// The last message of each member of the chat that somebody has heard.
    last: BTreeMap<usize, usize>,
    /// For each message of the chat, those that somebody has heard next.
    next: BTreeMap<Said, BTreeSet<Said>>,
}

/// Topics.
impl Board {
    /// Somebody is going to publish in a topic.
    pub(crate) fn script(&mut self, topic: &str) {
        *self.scripted.entry(topic.to_owned()).or_default() += 1;
    }

    /// Somebody has heard a message. It must be the one that others have heard under that number.
    pub(crate) fn publish(&mut self, topic: &str, number: u64, text: &[u8]) {
        let messages = self.topics.entry(topic.to_owned()).or_default();
        let known = messages.entry(number).or_insert_with(|| text.to_vec());
        assert_eq!(
            known.escape_ascii().to_string(),
            text.escape_ascii().to_string(),
            "{topic} {number}"
        );
    }

    /// The last message of a topic that somebody has heard; 0, if nobody has heard any.
    pub(crate) fn newest(&self, topic: &str) -> u64 {
        let messages = self.topics.get(topic);
        messages.and_then(|messages| messages.keys().next_back().copied()).unwrap_or(0)
    }

    /// The messages up to number `to` are not kept any more, of a history of `history`.
    pub(crate) fn lose(&self, topic: &str, to: u64, history: u64) {
        let most = self.scripted.get(topic).copied().unwrap_or(0);
        assert!(
            to + history <= most,
            "{topic}: a gap to {to} of {most} messages, and {history} are kept"
        );
    }

    /// No text has two numbers.
    fn check_texts(&self) {
        for (topic, messages) in &self.topics {
            let texts: BTreeSet<_> = messages.values().collect();
            assert_eq!(texts.len(), messages.len(), "{topic}: published twice");
        }
    }
}

/// The chat.
impl Board {
    /// Somebody has heard a message, and `before` just before it.
    pub(crate) fn chat(&mut self, before: Option<Said>, said: Said) {
        let last = self.last.entry(said.0).or_default();
        *last = said.1.max(*last);
        self.next.entry(said).or_default();
        if let Some(before) = before {
            self.next.entry(before).or_default().insert(said);
        }
    }

    /// The last message of a member that somebody has heard.
    pub(crate) fn last_of(&self, member: usize) -> Option<usize> {
        self.last.get(&member).copied()
    }

    /// There is an order in which everybody can have heard them all.
    fn check_order(&self) {
        let mut ahead: BTreeMap<Said, usize> = self.next.keys().map(|said| (*said, 0)).collect();
        for said in self.next.values().flatten() {
            *ahead.get_mut(said).expect("it was heard") += 1;
        }
        let mut first: Vec<Said> =
            ahead.iter().filter(|(_, count)| **count == 0).map(|(said, _)| *said).collect();
        let mut ordered = 0;
        while let Some(said) = first.pop() {
            ordered += 1;
            for next in &self.next[&said] {
                let count = ahead.get_mut(next).expect("it was heard");
                *count -= 1;
                if *count == 0 {
                    first.push(*next);
                }
            }
        }
        assert_eq!(ordered, self.next.len(), "two heard messages of the chat in different orders");
    }
}

impl Board {
    /// What must hold in the end.
    pub(crate) fn check(&self) {
        self.check_texts();
        self.check_order();
    }
}

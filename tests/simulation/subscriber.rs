//! What a peer knows of the topics it has subscribed to, and of the chat it is in: which message has to
//! come next.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::board::{Board, Said};

/// So many messages of a topic are kept.
pub(crate) const HISTORY: u64 = 5;

/// Follows the topics of one peer.
#[derive(Default)]
pub(crate) struct Subscriber {
    topics: BTreeMap<String, Topic>,
    /// One subscription is a pattern, which stands for all topics.
    pub(crate) has_pattern: bool,
    /// How many gaps were announced.
    pub(crate) gaps: usize,
}

/// One topic.
#[derive(Debug, Default)]
struct Topic {
    /// The number that has to come next, once that is known.
    next: Option<u64>,
    /// Messages of its own that are to come, or are lost in a gap.
    own: VecDeque<Vec<u8>>,
    /// How many of its own may be lost in the gaps that were announced.
    lost: u64,
    /// It has unsubscribed, and nothing has to come any more.
    is_over: bool,
}

/// As its script is written.
impl Subscriber {
    /// It subscribes to a topic, behind message `since` if it names one.
    pub(crate) fn subscribe(&mut self, topic: &str, since: Option<u64>) {
        let next = since.map(|since| since + 1);
        self.topics.insert(topic.to_owned(), Topic { next, ..Topic::default() });
    }

    pub(crate) fn unsubscribe(&mut self, topic: &str) {
        self.topics.get_mut(topic).expect("it is subscribed").is_over = true;
    }

    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        self.topics.get(topic).is_some_and(|topic| !topic.is_over)
    }

    /// It has been subscribed at some time.
    pub(crate) fn knows(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    /// It publishes something.
    pub(crate) fn publish(&mut self, topic: &str, text: &[u8]) {
        if self.is_subscribed(topic) {
            self.topics.get_mut(topic).expect("it is").own.push_back(text.to_vec());
        }
    }
}

/// As it hears.
impl Subscriber {
    /// Hears a delivery or a gap notice.
    pub(crate) fn hear(&mut self, bytes: &[u8], board: &mut Board) {
        let text = std::str::from_utf8(bytes).expect("text");
        let words: Vec<&str> = text.splitn(4, ' ').collect();
        match words[..] {
            ["GAP", topic, from, to] => self.hear_gap(topic, number(from), number(to), board),
            [topic, seq, ..] => {
                let payload = &bytes[topic.len() + seq.len() + 2..];
                self.hear_message(topic, number(seq), payload, board);
            }
            _ => panic!("{text} is no delivery"),
        }
    }

    fn hear_gap(&mut self, name: &str, from: u64, to: u64, board: &Board) {
        let topic = self.topics.get_mut(name).expect("a topic that it knows");
        // Whoever has heard nothing yet may have had no room for the first that was for him.
        assert!(topic.next.is_none_or(|next| next == from), "{name}: a gap from {from}: {topic:?}");
        if to >= from {
            board.lose(name, to, HISTORY);
            topic.lost += to + 1 - from;
        } else {
            // It has named a number that no message has had, and any before may be lost.
            topic.lost += to;
        }
        topic.next = Some(to + 1);
        self.gaps += 1;
    }

    fn hear_message(&mut self, name: &str, number: u64, text: &[u8], board: &mut Board) {
        let topic = self.topics.get_mut(name).expect("a topic that it knows");
        assert!(topic.next.is_none_or(|next| next == number), "{name} {number}, and not {topic:?}");
        topic.next = Some(number + 1);
        if let Some(position) = topic.own.iter().position(|own| own == text) {
            // Those in front were published before it.
            topic.own.drain(..=position);
            topic.lost =
                topic.lost.checked_sub(position as u64).expect("own messages are left out");
        }
        board.publish(name, number, text);
    }

    /// Whether it has heard all that has to come.
    pub(crate) fn is_up_to_date(&self, board: &Board) -> bool {
        self.topics.iter().filter(|(_, topic)| !topic.is_over).all(|(name, topic)| {
            // Which is the first to come is not known to whoever has heard nothing.
            let has_newest = topic.next.is_none_or(|next| next > board.newest(name));
            has_newest && topic.own.len() as u64 <= topic.lost
        })
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics = self.topics.iter().map(|(name, topic)| {
            let Topic { next, own, lost, is_over } = topic;
            let own = own.iter().map(|text| String::from_utf8_lossy(&text[..8]).into_owned());
            (name, next, own.collect::<Vec<_>>(), lost, is_over)
        });
        f.debug_list().entries(topics).finish()
    }
}

fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or_else(|_| panic!("{digits} is no number"))
}

/// Follows the chat.
#[derive(Debug, Default)]
pub(crate) struct Listener {
    before: Option<Said>,
    /// The last message of each other member.
    last: BTreeMap<usize, usize>,
}

impl Listener {
    /// Hears what is said in the room. Nobody's messages have a hole, or come twice.
    pub(crate) fn hear(&mut self, bytes: &[u8], board: &mut Board) {
        let text = std::str::from_utf8(bytes).expect("text");
        if text.starts_with("* ") {
            return;
        }
        let (_, message) = text.split_once(": ").unwrap_or_else(|| panic!("{text} of nobody"));
        let (member, number) = place(message);
        if let Some(last) = self.last.insert(member, number) {
            assert_eq!(number, last + 1, "{text:.60}: member {member} has said something else");
        }
        board.chat(self.before.replace((member, number)), (member, number));
    }

    /// Whether it has heard of the others what anybody has heard.
    pub(crate) fn is_up_to_date(&self, board: &Board) -> bool {
        self.last.iter().all(|(member, last)| board.last_of(*member) <= Some(*last))
    }
}

/// Who has said a message, and which of his it is, from what it begins with: `PEER.NUMBER:`.
fn place(message: &str) -> Said {
    let (place, _) = message.split_once(':').expect("a place in front");
    let (member, number) = place.split_once('.').expect("two numbers");
    (member.parse().expect("a number"), number.parse().expect("a number"))
}

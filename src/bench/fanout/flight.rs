//! Messages that are on their way to many.

use std::collections::VecDeque;

use crate::time::Time;

/// What was published and has not come to everybody: numbers without a gap.
#[derive(Debug, Default)]
pub(super) struct Flight {
    first: u64,
    messages: VecDeque<Message>,
}

#[derive(Debug)]
struct Message {
    /// When it was published, or was to be.
    sent: Time,
    /// How many have not received it.
    left: usize,
}

impl Flight {
    /// Nothing is on its way, and the next message is this.
    pub(super) fn starting_at(number: u64) -> Flight {
        Flight { first: number, messages: VecDeque::new() }
    }

    /// How many messages are on their way to somebody.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The number of the next message.
    pub(super) fn next(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    /// The next message has left for so many.
    pub(super) fn publish(&mut self, sent: Time, receivers: usize) {
        self.messages.push_back(Message { sent, left: receivers });
    }

    /// Somebody has received a message, which was sent then; `None` if it was not.
    pub(super) fn deliver(&mut self, number: u64) -> Option<Time> {
        let message = self.at(number)?;
        message.left -= 1;
        let sent = message.sent;
        self.forget_delivered();
        Some(sent)
    }

    /// Somebody who has not received this and what follows never will. Returns how many messages that
    /// are.
    pub(super) fn give_up(&mut self, number: u64) -> u64 {
        let from = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let mut missing = 0;
        for message in self.messages.iter_mut().skip(from) {
            message.left -= 1;
            missing += 1;
        }
        self.forget_delivered();
        missing
    }

    fn at(&mut self, number: u64) -> Option<&mut Message> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.messages.get_mut(place)
    }

    fn forget_delivered(&mut self) {
        while self.messages.front().is_some_and(|message| message.left == 0) {
            self.messages.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_on_its_way_until_it_has_come_to_everybody() {
        let mut flight = Flight::starting_at(1);
        for _ in 0..3 {
            flight.publish(Time::ZERO, 2);
        }
        assert_eq!((flight.len(), flight.next()), (3, 4));
        assert_eq!(flight.deliver(4), None, "it was not published");
        assert_eq!(flight.deliver(1), Some(Time::ZERO));
        assert_eq!(flight.len(), 3);
        // One is at the third message, and the other goes behind the first.
        assert!(flight.deliver(2).is_some() && flight.deliver(1).is_some());
        assert_eq!(flight.deliver(1), None, "it has come to everybody");
        assert_eq!(flight.give_up(2), 2);
        assert_eq!((flight.len(), flight.next()), (1, 4));
        assert!(flight.deliver(3).is_some());
        assert_eq!(flight.len(), 0);
    }
}

//! Is it the message that is expected?

use super::{Fanout, Stage, State};
use crate::time::Time;

impl Fanout {
    /// Compares what has come to a subscriber with what is expected. Returns whether it is right.
    pub(super) fn compare(&mut self, place: usize, mut bytes: &[u8], now: Time) -> bool {
        loop {
            let subscriber = &mut self.subscribers[place];
            // Message 0 comes more than once, and then message 1; they differ in a digit.
            let mut number = subscriber.next;
            let mut expected = &self.payload.message(0, number)[subscriber.offset..];
            let mut count = bytes.len().min(expected.len());
            if number == 0 && bytes[..count] != expected[..count] {
                if subscriber.offset > self.payload.common() {
                    return false;
                }
                number = 1;
                expected = &self.payload.message(0, number)[subscriber.offset..];
                count = bytes.len().min(expected.len());
            }
            if bytes[..count] != expected[..count] {
                return false;
            }
            subscriber.next = number;
            subscriber.offset += count;
            if count == expected.len() {
                subscriber.offset = 0;
                if !self.delivered(place, number, now) {
                    return false;
                }
            }
            bytes = &bytes[count..];
            if !self.plan.is_bytes {
                return bytes.is_empty() && self.subscribers[place].offset == 0;
            }
            if bytes.is_empty() {
                return true;
            }
        }
    }

    /// A whole message has come to a subscriber. Returns whether it was published.
    fn delivered(&mut self, place: usize, number: u64, now: Time) -> bool {
        let subscriber = &mut self.subscribers[place];
        if number == 0 {
            if subscriber.state == State::Silent {
                subscriber.state = State::Joined;
                self.joined += 1;
            }
            return true;
        }
        subscriber.next = number + 1;
        let Some(sent) = self.flight.deliver(number) else { return false };
        // What comes later was sent within the time, but did not come within it.
        if self.course.stage != Stage::Finishing {
            self.recorder.reply(self.payload.len(), now - sent, now);
        }
        true
    }
}

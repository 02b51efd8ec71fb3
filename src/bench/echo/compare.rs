//! Is it the reply that is expected?

use std::time::Duration;

use super::{Echo, Framing};
use crate::engine::Context;
use crate::protocol::Message;
use crate::time::Time;

/// A datagram that is not answered within this time is lost.
const DATAGRAM_TIMEOUT: Duration = Duration::from_millis(500);

impl Echo {
    /// Compares bytes of a stream with what is expected. Returns whether they are right.
    pub(super) fn compare_bytes(&mut self, peer: usize, mut bytes: &[u8], now: Time) -> bool {
        while !bytes.is_empty() {
            let state = &self.peers[peer];
            let Some((number, _)) = state.in_flight.front() else {
                self.errors.extra += 1;
                return false;
            };
            let payload = &mut self.flows[state.flow].payload;
            let expected = &payload.message(peer, *number)[state.offset..];
            let count = bytes.len().min(expected.len());
            if bytes[..count] != expected[..count] {
                self.errors.wrong += 1;
                return false;
            }
            let is_whole = count == expected.len();
            bytes = &bytes[count..];
            if is_whole {
                self.peers[peer].offset = 0;
                self.replied(peer, now);
            } else {
                self.peers[peer].offset += count;
            }
        }
        true
    }

    /// Compares a message with the one that is expected. Returns whether it is right.
    pub(super) fn compare_message(&mut self, peer: usize, message: Message<'_>, now: Time) -> bool {
        let state = &self.peers[peer];
        let Some((number, _)) = state.in_flight.front() else {
            self.errors.extra += 1;
            return false;
        };
        let expected = self.flows[state.flow].payload.message(peer, *number);
        let is_right = message.kind() == self.plan.kind && message.as_bytes() == expected;
        if is_right {
            self.replied(peer, now);
        } else {
            self.errors.wrong += 1;
        }
        is_right
    }

    /// Compares a datagram with the one that it claims to be.
    pub(super) fn compare_datagram(&mut self, peer: usize, bytes: &[u8], now: Time) {
        let payload = &mut self.flows[self.peers[peer].flow].payload;
        let number = payload.number_of(bytes);
        // A short one has the last digits of its number only.
        let in_flight = &self.peers[peer].in_flight;
        let position = number.and_then(|_| {
            in_flight.iter().position(|(sent, _)| payload.message(peer, *sent) == bytes)
        });
        match position {
            Some(position) => {
                let (_, sent) = self.peers[peer].in_flight.remove(position).expect("it is there");
                self.count(peer, sent, now);
            }
            // It was given up, and has come all the same.
            None if number.is_some_and(|number| {
                number < self.peers[peer].next && payload.message(peer, number) == bytes
            }) => {}
            None => self.errors.wrong += 1,
        }
    }

    /// Gives up datagrams that are not answered.
    pub(super) fn scan_datagrams(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.plan.framing != Framing::Datagrams || now < self.next_scan {
            return;
        }
        self.next_scan = now + DATAGRAM_TIMEOUT / 10;
        for peer in 0..self.peers.len() {
            while let Some((_, sent)) = self.peers[peer].in_flight.front()
                && now - *sent >= DATAGRAM_TIMEOUT
            {
                self.peers[peer].in_flight.pop_front();
                self.in_flight -= 1;
                self.errors.lost_datagrams += 1;
                self.refill(cx, peer);
            }
        }
        self.settle(now);
    }
}

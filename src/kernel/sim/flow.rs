//! One direction of a connection: what is on its way, what has arrived, and how it ends.
//!
//! ```text
//!            push              in flight              arrived             take
//!   sender ───────► [ 4 ms: bytes ][ 2 ms: bytes ] ─────────► [ bytes ] ───────► receiver
//!                   └────────── at most `capacity` bytes ───────────┘
//! ```

use std::collections::VecDeque;
use std::io::Read as _;

use crate::time::Time;

/// What travels.
#[derive(Debug)]
pub(super) enum Item {
    /// Bytes, or one packet.
    Bytes(VecDeque<u8>),
    /// Here urgent data was sent. No read goes past this place if it has something already.
    Urgent,
    /// Nothing follows.
    End,
    /// The connection is broken.
    Reset,
}

/// How a direction has ended for the receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// In order.
    Fin,
    /// By a reset.
    Reset,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Flow {
    capacity: usize,
    /// Each with the time at which it arrives, which never goes down.
    in_flight: VecDeque<(Time, Item)>,
    /// [`Item::Bytes`] and [`Item::Urgent`] only.
    arrived: VecDeque<Item>,
    /// How many bytes there are in both.
    queued: usize,
    end: Option<End>,
    /// The sender has ended it.
    is_ended: bool,
}

impl Flow {
    pub(super) fn new(capacity: usize) -> Flow {
        Flow {
            capacity,
            in_flight: VecDeque::new(),
            arrived: VecDeque::new(),
            queued: 0,
            end: None,
            is_ended: false,
        }
    }

    /// Lets so much be on its way or arrived.
    pub(super) fn set_capacity(&mut self, bytes: usize) {
        self.capacity = bytes;
    }

    /// How much the sender may send.
    pub(super) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.queued)
    }

    /// Whether a packet may be sent. However long it is, it fits where nothing else is.
    pub(super) fn has_room_for(&self, packet: usize) -> bool {
        self.queued == 0 || packet <= self.room()
    }

    /// Sends. Nothing overtakes anything, so the time of arrival may become a later one; it is
    /// returned. What is sent behind the end is lost: the sender does not know yet that it is broken.
    pub(super) fn push(&mut self, item: Item, arrival: Time) -> Time {
        let last = self.in_flight.back().map_or(Time::ZERO, |(last, _)| *last);
        let arrival = arrival.max(last);
        match &item {
            Item::Bytes(_) | Item::End if self.is_ended => return arrival,
            Item::Bytes(bytes) => self.queued += bytes.len(),
            Item::Urgent => {}
            Item::End | Item::Reset => self.is_ended = true,
        }
        self.in_flight.push_back((arrival, item));
        arrival
    }

    /// Moves on what has arrived by `now`. Returns whether anything has.
    pub(super) fn deliver(&mut self, now: Time) -> bool {
        let count = self.in_flight.iter().take_while(|(arrival, _)| *arrival <= now).count();
        for (_, item) in self.in_flight.drain(..count) {
            match item {
                Item::Bytes(_) | Item::Urgent => self.arrived.push_back(item),
                Item::End => self.end = Some(End::Fin),
                Item::Reset => self.end = Some(End::Reset),
            }
        }
        count > 0
    }

    /// How many bytes can be read in one go.
    pub(super) fn readable(&self) -> usize {
        let mut count = 0;
        for item in &self.arrived {
            match item {
                Item::Bytes(bytes) => count += bytes.len(),
                _ if count > 0 => break,
                _ => {}
            }
        }
        count
    }

    /// Reads bytes, as many as `buffer` takes, of which there must be so many.
    pub(super) fn take(&mut self, mut buffer: &mut [u8]) {
        self.queued -= buffer.len();
        while !buffer.is_empty() {
            match self.arrived.front_mut().expect("so much has arrived") {
                Item::Bytes(bytes) => {
                    let count = bytes.len().min(buffer.len());
                    let (now, later) = buffer.split_at_mut(count);
                    bytes.read_exact(now).expect("so much has arrived");
                    buffer = later;
                    if bytes.is_empty() {
                        self.arrived.pop_front();
                    }
                }
                _ => drop(self.arrived.pop_front()),
            }
        }
    }

    /// Takes one packet.
    pub(super) fn take_packet(&mut self) -> Option<VecDeque<u8>> {
        let Item::Bytes(packet) = self.arrived.pop_front()? else { return None };
        self.queued -= packet.len();
        Some(packet)
    }

    /// Whether bytes, or a packet, have arrived and were not taken.
    pub(super) fn has_arrived(&self) -> bool {
        self.arrived.iter().any(|item| matches!(item, Item::Bytes(_)))
    }

    /// Whether urgent data has arrived and nothing behind it was read.
    pub(super) fn is_urgent(&self) -> bool {
        self.arrived.iter().any(|item| matches!(item, Item::Urgent))
    }

    /// How it has ended, once that has arrived.
    pub(super) fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether the sender has ended it.
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Destroys what is on its way, but for the news of a reset, and what has arrived.
    pub(super) fn destroy(&mut self) {
        self.in_flight.retain(|(_, item)| matches!(item, Item::Reset));
        self.arrived.clear();
        self.queued = 0;
    }
}

//! Output: who is sent what, what becomes of who takes nothing, and who is to be looked at for it.

use std::collections::HashSet;

use rand::rngs::StdRng;

use super::connection::{Connection, Flags, Phase};
use super::connections::ConnId;
use super::core::Core;
use super::endpoint::SlowConsumers;
use super::shared_frame::SharedFrame;
use crate::buffer::BufferPool;
use crate::codec::websocket::deflate;
use crate::protocol::{CloseReason, Format, Message};

impl Core {
    /// Queues a message. Returns whether it was queued.
    pub(super) fn queue(&mut self, to: ConnId, message: Message<'_>, why: Why) -> bool {
        let sent = self.append(to, message, why, |format, output, shared| {
            format.encode(output, message, shared.rng, shared.deflate);
        });
        sent == Sent::Queued
    }

    /// Queues one message for many, under the cap for each of them, and returns for how many.
    pub(super) fn broadcast(
        &mut self,
        to: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
    ) -> usize {
        // Who is pushed something is not asked for room.
        self.fan_out(to, message, Why::Push, &mut Vec::new())
    }

    /// Queues one message for those who have room for it. Of the others, those who may have some again
    /// are put on the list. Returns for how many it was queued.
    pub(super) fn offer(
        &mut self,
        to: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
        without_room: &mut Vec<ConnId>,
    ) -> usize {
        self.fan_out(to, message, Why::Offer, without_room)
    }

    /// How many bytes may be queued for a peer before it is above its high-water mark; 0 if it is above
    /// or takes none.
    pub(super) fn room(&self, peer: ConnId) -> usize {
        let connection = self.connections.get(peer);
        let queued = connection.filter(|connection| connection.format().is_some());
        queued.map_or(0, |connection| {
            let most = self.limits.high_water_bytes.saturating_add(1);
            most.saturating_sub(connection.queued_bytes())
        })
    }

    /// Queues one message for many, encoding it once for each format.
    fn fan_out(
        &mut self,
        to: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
        why: Why,
        without_room: &mut Vec<ConnId>,
    ) -> usize {
        let mut frame = SharedFrame::new(message);
        let mut count = 0;
        for id in to {
            let sent = self.append(id, message, why, |format, output, shared| {
                match frame.encoding(format, shared) {
                    Some(encoding) => output.extend_from_slice(encoding),
                    None => format.encode(output, message, shared.rng, shared.deflate),
                }
            });
            match sent {
                Sent::Queued => count += 1,
                Sent::NoRoom => without_room.push(id),
                Sent::No => {}
            }
        }
        frame.release(&mut self.pool);
        count
    }

    /// Has `encode` append a message to the output of a connection, if it may be sent to it for this
    /// reason. A connection that compresses with what it has sent before encodes the message itself.
    #[inline]
    fn append(
        &mut self,
        id: ConnId,
        message: Message<'_>,
        why: Why,
        encode: impl FnOnce(Format, &mut Vec<u8>, &mut Shared<'_>),
    ) -> Sent {
        if why.is_unasked() {
            self.make_room();
        }
        let Some(connection) = self.connections.get_mut(id) else { return Sent::No };
        let Some(format) = connection.format() else { return Sent::No };
        match why {
            Why::Reply => {}
            Why::Share | Why::Offer => {
                if connection.queued_bytes() > self.limits.high_water_bytes {
                    return Sent::NoRoom;
                }
            }
            Why::Push => {
                let length = message.as_bytes().len() + Format::OVERHEAD;
                if connection.queued_bytes() + length > self.limits.max_queued_bytes {
                    self.leave_out(id);
                    return Sent::No;
                }
            }
        }
        self.books.of_connection(connection).messages_sent += 1;
        let output = connection.output.get_or_insert_with(|| self.pool.take());
        let Core { pool, rng, deflate, .. } = self;
        match format {
            Format::Own(_) => connection.protocol.encode(output.tail(), message, rng, deflate),
            format => encode(format, output.tail(), &mut Shared { pool, rng, deflate }),
        }
        if output.is_empty() {
            // An empty message to a raw peer is nothing on the wire.
            if let Some(output) = connection.output.take() {
                self.pool.give(output);
            }
            return Sent::Queued;
        }
        output.marks.is_pushed |= why.is_unasked();
        self.pool.settle_output(output);
        connection.note_growth(&self.limits);
        if !connection.flags.has(Flags::DIRTY) {
            connection.flags.set(Flags::DIRTY);
            self.dirty.push(id);
        }
        Sent::Queued
    }

    /// There is no room for what was to be pushed to a peer: it misses that, or is closed, as is said of
    /// its binding.
    #[cold]
    fn leave_out(&mut self, id: ConnId) {
        let binding = self.connections.get(id).and_then(Connection::binding);
        let slow = binding.map(|binding| self.bindings[usize::from(binding.0)].slow);
        match slow.unwrap_or_default() {
            SlowConsumers::Close => self.end(id, CloseReason::SlowConsumer, Phase::Dead),
            SlowConsumers::Drop => self.stats.dropped_messages += 1,
        }
    }

    /// Puts a connection on the list of those the shell has to look at.
    pub(super) fn mark_dirty(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.flags.has(Flags::DIRTY)
        {
            connection.flags.set(Flags::DIRTY);
            self.dirty.push(id);
        }
    }

    /// A protocol has said something unasked: notes that output has grown, and has the shell write it.
    pub(super) fn note_output(&mut self, id: ConnId) {
        self.weigh_output(id);
        self.mark_dirty(id);
    }

    /// Output has changed: puts pings and pongs ahead of what cannot be written for now, and notes which
    /// marks it has gone over.
    #[inline]
    pub(super) fn weigh_output(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get_mut(id)
            && connection.weigh_output(&mut self.pool, &self.limits)
        {
            self.list_drained(id);
        }
    }

    /// Has a connection looked at again soon: it has room again, or its turn.
    pub(super) fn list_drained(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.flags.has(Flags::LISTED)
        {
            connection.flags.set(Flags::LISTED);
            self.drained.push_back(id);
        }
    }

    /// # Panics
    /// If somebody is on the list twice, or is taken to be there and is not.
    pub(super) fn check_drained(&self) {
        let is_listed = |id: &ConnId| {
            self.connections.get(*id).is_some_and(|connection| connection.flags.has(Flags::LISTED))
        };
        let listed: HashSet<ConnId> = self.drained.iter().copied().collect();
        assert_eq!(listed.len(), self.drained.len(), "somebody has two turns");
        let expected: HashSet<ConnId> =
            self.connections.ids().into_iter().filter(is_listed).collect();
        assert!(expected.is_subset(&listed), "somebody waits for a turn");
    }

    /// Takes the first of those from the list.
    pub(super) fn next_drained(&mut self) -> Option<ConnId> {
        let id = self.drained.pop_front()?;
        if let Some(connection) = self.connections.get_mut(id) {
            connection.flags.clear(Flags::LISTED);
        }
        Some(id)
    }
}

/// Why a message is sent to a peer, and so what becomes of it where there is no room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// The peer has said something. It is always admitted: reading stops instead.
    Reply,
    /// It is a part of what the peer has asked for, who has to have room for it.
    Share,
    /// It has to fit under the cap, or its receiver is a slow consumer.
    Push,
    /// Its receiver has to have room for it.
    Offer,
}

impl Why {
    /// Whether it comes without its receiver having said anything.
    fn is_unasked(self) -> bool {
        matches!(self, Why::Push | Why::Offer)
    }
}

/// What has become of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sent {
    /// It is queued.
    Queued,
    /// It is not, and may be when the peer has room again.
    NoRoom,
    /// It is not: the peer takes none any more, or it did not fit under the cap.
    No,
}

/// What encoding takes besides a message.
pub(super) struct Shared<'a> {
    pub(super) pool: &'a mut BufferPool,
    pub(super) rng: &'a mut StdRng,
    pub(super) deflate: &'a mut deflate::Pool,
}

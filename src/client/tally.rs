//! What was sent and what came back, and when something last happened: that is how a client whose
//! input has ended knows that everything is answered, or that nothing more will be.

use super::input::Unit;
use crate::time::Time;

/// Counts lines or messages.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: usize,
    received: usize,
    last_progress: Time,
    /// How much was queued for the server when it was last looked at.
    queued: usize,
}

impl Tally {
    /// A unit was sent.
    pub(super) fn sent(&mut self, unit: Unit, bytes: &[u8], now: Time) {
        self.sent += messages(unit, bytes);
        self.last_progress = now;
    }

    /// Something has come.
    pub(super) fn received(&mut self, unit: Unit, bytes: &[u8], now: Time) {
        self.received += messages(unit, bytes);
        self.last_progress = now;
    }

    /// Whether as much has come as was sent.
    pub(super) fn is_answered(&self) -> bool {
        self.received >= self.sent
    }

    /// How many messages have gone without an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.sent.saturating_sub(self.received)
    }

    /// The connection is another one, of which nothing was asked.
    pub(super) fn restart(&mut self) {
        (self.sent, self.received) = (0, 0);
    }

    pub(super) fn note_progress(&mut self, now: Time) {
        self.last_progress = now;
    }

    /// When something was last sent or received.
    pub(super) fn last_progress(&self) -> Time {
        self.last_progress
    }

    /// Whether the queue has become another since this was asked last.
    pub(super) fn is_queue_moving(&mut self, queued: usize) -> bool {
        std::mem::replace(&mut self.queued, queued) != queued
    }
}

/// How many messages there are in what was sent or received at a time: of bytes, the lines.
fn messages(unit: Unit, bytes: &[u8]) -> usize {
    match unit {
        Unit::Bytes => memchr::memchr_iter(b'\n', bytes).count(),
        Unit::Line | Unit::LineWithoutEnd => 1,
    }
}

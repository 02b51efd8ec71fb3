//! What a group of connections sends, and when it is due.

use crate::bench::payload::Payload;
use crate::bench::recorder::Recorder;
use crate::bench::schedule::Schedule;

/// What a group of connections sends.
#[derive(Debug)]
pub(super) struct Flow {
    /// Its connections: so many of the peers, from the first of them.
    pub(super) first: usize,
    pub(super) connections: usize,
    pub(super) payload: Payload,
    /// How many messages are on their way on each, where there is no schedule.
    pub(super) depth: usize,
    pub(super) schedule: Option<Schedule>,
    pub(super) recorder: Recorder,
}

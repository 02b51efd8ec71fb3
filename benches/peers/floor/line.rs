//! Lines, which come back the same whether anybody looks for their ends or not.

use super::{Answer, Speaker};

/// Writes what it read. That is the limit for every server that looks for lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line;

impl Speaker for Line {
    type Peer = ();

    fn answer<'a>(&'a mut self, (): &mut (), input: &'a mut [u8]) -> Answer<'a> {
        Answer { bytes: input, is_last: false }
    }
}

//! One thing that happened.

use std::io;

use crate::engine::State;
use crate::kernel::tape::Call;
use crate::protocol::Deadline;

/// So many bytes of something that was said are kept.
const KEPT_BYTES: usize = 160;

/// Something that happened, and to whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The index of the [lane](super::Lane); 0 is the loop itself.
    pub lane: usize,
    /// What it was.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The kernel says that it is ready.
    Ready {
        /// There is something to read, or to accept.
        readable: bool,
        /// There is room to write.
        writable: bool,
        /// The peer has ended its side, or the connection is broken.
        read_closed: bool,
        /// Urgent data is on the way.
        urgent: bool,
    },
    /// It is watched from here on; also for room to write, or not.
    Watched {
        /// For room to write, too.
        writable: bool,
    },
    /// Somebody was accepted from it.
    Accepted(String),
    /// Somebody was turned away at it for want of a descriptor.
    Refused(String),
    /// Who was accepted last is turned away.
    Aborted,
    /// A connection to this address is begun.
    Dialed(String),
    /// Whether it is there.
    Made(bool),
    /// Bytes or a packet were read.
    Read {
        /// What.
        bytes: Excerpt,
        /// Whether that was all that fits, so that there may be more.
        is_full: bool,
    },
    /// A packet was dropped, because it was too long.
    Oversize,
    /// The peer has ended its side.
    End,
    /// A client has come to a service.
    Opened,
    /// A message was decoded.
    Message(Excerpt),
    /// The line `STOP` was decoded.
    Stop,
    /// The conversation has ended, and why.
    Ended(String),
    /// A service was called: its name and the method.
    Called(String, &'static str),
    /// The connection is this by now.
    State(State),
    /// A deadline has come.
    Missed(Deadline),
    /// Bytes were written.
    Wrote {
        /// What was taken.
        bytes: Excerpt,
        /// How many there were to write.
        asked: usize,
    },
    /// A datagram has come, from whom.
    Received(Excerpt, String),
    /// A datagram was sent, to whom.
    Sent(Excerpt, String),
    /// Our side was ended.
    ShutDown,
    /// It was closed.
    Closed,
    /// A signal has come.
    Signal(&'static str),
    /// Something could not be done: what was asked, and the error. `WouldBlock` is one.
    Failed(Call, io::ErrorKind, String),
    /// It is not served any further in this turn, and why.
    Stopped(Why),
}

/// Why a source that was served is left alone for the rest of the turn.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Why {
    /// The read came back shorter than the buffer: there was no more.
    ShortRead,
    /// The kernel said `WouldBlock`.
    WouldBlock,
    /// The budget of a turn is used up. It goes on in the next one, behind all others.
    Budget,
    /// There is no room for what is to be written; an event will say when there is.
    NoRoom,
    /// The peer has ended its side.
    End,
    /// The engine does not want to hear it for now.
    NotWanted,
}

/// The first bytes of something that was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Excerpt {
    /// At most 160 of them.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub length: usize,
}

impl From<&[u8]> for Excerpt {
    fn from(all: &[u8]) -> Excerpt {
        let kept = all.len().min(KEPT_BYTES);
        Excerpt { bytes: all[..kept].to_vec(), length: all.len() }
    }
}

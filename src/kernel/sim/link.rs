//! A connection: two flows, the loop at one end and a remote peer at the other.

use std::net::{IpAddr, Ipv4Addr};

use super::flow::{End, Flow};
use super::tally::Passage;
use crate::kernel::{StreamKind, Token};

/// The remote end of a connection. Numbers are given once and never again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Remote(pub(super) usize);

/// How far a connection is that the loop makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Making {
    /// It is made, or it came to us.
    Done,
    Pending,
    Refused,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) kind: StreamKind,
    pub(super) making: Making,
    /// Where the remote peer is, if it came to us.
    pub(super) address: IpAddr,
    /// What has gone through it.
    pub(super) passage: Passage,
    /// The listener that it came to; `None` where the loop has made it.
    pub(super) listener: Option<usize>,
    /// Whom the loop has dialed; `None` where nobody is there.
    pub(super) server: Option<usize>,
    /// Towards the loop.
    pub(super) inbound: Flow,
    /// From the loop.
    pub(super) outbound: Flow,
    /// Where the loop has it, if it does.
    pub(super) descriptor: Option<usize>,
    /// What the loop had called it by, when it has closed it.
    pub(super) last_token: Option<Token>,
    /// The loop has met the end of the room for output, and is told when there is some again.
    pub(super) wants_room: bool,
    /// The loop was told that it is broken, by whatever call.
    pub(super) is_known_broken: bool,
    /// The loop was told of the reset, by a call that failed. The next ones fail otherwise.
    pub(super) is_error_taken: bool,
    /// The loop has ended its side.
    pub(super) is_shut: bool,
    /// The loop has closed it, or never had it.
    pub(super) is_closed: bool,
    /// The remote peer has closed it: what comes is answered by a reset.
    pub(super) is_closed_by_remote: bool,
    /// The loop watches it, and so has it.
    pub(super) is_watched: bool,
    /// The loop has closed it without serving it, or never taken it.
    pub(super) is_turned_away: bool,
    /// It was destroyed by the weather, through nobody's fault.
    pub(super) is_destroyed: bool,
}

impl Link {
    pub(super) fn new(kind: StreamKind, capacity: usize, making: Making) -> Link {
        Link {
            kind,
            making,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            passage: Passage::default(),
            listener: None,
            server: None,
            inbound: Flow::new(capacity),
            outbound: Flow::new(capacity),
            descriptor: None,
            last_token: None,
            wants_room: false,
            is_error_taken: false,
            is_shut: false,
            is_closed: false,
            is_closed_by_remote: false,
            is_watched: false,
            is_turned_away: false,
            is_destroyed: false,
            is_known_broken: false,
        }
    }

    /// Whether the loop has made it.
    pub(super) fn is_dialed(&self) -> bool {
        self.listener.is_none()
    }

    /// Whether the loop's end is broken.
    pub(super) fn is_broken(&self) -> bool {
        self.inbound.end() == Some(End::Reset)
    }

    /// What an event says: readable, writable, read side closed, urgent.
    pub(super) fn mask(&self) -> Mask {
        match self.making {
            Making::Pending => return Mask::default(),
            // EPOLLERR and EPOLLHUP, which are read as everything.
            Making::Refused => return Mask::ALL,
            Making::Done => {}
        }
        let is_over = self.inbound.end().is_some();
        Mask {
            readable: self.inbound.has_arrived() || is_over || self.inbound.is_urgent(),
            writable: self.is_broken() || self.outbound.room() > 0,
            read_closed: is_over,
            urgent: self.inbound.is_urgent(),
        }
    }
}

/// What is true of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Mask {
    pub(super) readable: bool,
    pub(super) writable: bool,
    pub(super) read_closed: bool,
    pub(super) urgent: bool,
}

impl Mask {
    pub(super) const ALL: Mask =
        Mask { readable: true, writable: true, read_closed: true, urgent: false };

    pub(super) fn is_empty(self) -> bool {
        self == Mask::default()
    }
}

//! A connection, as the shell knows it.

use readily::engine::{ConnId, Speaks};

use super::echo::Echo;
use super::script::Door;

pub(crate) struct Peer {
    pub(crate) id: ConnId,
    /// It has come to a web listener, and sent nothing.
    pub(crate) is_fresh_web: bool,
    /// It is not there yet.
    pub(crate) is_connecting: bool,
    /// We have made or adopted it.
    pub(crate) is_our_own: bool,
    pub(crate) is_packets: bool,
    /// Whether it may be sent far more than it sends.
    pub(crate) is_flooded: bool,
    pub(crate) has_ended: bool,
    /// We have ended our side.
    pub(crate) has_our_end: bool,
    /// It broke: what was on its way may be lost.
    pub(crate) is_broken: bool,
    /// What must come back to it.
    pub(crate) echo: Option<Echo>,
    /// How much waits for it, and whether it is read from: as of the last time that the shell had a
    /// reason to look.
    pub(crate) seen: (usize, bool),
}

impl Peer {
    /// Somebody who has come to a door.
    pub(crate) fn guest(id: ConnId, door: Door) -> Peer {
        let echo = match door {
            Door::EchoLines | Door::StopLines => Some(Echo::lines()),
            Door::EchoBytes => Some(Echo::bytes()),
            Door::EchoPackets => Some(Echo::packets()),
            _ => None,
        };
        use Door::{
            EchoPackets, MischiefBytes, MischiefLines, MischiefPackets, RandomPackets, Web,
        };
        Peer {
            id,
            is_fresh_web: door == Web,
            is_connecting: false,
            is_our_own: false,
            is_packets: matches!(door, EchoPackets | RandomPackets | MischiefPackets),
            is_flooded: matches!(door, MischiefBytes | MischiefLines | MischiefPackets | Web),
            has_ended: false,
            has_our_end: false,
            is_broken: false,
            echo,
            seen: (0, true),
        }
    }

    /// Somebody whom we have dialed.
    pub(crate) fn dialed(id: ConnId, speaks: &Speaks) -> Peer {
        Peer {
            is_connecting: true,
            is_packets: matches!(speaks, Speaks::Packets),
            seen: (0, false),
            ..Peer::adopted(id)
        }
    }

    /// Somebody who was there from the start.
    pub(crate) fn adopted(id: ConnId) -> Peer {
        let peer = Peer::guest(id, Door::MischiefBytes);
        Peer { is_our_own: true, ..peer }
    }
}

//! What can happen to an engine.

use arbitrary::Arbitrary;

/// One thing that happens. A connection is named by a number, modulo how many there are.
#[derive(Clone, Debug, Arbitrary)]
pub(crate) enum Act {
    /// Somebody connects.
    Open(Door),
    /// Bytes of any kind come.
    Receive(u8, Vec<u8>),
    /// A line comes.
    Line(u8, Vec<u8>),
    /// A request for a WebSocket comes.
    Upgrade(u8, Path),
    /// A frame comes, masked as the role of the peer asks for, whole or only its start.
    Frame(u8, u8, Vec<u8>, Option<u8>),
    /// A server that was dialed answers the request with what it should.
    Agree(u8),
    /// The peer ends its side.
    End(u8),
    /// The connection breaks while it is read.
    Lose(u8),
    /// The connection breaks while it is written.
    WriteFails(u8),
    /// The peer takes so many bytes of what is queued for it.
    Take(u8, u16),
    /// A connection that was being made is there.
    Connect(u8),
    /// So many milliseconds pass.
    Pass(u16),
    /// So many seconds pass.
    PassLong(u8),
    /// A datagram comes.
    Datagram(Vec<u8>),
    /// The server is told to end.
    Drain,
}

/// Where connections come to.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Door {
    EchoLines,
    RawMischief,
    PacketRandom,
    CountLines,
    Web,
}

/// What can be asked for there.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Path {
    Echo,
    Burst,
    Mischief,
    Nothing,
}

impl Path {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Path::Echo => "/echo",
            Path::Burst => "/burst",
            Path::Mischief => "/mischief",
            Path::Nothing => "/nothing",
        }
    }
}

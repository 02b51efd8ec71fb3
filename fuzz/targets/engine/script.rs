//! What can happen to an engine.
//!
//! A script is read from the front, a byte or two for each decision, so that one that is cut is a
//! script still and a piece of one means the same inside of another.

use arbitrary::{Arbitrary, Result, Unstructured};

/// No script is longer.
const MOST_ACTS: usize = 300;

/// Everything that happens.
#[derive(Debug)]
pub(crate) struct Script {
    /// Which limits hold.
    pub(crate) limits: u8,
    pub(crate) acts: Vec<Act>,
}

/// One thing that happens. A connection is named by a number, modulo how many there are.
#[derive(Debug)]
pub(crate) enum Act {
    /// Somebody connects.
    Open(Door),
    /// Bytes of any kind come.
    Receive(u8, Vec<u8>),
    /// A line comes.
    Line(u8, Vec<u8>),
    /// A request comes that does not ask for a WebSocket.
    Request(u8, u8),
    /// A request for a WebSocket comes, and perhaps for compression.
    Upgrade(u8, Path, bool),
    /// A frame comes, masked as the role of the peer asks for, whole or only its start.
    Frame { who: u8, first: u8, payload: Vec<u8>, cut: Option<u8> },
    /// A server that was dialed answers the request with what it should, and perhaps agrees to
    /// compress.
    Agree(u8, bool),
    /// The peer ends its side.
    End(u8),
    /// The connection breaks while it is read.
    Lose(u8),
    /// The connection breaks while it is written.
    WriteFails(u8),
    /// The peer takes so many bytes of what is queued for it.
    Take(u8, u16),
    /// Everybody takes everything.
    TakeAll,
    /// A connection that was being made is there.
    Connect(u8),
    /// A stream that the process has from the start.
    Adopt,
    /// News come of somebody who is gone.
    Ghost(u8),
    /// So many milliseconds pass.
    Pass(u16),
    /// So many seconds pass.
    PassLong(u8),
    /// A datagram comes.
    Datagram(u8, Sender, Vec<u8>),
    /// The server is told to end.
    Drain,
}

/// Where connections come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Door {
    EchoLines,
    EchoBytes,
    EchoPackets,
    CountLines,
    TimeLines,
    RandomPackets,
    DiscardBytes,
    /// Whoever says `STOP` here ends the server.
    StopLines,
    MischiefLines,
    MischiefBytes,
    MischiefPackets,
    Web,
    ChatLines,
    NotifyLines,
    /// What is published is kept for a while.
    HistoryLines,
    StreamLines,
    StatsLines,
}

impl Door {
    pub(crate) const ALL: [Door; 17] = [
        Door::EchoLines,
        Door::EchoBytes,
        Door::EchoPackets,
        Door::CountLines,
        Door::TimeLines,
        Door::RandomPackets,
        Door::DiscardBytes,
        Door::StopLines,
        Door::MischiefLines,
        Door::MischiefBytes,
        Door::MischiefPackets,
        Door::Web,
        Door::ChatLines,
        Door::NotifyLines,
        Door::HistoryLines,
        Door::StreamLines,
        Door::StatsLines,
    ];
}

/// What can be asked for on the web.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Path {
    Echo,
    /// Who asks for compression here has it.
    EchoAlone,
    /// And who does so here, with what went before.
    EchoTakeover,
    Random,
    Burst,
    Count,
    Mischief,
    Nothing,
    Chat,
    /// In JSON.
    ChatJson,
    Notify,
    History,
    /// For whoever does not read it is not waited.
    Stream,
    Stats,
}

impl Path {
    pub(crate) const ALL: [Path; 14] = [
        Path::Echo,
        Path::EchoAlone,
        Path::EchoTakeover,
        Path::Random,
        Path::Burst,
        Path::Count,
        Path::Mischief,
        Path::Nothing,
        Path::Chat,
        Path::ChatJson,
        Path::Notify,
        Path::History,
        Path::Stream,
        Path::Stats,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Path::Echo => "/echo",
            Path::EchoAlone => "/alone",
            Path::EchoTakeover => "/takeover",
            Path::Random => "/random",
            Path::Burst => "/burst",
            Path::Count => "/count",
            Path::Mischief => "/mischief",
            Path::Nothing => "/nothing",
            Path::Chat | Path::ChatJson => "/chat",
            Path::Notify => "/notify",
            Path::History => "/history",
            Path::Stream => "/stream",
            Path::Stats => "/stats",
        }
    }
}

/// Who a datagram comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sender {
    Stranger,
    /// It seems to.
    Ourselves,
    Nobody,
}

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Script> {
        let limits = u.arbitrary()?;
        let mut acts = Vec::new();
        while !u.is_empty() && acts.len() < MOST_ACTS {
            acts.push(u.arbitrary()?);
        }
        Ok(Script { limits, acts })
    }
}

impl<'a> Arbitrary<'a> for Act {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Act> {
        Ok(match u.int_in_range(0..=18)? {
            0 => Act::Open(*u.choose(&Door::ALL)?),
            1 => Act::Receive(u.arbitrary()?, bytes(u)?),
            2 => Act::Line(u.arbitrary()?, bytes(u)?),
            3 => Act::Request(u.arbitrary()?, u.arbitrary()?),
            4 => Act::Upgrade(u.arbitrary()?, *u.choose(&Path::ALL)?, u.arbitrary()?),
            5 => {
                let (who, first, payload) = (u.arbitrary()?, u.arbitrary()?, bytes(u)?);
                Act::Frame { who, first, payload, cut: u.arbitrary()? }
            }
            6 => Act::Agree(u.arbitrary()?, u.arbitrary()?),
            7 => Act::End(u.arbitrary()?),
            8 => Act::Lose(u.arbitrary()?),
            9 => Act::WriteFails(u.arbitrary()?),
            10 => Act::Take(u.arbitrary()?, u.arbitrary()?),
            11 => Act::TakeAll,
            12 => Act::Connect(u.arbitrary()?),
            13 => Act::Adopt,
            14 => Act::Ghost(u.arbitrary()?),
            15 => Act::Pass(u.arbitrary()?),
            16 => Act::PassLong(u.arbitrary()?),
            17 => {
                let from = [Sender::Stranger, Sender::Ourselves, Sender::Nobody];
                Act::Datagram(u.arbitrary()?, *u.choose(&from)?, bytes(u)?)
            }
            _ => Act::Drain,
        })
    }
}

/// A length and the bytes themselves; or one letter many times, so that a short script comes to
/// every limit.
fn bytes(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let length = usize::from(u.arbitrary::<u8>()?);
    if length > LONGEST_VERBATIM {
        return Ok(vec![b'x'; 40 * (length - LONGEST_VERBATIM)]);
    }
    let length = length.min(u.len());
    Ok(u.bytes(length)?.to_vec())
}

const LONGEST_VERBATIM: usize = 200;

/// What `bytes` never exceeds.
pub(crate) const LONGEST_BYTES: usize = 40 * 55;

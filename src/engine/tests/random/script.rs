//! What one peer is going to say, written down before the first byte of it is sent.
//!
//! ```text
//!    requests   message  message  ping  message …   the ending          what comes too late
//!   └─ web ───┘                                    STOP, Close, a rule  └─ of no consequence ─┘
//!                                                  broken, FIN, nothing
//! ```
//!
//! A script knows what must come of it, which is half of the model: the messages that the service
//! must hear, the answers that HTTP gives, the pings, and the reason for which the peer leaves.

use std::collections::VecDeque;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::Words;
use super::audit::{CLOSE_CODE, CLOSE_ME};
use super::exchange::{EXCHANGES, Exchange, FAREWELL, NONSENSE, UPGRADE};
use crate::codec::websocket as frames;
use crate::engine::Limits;
use crate::engine::tests::world::{close, masked};
use crate::protocol::{CloseReason, MessageKind};

/// What a peer speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Line,
    Raw,
    Packet,
    WebSocket,
    /// HTTP to the end.
    Http,
}

/// How a peer ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// It says no more and stays.
    Stays,
    /// It ends its side (FIN), perhaps in the middle of a message.
    Ends,
    /// It takes its leave in the words of its protocol: `STOP`, a Close frame.
    Leaves,
    /// It breaks a rule.
    Breaks,
    /// It asks the service to be closed.
    IsClosed,
}

/// What one peer says, and what must come of it.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) kind: Kind,
    pub(super) ending: Ending,
    /// Everything it sends.
    pub(super) bytes: Vec<u8>,
    /// Where each packet ends.
    pub(super) packet_ends: VecDeque<usize>,
    /// A FIN comes behind the last byte.
    pub(super) has_fin: bool,
    /// What the service must hear: one message a read where framing is raw, else these.
    pub(super) messages: Vec<Words>,
    /// What HTTP answers, in front of the first frame or in all.
    pub(super) answers: Vec<u8>,
    /// How long the longest of them is.
    pub(super) longest_answer: usize,
    /// How many of them are errors.
    pub(super) refusals: u64,
    /// The payloads of the pings to be answered, each with how many messages are in front of it.
    pub(super) pings: Vec<(Vec<u8>, usize)>,
    /// Somewhere behind the messages there is a frame that ends the wait for a Close frame.
    pub(super) answers_close: bool,
}

/// Writing.
impl Script {
    /// The script of peer number `peer`.
    pub(super) fn random(peer: usize, limits: &Limits, rng: &mut StdRng) -> Script {
        let kind = match rng.random_range(0..7) {
            0 => Kind::Line,
            1 => Kind::Raw,
            2 => Kind::Packet,
            3 => Kind::Http,
            // It has the most ways to end.
            _ => Kind::WebSocket,
        };
        let endings: &[Ending] = match kind {
            Kind::Raw => &[Ending::Stays, Ending::Ends],
            Kind::Packet => &[Ending::Stays, Ending::Ends, Ending::Leaves, Ending::IsClosed],
            Kind::Http => &[Ending::Stays, Ending::Ends, Ending::Leaves, Ending::Breaks],
            Kind::Line | Kind::WebSocket => {
                &[Ending::Stays, Ending::Ends, Ending::Leaves, Ending::Breaks, Ending::IsClosed]
            }
        };
        let ending = endings[rng.random_range(0..endings.len())];
        let mut script = Script {
            kind,
            ending,
            bytes: Vec::new(),
            packet_ends: VecDeque::new(),
            has_fin: ending == Ending::Ends || ending != Ending::Stays && rng.random_bool(0.5),
            messages: Vec::new(),
            answers: Vec::new(),
            longest_answer: 0,
            refusals: 0,
            pings: Vec::new(),
            answers_close: false,
        };
        let mut pen = Pen { script: &mut script, peer, limits, rng };
        pen.write_requests();
        pen.write_messages();
        pen.write_ending();
        script
    }

    /// Whether this is what the peer, left alone, is closed for.
    pub(super) fn explains(&self, reason: &CloseReason) -> bool {
        match (self.ending, self.kind) {
            (Ending::Stays, _) => false,
            (Ending::Ends, Kind::WebSocket) => *reason == CloseReason::Abnormal,
            (Ending::Ends, _) => *reason == CloseReason::Ended,
            (Ending::Leaves, Kind::WebSocket) => {
                matches!(reason, CloseReason::PeerClosed { code: Some(1000), .. })
            }
            (Ending::Leaves, _) => *reason == CloseReason::Stopped,
            (Ending::Breaks, _) => matches!(reason, CloseReason::Refused(_)),
            (Ending::IsClosed, _) => *reason == CloseReason::Closed(CLOSE_CODE),
        }
    }
}

/// A script that is being written.
struct Pen<'a> {
    script: &'a mut Script,
    peer: usize,
    limits: &'a Limits,
    rng: &'a mut StdRng,
}

impl Pen<'_> {
    /// HTTP requests; those of a WebSocket client end with the one that upgrades.
    fn write_requests(&mut self) {
        let count = match self.script.kind {
            Kind::Http => self.rng.random_range(1..30),
            Kind::WebSocket => self.rng.random_range(0..3),
            _ => return,
        };
        for _ in 0..count {
            let choice = self.rng.random_range(0..EXCHANGES.len());
            self.write_exchange(&EXCHANGES[choice]);
        }
        if self.script.kind == Kind::WebSocket {
            self.write_exchange(&UPGRADE);
        }
    }

    fn write_exchange(&mut self, exchange: &Exchange) {
        self.script.bytes.extend_from_slice(exchange.request);
        self.script.answers.extend_from_slice(&exchange.answer);
        let longest_answer = self.script.longest_answer.max(exchange.answer.len());
        self.script.longest_answer = longest_answer;
        self.script.refusals += exchange.refusals;
    }

    /// Messages that a service answers.
    fn write_messages(&mut self) {
        if self.script.kind == Kind::Http {
            return;
        }
        for _ in 0..self.rng.random_range(0..60) {
            let message = self.message();
            self.write(&message);
            self.script.messages.push(message);
        }
    }

    /// The end, and what comes behind it.
    fn write_ending(&mut self) {
        let max_message = self.limits.protocol.frames.max_message;
        match (self.script.ending, self.script.kind) {
            (Ending::Stays, Kind::Http) => {}
            (Ending::Stays | Ending::Ends, _) => return self.write_cut_message(),
            (Ending::Leaves, Kind::Line) => self.script.bytes.extend(b" STOP\r\n"),
            (Ending::Leaves, Kind::WebSocket) => self.write_close(),
            (Ending::Leaves, Kind::Http) => self.write_exchange(&FAREWELL),
            (Ending::Leaves, _) => self.write(&(MessageKind::Binary, b"STOP".to_vec())),
            (Ending::Breaks, Kind::Http) => self.write_exchange(&NONSENSE),
            (Ending::Breaks, Kind::WebSocket) => {
                self.script.bytes.extend(b"\x82\x08unmasked");
                self.script.answers_close = true;
            }
            (Ending::Breaks, _) => self.write(&(MessageKind::Binary, vec![b'x'; max_message + 1])),
            (Ending::IsClosed, _) => {
                let message = (MessageKind::Binary, CLOSE_ME.to_vec());
                self.write(&message);
                self.script.messages.push(message);
            }
        }
        if self.script.kind == Kind::Http {
            return;
        }
        let answered_pings = self.script.pings.len();
        for _ in 0..self.rng.random_range(0..5) {
            let too_late = self.message();
            self.write(&too_late);
        }
        self.script.pings.truncate(answered_pings);
        let is_closed = self.script.ending == Ending::IsClosed;
        if is_closed && self.script.kind == Kind::WebSocket && self.rng.random_bool(0.7) {
            self.write_close();
        }
    }

    /// The start of a message whose end does not come.
    fn write_cut_message(&mut self) {
        let message = self.message();
        let start = self.script.bytes.len();
        match self.script.kind {
            Kind::Raw | Kind::Packet => return,
            Kind::Http => self.script.bytes.extend(b"GET / HTTP/1.1\r\nHost: a\r\n"),
            Kind::Line => self.write(&message),
            Kind::WebSocket => self.script.bytes.extend(frame(true, &message)),
        }
        let cut = self.rng.random_range(start..self.script.bytes.len());
        self.script.bytes.truncate(cut);
    }

    fn write_close(&mut self) {
        self.script.bytes.extend(close(1000, "goodbye"));
        self.script.answers_close = true;
    }

    /// A message that is like no other, unless it is very short; most are.
    fn message(&mut self) -> Words {
        let longest = self.limits.protocol.frames.max_message;
        let length = match self.rng.random_range(0..10) {
            0 => self.rng.random_range(0..3),
            1..6 => self.rng.random_range(0..=80),
            _ => self.rng.random_range(0..=longest),
        };
        let mut bytes = format!("{}.{}:", self.peer, self.script.messages.len()).into_bytes();
        let filler = self.rng.random_range(b'a'..=b'z');
        bytes.resize(length, filler);
        let is_text = self.script.kind == Kind::WebSocket && self.rng.random_bool(0.5);
        (if is_text { MessageKind::Text } else { MessageKind::Binary }, bytes)
    }

    /// Writes a message, on WebSocket perhaps in pieces or with a ping in front.
    fn write(&mut self, message: &Words) {
        let bytes = &message.1;
        match self.script.kind {
            Kind::Raw => self.script.bytes.extend(bytes),
            Kind::Line => {
                self.script.bytes.extend(bytes);
                self.script.bytes.push(b'\n');
            }
            Kind::Packet => {
                self.script.bytes.extend(bytes);
                self.script.packet_ends.push_back(self.script.bytes.len());
            }
            Kind::WebSocket => self.write_frames(message),
            Kind::Http => unreachable!("no messages are sent over HTTP"),
        }
    }

    fn write_frames(&mut self, message: &Words) {
        let (kind, bytes) = message;
        match self.rng.random_range(0..10) {
            0 => {
                self.write_ping();
                self.script.bytes.extend(frame(true, message));
            }
            1 => {
                let (first, second) = bytes.split_at(bytes.len() / 2);
                self.script.bytes.extend(frame(false, &(*kind, first.to_vec())));
                self.write_ping();
                let rest = masked(|out, mask| {
                    frames::encode_frame(out, true, frames::Opcode::Continuation, second, mask);
                });
                self.script.bytes.extend(rest);
            }
            _ => self.script.bytes.extend(frame(true, message)),
        }
    }

    fn write_ping(&mut self) {
        let payload = format!("ping {}", self.script.pings.len()).into_bytes();
        self.script.bytes.extend(masked(|out, mask| frames::encode_ping(out, &payload, mask)));
        self.script.pings.push((payload, self.script.messages.len()));
    }
}

/// The first frame of a message.
fn frame(fin: bool, (kind, bytes): &Words) -> Vec<u8> {
    let opcode = match kind {
        MessageKind::Text => frames::Opcode::Text,
        MessageKind::Binary => frames::Opcode::Binary,
    };
    masked(|out, mask| frames::encode_frame(out, fin, opcode, bytes, mask))
}

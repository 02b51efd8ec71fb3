//! What one peer is going to say, and what it must hear.
//!
//! A script is written before its peer comes. It is half of the reference model: for each message
//! it knows what the answer must be, or what the answer must look like where the server has a
//! choice.

use std::collections::VecDeque;

use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;
use readily::codec::websocket as frames;

use crate::services::{ABORT, CLOSE, CLOSE_CODE, HALF_CLOSE};

/// What is spoken, and over what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Line,
    UnixLine,
    Raw,
    Packet,
    WebSocket,
    Http,
    /// Bytes, to a server that passes them on to another one.
    Proxied,
}

/// Whose answers these are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Service {
    Echo,
    Count,
    Time,
    Random,
    /// The first message is a count.
    Burst,
    Discard,
    Relay,
    /// Ends the connection when it is told to.
    Obedient,
}

/// How a peer ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// It stays until the server ends.
    Stays,
    /// It ends its side at once when all is said.
    Ends,
    /// It ends its side when all is answered.
    EndsLast,
    /// It takes its leave: `STOP`, a Close frame.
    Leaves,
    /// It breaks a rule.
    Breaks,
    /// It has the server close the connection.
    IsClosed,
    /// It has the server end its side first, and perhaps close behind that.
    IsHalfClosed,
    /// It has the server drop the connection.
    IsAborted,
    /// It breaks the connection, at any time.
    Resets,
    /// It goes away without reading what is left.
    HangsUp,
    /// It says nothing more, not even where it has to.
    FallsSilent,
}

/// What must come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    /// This message.
    Exactly(Vec<u8>),
    /// `Client number: N`.
    Number,
    /// The time at which it was asked, or a little later.
    Clock,
    /// An integer in this range.
    Within(i64, i64),
    /// One of the messages that were said by oneself and come back with a number.
    Relayed(Vec<u8>),
    /// The answer to an HTTP request.
    Response,
    /// A Close frame with this code.
    Close(u16),
}

/// What one peer says.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) kind: Kind,
    pub(crate) service: Service,
    pub(crate) ending: Ending,
    /// Bytes, in pieces that are sent one by one: messages, and of a packet peer its packets.
    pub(crate) pieces: VecDeque<Vec<u8>>,
    pub(crate) expected: VecDeque<Expected>,
    /// The answers to its pings, each with how much of what is expected may come in front of it: they
    /// go ahead of what has to wait.
    pub(crate) pongs: VecDeque<(Vec<u8>, usize)>,
}

/// Longer lines and messages are refused.
pub(crate) const LONGEST: usize = 2_000;

/// What a line peer hears whose line is too long.
const TOO_LONG: &[u8] = b"ERR line too long";

impl Script {
    /// The script of peer number `peer`.
    pub(crate) fn random(peer: usize, rng: &mut Xoshiro256PlusPlus) -> Script {
        use Service::{Burst, Count, Discard, Echo, Obedient, Random, Relay, Time};
        let (kind, services): (Kind, &[Service]) = match rng.random_range(0..12) {
            0..=2 => (Kind::Line, &[Echo, Count, Time, Random, Discard, Relay, Obedient]),
            3 => (Kind::UnixLine, &[Echo, Relay]),
            4 => (Kind::Raw, &[Echo]),
            5 => (Kind::Packet, &[Echo, Relay]),
            6 => (Kind::Http, &[Echo]),
            7 => (Kind::Proxied, &[Echo]),
            _ => (Kind::WebSocket, &[Echo, Count, Time, Random, Burst, Discard, Relay, Obedient]),
        };
        let service = services[rng.random_range(0..services.len())];
        let ending = ending(kind, service, rng);
        let mut script = Script {
            kind,
            service,
            ending,
            pieces: VecDeque::new(),
            expected: VecDeque::new(),
            pongs: VecDeque::new(),
        };
        script.write(peer, rng);
        script
    }

    fn write(&mut self, peer: usize, rng: &mut Xoshiro256PlusPlus) {
        let count = match self.service {
            Service::Burst => 1,
            // Some have so much to say that it cannot all be answered at once.
            _ if rng.random_bool(0.15) => rng.random_range(0..100),
            _ => rng.random_range(0..12),
        };
        if self.kind == Kind::WebSocket {
            self.pieces.push_back(upgrade(path(self.service)));
            self.expected.push_back(Expected::Exactly(SWITCHING.to_vec()));
        }
        for number in 0..count {
            self.write_message(peer, number, rng);
        }
        match (self.ending, self.kind) {
            (Ending::IsClosed | Ending::IsHalfClosed | Ending::IsAborted, _) => {
                self.write_command(rng);
            }
            (Ending::Leaves, Kind::WebSocket) => {
                self.pieces.push_back(frame(rng, |out, mask| {
                    frames::encode_close(out, Some(1000.into()), "", mask);
                }));
                self.expected.push_back(Expected::Close(1000));
            }
            (Ending::Leaves, Kind::Packet) => self.pieces.push_back(b"STOP".to_vec()),
            (Ending::Leaves, _) => self.pieces.push_back(b"STOP\r\n".to_vec()),
            (Ending::Breaks, Kind::WebSocket) => {
                self.pieces.push_back(b"\x82\x08unmasked".to_vec());
                self.expected.push_back(Expected::Close(1002));
            }
            (Ending::Breaks, _) => {
                self.pieces.push_back(vec![b'x'; LONGEST + 2]);
                self.expected.push_back(Expected::Exactly(TOO_LONG.to_vec()));
            }
            _ => {}
        }
    }

    /// Has the server end it, and says something that is too late.
    fn write_command(&mut self, rng: &mut Xoshiro256PlusPlus) {
        let command = match self.ending {
            Ending::IsClosed => CLOSE,
            Ending::IsHalfClosed => HALF_CLOSE,
            _ => ABORT,
        };
        let too_late = if rng.random() { CLOSE } else { b"too late" };
        for message in [command, too_late] {
            self.pieces.push_back(match self.kind {
                Kind::WebSocket => {
                    frame(rng, |out, mask| frames::encode_binary(out, message, mask))
                }
                _ => [message, b"\n"].concat(),
            });
        }
        if self.kind == Kind::WebSocket && self.ending == Ending::IsClosed {
            self.expected.push_back(Expected::Close(CLOSE_CODE));
        }
    }

    fn write_message(&mut self, peer: usize, number: usize, rng: &mut Xoshiro256PlusPlus) {
        if self.kind == Kind::Http {
            self.pieces.push_back(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
            self.expected.push_back(Expected::Response);
            return;
        }
        let (message, answer) = self.exchange(peer, number, rng);
        match self.kind {
            Kind::Line | Kind::UnixLine => {
                self.pieces.push_back([&message[..], b"\n"].concat());
            }
            Kind::Raw | Kind::Packet | Kind::Proxied | Kind::Http => {
                self.pieces.push_back(message);
            }
            Kind::WebSocket => {
                if rng.random_bool(0.2) {
                    let ping = format!("ping {number}").into_bytes();
                    self.pieces.push_back(frame(rng, |out, mask| {
                        frames::encode_ping(out, &ping, mask);
                    }));
                    self.pongs.push_back((ping, self.expected.len()));
                }
                let cut = rng.random_range(0..=message.len());
                let is_cut = rng.random_bool(0.2);
                self.pieces.push_back(frame(rng, |out, mask| {
                    if is_cut {
                        let (first, rest) = message.split_at(cut);
                        frames::encode_frame(out, false, frames::Opcode::Binary, first, mask);
                        frames::encode_frame(out, true, frames::Opcode::Continuation, rest, mask);
                    } else {
                        frames::encode_binary(out, &message, mask);
                    }
                }));
            }
        }
        self.expected.extend(answer);
        if self.service == Service::Burst {
            self.expected.push_back(Expected::Close(1000));
        }
    }

    /// A message, and what comes of it.
    fn exchange(
        &self,
        peer: usize,
        number: usize,
        rng: &mut Xoshiro256PlusPlus,
    ) -> (Vec<u8>, Vec<Expected>) {
        let mut message = format!("{peer}.{number}:").into_bytes();
        let length = if rng.random_bool(0.3) { LONGEST - 40 } else { rng.random_range(8..60) };
        let filler = rng.random_range(b'a'..=b'z');
        message.resize(length.max(message.len()), filler);
        match self.service {
            Service::Echo | Service::Obedient => {
                let answer = Expected::Exactly(message.clone());
                (message, vec![answer])
            }
            Service::Relay => {
                let answer = Expected::Relayed(message.clone());
                (message, vec![answer])
            }
            Service::Count => (message, vec![Expected::Number]),
            Service::Time => (message, vec![Expected::Clock]),
            Service::Discard => (message, Vec::new()),
            Service::Random if rng.random() => (message, vec![Expected::Within(1, 1000)]),
            Service::Random => {
                let (least, most) = (rng.random_range(-99..0), rng.random_range(0..99));
                let message = format!("{least} {most}").into_bytes();
                (message, vec![Expected::Within(least, most)])
            }
            Service::Burst => {
                let count = rng.random_range(0..3_000);
                let message = count.to_string().into_bytes();
                (message, vec![Expected::Within(1, 1000); count])
            }
        }
    }
}

/// An ending that means something there.
fn ending(kind: Kind, service: Service, rng: &mut Xoshiro256PlusPlus) -> Ending {
    use Ending::{
        Breaks, Ends, EndsLast, FallsSilent, HangsUp, IsAborted, IsClosed, IsHalfClosed, Leaves,
        Resets, Stays,
    };
    let endings: &[Ending] = match (kind, service) {
        // A WebSocket has no halves.
        (Kind::WebSocket, Service::Obedient) => &[IsClosed, IsClosed, IsAborted],
        (_, Service::Obedient) => &[IsClosed, IsHalfClosed, IsHalfClosed, IsAborted],
        // It is closed by the service.
        (_, Service::Burst) => &[Stays, Stays, Resets],
        // What one has said comes back from the others' side of the server.
        (Kind::Proxied, _) => &[Stays, EndsLast, EndsLast, Resets, HangsUp],
        (Kind::WebSocket, Service::Relay) => &[Stays, EndsLast, Leaves, Resets, FallsSilent],
        (Kind::WebSocket, _) => {
            &[Stays, EndsLast, Leaves, Leaves, Breaks, Resets, HangsUp, FallsSilent]
        }
        (Kind::Raw, _) => &[Stays, Ends, Ends, EndsLast, Resets, HangsUp],
        (Kind::Http, _) => &[Ends, EndsLast, Resets, HangsUp],
        (Kind::Packet, _) => &[Stays, Ends, EndsLast, Leaves, Resets, HangsUp],
        (Kind::Line | Kind::UnixLine, Service::Relay) => &[Stays, EndsLast, Resets, HangsUp],
        (Kind::Line | Kind::UnixLine, _) => {
            &[Stays, Ends, Ends, EndsLast, Leaves, Breaks, Resets, HangsUp]
        }
    };
    endings[rng.random_range(0..endings.len())]
}

/// The path of a service that is spoken to over WebSocket.
pub(crate) fn path(service: Service) -> &'static str {
    match service {
        Service::Echo => "/echo",
        Service::Count => "/count",
        Service::Time => "/time",
        Service::Random => "/random",
        Service::Burst => "/burst",
        Service::Discard => "/discard",
        Service::Relay => "/relay",
        Service::Obedient => "/obedient",
    }
}

/// A request for a WebSocket, with the key of RFC 6455 section 1.3.
pub(crate) fn upgrade(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// The whole answer to it.
pub(crate) const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    \r\n";

/// A frame of a client.
pub(crate) fn frame(
    rng: &mut Xoshiro256PlusPlus,
    encode: impl FnOnce(&mut Vec<u8>, Option<[u8; 4]>),
) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Some(rng.random()));
    out
}

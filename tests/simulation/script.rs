//! What one peer is going to say, and what it must hear.
//!
//! A script is written before its peer comes. It is half of the reference model: for each message
//! it knows what the answer must be, or what the answer must look like where the server has a
//! choice.

use std::collections::VecDeque;

use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;
use readily::codec::websocket::deflate::{Pool, WindowBits, encode_deflated};
use readily::codec::websocket::{self as frames, Opcode};

use crate::board::Board;
use crate::services::{ABORT, CLOSE, CLOSE_CODE, HALF_CLOSE};
use crate::subscriber::Subscriber;
use crate::support::SWITCHING;

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
    Chat,
    /// With a history.
    Notify,
    Stream,
    /// How the server is, whatever is said.
    Stats,
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
    /// It has asked for compression, and gets it.
    pub(crate) deflates: bool,
    /// What it subscribes to.
    pub(crate) topics: Subscriber,
}

/// Longer lines and messages are refused.
pub(crate) const LONGEST: usize = 2_000;

/// Longer texts are not passed on by everybody to everybody.
const LONGEST_TEXT: usize = 400;

/// What is published belongs to one of these.
const TOPICS: [&str; 2] = ["a", "b/c"];

/// What a line peer hears whose line is too long.
const TOO_LONG: &[u8] = b"ERR line too long";

/// Who comes, each of these as often as any other.
pub(crate) const PEERS: [(Kind, &[Service]); 12] = {
    use Service::{
        Burst, Chat, Count, Discard, Echo, Notify, Obedient, Random, Relay, Stats, Stream, Time,
    };
    let lines: &[Service] = &[Echo, Count, Time, Random, Discard, Relay, Obedient];
    let web: &[Service] = &[Echo, Count, Time, Random, Burst, Discard, Relay, Obedient];
    let topics: &[Service] = &[Chat, Notify, Notify, Stream, Stats];
    [
        (Kind::Line, lines),
        (Kind::Line, lines),
        (Kind::Line, topics),
        (Kind::UnixLine, &[Echo, Relay, Chat, Notify]),
        (Kind::Raw, &[Echo]),
        (Kind::Packet, &[Echo, Relay]),
        (Kind::Http, &[Echo]),
        (Kind::Proxied, &[Echo]),
        (Kind::WebSocket, topics),
        (Kind::WebSocket, web),
        (Kind::WebSocket, web),
        (Kind::WebSocket, web),
    ]
};

impl Script {
    /// The script of peer number `peer`.
    pub(crate) fn random(peer: usize, board: &mut Board, rng: &mut Xoshiro256PlusPlus) -> Script {
        let (kind, services) = PEERS[rng.random_range(0..PEERS.len())];
        let service = services[rng.random_range(0..services.len())];
        let ending = ending(kind, service, rng);
        let mut script = Script {
            kind,
            service,
            ending,
            pieces: VecDeque::new(),
            expected: VecDeque::new(),
            pongs: VecDeque::new(),
            deflates: kind == Kind::WebSocket && rng.random_bool(0.3),
            topics: Subscriber::default(),
        };
        script.write(peer, board, rng);
        script
    }

    /// The answer to its request.
    pub(crate) fn greeting(&self) -> Vec<u8> {
        let agreed = match self.service {
            _ if !self.deflates => return SWITCHING.to_vec(),
            Service::Echo => "permessage-deflate",
            _ => "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        };
        let end = SWITCHING.len() - 2;
        let field = format!("Sec-WebSocket-Extensions: {agreed}\r\n\r\n");
        [&SWITCHING[..end], field.as_bytes()].concat()
    }

    fn write(&mut self, peer: usize, board: &mut Board, rng: &mut Xoshiro256PlusPlus) {
        let count = match self.service {
            Service::Burst | Service::Stream => 1,
            // Some have so much to say that it cannot all be answered at once.
            _ if rng.random_bool(0.15) => rng.random_range(0..100),
            _ => rng.random_range(0..12),
        };
        if self.kind == Kind::WebSocket {
            let offer = if self.deflates { OFFER } else { "" };
            self.pieces.push_back(upgrade(path(self.service), offer));
            self.expected.push_back(Expected::Exactly(self.greeting()));
        }
        if self.kind == Kind::WebSocket && self.ending == Ending::FallsSilent && rng.random() {
            // In the middle of its request.
            self.pieces[0].truncate(40);
            self.expected.clear();
            return;
        }
        for number in 0..count {
            self.write_message(peer, number, board, rng);
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

    fn write_message(
        &mut self,
        peer: usize,
        number: usize,
        board: &mut Board,
        rng: &mut Xoshiro256PlusPlus,
    ) {
        if self.kind == Kind::Http {
            self.pieces.push_back(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec());
            self.expected.push_back(Expected::Response);
            return;
        }
        let (message, answer) = self.exchange(peer, number, board, rng);
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
                let is_deflated = self.deflates && rng.random();
                self.pieces.push_back(frame(rng, |out, mask| {
                    if is_deflated {
                        encode_deflated(
                            out,
                            Opcode::Binary,
                            &message,
                            mask,
                            WindowBits::MAX,
                            &mut Pool::new(0),
                        );
                    } else if is_cut {
                        let (first, rest) = message.split_at(cut);
                        frames::encode_frame(out, false, Opcode::Binary, first, mask);
                        frames::encode_frame(out, true, Opcode::Continuation, rest, mask);
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
        &mut self,
        peer: usize,
        number: usize,
        board: &mut Board,
        rng: &mut Xoshiro256PlusPlus,
    ) -> (Vec<u8>, Vec<Expected>) {
        let mut message = format!("{peer}.{number}:").into_bytes();
        let length = if rng.random_bool(0.3) { LONGEST - 40 } else { rng.random_range(8..60) };
        let filler = rng.random_range(b'a'..=b'z');
        message.resize(length.max(message.len()), filler);
        match self.service {
            Service::Chat => {
                message.truncate(LONGEST_TEXT);
                (message, Vec::new())
            }
            Service::Notify => {
                message.truncate(LONGEST_TEXT);
                (self.command(number, &message, board, rng), Vec::new())
            }
            Service::Stream => {
                let (rate, count) = (rng.random_range(50..100_000), rng.random_range(0..500));
                let samples =
                    (1..=count).map(|seq| Expected::Exactly(format!("{seq} {seq}").into()));
                (format!("START {rate} {count}").into_bytes(), samples.collect())
            }
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
            Service::Discard | Service::Stats => (message, Vec::new()),
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

/// What a client of topics says.
impl Script {
    fn command(
        &mut self,
        number: usize,
        text: &[u8],
        board: &mut Board,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Vec<u8> {
        if number == 0 && rng.random_bool(0.2) {
            for topic in TOPICS {
                self.topics.subscribe(topic, None);
            }
            self.topics.has_pattern = true;
            return b"SUB *".to_vec();
        }
        let topic = TOPICS[rng.random_range(0..TOPICS.len())];
        match rng.random_range(0..20) {
            0..=4 if !self.topics.knows(topic) => {
                let since = rng.random_bool(0.5).then(|| rng.random_range(0..40));
                self.topics.subscribe(topic, since);
                let since = since.map(|since| format!(" SINCE {since}")).unwrap_or_default();
                format!("SUB {topic}{since}").into_bytes()
            }
            5 if self.topics.is_subscribed(topic) && !self.topics.has_pattern => {
                self.topics.unsubscribe(topic);
                format!("UNSUB {topic}").into_bytes()
            }
            _ => {
                board.script(topic);
                self.topics.publish(topic, text);
                [b"PUB ", topic.as_bytes(), b" ", text].concat()
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
        (Kind::WebSocket, Service::Chat | Service::Notify | Service::Stream) => {
            &[Stays, Stays, EndsLast, Resets, HangsUp, FallsSilent]
        }
        // Where a snapshot is above the high-water mark, to take it is a sign of life.
        (Kind::WebSocket, Service::Stats) => &[Stays, Stays, EndsLast, Resets, HangsUp],
        (_, Service::Chat | Service::Notify | Service::Stats) => {
            &[Stays, Stays, Ends, EndsLast, Resets, HangsUp]
        }
        (_, Service::Stream) => &[Stays, EndsLast, Resets, HangsUp],
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
        Service::Chat => "/chat",
        Service::Notify => "/notify",
        Service::Stream => "/stream",
        Service::Stats => "/stats",
    }
}

/// A request for a WebSocket, with the key of RFC 6455 section 1.3.
pub(crate) fn upgrade(path: &str, fields: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{fields}\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    .into_bytes()
}

/// Asks for compression.
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// A frame of a client.
pub(crate) fn frame(
    rng: &mut Xoshiro256PlusPlus,
    encode: impl FnOnce(&mut Vec<u8>, Option<[u8; 4]>),
) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, Some(rng.random()));
    out
}

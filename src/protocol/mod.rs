//! One peer's conversation as a state machine: bytes come in, events and bytes come out.
//!
//! A [`Protocol`] is driven by the engine. It takes bytes from the front of what was read and
//! yields one [`Event`] at a time; what it has to say by itself (a pong, a Close frame, an HTTP
//! response) it appends to the connection's output; what of it is urgent may go [`ahead`]. It mentions no
//! socket and no clock.
//!
//! ```text
//!               ┌────────┐ every byte chunk                       ┌───────────┐
//!   accept  ──► │  Raw   │                                        │ WebSocket │
//!           ──► │  Line  │ every line        ┌──────┐  101        │ every     │
//!           ──► │ Packet │ every packet  ──► │ Http │ ──────────► │ message   │
//!               └────────┘                   └──────┘             │           │
//!   connect ──► Raw or Packet               ┌─────────┐  101      │           │
//!                                       ──► │ Opening │ ────────► │           │
//!                                           └─────────┘           └───────────┘
//! ```
//!
//! The upper half is a server's, the lower a client's; they share all but the first step. A WebSocket
//! whose two sides have agreed on it in the handshake is [`Compressed`].

pub mod ahead;
mod answer;
mod close_reason;
mod compressed;
mod format;
mod head;
mod http;
mod line;
mod message;
mod opening;
mod page;
mod resource;
mod site;
mod upload;
mod websocket;

pub use self::answer::Refusal;
pub use self::close_reason::{CloseReason, Deadline};
pub use self::compressed::Compressed;
pub use self::format::Format;
pub use self::http::Http;
pub use self::line::Line;
pub use self::message::{Message, MessageKind};
pub use self::opening::{Opening, OpeningRequest};
pub use self::resource::{Request, Resource, Response};
pub use self::site::{Route, Site};
pub use self::websocket::WebSocket;

use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::buffer::{Buffer, BufferPool};
use crate::codec::Payload;
pub use crate::codec::http::Status;
use crate::codec::line as lines;
use crate::codec::websocket::Role;
use crate::codec::websocket::deflate::{self, Agreement};
use crate::codec::websocket::handshake::HandshakeError;

/// How much a peer may send before it is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest line, in bytes without its end.
    pub max_line: usize,
    /// The longest WebSocket message and the most fragments.
    pub frames: crate::codec::websocket::Limits,
    /// The shortest WebSocket message that is compressed where that is agreed on, in bytes; with
    /// zero every message is, also where that does not make it shorter.
    pub deflate_from: usize,
}

/// What a protocol works with while the engine has it in hand.
#[derive(Debug)]
pub struct Wire<'a> {
    /// What waits to be written to the peer; `None` while nothing does.
    pub output: &'a mut Option<Box<Buffer>>,
    /// Where buffers come from and go back to.
    pub pool: &'a mut BufferPool,
    /// What compresses and inflates.
    pub deflate: &'a mut deflate::Pool,
    /// How much the peer may send.
    pub limits: &'a Limits,
    /// The web site a connection to a web listener has come to.
    pub site: Option<&'a Site>,
    /// Seconds since the UNIX epoch, for the Date field of HTTP.
    pub unix_seconds: i64,
    /// Where a client's masking keys come from.
    pub rng: &'a mut StdRng,
}

impl Wire<'_> {
    /// The end of the output, for encoders that append.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        self.output.get_or_insert_with(|| self.pool.take()).tail()
    }

    /// The same for a ping or a pong, which goes [ahead] of what has to wait.
    fn control_tail(&mut self) -> &mut Vec<u8> {
        let output = self.output.get_or_insert_with(|| self.pool.take());
        ahead::note(output);
        output.tail()
    }

    /// The masking key for the next frame that `role` sends.
    fn mask(&mut self, role: Role) -> Option<[u8; 4]> {
        match role {
            Role::Server => None,
            Role::Client => Some(self.rng.random()),
        }
    }
}

/// What came of the bytes.
#[derive(Debug)]
pub enum Event<'a> {
    /// A message for the service.
    Message(MessageKind, Payload<'a>),
    /// The line `STOP`: the peer wants to end this connection.
    Stop,
    /// The peer has become a WebSocket client of this binding; the 101 is in the output. Carries
    /// the head of its request.
    Upgraded {
        /// The index of the binding that the path belongs to.
        binding: u16,
        /// The request, to its empty line.
        head: Payload<'a>,
        /// How messages are compressed, if they are.
        deflate: Option<Agreement>,
    },
    /// The server has answered our request for a WebSocket. If all is well, what follows is frames;
    /// else the conversation is over.
    Responded {
        /// The answer, to its empty line; empty if it was no head at all.
        head: Payload<'a>,
        /// Whether all is well, and then how messages are compressed, if they are.
        checked: Result<Option<Agreement>, HandshakeError>,
    },
    /// A request for a resource of this binding, by index, has come. It waits for [`Http::respond`].
    /// Boxed, because every message is returned in one of these.
    Asked(u16, Box<Asked<'a>>),
    /// A request was answered, perhaps with an error; there may be another behind it.
    Answered(Option<Refusal>),
    /// The conversation is over: flush what is queued, then close. Nothing follows.
    Finished(CloseReason),
}

/// A whole request.
#[derive(Debug)]
pub struct Asked<'a> {
    /// How much of its path, decoded, is that of the resource, in bytes.
    pub below: usize,
    /// Its head, to the empty line.
    pub head: Payload<'a>,
    /// What followed it.
    pub body: Payload<'a>,
}

/// The state machine of one connection. A closed set, hence an enum.
#[derive(Debug)]
pub enum Protocol {
    /// A message is whatever one read returned.
    Raw,
    /// A message is a line.
    Line(Line),
    /// A message is a packet; boundaries are kept by the socket. To a server, `STOP` is a command.
    Packet(Role),
    /// Requests, until one of them upgrades. Boxed: a WebSocket client, of which there are many,
    /// must not be larger for what it was.
    Http(Box<Http>),
    /// A request for a WebSocket that is not answered, for the same reason in a box.
    Opening(Box<Opening>),
    /// Frames.
    WebSocket(WebSocket),
    /// Frames whose messages may be compressed. Boxed, so that those who do not compress need no
    /// room for it.
    Compressed(Box<Compressed>),
}

// Each message is returned in one.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Event<'static>>() <= 32);

// There is one in each connection.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Protocol>() <= 24);

/// What closing from our side asks of the shell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// The peer has still to answer; keep reading for a while.
    AwaitPeer,
    /// Flush and close.
    Finish,
}

impl Protocol {
    /// Takes bytes from the front of `input` until they amount to an event. `None`: all of it is
    /// taken, and more is needed. The work is bounded by the length of `input`.
    pub fn next<'a>(&mut self, input: &mut &'a mut [u8], wire: &mut Wire<'_>) -> Option<Event<'a>> {
        match self {
            Protocol::WebSocket(websocket) => websocket.next(input, wire),
            Protocol::Compressed(compressed) => compressed.next(input, wire),
            Protocol::Line(line) => line.next(input, wire),
            Protocol::Http(http) => http.next(input, wire),
            Protocol::Opening(opening) => opening.next(input, wire),
            Protocol::Raw if input.is_empty() => None,
            Protocol::Raw => Some(whole(input)),
            Protocol::Packet(Role::Server) if lines::is_stop(input) => {
                *input = &mut [];
                Some(Event::Stop)
            }
            Protocol::Packet(_) => Some(whole(input)),
        }
    }

    /// The peer has ended its side. An incomplete message is dropped, not answered.
    pub fn end(&mut self) -> CloseReason {
        match self {
            Protocol::WebSocket(websocket) => websocket.end(),
            Protocol::Compressed(compressed) => compressed.end(),
            Protocol::Opening(_) => CloseReason::BadHandshake(HandshakeError::Ended),
            _ => CloseReason::Ended,
        }
    }

    /// Closes from our side. `code` and `reason` go to WebSocket peers (RFC 6455 section 7.4).
    pub fn close(&mut self, code: u16, reason: &str, wire: &mut Wire<'_>) -> Closing {
        match self {
            Protocol::WebSocket(websocket) => websocket.close(code, reason, wire),
            Protocol::Compressed(compressed) => compressed.close(code, reason, wire),
            _ => Closing::Finish,
        }
    }

    /// Whether the peer is the one to end a conversation that is over: a WebSocket client waits for
    /// the server to close TCP first, so that TIME-WAIT, which would keep the client's port from
    /// being used again, is the server's (RFC 6455 section 7.1.1).
    pub fn leaves_end_to_peer(&self) -> bool {
        self.websocket().is_some_and(|websocket| websocket.role() == Role::Client)
    }

    /// The WebSocket, compressed or not, once it is one.
    pub fn websocket(&self) -> Option<&WebSocket> {
        match self {
            Protocol::WebSocket(websocket) => Some(websocket),
            Protocol::Compressed(compressed) => Some(compressed.websocket()),
            _ => None,
        }
    }

    /// Whether one side of the conversation can end before the other.
    pub fn has_halves(&self) -> bool {
        matches!(self, Protocol::Raw | Protocol::Line(_) | Protocol::Packet(_))
    }

    /// How messages to this peer are encoded; `None` while there is no service to speak to it.
    pub fn format(&self) -> Option<Format> {
        match self {
            Protocol::Raw => Some(Format::Raw),
            Protocol::Line(_) => Some(Format::Line),
            Protocol::Packet(_) => Some(Format::Packet),
            Protocol::WebSocket(websocket) if websocket.is_open() => Some(match websocket.role() {
                Role::Server => Format::Frame,
                Role::Client => Format::MaskedFrame,
            }),
            Protocol::Compressed(compressed) => compressed.format(),
            Protocol::WebSocket(_) | Protocol::Http(_) | Protocol::Opening(_) => None,
        }
    }

    /// Appends a message in the [format](Format::Own) that is this connection's own.
    pub fn encode(
        &mut self,
        out: &mut Vec<u8>,
        message: Message<'_>,
        rng: &mut StdRng,
        deflate: &mut deflate::Pool,
    ) {
        if let Protocol::Compressed(compressed) = self {
            let mask = match compressed.websocket().role() {
                Role::Server => None,
                Role::Client => Some(rng.random()),
            };
            compressed.encode(out, message, mask, deflate);
        }
    }

    /// The memory of the pool's buffers that hold what is incomplete, in bytes.
    pub fn buffered_bytes(&self) -> usize {
        match self {
            Protocol::Line(line) => line.buffered_bytes(),
            Protocol::Http(http) => http.buffered_bytes(),
            Protocol::Opening(opening) => opening.buffered_bytes(),
            Protocol::WebSocket(websocket) => websocket.buffered_bytes(),
            Protocol::Compressed(compressed) => compressed.websocket().buffered_bytes(),
            Protocol::Raw | Protocol::Packet(_) => 0,
        }
    }

    /// What its compressor and inflater are counted with, in bytes.
    pub fn context_bytes(&self) -> usize {
        match self {
            Protocol::Compressed(compressed) => compressed.context_bytes(),
            _ => 0,
        }
    }

    /// Gives back what is held for an incomplete message, and what is remembered of those before it.
    pub fn release(&mut self, pool: &mut BufferPool, deflate: &mut deflate::Pool) {
        match self {
            Protocol::Line(line) => line.release(pool),
            Protocol::Http(http) => http.release(pool),
            Protocol::Opening(opening) => opening.release(pool),
            Protocol::WebSocket(websocket) => websocket.release(pool),
            Protocol::Compressed(compressed) => compressed.release(pool, deflate),
            Protocol::Raw | Protocol::Packet(_) => {}
        }
    }
}

/// All of the input as one message.
fn whole<'a>(input: &mut &'a mut [u8]) -> Event<'a> {
    let bytes: &'a mut [u8] = std::mem::take(input);
    Event::Message(MessageKind::Binary, Payload::Borrowed(bytes))
}

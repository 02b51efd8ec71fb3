//! What a peer makes of the bytes it receives.

use readily::buffer::BufferPool;
use readily::codec::websocket as frames;
use readily::codec::websocket::deflate::{Inbound, Pool};

use crate::script::Kind;

/// Something that was heard.
#[derive(Debug)]
pub(crate) enum Heard {
    Message(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    /// An HTTP response.
    Response,
    /// The response to a request that did not come in time, which is the last one.
    TimedOut,
}

/// Cuts what was received into what was said.
pub(crate) struct Ear {
    kind: Kind,
    bytes: Vec<u8>,
    decoder: frames::Decoder,
    pool: BufferPool,
    inbound: Inbound,
    deflate: Pool,
    /// The answer to a request for a WebSocket.
    greeting: Vec<u8>,
    is_upgraded: bool,
    has_timed_out: bool,
    pub(crate) heard: Vec<Heard>,
}

impl Ear {
    pub(crate) fn new(kind: Kind, greeting: Vec<u8>) -> Ear {
        Ear {
            kind,
            bytes: Vec::new(),
            decoder: frames::Decoder::new(frames::Role::Client),
            pool: BufferPool::new(),
            // Also sees what does not refer to what was before.
            inbound: Inbound::new(true),
            deflate: Pool::new(0),
            greeting,
            is_upgraded: false,
            has_timed_out: false,
            heard: Vec::new(),
        }
    }

    /// Adds bytes, or a packet.
    pub(crate) fn listen(&mut self, bytes: &[u8]) {
        let is_head = self.kind == Kind::Http || self.kind == Kind::WebSocket && !self.is_upgraded;
        if is_head && [&self.bytes, bytes].concat().starts_with(TIMED_OUT) {
            self.heard.push(Heard::TimedOut);
            self.has_timed_out = true;
        }
        if self.has_timed_out {
            return;
        }
        match self.kind {
            Kind::Packet => self.heard.push(Heard::Message(bytes.to_vec())),
            // Each byte for itself: where one read ends means nothing.
            Kind::Raw | Kind::Proxied => {
                self.heard.extend(bytes.iter().map(|byte| Heard::Message(vec![*byte])));
            }
            Kind::Line | Kind::UnixLine => {
                self.bytes.extend_from_slice(bytes);
                while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
                    let line = self.bytes.drain(..=end).take(end).collect();
                    self.heard.push(Heard::Message(line));
                }
            }
            Kind::Http => {
                self.bytes.extend_from_slice(bytes);
                while let Some(length) = response_length(&self.bytes) {
                    self.bytes.drain(..length);
                    self.heard.push(Heard::Response);
                    // A timeout may come in one piece with the response before it.
                    if self.bytes.starts_with(TIMED_OUT) {
                        return self.listen(&[]);
                    }
                }
            }
            Kind::WebSocket if self.is_upgraded => self.listen_to_frames(&mut bytes.to_vec()),
            Kind::WebSocket => {
                self.bytes.extend_from_slice(bytes);
                if self.bytes.len() >= self.greeting.len() {
                    self.is_upgraded = true;
                    let mut rest = self.bytes.split_off(self.greeting.len());
                    self.heard.push(Heard::Message(std::mem::take(&mut self.bytes)));
                    self.listen_to_frames(&mut rest);
                }
            }
        }
    }

    fn listen_to_frames(&mut self, mut input: &mut [u8]) {
        let limits = frames::Limits::default();
        let Ear { decoder, pool, inbound, deflate, .. } = self;
        while let Some(event) = decoder
            .next_inflating(&mut input, &limits, pool, inbound, deflate)
            .expect("the server sends sound frames")
        {
            self.heard.push(match event {
                frames::Event::Text(bytes) | frames::Event::Binary(bytes) => {
                    Heard::Message(bytes.to_vec())
                }
                frames::Event::Ping(payload) => Heard::Ping(payload.to_vec()),
                frames::Event::Pong(payload) => Heard::Pong(payload.to_vec()),
                frames::Event::Close(close) => Heard::Close(close.map(|close| close.code.into())),
            });
        }
    }

    /// Whether something was begun and not ended.
    pub(crate) fn is_in_the_middle(&self) -> bool {
        !self.bytes.is_empty() || !self.decoder.is_idle()
    }
}

/// What the response to half a request begins with.
const TIMED_OUT: &[u8] = b"HTTP/1.1 408";

/// How long the response is that `bytes` begin with, if all of it is there.
fn response_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text").to_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let body = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body: usize = body.expect("a body has a length").parse().expect("a number");
    (bytes.len() >= end + body).then_some(end + body)
}

//! What must come back to a peer that is echoed: what it has said, in order, as far as it was taken;
//! and when nothing is left to be done, all of it.

use readily::buffer::BufferPool;
use readily::codec::line::is_stop;
use readily::codec::websocket::deflate::{Inbound, Pool};
use readily::codec::websocket::{Decoder, Event, Role};
use readily::protocol::Limits;

/// Both sides of the conversation.
pub(crate) struct Echo {
    framing: Framing,
    sent: Vec<Vec<u8>>,
    taken: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Framing {
    Lines,
    Bytes,
    Packets,
    /// With compression, perhaps, and then perhaps with what went before.
    Frames(Option<bool>),
}

impl Echo {
    pub(crate) fn lines() -> Echo {
        Echo::new(Framing::Lines)
    }

    pub(crate) fn bytes() -> Echo {
        Echo::new(Framing::Bytes)
    }

    pub(crate) fn packets() -> Echo {
        Echo::new(Framing::Packets)
    }

    /// A WebSocket whose request has just been sent; `takeover` of compression, if there is any.
    pub(crate) fn frames(takeover: Option<bool>) -> Echo {
        Echo::new(Framing::Frames(takeover))
    }

    fn new(framing: Framing) -> Echo {
        Echo { framing, sent: Vec::new(), taken: Vec::new() }
    }

    /// The peer has said something: in one read, or in a packet.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        self.sent.push(bytes.to_vec());
    }

    /// The peer has taken something, or a packet.
    pub(crate) fn took(&mut self, bytes: &[u8]) {
        self.taken.push(bytes.to_vec());
    }

    /// Holds what was taken against what was sent.
    pub(crate) fn check(&self, limits: &Limits, is_whole: bool) {
        let (taken, sent) = (self.taken.concat(), self.sent.concat());
        match self.framing {
            Framing::Lines => compare(&taken, &lines(&sent, limits), is_whole),
            Framing::Bytes => compare(&taken, &sent, is_whole),
            Framing::Packets => {
                let packets = self.sent.iter().take_while(|packet| !is_stop(packet)).cloned();
                compare(&self.taken, &packets.collect::<Vec<_>>(), is_whole);
            }
            Framing::Frames(takeover) => {
                let Some(head) = taken.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
                    assert!(!is_whole, "there is no answer to the request");
                    return;
                };
                assert!(taken.starts_with(b"HTTP/1.1 101 "));
                let came = Frames::of(Role::Client, &taken[head + 4..], takeover, limits);
                let said = Frames::of(Role::Server, &sent, takeover, limits);
                compare(&came.messages, &said.messages, is_whole);
                came.check_signs(&said, is_whole);
            }
        }
    }
}

/// What came back is the beginning of what was expected, and all of it if it `is_whole`.
fn compare<T: PartialEq + std::fmt::Debug>(taken: &[T], expected: &[T], is_whole: bool) {
    assert!(expected.starts_with(taken), "{taken:?} came back of {expected:?}");
    assert!(!is_whole || taken == expected, "only {taken:?} came back of {expected:?}");
}

/// What comes back of lines.
fn lines(sent: &[u8], limits: &Limits) -> Vec<u8> {
    let mut expected = Vec::new();
    let mut lines = sent.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        if line.len() > limits.max_line {
            expected.extend_from_slice(b"ERR line too long\n");
            break;
        }
        // The last one has not ended.
        if is_stop(line) || lines.peek().is_none() {
            break;
        }
        expected.extend_from_slice(line);
        expected.push(b'\n');
    }
    expected
}

/// What is in frames, as one of both sides hears it.
#[derive(Default)]
struct Frames {
    /// What each message is, and what it says.
    messages: Vec<(&'static str, Vec<u8>)>,
    /// The payloads of pings, to a server, or of pongs, to a client.
    signs: Vec<Vec<u8>>,
}

impl Frames {
    fn of(role: Role, bytes: &[u8], takeover: Option<bool>, limits: &Limits) -> Frames {
        let (mut decoder, mut buffers) = (Decoder::new(role), BufferPool::new());
        let (mut inbound, mut pool) = (Inbound::new(takeover == Some(true)), Pool::default());
        let (mut bytes, mut found) = (bytes.to_vec(), Frames::default());
        let (mut input, limits) = (&mut bytes[..], &limits.frames);
        loop {
            let next = match takeover {
                None => decoder.next(&mut input, limits, &mut buffers),
                Some(_) => {
                    let inbound = &mut inbound;
                    decoder.next_inflating(&mut input, limits, &mut buffers, inbound, &mut pool)
                }
            };
            match next {
                Ok(Some(Event::Text(text))) => found.messages.push(("text", text.to_vec())),
                Ok(Some(Event::Binary(bytes))) => found.messages.push(("binary", bytes.to_vec())),
                Ok(Some(Event::Ping(bytes))) if role == Role::Server => {
                    found.signs.push(bytes.to_vec());
                }
                Ok(Some(Event::Pong(bytes))) if role == Role::Client => {
                    found.signs.push(bytes.to_vec());
                }
                // A server asks for signs of life, which is no echo.
                Ok(Some(Event::Ping(_) | Event::Pong(_))) => {}
                Ok(Some(Event::Close(_)) | None) => return found,
                Err(error) => {
                    assert_eq!(role, Role::Server, "the server said something wrong: {error}");
                    return found;
                }
            }
        }
    }

    /// Pongs go ahead of messages, and of many pings only some are answered, but in their order and
    /// the last one in any case.
    fn check_signs(&self, said: &Frames, is_whole: bool) {
        let mut pings = said.signs.iter();
        for pong in &self.signs {
            assert!(pings.any(|ping| ping == pong), "{pong:?} answers none of {:?}", said.signs);
        }
        if is_whole {
            assert_eq!(self.signs.last(), said.signs.last(), "the newest ping has no answer");
        }
    }
}

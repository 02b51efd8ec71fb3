//! The frames that a WebSocket peer received, read as a client reads them.

use super::Words;
use crate::buffer::BufferPool;
use crate::codec::websocket as frames;
use crate::protocol::MessageKind;

/// What a WebSocket client makes of what it received.
pub(super) struct Read {
    pub(super) messages: Vec<Words>,
    /// Each with how many messages came in front of it.
    pub(super) pongs: Vec<(Vec<u8>, usize)>,
    /// The code of the Close frame.
    pub(super) close: Option<u16>,
    /// There is no cut frame at the end, and nothing behind a Close frame.
    pub(super) rest_is_nothing: bool,
}

impl Read {
    /// Reads `frames` to their end.
    pub(super) fn all(frames: &mut [u8]) -> Read {
        let mut read =
            Read { messages: Vec::new(), pongs: Vec::new(), close: None, rest_is_nothing: false };
        let mut pool = BufferPool::new();
        let mut decoder = frames::Decoder::new(frames::Role::Client);
        let mut input = frames;
        let limits = frames::Limits::default();
        while let Some(event) =
            decoder.next(&mut input, &limits, &mut pool).expect("the server sends sound frames")
        {
            match event {
                frames::Event::Text(text) => read.messages.push((MessageKind::Text, text.to_vec())),
                frames::Event::Binary(bytes) => {
                    read.messages.push((MessageKind::Binary, bytes.to_vec()));
                }
                frames::Event::Pong(payload) => {
                    read.pongs.push((payload.to_vec(), read.messages.len()));
                }
                frames::Event::Ping(_) => panic!("nobody is silent for that long"),
                frames::Event::Close(close) => {
                    read.close = close.map(|close| close.code.into());
                    read.rest_is_nothing = input.is_empty();
                    return read;
                }
            }
        }
        read.rest_is_nothing = decoder.is_idle();
        read
    }
}

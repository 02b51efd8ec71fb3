//! Frames: unmasked in place, and written again without a mask.
//!
//! Nothing is checked that need not be: no UTF-8, no order of fragments, no length. A Ping becomes
//! a Pong and a Close is the last thing that is answered, so that any client feels at home.

use readily::codec::websocket::mask::unmask_in_place;
use readily::codec::websocket::{FrameHeader, Opcode, ProtocolError, Role, encode_frame};

use super::{Answer, Speaker};
use crate::handshake::Handshake;

/// Answers frames with themselves.
#[derive(Debug, Default)]
pub(crate) struct WebSocket {
    /// All that is written after one read; empty in between.
    output: Vec<u8>,
}

/// A web client, then a WebSocket client.
#[derive(Debug)]
pub(crate) enum Peer {
    Http(Box<Handshake>),
    /// With the start of a frame that was cut by a read.
    Frames(Vec<u8>),
}

/// What follows a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    More,
    Close,
}

impl Default for Peer {
    fn default() -> Self {
        Peer::Http(Box::default())
    }
}

impl Speaker for WebSocket {
    type Peer = Peer;

    fn answer<'a>(&'a mut self, peer: &mut Peer, input: &'a mut [u8]) -> Answer<'a> {
        self.output.clear();
        let next = match peer {
            Peer::Frames(kept) => self.answer_frames(kept, input),
            Peer::Http(handshake) => match handshake.receive(input) {
                Ok(None) => Ok(Next::More),
                Ok(Some(answer)) => {
                    self.output.extend_from_slice(&answer);
                    *peer = Peer::Frames(Vec::new());
                    Ok(Next::More)
                }
                Err(_) => Ok(Next::Close),
            },
        };
        // Whoever breaks the protocol is not told so, only cut off.
        Answer { bytes: &self.output, is_last: next != Ok(Next::More) }
    }
}

impl WebSocket {
    /// Answers every whole frame and keeps the rest.
    fn answer_frames(
        &mut self,
        kept: &mut Vec<u8>,
        mut input: &mut [u8],
    ) -> Result<Next, ProtocolError> {
        if !kept.is_empty() {
            if !complete(kept, &mut input)? {
                return Ok(Next::More);
            }
            let next = self.answer_frame(&mut std::mem::take(kept).as_mut_slice())?;
            if next != Some(Next::More) {
                return Ok(Next::Close);
            }
        }
        while let Some(next) = self.answer_frame(&mut input)? {
            if next == Next::Close {
                return Ok(Next::Close);
            }
        }
        kept.extend_from_slice(input);
        Ok(Next::More)
    }

    /// Takes a frame from the front of the input and answers it; `None` if it is not all there.
    #[inline]
    fn answer_frame(&mut self, input: &mut &mut [u8]) -> Result<Option<Next>, ProtocolError> {
        let Some((header, start)) = FrameHeader::parse(input, Role::Server)? else {
            return Ok(None);
        };
        let Some(frame) = input.split_off_mut(..end(&header, start)?) else { return Ok(None) };
        let payload = &mut frame[start..];
        if let Some(key) = header.mask {
            unmask_in_place(payload, key, 0);
        }
        let opcode = match header.opcode {
            Opcode::Ping => Opcode::Pong,
            // An answer to a question that was never asked.
            Opcode::Pong => return Ok(Some(Next::More)),
            same => same,
        };
        encode_frame(&mut self.output, header.fin, opcode, payload, None);
        Ok(Some(if opcode == Opcode::Close { Next::Close } else { Next::More }))
    }
}

/// Moves what is missing of the kept frame from the front of the input to it; returns whether it is
/// whole then. What lies behind it stays where it is: it is not copied.
fn complete(kept: &mut Vec<u8>, input: &mut &mut [u8]) -> Result<bool, ProtocolError> {
    loop {
        let missing = match FrameHeader::parse(kept, Role::Server)? {
            Some((header, start)) => end(&header, start)? - kept.len(),
            // One of at most 14 bytes.
            None => 1,
        };
        if missing == 0 {
            return Ok(true);
        }
        let Some(part) = input.split_off_mut(..missing.min(input.len())) else { return Ok(false) };
        if part.is_empty() {
            return Ok(false);
        }
        kept.extend_from_slice(part);
    }
}

/// Where a frame ends whose header takes `start` bytes.
fn end(header: &FrameHeader, start: usize) -> Result<usize, ProtocolError> {
    usize::try_from(header.payload_len)
        .ok()
        .and_then(|length| length.checked_add(start))
        .ok_or(ProtocolError::LengthOverflow)
}

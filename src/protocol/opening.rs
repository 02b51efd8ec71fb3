//! A WebSocket client before it is one: a request, and the answer to it (RFC 6455 section 4.1).
//!
//! ```text
//!   connected ──► request is sent ──► whole head ──┬─► 101 and all is as it must be: WebSocket
//!                                                  └─► anything else: the connection is closed
//! ```
//!
//! What the server sends right behind its answer, in the same segment perhaps, is frames already.

use std::sync::Arc;

use super::head::HeadBuffer;
use super::{Event, Wire};
use crate::buffer::BufferPool;
use crate::codec::Payload;
use crate::codec::http::HeadKind;
use crate::codec::websocket::deflate::{Agreement, Policy, negotiation};
use crate::codec::websocket::handshake::{HandshakeError, check_response, encode_request};

/// What a client asks a server for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpeningRequest {
    /// The Host field: a name or an address, and the port.
    pub host: String,
    /// The path and the query. One without a leading `/` gets one.
    pub path: String,
    /// More fields, such as Origin and Sec-WebSocket-Protocol; without line ends.
    pub fields: Vec<(String, String)>,
    /// Whether to ask for compression.
    pub deflate: Policy,
}

impl OpeningRequest {
    fn fields(&self) -> Vec<(&str, &str)> {
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let offer = negotiation::offer(self.deflate).map(|offer| (negotiation::FIELD, offer));
        fields.chain(offer).collect()
    }

    /// Checks the answer: how messages are compressed, if they are.
    fn check(&self, head: &[u8], key: &[u8; 16]) -> Result<Option<Agreement>, HandshakeError> {
        let fields = check_response(head, key, &self.fields())?;
        match self.deflate {
            // Whoever offers an extension of his own judges the answer to it.
            Policy::Off => Ok(None),
            policy => negotiation::check(policy, fields.all(negotiation::FIELD)),
        }
    }
}

/// A client's side of a connection that is to become a WebSocket.
#[derive(Debug)]
pub struct Opening {
    request: Arc<OpeningRequest>,
    key: [u8; 16],
    head: HeadBuffer,
}

impl Opening {
    /// `key` must not be foreseeable (RFC 6455 section 10.3).
    pub fn new(request: Arc<OpeningRequest>, key: [u8; 16]) -> Opening {
        Opening { request, key, head: HeadBuffer::new(HeadKind::Response) }
    }

    /// Asks.
    pub fn start(&self, wire: &mut Wire<'_>) {
        let OpeningRequest { host, path, .. } = &*self.request;
        encode_request(wire.tail(), host, path, &self.key, &self.request.fields());
    }

    /// Takes the answer, if it is complete.
    #[inline(never)]
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a mut [u8],
        wire: &mut Wire<'_>,
    ) -> Option<Event<'a>> {
        match self.head.take(input, wire.pool) {
            Ok(None) => None,
            Ok(Some(head)) => {
                let checked = self.request.check(&head, &self.key);
                if checked.is_err() {
                    *input = &mut [];
                }
                Some(Event::Responded { head, checked })
            }
            Err(_) => {
                *input = &mut [];
                let (head, checked) = (Payload::Borrowed(&[]), Err(HandshakeError::NotHttp));
                Some(Event::Responded { head, checked })
            }
        }
    }

    /// The memory held for an incomplete head, in bytes.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.head.buffered_bytes()
    }

    /// Gives the buffer of an incomplete head back.
    pub(super) fn release(&mut self, pool: &mut BufferPool) {
        self.head.release(pool);
    }
}

//! The opening handshake of a server, for contenders that bring none, through the codecs of
//! readily.

use readily::codec::http::{HeadKind, HeadScanner, parse_request};
use readily::codec::websocket::handshake::{check_upgrade, encode_accept};

/// A request that is coming in.
#[derive(Debug)]
pub(crate) struct Handshake {
    head: Vec<u8>,
    scanner: HeadScanner,
}

/// The peer is no WebSocket client. It is not told why: no benchmark sends such a thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoWebSocket;

impl Default for Handshake {
    fn default() -> Self {
        Handshake { head: Vec::new(), scanner: HeadScanner::new(HeadKind::Request) }
    }
}

impl Handshake {
    /// Takes what was read; returns the answer when the request is complete. A client waits for
    /// the answer before it sends a frame (RFC 6455 section 4.1), so nothing may follow.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Option<Vec<u8>>, NoWebSocket> {
        self.head.extend_from_slice(bytes);
        match self.scanner.scan(&self.head) {
            Ok(None) => Ok(None),
            Ok(Some(length)) if length == self.head.len() => {
                let request = parse_request(&self.head).map_err(|_| NoWebSocket)?;
                let accept = check_upgrade(&request).map_err(|_| NoWebSocket)?;
                let mut answer = Vec::new();
                encode_accept(&mut answer, &accept, &[]);
                Ok(Some(answer))
            }
            Ok(Some(_)) | Err(_) => Err(NoWebSocket),
        }
    }
}

//! `discard`: no reply at all (RFC 863).

use super::{ConnId, Context, Message, PeerAddr, Service};

/// Reads and counts; the counting is the engine's.
#[derive(Debug, Default)]
pub struct Discard;

impl Service for Discard {
    fn on_message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {}

    fn on_datagram(
        &mut self,
        _: &mut Context<'_>,
        _: &PeerAddr,
        _: &[u8],
        _: &mut Vec<u8>,
    ) -> bool {
        false
    }
}

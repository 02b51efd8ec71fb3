//! `echo`: the message itself.

use super::{ConnId, Context, Message, PeerAddr, Service};

/// Answers each message with itself; text stays text and binary stays binary.
#[derive(Debug, Default)]
pub struct Echo;

impl Service for Echo {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        cx.send(from, message);
    }

    fn on_datagram(
        &mut self,
        _: &mut Context<'_>,
        _: &PeerAddr,
        payload: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        reply.extend_from_slice(payload);
        true
    }
}

//! Compressing what is sent (RFC 7692 section 7.2.1).

use super::pool::{Pool, compressor_bytes};
use super::zlib::Compressor;
use super::{Context, WindowBits};
use crate::codec::websocket::Opcode;
use crate::codec::websocket::encoder::encode_frame_with;
use crate::codec::websocket::header::RSV1;

/// Appends a whole message of kind `opcode` in one frame, compressed by itself if that is worth it:
/// see [`Pool::new`].
pub fn encode_deflated(
    out: &mut Vec<u8>,
    opcode: Opcode,
    message: &[u8],
    mask: Option<[u8; 4]>,
    window: WindowBits,
    pool: &mut Pool,
) {
    encode(out, opcode, message, mask, window, None, pool);
}

/// The sending half of a compressed connection.
#[derive(Debug)]
pub struct Outbound {
    context: Context,
    /// With takeover, made for the first message that is compressed.
    compressor: Option<Box<Compressor>>,
}

impl Outbound {
    /// For messages that are compressed as `context` says.
    pub fn new(context: Context) -> Outbound {
        Outbound { context, compressor: None }
    }

    /// How messages are compressed.
    pub fn context(&self) -> Context {
        self.context
    }

    /// Whether it holds a compressor.
    pub fn holds_compressor(&self) -> bool {
        self.compressor.is_some()
    }

    /// What it holds is counted with so many bytes.
    pub fn held_bytes(&self) -> usize {
        if self.holds_compressor() { compressor_bytes(self.context.window) } else { 0 }
    }

    /// Gives what it holds back: no message is compressed any more.
    pub fn release(&mut self, pool: &mut Pool) {
        if let Some(compressor) = self.compressor.take() {
            pool.end_compressor(compressor, self.context.window);
        }
    }

    /// Appends a whole message in one frame, compressed if that is worth it: with takeover with what
    /// was sent before, else as by [`encode_deflated`]. With takeover, too, a message that does not
    /// get shorter is sent as it is, and the next one begins anew.
    pub fn encode(
        &mut self,
        out: &mut Vec<u8>,
        opcode: Opcode,
        message: &[u8],
        mask: Option<[u8; 4]>,
        pool: &mut Pool,
    ) {
        let own = self.context.takeover.then_some(&mut self.compressor);
        encode(out, opcode, message, mask, self.context.window, own, pool);
    }
}

fn encode(
    out: &mut Vec<u8>,
    opcode: Opcode,
    message: &[u8],
    mask: Option<[u8; 4]>,
    window: WindowBits,
    own: Option<&mut Option<Box<Compressor>>>,
    pool: &mut Pool,
) {
    let is_sent = pool.is_worth(message.len())
        && pool.compress(message, window, own, |compressed| {
            encode_frame_with(out, RSV1, opcode, compressed, mask);
        });
    if !is_sent {
        encode_frame_with(out, 0, opcode, message, mask);
    }
}

//! Compressed messages: permessage-deflate (RFC 7692) without a socket.
//!
//! ```text
//!   client                                                server
//!   offer ─── Sec-WebSocket-Extensions: offer, offer ───► accept ──► Agreement, or none
//!   check ◄── Sec-WebSocket-Extensions: the one taken ───────┘
//!     └──► Agreement, or a failed handshake
//!
//!   frames ──► unmask ──► Inbound: inflate ──► utf8 ──► message      RSV1 on the first frame
//!   frame  ◄── mask   ◄── Outbound: deflate ◄───────── message       says that it is compressed
//! ```
//!
//! What a compressor remembers of one message to shorten the next (*context takeover*) is large:
//! 245 to 371 KiB on the side that sends, 46 KiB on the side that receives. So nothing is remembered
//! unless [`Policy::Takeover`] asks for it: then all connections share the compressors of one
//! [`Pool`], one for each size of window, and have an inflater only while a message of theirs is
//! open. A message for many peers need be compressed only once, too.
//!
//! We compress with windows of 2^9 to 2^15 bytes. The RFC has 2^8 as well, which no raw stream of
//! zlib can have: who wants us to compress with it is declined. Inflaters have the largest window
//! always, which sees all that a smaller one does.
//!
//! Without the feature `deflate` of the crate everything is here and nothing is ever agreed on.

mod extensions;
mod inbound;
pub mod negotiation;
mod outbound;
mod pool;
#[cfg(feature = "deflate")]
mod zlib;
#[cfg(not(feature = "deflate"))]
#[path = "no_zlib.rs"]
mod zlib;

#[cfg(test)]
mod tests;

pub use self::inbound::Inbound;
pub use self::outbound::{Outbound, encode_deflated};
pub use self::pool::{DEFAULT_DEFLATE_FROM, INFLATER_BYTES, Pool, compressor_bytes};

/// Whether a binding, or a client, wants compression.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Policy {
    /// No.
    #[default]
    Off,
    /// Each message by itself, in both directions, so that an idle connection holds nothing.
    NoTakeover,
    /// Each message with what the ones before it were, unless the other side does not want that.
    Takeover,
}

/// The size of a window to compress with: 2^9 to 2^15 bytes (RFC 7692 section 7.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct WindowBits(u8);

impl WindowBits {
    /// The largest window.
    pub const MAX: WindowBits = WindowBits(15);

    /// So many sizes there are.
    pub const SIZES: usize = 7;

    /// The window of 2^`bits` bytes; `None` where there is none.
    pub const fn new(bits: u8) -> Option<WindowBits> {
        if matches!(bits, 9..=15) { Some(WindowBits(bits)) } else { None }
    }

    /// The logarithm, 9 to 15.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Which of the sizes it is, from 0.
    pub const fn index(self) -> usize {
        self.0 as usize - 9
    }
}

/// How this side compresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    /// How far back a message may refer.
    pub window: WindowBits,
    /// Whether it may refer to what was sent before it (section 7.1.1).
    pub takeover: bool,
}

/// What two sides have agreed on, as one of them sees it. Only a
/// [`negotiation`] makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agreement {
    inbound_takeover: bool,
    outbound: Context,
}

// Every event that a protocol yields has room for one.
const _: () = assert!(size_of::<Option<Agreement>>() == 3);

impl Agreement {
    /// Whether a message of the other side may refer to what it has sent before.
    pub fn inbound_takeover(&self) -> bool {
        self.inbound_takeover
    }

    /// How this side does.
    pub fn outbound(&self) -> Context {
        self.outbound
    }
}

/// What every compressed message ends with before it is sent, and is not sent: an empty block
/// without compression, but for its first bits (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

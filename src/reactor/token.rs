//! Who an event is for: a place in the slab and a generation, packed into the token that the
//! kernel gives back with each event.
//!
//! ```text
//!     63            32 31             0
//!    ┌────────────────┬────────────────┐
//!    │   generation   │     index      │
//!    └────────────────┴────────────────┘
//! ```
//!
//! The index alone would not do: an event can be delivered in the same batch in which its source
//! is closed and its place given to another. The generation tells them apart, and an event of an
//! older one is dropped.

use crate::engine::ConnId;
use crate::kernel::Token;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a token holds an index and a generation of 32 bits each");

/// The token of a source.
pub(crate) fn pack(id: ConnId) -> Token {
    Token(((id.generation as usize) << 32) | id.index as usize)
}

/// The source of a token.
#[expect(clippy::cast_possible_truncation, reason = "the two halves of 64 bits")]
pub(super) fn unpack(token: Token) -> ConnId {
    ConnId { index: token.0 as u32, generation: (token.0 >> 32) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_keeps_both_halves() {
        for id in [
            ConnId { index: 0, generation: 0 },
            ConnId { index: u32::MAX, generation: 7 },
            ConnId { index: 7, generation: u32::MAX },
        ] {
            assert_eq!(unpack(pack(id)), id);
        }
    }
}

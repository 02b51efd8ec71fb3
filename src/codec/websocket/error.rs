//! What a peer can do wrong on a WebSocket, and what it is told.

use std::fmt;

use tungstenite::protocol::frame::coding::CloseCode;

use crate::codec::utf8::InvalidUtf8;

/// Why a connection is failed (RFC 6455 section 7.1.7): the peer is sent a Close frame with
/// [`close_code`](ProtocolError::close_code), and nothing more is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProtocolError {
    /// A reserved bit is set and no extension gives it a meaning (section 5.2).
    ReservedBits,
    /// The opcode is one of 3–7 or 11–15 (section 5.2).
    ReservedOpcode,
    /// A control frame without FIN (section 5.5).
    FragmentedControl,
    /// A control frame with more than 125 bytes of payload (section 5.5).
    LongControl,
    /// A 64-bit length whose most significant bit is set (section 5.2).
    LengthOverflow,
    /// A client's frame is not masked (section 5.1).
    Unmasked,
    /// A server's frame is masked (section 5.1).
    Masked,
    /// A continuation frame and no message to continue (section 5.4).
    StrayContinuation,
    /// A new message inside a fragmented one (section 5.4).
    InterleavedMessage,
    /// A Close payload of one byte: too short for a code (section 5.5.1).
    ShortClose,
    /// A close code that may not be sent (section 7.4).
    InvalidCloseCode,
    /// A text message, or the reason of a Close frame, that is not UTF-8 (section 8.1).
    InvalidUtf8,
    /// A compressed message that is no deflate stream (RFC 7692 section 7.2.2). That is 1007 as for
    /// text that is none: its frames are as they must be, and what is in them is not.
    InvalidDeflate,
    /// A message longer than this side accepts (sections 7.4.1 and 10.4).
    MessageTooBig,
    /// A message in more fragments than this side accepts (section 10.4). That is 1008 and not
    /// 1009: a peer told "too big" would send less in the same way and be refused again.
    TooManyFragments,
}

impl ProtocolError {
    /// The code to close with (section 7.4.1).
    pub fn close_code(self) -> CloseCode {
        match self {
            ProtocolError::ReservedBits
            | ProtocolError::ReservedOpcode
            | ProtocolError::FragmentedControl
            | ProtocolError::LongControl
            | ProtocolError::LengthOverflow
            | ProtocolError::Unmasked
            | ProtocolError::Masked
            | ProtocolError::StrayContinuation
            | ProtocolError::InterleavedMessage
            | ProtocolError::ShortClose
            | ProtocolError::InvalidCloseCode => CloseCode::Protocol,
            ProtocolError::InvalidUtf8 | ProtocolError::InvalidDeflate => CloseCode::Invalid,
            ProtocolError::MessageTooBig => CloseCode::Size,
            ProtocolError::TooManyFragments => CloseCode::Policy,
        }
    }

    /// A short name that never changes, for counters.
    pub fn name(self) -> &'static str {
        match self {
            ProtocolError::ReservedBits => "reserved_bits",
            ProtocolError::ReservedOpcode => "reserved_opcode",
            ProtocolError::FragmentedControl => "fragmented_control",
            ProtocolError::LongControl => "long_control",
            ProtocolError::LengthOverflow => "length_overflow",
            ProtocolError::Unmasked => "unmasked",
            ProtocolError::Masked => "masked",
            ProtocolError::StrayContinuation => "stray_continuation",
            ProtocolError::InterleavedMessage => "interleaved_message",
            ProtocolError::ShortClose => "short_close",
            ProtocolError::InvalidCloseCode => "invalid_close_code",
            ProtocolError::InvalidUtf8 => "invalid_utf8",
            ProtocolError::InvalidDeflate => "invalid_deflate",
            ProtocolError::MessageTooBig => "message_too_big",
            ProtocolError::TooManyFragments => "too_many_fragments",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProtocolError::ReservedBits => "a reserved bit is set",
            ProtocolError::ReservedOpcode => "reserved opcode",
            ProtocolError::FragmentedControl => "fragmented control frame",
            ProtocolError::LongControl => "control frame longer than 125 bytes",
            ProtocolError::LengthOverflow => "64-bit length with its top bit set",
            ProtocolError::Unmasked => "unmasked frame from a client",
            ProtocolError::Masked => "masked frame from a server",
            ProtocolError::StrayContinuation => "continuation without a message",
            ProtocolError::InterleavedMessage => "new message inside a fragmented one",
            ProtocolError::ShortClose => "close payload of one byte",
            ProtocolError::InvalidCloseCode => "invalid close code",
            ProtocolError::InvalidUtf8 => "invalid UTF-8",
            ProtocolError::InvalidDeflate => "invalid compressed data",
            ProtocolError::MessageTooBig => "message too big",
            ProtocolError::TooManyFragments => "too many fragments",
        })
    }
}

impl std::error::Error for ProtocolError {}

impl From<InvalidUtf8> for ProtocolError {
    fn from(InvalidUtf8: InvalidUtf8) -> ProtocolError {
        ProtocolError::InvalidUtf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reported_fits_into_a_close_frame() {
        for error in [
            ProtocolError::LongControl,
            ProtocolError::InvalidUtf8,
            ProtocolError::InvalidDeflate,
            ProtocolError::MessageTooBig,
            ProtocolError::TooManyFragments,
        ] {
            assert!(error.close_code().is_allowed());
            assert!(error.to_string().len() <= 123);
            assert!(!error.name().contains(' '));
        }
        assert_eq!(u16::from(ProtocolError::LongControl.close_code()), 1002);
        assert_eq!(u16::from(ProtocolError::InvalidUtf8.close_code()), 1007);
        assert_eq!(u16::from(ProtocolError::TooManyFragments.close_code()), 1008);
        assert_eq!(u16::from(ProtocolError::MessageTooBig.close_code()), 1009);
    }
}

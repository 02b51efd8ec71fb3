//! The header of a frame (RFC 6455 section 5.2).
//!
//! ```text
//!    byte 0             byte 1             then
//!  ┌─┬───┬───────┐    ┌─┬───────────┐    ┌───────────────┬──────────────┐
//!  │F│RSV│opcode │    │M│ length    │    │ longer length │ masking key  │
//!  │ │   │       │    │ │ 0..=125   │    │ 126: 2 bytes  │ 4 bytes      │
//!  └─┴───┴───────┘    └─┴───────────┘    │ 127: 8 bytes  │ if M         │
//!   1  3     4         1      7          └───────────────┴──────────────┘
//! ```
//!
//! Everything that is wrong with a frame by itself is found here, most of it in the first two
//! bytes. What depends on the frames before it (a stray continuation, the size of a message) is
//! the [decoder's](super::decoder) business.

use super::{ProtocolError, Role};

/// The longest header: two bytes, a 64-bit length and a masking key.
pub const MAX_HEADER_BYTES: usize = 14;

/// The longest payload of a control frame (section 5.5).
pub const MAX_CONTROL_BYTES: usize = 125;

/// The highest of the three bits for extensions: of permessage-deflate, the first frame of a message
/// that is compressed (RFC 7692 section 6).
pub const RSV1: u8 = 0b100;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What a frame is. Reserved opcodes have no variant: no header that was parsed has one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Opcode {
    /// Goes on with a fragmented message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The last frame of a direction.
    Close = 0x8,
    /// Asks for a Pong with the same payload.
    Ping = 0x9,
    /// Answers a Ping, or just says "alive".
    Pong = 0xa,
}

impl Opcode {
    /// The opcode with these four bits; `None` if they are reserved.
    #[inline]
    pub const fn from_bits(bits: u8) -> Option<Opcode> {
        match bits {
            0x0 => Some(Opcode::Continuation),
            0x1 => Some(Opcode::Text),
            0x2 => Some(Opcode::Binary),
            0x8 => Some(Opcode::Close),
            0x9 => Some(Opcode::Ping),
            0xa => Some(Opcode::Pong),
            _ => None,
        }
    }

    /// Whether this is the first frame of a message.
    #[inline]
    pub const fn begins_message(self) -> bool {
        matches!(self, Opcode::Text | Opcode::Binary)
    }

    /// Whether frames of this kind may come between the fragments of a message.
    #[inline]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// A frame without its payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// The three bits that extensions may use, [`RSV1`] the highest. A parsed header has none set that
    /// were not allowed.
    pub rsv: u8,
    /// What the frame is.
    pub opcode: Opcode,
    /// The masking key, in a frame that a client sends.
    pub mask: Option<[u8; 4]>,
    /// How many bytes follow the header.
    pub payload_len: u64,
}

impl FrameHeader {
    /// Reads the header at the front of `bytes`, as `role` receives it: the header and how many
    /// bytes it takes, or `None` if more bytes are needed. Lengths need not be minimal.
    ///
    /// # Errors
    /// What is wrong with the frame by itself, as soon as the bytes that say so are there: two
    /// bytes are enough for all but the two errors about a length, which need the length.
    #[inline]
    pub fn parse(bytes: &[u8], role: Role) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        FrameHeader::parse_with(bytes, role, 0)
    }

    /// [`parse`](FrameHeader::parse) where an extension gives a meaning to the bits in `rsv`, on the
    /// first frame of a message and nowhere else.
    ///
    /// # Errors
    /// As [`parse`](FrameHeader::parse).
    #[inline]
    pub fn parse_with(
        bytes: &[u8],
        role: Role,
        rsv: u8,
    ) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        let opcode = check(first, second, role, rsv)?;
        let (payload_len, rest) = match second & LENGTH {
            LENGTH_16 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            LENGTH_64 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                if length >> 63 != 0 {
                    return Err(ProtocolError::LengthOverflow);
                }
                (length, rest)
            }
            length => (u64::from(length), rest),
        };
        if opcode.is_control() && payload_len > MAX_CONTROL_BYTES as u64 {
            return Err(ProtocolError::LongControl);
        }
        let (mask, rest) = match role {
            Role::Server => {
                let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (Some(*key), rest)
            }
            Role::Client => (None, rest),
        };
        // What is not allowed is not there, so without extensions this is known to be zero.
        let rsv = (first & RSV) >> 4 & rsv;
        let header = FrameHeader { fin: first & FIN != 0, rsv, opcode, mask, payload_len };
        Ok(Some((header, bytes.len() - rest.len())))
    }

    /// Appends the header, with the shortest form of the length.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let first = u8::from(self.fin) << 7 | (self.rsv << 4 & RSV) | self.opcode as u8;
        let masked = if self.mask.is_some() { MASKED } else { 0 };
        if let Ok(length @ 0..LENGTH_16) = u8::try_from(self.payload_len) {
            out.extend_from_slice(&[first, masked | length]);
        } else if let Ok(length) = u16::try_from(self.payload_len) {
            let [high, low] = length.to_be_bytes();
            out.extend_from_slice(&[first, masked | LENGTH_16, high, low]);
        } else {
            out.extend_from_slice(&[first, masked | LENGTH_64]);
            out.extend_from_slice(&self.payload_len.to_be_bytes());
        }
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
        }
    }
}

/// The first two things to know of a frame that was encoded here and stands whole at the front of
/// `bytes`, masked or not: what it is, and how long it is with its header. `None` if the header is not
/// all there. Nothing is checked.
#[inline]
pub fn peek(bytes: &[u8]) -> Option<(Opcode, usize)> {
    let &[first, second, ref rest @ ..] = bytes else { return None };
    let key = if second & MASKED == 0 { 0 } else { 4 };
    let length = match second & LENGTH {
        LENGTH_16 => 2 + usize::from(u16::from_be_bytes(*rest.first_chunk()?)),
        LENGTH_64 => 8 + usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?,
        length => usize::from(length),
    };
    Some((Opcode::from_bits(first & OPCODE)?, 2 + key + length))
}

/// All that the first two bytes of a frame tell.
#[inline]
fn check(first: u8, second: u8, role: Role, rsv: u8) -> Result<Opcode, ProtocolError> {
    if first & RSV & !(rsv << 4) != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    let opcode = Opcode::from_bits(first & OPCODE).ok_or(ProtocolError::ReservedOpcode)?;
    if rsv != 0 && first & RSV != 0 && !opcode.begins_message() {
        return Err(ProtocolError::ReservedBits);
    }
    if opcode.is_control() && first & FIN == 0 {
        return Err(ProtocolError::FragmentedControl);
    }
    match (role, second & MASKED != 0) {
        (Role::Server, false) => Err(ProtocolError::Unmasked),
        (Role::Client, true) => Err(ProtocolError::Masked),
        (Role::Server, true) | (Role::Client, false) => Ok(opcode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_parsed_as_it_was_encoded() {
        let lengths = [0, 1, 125, 126, 127, 0xffff, 0x1_0000, u64::MAX >> 1];
        for (payload_len, size) in lengths.into_iter().zip([2, 2, 2, 4, 4, 4, 10, 10]) {
            for (role, mask) in [(Role::Server, Some([1, 2, 3, 4])), (Role::Client, None)] {
                for (fin, opcode) in [(true, Opcode::Text), (false, Opcode::Continuation)] {
                    let header = FrameHeader { fin, rsv: 0, opcode, mask, payload_len };
                    let mut bytes = Vec::new();
                    header.encode(&mut bytes);
                    let total = size + mask.map_or(0, |key| key.len());
                    assert_eq!(bytes.len(), total);
                    for short in 0..total {
                        assert_eq!(FrameHeader::parse(&bytes[..short], role), Ok(None));
                    }
                    bytes.push(0xff);
                    assert_eq!(FrameHeader::parse(&bytes, role), Ok(Some((header, total))));
                }
            }
        }
    }

    #[test]
    fn lengths_need_not_be_minimal() {
        let expected = |used| (Some(5), Some(used));
        for (bytes, used) in
            [(&[0x82, 126, 0, 5][..], 4), (&[0x82, 127, 0, 0, 0, 0, 0, 0, 0, 5], 10)]
        {
            let parsed = FrameHeader::parse(bytes, Role::Client).unwrap();
            let (header, consumed) = parsed.unzip();
            assert_eq!((header.map(|header| header.payload_len), consumed), expected(used));
        }
    }

    #[test]
    fn two_bytes_are_enough_to_refuse() {
        use ProtocolError::{FragmentedControl, Masked, ReservedBits, ReservedOpcode, Unmasked};
        let parse = |bytes: [u8; 2], role| FrameHeader::parse(&bytes, role).unwrap_err();
        for rsv in [0x10, 0x20, 0x40, 0x70] {
            assert_eq!(parse([0x81 | rsv, 0x80], Role::Server), ReservedBits);
        }
        for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            assert_eq!(parse([0x80 | opcode, 0x80], Role::Server), ReservedOpcode);
        }
        for control in [0x8, 0x9, 0xa] {
            assert_eq!(parse([control, 0x80], Role::Server), FragmentedControl);
        }
        assert_eq!(parse([0x81, 0x05], Role::Server), Unmasked);
        assert_eq!(parse([0x81, 0x85], Role::Client), Masked);
    }

    #[test]
    fn a_bit_that_is_allowed_is_so_on_the_first_frame_of_a_message_only() {
        let parse = |first: u8| {
            let parsed = FrameHeader::parse_with(&[first, 0], Role::Client, RSV1)?;
            Ok::<_, ProtocolError>(parsed.expect("two bytes are enough").0.rsv)
        };
        for begins in [0x81, 0x82, 0x01, 0x02] {
            assert_eq!((parse(begins), parse(begins | 0x40)), (Ok(0), Ok(RSV1)));
            for rsv in [0x10, 0x20, 0x30, 0x50, 0x60, 0x70] {
                assert_eq!(parse(begins | rsv), Err(ProtocolError::ReservedBits));
            }
        }
        for other in [0x80, 0x00, 0x88, 0x89, 0x8a] {
            assert_eq!(parse(other), Ok(0));
            assert_eq!(parse(other | 0x40), Err(ProtocolError::ReservedBits));
        }
    }

    #[test]
    fn a_length_is_refused_without_waiting_for_the_mask() {
        let parse = |bytes: &[u8]| FrameHeader::parse(bytes, Role::Server);
        let overflow = parse(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(overflow, Err(ProtocolError::LengthOverflow));
        for control in [0x88, 0x89, 0x8a] {
            assert_eq!(parse(&[control, 0x80 | 126, 0, 126]), Err(ProtocolError::LongControl));
            let long = [control, 0x80 | 127, 0, 0, 0, 0, 0, 0, 1, 0];
            assert_eq!(parse(&long), Err(ProtocolError::LongControl));
            // It is the length that counts, not the form it is written in.
            assert_eq!(parse(&[control, 0x80 | 126, 0, 125]), Ok(None));
        }
    }

    #[test]
    fn every_first_two_bytes_are_judged_without_panic() {
        for first in 0..=255 {
            for second in 0..=255 {
                for role in [Role::Server, Role::Client] {
                    let mut bytes = [0; MAX_HEADER_BYTES];
                    (bytes[0], bytes[1]) = (first, second);
                    if let Ok(parsed) = FrameHeader::parse(&bytes, role) {
                        let (header, used) = parsed.expect("fourteen bytes are always enough");
                        assert!(used <= MAX_HEADER_BYTES && header.rsv == 0);
                        assert!(!header.opcode.is_control() || header.payload_len <= 125);
                    }
                }
            }
        }
    }
}

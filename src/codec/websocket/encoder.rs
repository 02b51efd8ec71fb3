//! Frames out.
//!
//! Everything is appended to a buffer of the caller's. A server passes no mask; a client passes a
//! key that nobody could foresee, a new one for each frame (RFC 6455 section 5.3). The key is an
//! argument because nothing here is random.

use super::Opcode;
use super::close::{CloseCode, MAX_REASON_BYTES, may_be_sent};
use super::header::{FrameHeader, MAX_CONTROL_BYTES, MAX_HEADER_BYTES};
use super::mask::unmask_in_place;

/// Appends a text message in one frame. `text` must be UTF-8.
#[inline]
pub fn encode_text(out: &mut Vec<u8>, text: &[u8], mask: Option<[u8; 4]>) {
    debug_assert!(str::from_utf8(text).is_ok(), "text is UTF-8 (RFC 6455 section 5.6)");
    encode_frame(out, true, Opcode::Text, text, mask);
}

/// Appends a binary message in one frame.
#[inline]
pub fn encode_binary(out: &mut Vec<u8>, bytes: &[u8], mask: Option<[u8; 4]>) {
    encode_frame(out, true, Opcode::Binary, bytes, mask);
}

/// Appends a Ping. Of the payload, at most the first 125 bytes are sent (section 5.5).
pub fn encode_ping(out: &mut Vec<u8>, payload: &[u8], mask: Option<[u8; 4]>) {
    let payload = &payload[..payload.len().min(MAX_CONTROL_BYTES)];
    encode_frame(out, true, Opcode::Ping, payload, mask);
}

/// Appends a Pong, with the payload of the Ping that it answers. At most 125 bytes are sent.
pub fn encode_pong(out: &mut Vec<u8>, payload: &[u8], mask: Option<[u8; 4]>) {
    let payload = &payload[..payload.len().min(MAX_CONTROL_BYTES)];
    encode_frame(out, true, Opcode::Pong, payload, mask);
}

/// Appends a Close (section 5.5.1). A reason that does not fit is cut at the end of a character.
/// Without a code, or with one that must not travel (1005, 1006, … of section 7.4.1), the payload
/// is empty.
pub fn encode_close(
    out: &mut Vec<u8>,
    code: Option<CloseCode>,
    reason: &str,
    mask: Option<[u8; 4]>,
) {
    match code.map(u16::from).filter(|code| may_be_sent(*code)) {
        None => encode_frame(out, true, Opcode::Close, &[], mask),
        Some(code) => {
            let reason = truncated(reason).as_bytes();
            let mut payload = [0; MAX_CONTROL_BYTES];
            payload[..2].copy_from_slice(&code.to_be_bytes());
            payload[2..2 + reason.len()].copy_from_slice(reason);
            encode_frame(out, true, Opcode::Close, &payload[..2 + reason.len()], mask);
        }
    }
}

/// Appends one frame. That it is legal (a control frame short and whole, fragments in order) is
/// the caller's business.
#[inline]
pub fn encode_frame(
    out: &mut Vec<u8>,
    fin: bool,
    opcode: Opcode,
    payload: &[u8],
    mask: Option<[u8; 4]>,
) {
    append_frame(out, fin, 0, opcode, payload, mask);
}

/// Appends a frame that is a whole message, with the bits of an extension.
pub(super) fn encode_frame_with(
    out: &mut Vec<u8>,
    rsv: u8,
    opcode: Opcode,
    payload: &[u8],
    mask: Option<[u8; 4]>,
) {
    append_frame(out, true, rsv, opcode, payload, mask);
}

#[inline]
fn append_frame(
    out: &mut Vec<u8>,
    fin: bool,
    rsv: u8,
    opcode: Opcode,
    payload: &[u8],
    mask: Option<[u8; 4]>,
) {
    out.reserve(MAX_HEADER_BYTES + payload.len());
    let payload_len = payload.len() as u64;
    FrameHeader { fin, rsv, opcode, mask, payload_len }.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = mask {
        unmask_in_place(&mut out[start..], key, 0);
    }
}

/// The longest start of `reason` that fits and ends with a character.
fn truncated(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON_BYTES);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of section 5.7.
    #[test]
    fn the_examples_of_the_rfc() {
        let mut out = Vec::new();
        encode_text(&mut out, b"Hello", None);
        assert_eq!(out, b"\x81\x05Hello");
        out.clear();
        encode_text(&mut out, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(out, b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        out.clear();
        encode_frame(&mut out, false, Opcode::Text, b"Hel", None);
        encode_frame(&mut out, true, Opcode::Continuation, b"lo", None);
        assert_eq!(out, b"\x01\x03Hel\x80\x02lo");
        out.clear();
        encode_ping(&mut out, b"Hello", None);
        encode_pong(&mut out, b"Hello", Some([0x37, 0xfa, 0x21, 0x3d]));
        assert_eq!(out, b"\x89\x05Hello\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        out.clear();
        encode_binary(&mut out, &[7; 256], None);
        assert_eq!((out.len(), &out[..4]), (260, &b"\x82\x7e\x01\x00"[..]));
        out.clear();
        encode_binary(&mut out, &[7; 65536], None);
        assert_eq!((out.len(), &out[..10]), (65546, &b"\x82\x7f\0\0\0\0\0\x01\0\0"[..]));
    }

    #[test]
    fn frames_are_appended() {
        let mut out = b"before".to_vec();
        encode_text(&mut out, b"x", Some([0; 4]));
        assert_eq!(out, b"before\x81\x81\0\0\0\0x");
    }

    #[test]
    fn a_close_is_never_longer_than_a_control_frame() {
        let mut out = Vec::new();
        encode_close(&mut out, Some(CloseCode::Normal), "bye", None);
        assert_eq!(out, b"\x88\x05\x03\xe8bye");
        for (reason, kept) in
            [("a".repeat(200), 123), ("é".repeat(100), 122), ("€".repeat(99), 123)]
        {
            out.clear();
            encode_close(&mut out, Some(CloseCode::Policy), &reason, None);
            assert_eq!(usize::from(out[1]), kept + 2);
            assert_eq!(str::from_utf8(&out[4..]), Ok(&reason[..kept]));
        }
        encode_ping(&mut out, &[1; 500], None);
        assert_eq!(out.len(), 2 + 125 + 2 + 125);
    }

    #[test]
    fn codes_that_must_not_travel_leave_the_close_empty() {
        for code in [None, Some(CloseCode::Status), Some(CloseCode::Abnormal)] {
            let mut out = Vec::new();
            encode_close(&mut out, code, "unheard", None);
            assert_eq!(out, b"\x88\x00");
        }
    }
}

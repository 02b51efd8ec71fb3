//! Close frames: what they may say, and how their end of the story is told in a log.
//!
//! The payload of a Close frame (RFC 6455 section 5.5.1) is empty, or a code of two bytes and a
//! reason in UTF-8. Which codes may travel is section 7.4; the log words are the ones that
//! gorilla/websocket made common.

use std::fmt;

use super::ProtocolError;
use crate::address::Escaped;

pub use tungstenite::protocol::frame::coding::CloseCode;

/// The longest reason: what a control frame holds beside the code.
pub const MAX_REASON_BYTES: usize = super::header::MAX_CONTROL_BYTES - 2;

/// What a Close frame with a payload says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloseFrame {
    /// Why the peer closes.
    pub code: CloseCode,
    /// The peer's own words, at most [`MAX_REASON_BYTES`]; often empty.
    pub reason: String,
}

impl CloseFrame {
    /// Reads the payload of a Close frame; `None` if it is empty, which is legal.
    pub(super) fn parse(payload: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
        match *payload {
            [] => Ok(None),
            [_] => Err(ProtocolError::ShortClose),
            [high, low, ref reason @ ..] => {
                let code = u16::from_be_bytes([high, low]);
                if !may_be_sent(code) {
                    return Err(ProtocolError::InvalidCloseCode);
                }
                let reason = str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
                Ok(Some(CloseFrame { code: CloseCode::from(code), reason: reason.to_owned() }))
            }
        }
    }
}

/// Whether `code` may stand in a Close frame (section 7.4 and the IANA registry, which has added
/// 1012–1014). The others are reserved, or only meant for logs: 1005, 1006 and 1015.
pub const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The log words for the end of a connection: `websocket: close 1000 (normal): bye`. Without a code
/// it is 1005, no status; a connection that just broke off is told as 1006 by whoever saw it.
pub fn describe(code: Option<u16>, reason: &[u8]) -> Description<'_> {
    Description { code: code.unwrap_or(CloseCode::Status.into()), reason }
}

/// Prints what [`describe`] was asked for. The reason is a peer's, so it is escaped.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    code: u16,
    reason: &'a [u8],
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "websocket: close {}", self.code)?;
        if let Some(name) = name(self.code) {
            write!(f, " ({name})")?;
        }
        if !self.reason.is_empty() {
            write!(f, ": {}", Escaped(self.reason))?;
        }
        Ok(())
    }
}

fn name(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status",
        1006 => "abnormal closure",
        1007 => "invalid payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension missing",
        1011 => "internal server error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake error",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(code: u16, reason: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
        CloseFrame::parse(&[&code.to_be_bytes()[..], reason].concat())
    }

    #[test]
    fn a_close_payload_is_empty_or_a_code_and_a_reason() {
        assert_eq!(CloseFrame::parse(b""), Ok(None));
        assert_eq!(CloseFrame::parse(b"\x03"), Err(ProtocolError::ShortClose));
        let bye = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
        assert_eq!(parse(1000, b"bye"), Ok(Some(bye)));
        assert_eq!(parse(1000, b"\xff"), Err(ProtocolError::InvalidUtf8));
        assert_eq!(parse(1000, b"\xe2\x82"), Err(ProtocolError::InvalidUtf8));
    }

    #[test]
    fn exactly_the_codes_that_may_travel_are_accepted() {
        for code in 0..=u16::MAX {
            let legal = (1000..=1003).contains(&code)
                || (1007..=1014).contains(&code)
                || (3000..=4999).contains(&code);
            match parse(code, b"") {
                Ok(Some(frame)) => assert!(legal && u16::from(frame.code) == code, "{code}"),
                Err(ProtocolError::InvalidCloseCode) => assert!(!legal, "{code}"),
                other => panic!("{code}: {other:?}"),
            }
        }
    }

    #[test]
    fn ends_are_told_in_the_usual_words() {
        let cases: [(Option<u16>, &[u8], &str); 8] = [
            (Some(1000), b"", "websocket: close 1000 (normal)"),
            (Some(1000), b"bye", "websocket: close 1000 (normal): bye"),
            (Some(1001), b"", "websocket: close 1001 (going away)"),
            (None, b"", "websocket: close 1005 (no status)"),
            (
                Some(1006),
                b"unexpected EOF",
                "websocket: close 1006 (abnormal closure): unexpected EOF",
            ),
            (Some(1013), b"", "websocket: close 1013 (try again later)"),
            (Some(4000), b"app", "websocket: close 4000: app"),
            (Some(1000), b"\x1b[2J\n", "websocket: close 1000 (normal): \\u{1b}[2J\\n"),
        ];
        for (code, reason, expected) in cases {
            assert_eq!(describe(code, reason).to_string(), expected);
        }
    }
}

//! The unit that services speak in.

/// Whether the bytes of a message are known to be text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageKind {
    /// Checked UTF-8: a WebSocket text message, or text that a service made.
    Text,
    /// Any bytes: a line, a packet, a WebSocket binary message.
    Binary,
}

/// A line without its `\n`, a datagram, a packet, or a whole WebSocket message.
///
/// It borrows its bytes, usually from the one read buffer there is. A `Text` message carries
/// checked bytes and not a `&str`, which safe code could only make by checking again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    kind: MessageKind,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// A text message.
    pub fn text(text: &'a str) -> Message<'a> {
        Message { kind: MessageKind::Text, bytes: text.as_bytes() }
    }

    /// A message of any bytes.
    pub fn binary(bytes: &'a [u8]) -> Message<'a> {
        Message { kind: MessageKind::Binary, bytes }
    }

    /// A message whose kind the decoder has established.
    pub(crate) fn decoded(kind: MessageKind, bytes: &'a [u8]) -> Message<'a> {
        Message { kind, bytes }
    }

    /// The bytes, without any framing.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether the bytes are known to be UTF-8.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The message as text, if it is UTF-8. Scans the bytes.
    pub fn to_str(&self) -> Option<&'a str> {
        simdutf8::basic::from_utf8(self.bytes).ok()
    }

    /// The same without the line break at its end, of which some send one over WebSocket, or a `\r` in
    /// front of it.
    pub fn to_line(&self) -> Option<&'a str> {
        let text = self.to_str()?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        Some(text.strip_suffix('\r').unwrap_or(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_a_line() {
        for (text, line) in [
            ("", ""),
            ("hi", "hi"),
            ("hi\n", "hi"),
            ("hi\r", "hi"),
            ("hi\r\n", "hi"),
            ("hi\n\n", "hi\n"),
            ("hi\n\r", "hi\n"),
            ("a\nb\n", "a\nb"),
        ] {
            assert_eq!(Message::text(text).to_line(), Some(line), "{text:?}");
        }
        assert_eq!(Message::binary(b"\xff\n").to_line(), None);
    }
}

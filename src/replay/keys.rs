//! Keys as they are pressed, without waiting for the end of a line.

use std::io::{self, IsTerminal as _, Read as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// What somebody wants to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// The next turn.
    Next,
    /// The one before.
    Back,
    /// All that are left.
    All,
    /// Nothing any more.
    Quit,
}

/// The keys of a terminal, which is what it was when this is gone.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// The keys of stdin; `None` where it is no terminal.
    pub(super) fn new() -> Option<Keys> {
        let stdin = io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut raw = before.clone();
        // Ctrl-C is a key as well, or the terminal would stay as it is.
        raw.local_flags &= !(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG);
        tcsetattr(&stdin, SetArg::TCSANOW, &raw).ok()?;
        Some(Keys { before })
    }

    /// Waits for a key that means something.
    pub(super) fn next(&mut self) -> Key {
        loop {
            let mut bytes = [0; 8];
            // The keys with arrows are three bytes that come together.
            let Ok(count @ 1..) = io::stdin().lock().read(&mut bytes) else { return Key::Quit };
            if let Some(key) = meaning(&bytes[..count]) {
                return key;
            }
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

/// What was pressed, by the last key of what has come.
fn meaning(bytes: &[u8]) -> Option<Key> {
    if let [.., b'\x1b', b'[' | b'O', arrow] = bytes {
        return match arrow {
            b'B' | b'C' => Some(Key::Next),
            b'A' | b'D' => Some(Key::Back),
            _ => None,
        };
    }
    match bytes.last()? {
        b' ' | b'\n' | b'\r' | b'n' | b'j' => Some(Key::Next),
        b'b' | b'p' | b'k' | b'\x7f' => Some(Key::Back),
        b'g' => Some(Key::All),
        // Ctrl-C, Ctrl-D.
        b'q' | b'\x03' | b'\x04' => Some(Key::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        for (bytes, key) in [
            (&b" "[..], Some(Key::Next)),
            (b"\r", Some(Key::Next)),
            (b"\x1b[C", Some(Key::Next)),
            (b"\x1b[B", Some(Key::Next)),
            (b"\x1bOD", Some(Key::Back)),
            (b"b", Some(Key::Back)),
            (b"g", Some(Key::All)),
            (b"q", Some(Key::Quit)),
            (b"\x03", Some(Key::Quit)),
            (b"\x1b[H", None),
            (b"x", None),
            (b"", None),
        ] {
            assert_eq!(meaning(bytes), key, "{}", bytes.escape_ascii());
        }
    }
}

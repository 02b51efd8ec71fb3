//! What a client says on its stdout and stderr. Nothing here waits: what they do not take at once
//! is queued for them like for any other peer.

use std::fmt::Display;

use super::words;
use crate::address::Escaped;
use crate::engine::{ConnId, Context};
use crate::protocol::Message;

/// The two streams.
#[derive(Debug)]
pub(super) struct Output {
    /// `None`: not there yet, or nobody reads it any more.
    pub(super) stdout: Option<ConnId>,
    pub(super) stderr: Option<ConnId>,
    /// Lines of the log have date and time in front, as those of the WebSocket client always had.
    is_stamped: bool,
}

impl Output {
    pub(super) fn new(is_stamped: bool) -> Output {
        Output { stdout: None, stderr: None, is_stamped }
    }

    /// Prints payload, or what an interactive client says.
    pub(super) fn print(&self, cx: &mut Context<'_>, bytes: &[u8]) {
        if let Some(stdout) = self.stdout {
            cx.send(stdout, Message::binary(bytes));
        }
    }

    /// Prints one line for people on stderr.
    pub(super) fn log(&self, cx: &mut Context<'_>, text: impl Display) {
        let Some(stderr) = self.stderr else { return };
        let line = if self.is_stamped {
            words::stamped(cx.wall_clock(), text)
        } else {
            format!("{text}\n")
        };
        cx.send(stderr, Message::binary(line.as_bytes()));
    }

    /// Says why the client fails.
    pub(super) fn fail(&self, cx: &mut Context<'_>, text: impl Display) {
        let label = if self.is_stamped { "Error" } else { "error" };
        self.log(cx, format_args!("{label}: {text}"));
    }

    /// Somebody wants us to end at once: what a reader has not taken by now is not waited for.
    pub(super) fn give_up(&mut self, cx: &mut Context<'_>) {
        for stream in [&mut self.stdout, &mut self.stderr] {
            if let Some(peer) = stream.take_if(|peer| cx.queued(*peer) > 0) {
                cx.abort(peer);
            }
        }
    }

    /// Whether a reader is behind with stdout or with stderr.
    pub(super) fn is_full(&self, cx: &Context<'_>) -> bool {
        [self.stdout, self.stderr].into_iter().flatten().any(|stream| cx.room(stream) == 0)
    }
}

/// Text of a peer for a log: its lines stay lines, and nothing in it is obeyed by a terminal.
pub(super) fn shown(text: &[u8]) -> String {
    let lines = text.split(|&byte| byte == b'\n').map(|line| {
        let cells = line.split(|&byte| byte == b'\t').map(|cell| Escaped(cell).to_string());
        cells.collect::<Vec<_>>().join("\t")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_move_the_cursor() {
        assert_eq!(shown(b"a\tb\nc\x1b[2J\r\n"), "a\tb\nc\\u{1b}[2J\\r\n");
    }
}

//! What happens because nothing has happened.

use super::Session;
use crate::client::link::Link;
use crate::client::options::OnEof;
use crate::engine::{ConnId, Context};
use crate::time::Time;

/// Asks somebody who types nothing for input (interactive WebSocket clients do).
#[derive(Debug, Default)]
pub(super) struct Nag {
    pub(super) next: Option<Time>,
    pub(super) count: u32,
}

impl Session {
    /// Somebody has typed something, or could not before.
    pub(super) fn restart_nag(&mut self, now: Time) {
        let is_on = self.options.is_interactive && self.is_web() && !self.input.has_ended();
        let timeout =
            self.options.input_timeout.filter(|_| is_on && self.options.input_retries > 0);
        self.nag = Nag { next: timeout.map(|timeout| now + timeout), count: 0 };
    }

    pub(super) fn nag(&mut self, cx: &mut Context<'_>) {
        let (Some(timeout), Link::Up { .. }) = (self.options.input_timeout, self.link) else {
            self.nag.next = None;
            return;
        };
        self.output.log(cx, format_args!("Please give me input! {}", self.nag.count));
        self.nag.count += 1;
        self.nag.next = Some(cx.now() + timeout);
        if self.nag.count > self.options.input_retries {
            self.interrupt(cx);
        }
    }

    /// When a server that says nothing, and to which all was said, is left.
    pub(super) fn quiet_deadline(&self) -> Option<Time> {
        let waits = self.is_input_done
            && self.options.on_eof() == OnEof::Close
            && matches!(self.link, Link::Up { .. });
        waits.then(|| self.tally.last_progress() + self.options.reply_timeout)
    }

    /// Nothing has come for a while, and nothing more is to be sent.
    pub(super) fn quiet(&mut self, cx: &mut Context<'_>, server: ConnId) {
        // It is not silent if it is not read from, nor in the middle of a message, nor while it takes
        // what it was sent.
        let is_moving = self.tally.is_queue_moving(cx.queued(server));
        let is_speaking =
            cx.silence(server).is_some_and(|silence| silence < self.options.reply_timeout);
        if is_moving || is_speaking || self.is_server_held {
            self.tally.note_progress(cx.now());
        } else if cx.queued(server) > 0 {
            let target = self.target().to_string();
            self.fail(cx, format_args!("{target}: the server takes no more input"));
        } else {
            self.close(cx, server);
        }
    }
}

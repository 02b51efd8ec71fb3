//! From the server to the output.

use super::Session;
use crate::client::link::Link;
use crate::client::lockstep::Lockstep;
use crate::client::output::shown;
use crate::config::TargetKind;
use crate::engine::{ConnId, Context};
use crate::protocol::Message;

impl Session {
    pub(super) fn received(&mut self, cx: &mut Context<'_>, server: ConnId, message: Message<'_>) {
        // Who was interrupted wants nothing any more.
        let is_over = matches!(self.link, Link::Closing { interrupted: Some(_), .. });
        if self.ending.is_some() || is_over {
            return;
        }
        let bytes = message.as_bytes();
        self.tally.received(self.unit, bytes, cx.now());
        self.pace.received();
        if !self.options.is_interactive {
            self.output.print(cx, bytes);
            let is_bytes = matches!(self.target().kind(), TargetKind::Tcp | TargetKind::Unix);
            if !is_bytes && !bytes.ends_with(b"\n") {
                self.output.print(cx, b"\n");
            }
        } else {
            match self.target().kind() {
                TargetKind::WebSocket => {
                    self.output.log(cx, format_args!("Received: {}", shown(bytes)));
                }
                TargetKind::Tcp => self.reply_lines(cx, server, bytes),
                TargetKind::Unix => self.reply(cx, server, bytes),
                TargetKind::Udp | TargetKind::UnixDatagram | TargetKind::UnixPacket => {
                    self.reply(cx, server, &[bytes, b"\n"].concat());
                }
            }
        }
        if self.output.is_full(cx) {
            self.is_server_held = true;
            cx.hold(server);
        }
        self.pump(cx);
    }

    /// Reads from the server again when our own readers are not behind any more.
    pub(super) fn steer_server(&mut self, cx: &mut Context<'_>) {
        if let Link::Up { server, .. } | Link::Closing { server, .. } = self.link
            && self.is_server_held
            && !self.output.is_full(cx)
        {
            self.is_server_held = false;
            self.tally.note_progress(cx.now());
            cx.resume(server);
        }
    }

    /// Shows the lines in `bytes`, and keeps the start of one that is not complete: of a line that
    /// is longer than any message may be, no more than that.
    pub(super) fn reply_lines(&mut self, cx: &mut Context<'_>, server: ConnId, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial_reply.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial_reply.len() > self.options.max_message {
                let line = std::mem::take(&mut self.partial_reply);
                self.reply(cx, server, &line);
            }
        }
    }

    /// Shows one reply.
    pub(super) fn reply(&mut self, cx: &mut Context<'_>, server: ConnId, text: &[u8]) {
        if self.ending.is_some() {
            return;
        }
        self.leave_prompt(cx);
        self.output.print(cx, self.words.reply.as_bytes());
        self.output.print(cx, text);
        let Some(lockstep) = &mut self.lockstep else { return };
        if lockstep.is_stopping() {
            let farewell = self.words.stop.map_or("", |stop| stop.farewell);
            if !text.ends_with(b"\n") {
                self.output.print(cx, b"\n");
            }
            self.leave(cx, server, farewell);
        } else {
            lockstep.replied(cx.now());
        }
    }

    /// Puts what comes behind a prompt into a line of its own.
    pub(super) fn leave_prompt(&mut self, cx: &mut Context<'_>) {
        if self.lockstep.as_mut().is_some_and(Lockstep::leave_prompt) {
            self.output.print(cx, b"\n");
        }
    }
}

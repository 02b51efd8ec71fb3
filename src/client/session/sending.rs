//! From the input to the server.

use super::Session;
use crate::client::link::Link;
use crate::client::lockstep::Lockstep;
use crate::client::options::OnEof;
use crate::client::words::PROMPT;
use crate::codec::line::is_stop;
use crate::config::TargetKind;
use crate::engine::{ConnId, Context};
use crate::protocol::{Message, MessageKind};

impl Session {
    /// Sends what may be sent, and reads no more input than can be passed on.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) {
        if self.ending.is_some() {
            return;
        }
        if let Link::Up { server, .. } = self.link {
            while self.may_send(cx, server) {
                self.prompt(cx);
                if !self.send_next(cx, server) {
                    break;
                }
            }
            if self.input.is_exhausted() && self.is_open_for_next() {
                self.finish_input(cx, server);
            }
        }
        self.steer_input(cx);
    }

    pub(super) fn may_send(&self, cx: &Context<'_>, server: ConnId) -> bool {
        self.ending.is_none()
            && matches!(self.link, Link::Up { .. })
            && !self.is_input_done
            && self.is_open_for_next()
            && self.pace.may_send()
            && cx.room(server) > 0
    }

    /// Whether a next line has its turn.
    pub(super) fn is_open_for_next(&self) -> bool {
        self.lockstep.as_ref().is_none_or(Lockstep::may_send)
    }

    pub(super) fn prompt(&mut self, cx: &mut Context<'_>) {
        if !self.input.is_exhausted() && self.lockstep.as_mut().is_some_and(Lockstep::take_prompt) {
            self.output.print(cx, PROMPT);
        }
    }

    /// Sends one unit of the input. Returns whether there may be another.
    pub(super) fn send_next(&mut self, cx: &mut Context<'_>, server: ConnId) -> bool {
        let bytes = match self.input.peek(self.unit) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return false,
            Err(error) => {
                self.fail(cx, error);
                return false;
            }
        };
        let is_text =
            self.options.target.kind() == TargetKind::WebSocket && !self.options.web.is_binary;
        let message = if !is_text {
            Message::binary(bytes)
        } else if simdutf8::basic::from_utf8(bytes).is_ok() {
            Message::decoded(MessageKind::Text, bytes)
        } else {
            self.fail(cx, "a line of the input is not UTF-8 (--binary sends any bytes)");
            return false;
        };
        let is_stop = self.lockstep.is_some() && is_stop(bytes);
        cx.send(server, message);
        self.tally.sent(self.unit, bytes, cx.now());
        self.pace.sent(cx.now());
        self.input.take(self.unit);
        match self.words.stop {
            Some(stop) if is_stop && !stop.waits => self.leave(cx, server, stop.farewell),
            _ => {
                if let Some(lockstep) = &mut self.lockstep {
                    lockstep.sent(cx.now(), is_stop);
                }
            }
        }
        true
    }

    /// All input is sent: tells the server, if that is what the end of the input means.
    pub(super) fn finish_input(&mut self, cx: &mut Context<'_>, server: ConnId) {
        if !std::mem::replace(&mut self.is_input_done, true) {
            self.leave_prompt(cx);
            self.nag.next = None;
            self.tally.note_progress(cx.now());
            if self.options.on_eof() == OnEof::Half {
                cx.half_close(server);
            }
        }
        let is_answered = self.tally.is_answered() && cx.queued(server) == 0;
        if self.options.on_eof() == OnEof::Close && is_answered {
            self.close(cx, server);
        }
    }

    /// Holds the input while some of it waits to be sent.
    pub(super) fn steer_input(&mut self, cx: &mut Context<'_>) {
        let Some(peer) = self.input_peer else { return };
        match self.input.peek(self.unit) {
            Ok(None) => cx.resume(peer),
            Ok(Some(_)) | Err(_) => cx.hold(peer),
        }
    }
}

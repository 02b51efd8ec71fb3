//! The ways to end, and to begin anew.

use std::io;
use std::time::Duration;

use super::Session;
use crate::client::link::{Link, describe};
use crate::client::lockstep::Lockstep;
use crate::client::options::OnEof;
use crate::client::{CLOSE_TIMEOUT, Ending, FOREVER};
use crate::config::TargetKind;
use crate::engine::{ConnId, Context};
use crate::protocol::CloseReason;
use crate::time::Time;

/// A connection that we have ended. The process ends when it is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    server: ConnId,
    /// The server must have taken some of what is queued for it by then.
    pub(super) until: Time,
}

impl Session {
    /// Says the last words of a client that was told to stop.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>, server: ConnId, farewell: &str) {
        self.output.print(cx, farewell.as_bytes());
        self.close(cx, server);
    }

    /// `STOP` is not answered: the server has gone, or says nothing.
    pub(super) fn leave_unanswered(&mut self, cx: &mut Context<'_>) {
        // The classic program prints the reply that it did not get.
        if self.target().kind() == TargetKind::Tcp {
            self.output.print(cx, self.words.reply.as_bytes());
        }
        let farewell = self.words.stop.map_or("", |stop| stop.farewell);
        self.output.print(cx, farewell.as_bytes());
        self.end(cx, Ending::Success);
    }

    /// Closes the connection because everything is done.
    pub(super) fn close(&mut self, cx: &mut Context<'_>, server: ConnId) {
        if self.is_web() {
            // The two sides agree on the end.
            self.link = Link::Closing { server, interrupted: None };
            cx.close(server, 1000, "");
        } else {
            self.end(cx, Ending::Success);
        }
    }

    /// Ends, whatever the server may think of it.
    pub(super) fn end(&mut self, cx: &mut Context<'_>, ending: Ending) {
        if let Link::Up { server, .. } = self.link {
            self.link = Link::Down;
            self.hang_up(cx, server);
        }
        self.finish(cx, ending);
    }

    /// Closes a connection when what is queued for the server has been written, or is not taken.
    pub(super) fn hang_up(&mut self, cx: &mut Context<'_>, server: ConnId) {
        // Nothing that it says is wanted any more, but it has to be read to come to its answer.
        cx.resume(server);
        cx.close(server, 1000, "");
        // Whoever does not read, or speaks for ever, would keep us for as long as the reader of our
        // stdout may take.
        self.tally.is_queue_moving(cx.queued(server));
        self.leaving = Some(Leaving { server, until: cx.now() + CLOSE_TIMEOUT });
    }

    /// Cuts off a server that takes nothing of what it is still to be sent, or on WebSocket has not
    /// answered our Close in time.
    pub(super) fn hasten(&mut self, cx: &mut Context<'_>) {
        let Some(Leaving { server, until }) = self.leaving else { return };
        let queued = cx.queued(server);
        if until > cx.now() {
            return;
        }
        self.leaving = None;
        if !self.is_web() && queued > 0 && self.tally.is_queue_moving(queued) {
            self.leaving = Some(Leaving { server, until: cx.now() + CLOSE_TIMEOUT });
        } else if self.is_web() || queued > 0 {
            cx.abort(server);
        }
    }

    /// Ends because of something on our side.
    pub(super) fn fail(&mut self, cx: &mut Context<'_>, text: impl std::fmt::Display) {
        self.leave_prompt(cx);
        self.output.fail(cx, text);
        self.end(cx, Ending::Failure);
    }

    /// Our stdout is gone.
    pub(super) fn output_gone(&mut self, cx: &mut Context<'_>, reason: &CloseReason) {
        match reason {
            _ if self.ending.is_some() => {}
            // Who has read enough says so by closing the pipe, which is no error.
            CloseReason::Lost(io::ErrorKind::BrokenPipe) => self.end(cx, Ending::Success),
            CloseReason::Lost(kind) => self.fail(cx, format_args!("standard output: {kind}")),
            CloseReason::SlowConsumer => self.fail(cx, "standard output is too far behind"),
            _ => {}
        }
    }

    /// The end of what was printed could not be written.
    pub(super) fn output_cut_off(&mut self, reason: &CloseReason) {
        if let CloseReason::Lost(kind) = reason
            && *kind != io::ErrorKind::BrokenPipe
        {
            self.ending = Some(Ending::Failure);
            self.last_words = Some(format!("error: standard output: {kind}"));
        }
    }

    /// Ends: what is printed is still written, however slowly it is read.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(ending);
        let streams = [self.input_peer, self.output.stdout, self.output.stderr];
        for stream in streams.into_iter().flatten() {
            cx.close(stream, 1000, "");
        }
        cx.stop(FOREVER);
    }

    /// An address cannot be connected to.
    pub(super) fn not_connected(&mut self, cx: &mut Context<'_>, reason: &CloseReason) {
        match self.dialer.try_next(cx, reason) {
            Some(link) => self.link = link,
            None => self.broken(cx, reason, Duration::ZERO),
        }
    }

    /// The connection has ended, and not because of us.
    pub(super) fn server_gone(
        &mut self,
        cx: &mut Context<'_>,
        reason: &CloseReason,
        lasted: Duration,
    ) {
        self.link = Link::Down;
        if !self.partial_reply.is_empty() {
            let rest = std::mem::take(&mut self.partial_reply);
            self.output.print(cx, self.words.reply.as_bytes());
            self.output.print(cx, &[&rest, &b"\n"[..]].concat());
        }
        if self.lockstep.as_ref().is_some_and(Lockstep::is_stopping) {
            return self.leave_unanswered(cx);
        }
        if *reason == CloseReason::Ended && !self.goes_on() {
            return self.finish(cx, Ending::Success);
        }
        self.broken(cx, reason, lasted);
    }

    /// Whether another connection would be of use.
    pub(super) fn goes_on(&self) -> bool {
        let waits = self.options.reconnect && self.options.on_eof() == OnEof::Wait;
        !self.is_input_done || waits
    }

    /// There is no connection: tries again, or says why and ends.
    pub(super) fn broken(&mut self, cx: &mut Context<'_>, reason: &CloseReason, lasted: Duration) {
        self.leave_prompt(cx);
        if let Some(lockstep) = &mut self.lockstep {
            lockstep.restart();
        }
        if self.goes_on()
            && let Some(wait) = self.dialer.retry(cx, reason, lasted)
        {
            let why = match (describe(reason), self.tally.unanswered()) {
                (why, 0) => why,
                (why, 1) => format!("{why}, 1 message was not answered"),
                (why, count) => format!("{why}, {count} messages were not answered"),
            };
            self.tally.restart();
            let (target, seconds) = (self.target().to_string(), wait.as_secs_f64());
            self.output.log(cx, format_args!("{target}: {why}; trying again in {seconds:.1} s"));
            self.link = Link::Waiting { until: cx.now() + wait };
            return;
        }
        let ending = match reason {
            CloseReason::Ended => {
                self.output.log(cx, "the server has closed the connection");
                Ending::Success
            }
            CloseReason::PeerClosed { code, .. } => {
                self.output.log(cx, format_args!("ReadMessage() error: {reason}"));
                by_code(*code)
            }
            CloseReason::Abnormal => {
                self.output.log(cx, format_args!("ReadMessage() error: {reason}"));
                Ending::Failure
            }
            _ => {
                let target = self.target().to_string();
                self.output.fail(cx, format_args!("{target}: {}", describe(reason)));
                Ending::Failure
            }
        };
        self.finish(cx, ending);
    }

    /// A WebSocket server has answered our Close, or never will.
    pub(super) fn closed(
        &mut self,
        cx: &mut Context<'_>,
        reason: &CloseReason,
        is_interrupted: bool,
    ) {
        let ending = match reason {
            CloseReason::PeerClosed { code, .. } => by_code(*code),
            _ => Ending::Failure,
        };
        let is_silent = matches!(reason, CloseReason::TimedOut(_) | CloseReason::Closed(_));
        if is_silent && !is_interrupted {
            self.output.fail(cx, format_args!("{}: {reason}", self.target()));
        } else if !is_silent && (self.options.is_interactive || ending == Ending::Failure) {
            self.output.log(cx, format_args!("ReadMessage() error: {reason}"));
        }
        self.finish(cx, if is_interrupted { Ending::Success } else { ending });
    }

    /// Ctrl-C, or nobody types anything: a WebSocket client says goodbye, the others just end.
    pub(super) fn interrupt(&mut self, cx: &mut Context<'_>) {
        self.leave_prompt(cx);
        match self.link {
            Link::Up { server, .. } if self.is_web() => {
                self.output.log(cx, "Caught interrupt signal - quitting!");
                self.nag.next = None;
                let interrupted = Some(cx.now() + CLOSE_TIMEOUT);
                self.link = Link::Closing { server, interrupted };
                self.hang_up(cx, server);
            }
            Link::Closing { server, interrupted: None } if self.is_web() => {
                let interrupted = Some(cx.now() + CLOSE_TIMEOUT);
                self.link = Link::Closing { server, interrupted };
                self.hang_up(cx, server);
            }
            Link::Closing { .. } if self.is_web() => {}
            Link::Up { server, .. } => {
                self.link = Link::Down;
                cx.abort(server);
                self.finish(cx, Ending::Interrupted);
            }
            _ => self.finish(cx, Ending::Interrupted),
        }
    }
}

/// A close that is no failure says that all went well, that one side goes away, or nothing.
fn by_code(code: Option<u16>) -> Ending {
    match code {
        None | Some(1000 | 1001) => Ending::Success,
        Some(_) => Ending::Failure,
    }
}

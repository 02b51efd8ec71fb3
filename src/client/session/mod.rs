//! The service behind a client: passes on between the standard streams and the server.
//!
//! Everything that happens is an event of one of four peers, or of time. Each is answered in the
//! same order: note what has come, then [`pump`](Session::pump): send what may be sent and see to
//! it that no more is read than can be passed on.

use std::time::Duration;

use super::input::{Input, Unit};
use super::link::{Dialer, Link, describe};
use super::lockstep::{Lapse, Lockstep};
use super::options::{OnEof, Options};
use super::output::{Output, shown};
use super::pace::Pace;
use super::tally::Tally;
use super::words::{PROMPT, Words};
use super::{CLOSE_TIMEOUT, Ending, FOREVER, Peer};
use crate::address::ConnectAddress;
use crate::codec::line::is_stop;
use crate::config::{Target, TargetKind};
use crate::engine::{ConnId, Context};
use crate::protocol::{CloseReason, Message, MessageKind};
use crate::service::Service;
use crate::time::Time;

/// One client.
#[derive(Debug)]
pub(super) struct Session {
    options: Options,
    words: Words,
    unit: Unit,
    input: Input,
    /// Standard input; `None` before it is there and when it has ended.
    input_peer: Option<ConnId>,
    output: Output,
    dialer: Dialer,
    link: Link,
    /// `None` in a pipe, and on WebSocket, where nobody waits for anybody.
    lockstep: Option<Lockstep>,
    /// The start of a reply line that is not complete, of an interactive client.
    partial_reply: Vec<u8>,
    tally: Tally,
    pace: Pace,
    nag: Nag,
    /// The input has ended, everything was sent, and the server was told so where it is to be told.
    is_input_done: bool,
    ending: Option<Ending>,
    /// A server that has still to take what was sent to it in front of the end.
    leaving: Option<Leaving>,
}

/// A connection that we have ended. The process ends when it is gone.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    server: ConnId,
    /// The server must have taken some of what is queued for it by then.
    until: Time,
}

/// Asks somebody who types nothing for input (interactive WebSocket clients do).
#[derive(Debug, Default)]
struct Nag {
    next: Option<Time>,
    count: u32,
}

impl Session {
    pub(super) fn new(options: Options, addresses: Vec<ConnectAddress>) -> Session {
        let kind = options.target.kind();
        let is_web = kind == TargetKind::WebSocket;
        let lockstep = (options.is_interactive && !is_web)
            .then(|| Lockstep::new(options.reply_timeout, options.pause));
        let is_paced = matches!(kind, TargetKind::Udp | TargetKind::UnixDatagram);
        Session {
            words: Words::of(kind),
            unit: options.unit(),
            input: Input::new(options.max_line()),
            input_peer: None,
            output: Output::new(is_web),
            dialer: Dialer::new(&options, addresses),
            link: Link::Down,
            lockstep,
            partial_reply: Vec::new(),
            tally: Tally::default(),
            pace: Pace::new(is_paced),
            nag: Nag::default(),
            is_input_done: false,
            ending: None,
            leaving: None,
            options,
        }
    }

    /// How it has ended, if it has.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    fn target(&self) -> &Target {
        &self.options.target
    }

    fn is_web(&self) -> bool {
        self.target().kind() == TargetKind::WebSocket
    }

    /// The standard streams are there.
    fn begin(&mut self, cx: &mut Context<'_>) {
        if self.options.is_interactive && self.is_web() {
            let place = match self.target().unix() {
                Some(name) => name.to_string(),
                None => self.target().authority(),
            };
            let path = self.target().web_path();
            self.output.print(cx, format!("Connecting to: {place} at {path}\n").as_bytes());
        }
        self.link = Link::Dialing;
        self.dialer.start(cx);
    }

    /// The server is there.
    fn link_up(&mut self, cx: &mut Context<'_>, server: ConnId) {
        self.link = Link::Up { server, since: cx.now() };
        self.tally.note_progress(cx.now());
        if self.options.is_interactive && self.target().kind() == TargetKind::Udp {
            let line = format!("The UDP server is {}\n", self.dialer.address());
            self.output.print(cx, line.as_bytes());
        }
        self.restart_nag(cx.now());
        self.pump(cx);
    }
}

/// What is sent.
impl Session {
    /// Sends what may be sent, and reads no more input than can be passed on.
    fn pump(&mut self, cx: &mut Context<'_>) {
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

    fn may_send(&self, cx: &Context<'_>, server: ConnId) -> bool {
        self.ending.is_none()
            && matches!(self.link, Link::Up { .. })
            && !self.is_input_done
            && self.is_open_for_next()
            && self.pace.may_send()
            && cx.room(server) > 0
    }

    /// Whether a next line has its turn.
    fn is_open_for_next(&self) -> bool {
        self.lockstep.as_ref().is_none_or(Lockstep::may_send)
    }

    fn prompt(&mut self, cx: &mut Context<'_>) {
        if !self.input.is_exhausted() && self.lockstep.as_mut().is_some_and(Lockstep::take_prompt) {
            self.output.print(cx, PROMPT);
        }
    }

    /// Sends one unit of the input. Returns whether there may be another.
    fn send_next(&mut self, cx: &mut Context<'_>, server: ConnId) -> bool {
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
    fn finish_input(&mut self, cx: &mut Context<'_>, server: ConnId) {
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
    fn steer_input(&mut self, cx: &mut Context<'_>) {
        let Some(peer) = self.input_peer else { return };
        match self.input.peek(self.unit) {
            Ok(None) => cx.resume(peer),
            Ok(Some(_)) | Err(_) => cx.hold(peer),
        }
    }
}

/// What is received.
impl Session {
    fn received(&mut self, cx: &mut Context<'_>, server: ConnId, message: Message<'_>) {
        if self.ending.is_some() {
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
            cx.hold(server);
        }
        self.pump(cx);
    }

    /// Shows the lines in `bytes`, and keeps the start of one that is not complete: of a line that
    /// is longer than any message may be, no more than that.
    fn reply_lines(&mut self, cx: &mut Context<'_>, server: ConnId, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.partial_reply.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial_reply.len() > self.options.max_message {
                let line = std::mem::take(&mut self.partial_reply);
                self.reply(cx, server, &line);
            }
        }
    }

    /// Shows one reply.
    fn reply(&mut self, cx: &mut Context<'_>, server: ConnId, text: &[u8]) {
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
    fn leave_prompt(&mut self, cx: &mut Context<'_>) {
        if self.lockstep.as_mut().is_some_and(Lockstep::leave_prompt) {
            self.output.print(cx, b"\n");
        }
    }
}

/// How it ends.
impl Session {
    /// Says the last words of a client that was told to stop.
    fn leave(&mut self, cx: &mut Context<'_>, server: ConnId, farewell: &str) {
        self.output.print(cx, farewell.as_bytes());
        self.close(cx, server);
    }

    /// `STOP` is not answered: the server has gone, or says nothing.
    fn leave_unanswered(&mut self, cx: &mut Context<'_>) {
        // The classic program prints the reply that it did not get.
        if self.target().kind() == TargetKind::Tcp {
            self.output.print(cx, self.words.reply.as_bytes());
        }
        let farewell = self.words.stop.map_or("", |stop| stop.farewell);
        self.output.print(cx, farewell.as_bytes());
        if let Link::Up { server, .. } = self.link {
            self.close(cx, server);
        } else {
            self.finish(cx, Ending::Success);
        }
    }

    /// Closes the connection because everything is done.
    fn close(&mut self, cx: &mut Context<'_>, server: ConnId) {
        self.link = Link::Closing { server, interrupted: None };
        self.hang_up(cx, server);
        // WebSocket peers agree on the end.
        if !self.is_web() {
            self.finish(cx, Ending::Success);
        }
    }

    /// Closes a connection when what is queued for the server has been written, or is not taken.
    fn hang_up(&mut self, cx: &mut Context<'_>, server: ConnId) {
        cx.close(server, 1000, "");
        // The engine gives up who does not answer a Close frame. Whoever else does not read would
        // keep us for as long as the reader of our stdout may take.
        if !self.is_web() {
            self.tally.is_queue_moving(cx.queued(server));
            self.leaving = Some(Leaving { server, until: cx.now() + CLOSE_TIMEOUT });
        }
    }

    /// Ends because of something on our side.
    fn fail(&mut self, cx: &mut Context<'_>, text: impl std::fmt::Display) {
        self.leave_prompt(cx);
        self.output.fail(cx, text);
        if let Link::Up { server, .. } = self.link {
            self.link = Link::Down;
            self.hang_up(cx, server);
        }
        self.finish(cx, Ending::Failure);
    }

    /// Ends: what is printed is still written, however slowly it is read.
    fn finish(&mut self, cx: &mut Context<'_>, ending: Ending) {
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
    fn not_connected(&mut self, cx: &mut Context<'_>, reason: &CloseReason) {
        match self.dialer.try_next(cx, reason) {
            Some(link) => self.link = link,
            None => self.broken(cx, reason, Duration::ZERO),
        }
    }

    /// The connection has ended, and not because of us.
    fn server_gone(&mut self, cx: &mut Context<'_>, reason: &CloseReason, lasted: Duration) {
        self.link = Link::Down;
        if !self.partial_reply.is_empty() {
            let rest = std::mem::take(&mut self.partial_reply);
            self.output.print(cx, self.words.reply.as_bytes());
            self.output.print(cx, &[&rest, &b"\n"[..]].concat());
        }
        if self.lockstep.as_ref().is_some_and(Lockstep::is_stopping) {
            return self.leave_unanswered(cx);
        }
        if *reason == CloseReason::Ended && self.is_input_done {
            return self.finish(cx, Ending::Success);
        }
        self.broken(cx, reason, lasted);
    }

    /// There is no connection: tries again, or says why and ends.
    fn broken(&mut self, cx: &mut Context<'_>, reason: &CloseReason, lasted: Duration) {
        self.leave_prompt(cx);
        if let Some(lockstep) = &mut self.lockstep {
            lockstep.restart();
        }
        if !self.is_input_done
            && let Some(wait) = self.dialer.retry(cx, reason, lasted)
        {
            let (target, seconds) = (self.target().to_string(), wait.as_secs_f64());
            let why = describe(reason);
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
    fn closed(&mut self, cx: &mut Context<'_>, reason: &CloseReason, is_interrupted: bool) {
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
    fn interrupt(&mut self, cx: &mut Context<'_>) {
        self.leave_prompt(cx);
        match self.link {
            Link::Up { server, .. } if self.is_web() => {
                self.output.log(cx, "Caught interrupt signal - quitting!");
                self.nag.next = None;
                let interrupted = Some(cx.now() + CLOSE_TIMEOUT);
                self.link = Link::Closing { server, interrupted };
                cx.close(server, 1000, "");
            }
            Link::Closing { server, interrupted: None } if self.is_web() => {
                let interrupted = Some(cx.now() + CLOSE_TIMEOUT);
                self.link = Link::Closing { server, interrupted };
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

/// What happens because time has passed.
impl Session {
    /// Somebody has typed something, or could not before.
    fn restart_nag(&mut self, now: Time) {
        let is_on = self.options.is_interactive && self.is_web() && !self.input.has_ended();
        let timeout =
            self.options.input_timeout.filter(|_| is_on && self.options.input_retries > 0);
        self.nag = Nag { next: timeout.map(|timeout| now + timeout), count: 0 };
    }

    fn nag(&mut self, cx: &mut Context<'_>) {
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

    /// Cuts off a server that takes nothing of what it is still to be sent.
    fn hasten(&mut self, cx: &mut Context<'_>) {
        let Some(Leaving { server, until }) = self.leaving else { return };
        let queued = cx.queued(server);
        if until > cx.now() {
            return;
        }
        self.leaving = None;
        if queued > 0 && self.tally.is_queue_moving(queued) {
            self.leaving = Some(Leaving { server, until: cx.now() + CLOSE_TIMEOUT });
        } else if queued > 0 {
            cx.abort(server);
        }
    }

    /// When a server that says nothing, and to which all was said, is left.
    fn quiet_deadline(&self) -> Option<Time> {
        let waits = self.is_input_done
            && self.options.on_eof() == OnEof::Close
            && matches!(self.link, Link::Up { .. });
        waits.then(|| self.tally.last_progress() + self.options.reply_timeout)
    }

    /// Nothing has come for a while, and nothing more is to be sent.
    fn quiet(&mut self, cx: &mut Context<'_>, server: ConnId) {
        // It is not silent if it is not read from, nor while it takes what it was sent.
        let is_moving = self.tally.is_queue_moving(cx.queued(server));
        if is_moving || self.output.is_full(cx) {
            self.tally.note_progress(cx.now());
        } else if cx.queued(server) > 0 {
            let target = self.target().to_string();
            self.fail(cx, format_args!("{target}: the server takes no more input"));
        } else {
            self.close(cx, server);
        }
    }
}

impl Service for Session {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        match cx.binding(peer).and_then(Peer::of) {
            Some(Peer::Output) => self.output.stdout = Some(peer),
            Some(Peer::Errors) => self.output.stderr = Some(peer),
            Some(Peer::Input) => {
                self.input_peer = Some(peer);
                self.begin(cx);
            }
            Some(Peer::Server) => self.link_up(cx, peer),
            None => {}
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        match cx.binding(from).and_then(Peer::of) {
            Some(Peer::Input) => {
                self.input.push(message.as_bytes());
                self.restart_nag(cx.now());
                self.pump(cx);
            }
            Some(Peer::Server) => self.received(cx, from, message),
            _ => {}
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, _: ConnId) {
        if let Link::Up { server, .. } = self.link
            && !self.output.is_full(cx)
        {
            cx.resume(server);
        }
        self.pump(cx);
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        match cx.binding(peer).and_then(Peer::of) {
            Some(Peer::Output) => {
                self.output.stdout = None;
                // Who has read enough says so by closing the pipe, which is no error.
                if let CloseReason::Lost(kind) = reason
                    && self.ending.is_none()
                {
                    if kind == std::io::ErrorKind::BrokenPipe {
                        self.abandon(cx);
                    } else {
                        self.fail(cx, format_args!("standard output: {kind}"));
                    }
                }
            }
            Some(Peer::Errors) => self.output.stderr = None,
            Some(Peer::Input) => {
                self.input_peer = None;
                self.input.end();
                if let CloseReason::Lost(kind) = reason
                    && self.ending.is_none()
                {
                    self.fail(cx, format_args!("standard input: {kind}"));
                }
                self.nag.next = None;
                self.pump(cx);
            }
            Some(Peer::Server) if self.ending.is_none() => match self.link {
                Link::Dialing => self.not_connected(cx, &reason),
                Link::Up { since, .. } => {
                    let lasted = cx.now() - since;
                    self.server_gone(cx, &reason, lasted);
                }
                Link::Waiting { .. } | Link::Closing { .. } | Link::Down => {}
            },
            _ => {}
        }
    }

    fn on_close_answered(&mut self, cx: &mut Context<'_>, _: ConnId, reason: CloseReason) {
        if let Link::Closing { interrupted, .. } = self.link {
            self.link = Link::Down;
            self.closed(cx, &reason, interrupted.is_some());
        }
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        if self.ending.is_none() {
            self.output.give_up(cx);
            self.interrupt(cx);
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        if self.ending.is_some() {
            return self.leaving.map(|leaving| leaving.until);
        }
        let link = match self.link {
            Link::Waiting { until } => Some(until),
            Link::Closing { interrupted, .. } => interrupted,
            Link::Dialing | Link::Up { .. } | Link::Down => None,
        };
        let lockstep = self.lockstep.as_ref().and_then(Lockstep::deadline);
        let deadlines =
            [link, lockstep, self.nag.next, self.pace.deadline(), self.quiet_deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.ending.is_some() {
            return self.hasten(cx);
        }
        if let Link::Waiting { until } = self.link
            && until <= now
        {
            self.link = Link::Dialing;
            self.dialer.resume(cx);
        }
        // It may have taken its time with what is in front of our Close.
        if let Link::Closing { server, interrupted: Some(until) } = self.link
            && until <= now
        {
            return cx.abort(server);
        }
        if self.lockstep.as_mut().map(|lockstep| lockstep.lapse(now)) == Some(Lapse::StopUnanswered)
        {
            return self.leave_unanswered(cx);
        }
        if self.nag.next.is_some_and(|next| next <= now) {
            self.nag(cx);
        }
        self.pace.lapse(now);
        if self.quiet_deadline().is_some_and(|deadline| deadline <= now)
            && let Link::Up { server, .. } = self.link
        {
            self.quiet(cx, server);
        }
        self.pump(cx);
    }
}

impl Session {
    /// Nobody reads what we print.
    fn abandon(&mut self, cx: &mut Context<'_>) {
        if let Link::Up { server, .. } = self.link {
            self.link = Link::Down;
            self.hang_up(cx, server);
        }
        self.finish(cx, Ending::Success);
    }
}

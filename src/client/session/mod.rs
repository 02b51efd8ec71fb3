//! The service behind a client: passes on between the standard streams and the server.
//!
//! Everything that happens is an event of one of four peers, or of time. Each is answered in the
//! same order: note what has come, then [`pump`](Session::pump): send what may be sent and see to
//! it that no more is read than can be passed on.
//!
//! | file | what of it |
//! |---|---|
//! | here | the state, and which event goes where |
//! | [`sending`] | from the input to the server |
//! | [`receiving`] | from the server to the output |
//! | [`ending`] | the ways to end, and to begin anew |
//! | [`timing`] | what happens because nothing has happened |

mod ending;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;
mod timing;

use self::ending::Leaving;
use self::timing::Nag;
use super::input::{Input, Unit};
use super::link::{Dialer, Link};
use super::lockstep::{Lapse, Lockstep};
use super::options::Options;
use super::output::Output;
use super::pace::Pace;
use super::tally::Tally;
use super::words::Words;
use super::{Ending, Peer};
use crate::address::ConnectAddress;
use crate::config::{Target, TargetKind};
use crate::engine::{ConnId, Context};
use crate::protocol::{CloseReason, Message};
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
    /// The server is not read from, because a reader of ours is behind.
    is_server_held: bool,
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
    /// What is to be said when stderr is not written to by the loop any more.
    last_words: Option<String>,
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
            is_server_held: false,
            lockstep,
            partial_reply: Vec::new(),
            tally: Tally::default(),
            pace: Pace::new(is_paced),
            nag: Nag::default(),
            is_input_done: false,
            ending: None,
            leaving: None,
            last_words: None,
            options,
        }
    }

    /// How it has ended, if it has.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// What it could not say by itself, because it was over.
    pub(super) fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
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
        if self.ending.is_some() {
            return cx.abort(server);
        }
        self.link = Link::Up { server, since: cx.now() };
        self.is_server_held = false;
        self.tally.note_progress(cx.now());
        if self.options.is_interactive && self.target().kind() == TargetKind::Udp {
            let line = format!("The UDP server is {}\n", self.dialer.address());
            self.output.print(cx, line.as_bytes());
        }
        self.restart_nag(cx.now());
        self.pump(cx);
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
        self.steer_server(cx);
        self.pump(cx);
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        match cx.binding(peer).and_then(Peer::of) {
            Some(Peer::Output) => {
                self.output.stdout = None;
                self.output_gone(cx, &reason);
            }
            Some(Peer::Errors) => {
                self.output.stderr = None;
                self.steer_server(cx);
            }
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

    fn on_close_over(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        match (cx.binding(peer).and_then(Peer::of), self.link) {
            (Some(Peer::Output), _) => self.output_cut_off(&reason),
            (Some(Peer::Server), Link::Closing { interrupted, .. }) => {
                self.link = Link::Down;
                self.closed(cx, &reason, interrupted.is_some());
            }
            _ => {}
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

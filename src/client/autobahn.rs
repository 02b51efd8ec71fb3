//! The client's side of the Autobahn test suite, whose server asks its clients for echoes.
//!
//! ```text
//!   /getCaseCount ──► a number N, one message
//!   /runCase?case=1&agent=readily … case=N: echo every message until the server ends
//!   /updateReports?agent=readily
//! ```
//!
//! What a case expects of an end (a Close with 1002, an abrupt FIN) is judged by the server; here
//! every end leads to the next case.

use std::sync::Arc;

use super::options::Options;
use super::output::Output;
use super::{Ending, FOREVER, Peer};
use crate::address::ConnectAddress;
use crate::engine::{ConnId, Context, Dial, Speaks};
use crate::protocol::{CloseReason, Message};
use crate::service::Service;

const AGENT: &str = "agent=readily";

/// Runs all cases, one after the other.
#[derive(Debug)]
pub(super) struct Autobahn {
    options: Options,
    address: ConnectAddress,
    output: Output,
    stage: Stage,
    /// The connection of this stage, once it is there.
    server: Option<ConnId>,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Counting { cases: Option<u32> },
    Case { number: u32, of: u32 },
    Reporting,
}

impl Autobahn {
    pub(super) fn new(options: Options, addresses: Vec<ConnectAddress>) -> Autobahn {
        Autobahn {
            options,
            address: addresses.into_iter().next().expect("a name has an address or is an error"),
            output: Output::new(false),
            stage: Stage::Counting { cases: None },
            server: None,
            ending: None,
        }
    }

    /// How it has ended, if it has.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending
    }

    fn dial(&mut self, cx: &mut Context<'_>) {
        let path = match self.stage {
            Stage::Counting { .. } => "/getCaseCount".to_owned(),
            Stage::Case { number, .. } => format!("/runCase?case={number}&{AGENT}"),
            Stage::Reporting => format!("/updateReports?{AGENT}"),
        };
        self.server = None;
        let speaks = Speaks::WebSocket(Arc::new(self.options.request(&path)));
        cx.dial(Dial { binding: Peer::Server.binding(), address: self.address.clone(), speaks });
    }

    fn finish(&mut self, cx: &mut Context<'_>, ending: Ending) {
        self.ending = Some(ending);
        for stream in [self.output.stdout, self.output.stderr].into_iter().flatten() {
            cx.close(stream, 1000, "");
        }
        cx.stop(FOREVER);
    }
}

impl Service for Autobahn {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        match cx.binding(peer).and_then(Peer::of) {
            Some(Peer::Output) => self.output.stdout = Some(peer),
            Some(Peer::Errors) => {
                self.output.stderr = Some(peer);
                self.dial(cx);
            }
            Some(Peer::Server) => self.server = Some(peer),
            Some(Peer::Input) | None => {}
        }
    }

    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        match &mut self.stage {
            Stage::Counting { cases } => {
                *cases = message.to_str().and_then(|text| text.trim().parse().ok());
            }
            Stage::Case { .. } => {
                cx.send(from, message);
            }
            Stage::Reporting => {}
        }
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        if self.ending.is_some() || cx.binding(peer) != Some(Peer::Server.binding()) {
            return;
        }
        let is_refused = self.server.is_none() && !matches!(self.stage, Stage::Case { .. });
        self.stage = match self.stage {
            Stage::Counting { cases: Some(0) } => Stage::Reporting,
            Stage::Counting { cases: Some(of) } => {
                self.output.log(cx, format_args!("{of} cases"));
                Stage::Case { number: 1, of }
            }
            Stage::Case { number, of } if number < of => Stage::Case { number: number + 1, of },
            Stage::Case { .. } => Stage::Reporting,
            Stage::Reporting if !is_refused => return self.finish(cx, Ending::Success),
            Stage::Counting { cases: None } | Stage::Reporting => {
                self.output.fail(cx, format_args!("{}: {reason}", self.options.target));
                return self.finish(cx, Ending::Failure);
            }
        };
        self.dial(cx);
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        if self.ending.is_none() {
            self.finish(cx, Ending::Interrupted);
            if let Some(server) = self.server {
                cx.abort(server);
            }
        }
    }
}

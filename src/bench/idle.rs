//! The idle load: connections that are opened, held and closed, and say nothing.
//!
//! The server's memory is read four times: before the first connection, with a tenth of them, with
//! all, and when all are gone. What the first ones cost (tables, pages that later ones share) is in
//! the second reading and the third alike, so that the difference is what one more costs.

use std::time::Duration;

use super::Options;
use super::crowd::Crowd;
use super::report::Errors;
use super::run::{Load, Stage};
use crate::address::ConnectAddress;
use crate::engine::{ConnId, Context};
use crate::protocol::{CloseReason, Message};
use crate::service::Service;
use crate::time::Time;

/// How long to wait before memory is read, for the server to come to rest.
const REST: Duration = Duration::from_millis(300);

/// How long a server has to see that all are gone, and to give memory back.
const AFTERWARDS: Duration = Duration::from_secs(3);

/// The load.
#[derive(Debug)]
pub(super) struct Idle {
    connections: usize,
    duration: Duration,
    crowd: Crowd,
    open: Vec<ConnId>,
    stage: Stage,
    /// What the crowd is to grow to in this stage.
    wanted: usize,
    /// When the stage ends, once everybody is there.
    until: Option<Time>,
    /// When connections began to be opened, and for how long in all.
    begun: Option<Time>,
    connecting: Duration,
    errors: Errors,
    failure: Option<String>,
}

impl Idle {
    pub(super) fn new(options: &Options, address: ConnectAddress) -> Idle {
        let mut idle = Idle {
            connections: options.connections,
            duration: options.duration,
            crowd: Crowd::new(options, address),
            open: Vec::new(),
            stage: Stage::Few,
            wanted: 0,
            until: None,
            begun: None,
            connecting: Duration::ZERO,
            errors: Errors::default(),
            failure: None,
        };
        idle.wanted = idle.few();
        idle
    }

    /// How many connections are there when memory is read for the second time.
    pub(super) fn few(&self) -> usize {
        self.connections / 10
    }

    /// How long it took to open all.
    pub(super) fn connecting_time(&self) -> Duration {
        self.connecting
    }

    pub(super) fn errors(&self) -> Errors {
        self.errors
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if let Stage::Few | Stage::Many = self.stage {
            if !self.crowd.is_decided(self.wanted) {
                self.begun.get_or_insert(now);
                return self.crowd.grow(cx, self.wanted);
            }
            if let Some(begun) = self.begun.take() {
                self.connecting += now - begun;
            }
        }
        let until = *self.until.get_or_insert(match self.stage {
            Stage::Measuring => now + self.duration,
            Stage::Closing => now + AFTERWARDS,
            _ => now + REST,
        });
        if now < until {
            return;
        }
        self.until = None;
        self.stage = match self.stage {
            Stage::Few => {
                self.wanted = self.connections;
                Stage::Many
            }
            Stage::Many if self.open.is_empty() => Stage::Closing,
            Stage::Many => Stage::Measuring,
            Stage::Measuring => Stage::Finishing,
            Stage::Finishing => {
                for id in &self.open {
                    cx.close(*id, 1000, "");
                }
                Stage::Closing
            }
            Stage::Warmup | Stage::Closing | Stage::Done => {
                cx.stop(REST);
                Stage::Done
            }
        };
    }
}

impl Load for Idle {
    fn stage(&self) -> Stage {
        self.stage
    }

    fn counts(&self) -> (usize, u64) {
        (self.crowd.open(), 0)
    }

    fn failure(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.open.is_empty())
    }
}

impl Service for Idle {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        self.crowd.opened();
        self.open.push(peer);
        self.advance(cx);
    }

    fn on_message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {
        self.errors.extra += 1;
    }

    fn on_close(&mut self, cx: &mut Context<'_>, peer: ConnId, reason: CloseReason) {
        if self.stage >= Stage::Closing {
            return;
        }
        if self.open.contains(&peer) {
            self.errors.disconnected += 1;
            self.open.retain(|other| *other != peer);
        } else {
            self.crowd.failed();
            self.errors.not_connected += 1;
            self.failure.get_or_insert_with(|| reason.to_string());
            self.advance(cx);
        }
    }

    fn on_drain(&mut self, cx: &mut Context<'_>) {
        if self.stage < Stage::Closing {
            for id in &self.open {
                cx.abort(*id);
            }
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        match self.stage {
            Stage::Done => None,
            _ => match self.until {
                Some(until) => Some(until),
                None if self.crowd.is_decided(self.wanted) || self.begun.is_none() => {
                    Some(Time::ZERO)
                }
                None => None,
            },
        }
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.advance(cx);
    }
}

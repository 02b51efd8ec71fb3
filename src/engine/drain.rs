//! The end of a server: no work is taken on, and everybody is let go.
//!
//! ```text
//!   begin_drain ──► clients are told and leave ──► only onlookers are left ──► end_watch ──► drained
//!        │                                         (or there never were any)                    ▲
//!        └───────────────────────── the drain timeout is over ──────────────────────────────────┘
//! ```
//!
//! Whoever looks after the server wants to know how it is until it is gone. So a listener that is for
//! them ([`Site::outlasts`](crate::protocol::Site)) is closed last, and its connections do not count: who
//! only looks on does not keep the server from ending.

use super::Engine;
use super::connection::Phase;
use super::context::Context;
use super::core::Core;
use super::endpoint::{Endpoint, EndpointId};
use super::observer::Observer;
use crate::protocol::CloseReason;
use crate::time::{Now, Time};

/// A drain that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    /// When it ends, whoever is there.
    pub(super) deadline: Time,
    /// Onlookers have to go, too.
    is_watch_over: bool,
}

impl Core {
    /// Whether what comes to an endpoint is served while the server drains, too.
    pub(super) fn outlasts(&self, endpoint: u16) -> bool {
        let site = self.endpoints.get(usize::from(endpoint)).and_then(Endpoint::site);
        site.is_some_and(|site| site.outlasts)
    }
}

impl<O: Observer> Engine<O> {
    /// Stops taking on work: WebSocket peers get Close 1001, all others the end of the stream once
    /// their output is written. The connections that services have made are their own to close; those
    /// that are being made are given up. Those of [onlookers](Engine::outlasts_drain) stay.
    pub fn begin_drain(&mut self, now: Now) {
        self.core.now = now;
        if self.is_draining() {
            return;
        }
        let timeout = self.core.stop_requested.unwrap_or(self.core.limits.drain_timeout);
        self.core.drain = Some(Drain { deadline: now.time + timeout, is_watch_over: false });
        self.core.dials.clear();
        for id in self.core.connections.ids() {
            let Some(connection) = self.core.connections.get(id) else { continue };
            if self.core.outlasts(connection.endpoint) {
                continue;
            }
            if !connection.is_our_own() {
                self.core.close(id, 1001, "", CloseReason::Draining);
            } else if connection.is_being_made() {
                self.core.end(id, CloseReason::Draining, Phase::Dead);
            }
        }
        for index in 0..self.services.len() {
            let binding = self.binding_of(index);
            self.show_call(binding, None, "on_drain");
            self.services[index].on_drain(&mut Context::new(&mut self.core, None));
        }
        self.tell_closed();
    }

    /// Whether what comes to an endpoint is served while the server drains, too.
    pub fn outlasts_drain(&self, endpoint: EndpointId) -> bool {
        self.core.outlasts(endpoint.0)
    }

    /// Whether nobody is left in a drain but those who look on, for whom it is time to go, too.
    pub fn is_left_to_onlookers(&self) -> bool {
        self.core.drain.is_some_and(|drain| !drain.is_watch_over)
            && self.core.onlookers > 0
            && self.drain_waits_for() == 0
    }

    /// How many connections there are besides those of onlookers: a drain waits for them to end.
    pub fn drain_waits_for(&self) -> usize {
        self.core.connections.len() - self.core.onlookers
    }

    /// Lets those who look on go, the last ones. The drain is held up by as long as closing a connection
    /// lingers, at most.
    pub fn end_watch(&mut self, now: Now) {
        self.core.now = now;
        let Some(drain) = &mut self.core.drain else { return };
        drain.is_watch_over = true;
        drain.deadline = drain.deadline.min(now.time + self.core.limits.linger_timeout);
        for id in self.core.connections.ids() {
            self.core.close(id, 1001, "", CloseReason::Draining);
        }
        self.tell_closed();
    }

    /// Whether a drain has begun.
    pub fn is_draining(&self) -> bool {
        self.core.drain.is_some()
    }

    /// Whether a drain has ended: everybody is gone, or time is up.
    pub fn is_drained(&self, now: Now) -> bool {
        let is_empty = self.core.connections.len() == 0;
        self.core.drain.is_some_and(|drain| is_empty || drain.deadline <= now.time)
    }
}

//! Connections that services ask for: clients.
//!
//! ```text
//!   a service        Context::dial ──► the list ──► next_dial        the shell connects
//!                                                     dialing        the name it gave it
//!   on_close ◄── lost, no answer ◄──────────────┬──── lost
//!   on_open  ◄── connected (of a WebSocket:  ◄──┴──── connected
//!                when the server has agreed)
//! ```
//!
//! From then on such a connection is like any other, with one exception: a drain leaves it alone
//! and tells its service instead ([`Service::on_drain`](crate::service::Service::on_drain)), because
//! only that knows how to end what it has begun.

use std::sync::Arc;

use rand::RngExt as _;

use super::connection::Phase;
use super::observer::Observer;
use super::{BindingId, ConnId, Engine};
use crate::address::ConnectAddress;
use crate::codec::websocket::Role;
use crate::protocol::{Opening, OpeningRequest, Protocol};
use crate::time::Now;

/// A connection to be made.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The binding whose peer the other side becomes.
    pub binding: BindingId,
    /// Where to.
    pub address: ConnectAddress,
    /// What is spoken there.
    pub speaks: Speaks,
}

/// What a client speaks.
#[derive(Clone, Debug)]
pub enum Speaks {
    /// Bytes: a message is what one read returns.
    Bytes,
    /// Packets or datagrams.
    Packets,
    /// WebSocket, when the server agrees to this request.
    WebSocket(Arc<OpeningRequest>),
}

impl<O: Observer> Engine<O> {
    /// The next connection that a service has asked for.
    pub fn next_dial(&mut self) -> Option<Dial> {
        if self.is_draining() {
            self.core.dials.clear();
        }
        self.core.dials.pop_front()
    }

    /// The shell has begun to make a connection and gives it a name. Its end is reported like that
    /// of any other ([`lost`](Engine::lost)).
    pub fn dialing(&mut self, id: ConnId, binding: BindingId, speaks: Speaks, now: Now) {
        self.core.now = now;
        let protocol = match speaks {
            Speaks::Bytes => Protocol::Raw,
            Speaks::Packets => Protocol::Packet(Role::Client),
            Speaks::WebSocket(request) => {
                let key = self.core.rng.random();
                Protocol::Opening(Box::new(Opening::new(request, key)))
            }
        };
        self.core.open(id, None, Some(binding), protocol, Phase::Connecting);
    }

    /// A connection that was being made is there.
    pub fn connected(&mut self, id: ConnId, now: Now) {
        self.core.now = now;
        let tick = self.core.tick();
        let Some(connection) = self.core.connections.get_mut(id) else { return };
        if connection.phase != Phase::Connecting {
            return;
        }
        connection.phase = Phase::Open;
        connection.since = tick;
        let binding = connection.binding().expect("who is dialed is of a binding");
        match self.core.wire(id) {
            Some((Protocol::Opening(opening), mut wire)) => {
                opening.start(&mut wire);
                self.core.note_output(id);
            }
            _ => self.opened(binding, id, &[]),
        }
        self.core.rearm(id);
    }

    /// A connection that the shell has already: a standard stream of the process, for example.
    pub fn adopt(&mut self, id: ConnId, binding: BindingId, now: Now) {
        self.dialing(id, binding, Speaks::Bytes, now);
        self.connected(id, now);
    }
}

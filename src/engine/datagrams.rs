//! Datagrams: a message each, from nobody in particular.

use std::net::SocketAddr;

use super::context::Context;
use super::observer::{Observer, Sighting};
use super::{EndpointId, Engine, StopScope};
use crate::address::{PeerAddr, UnixName};
use crate::codec::line::is_stop;
use crate::time::Now;

impl<O: Observer> Engine<O> {
    /// Names the address of a datagram socket of this server. What seems to come from it is not
    /// answered: a datagram with a forged sender would have two services talk to each other for
    /// ever.
    pub fn add_own_address(&mut self, address: SocketAddr) {
        self.own_addresses.push(address);
    }

    /// Names a UNIX datagram socket of this server, for the same reason. Nobody can send in its
    /// name, but a client may have a symbolic link to it where its own socket was, and then the
    /// server's answer to the client comes to the server.
    pub fn add_own_name(&mut self, name: UnixName) {
        self.own_names.push(name);
    }

    /// A datagram has come to `endpoint`; returns what it is to be answered with. The answer may
    /// be empty and is one all the same.
    pub fn receive_datagram(
        &mut self,
        endpoint: EndpointId,
        from: &PeerAddr,
        payload: &[u8],
        now: Now,
    ) -> Option<&[u8]> {
        self.core.now = now;
        let binding = self.core.endpoints[usize::from(endpoint.0)].binding()?;
        self.core.stats.datagrams += 1;
        let line = self.core.books.of(binding);
        line.messages_received += 1;
        line.bytes_received += payload.len() as u64;
        if self.is_ourselves(from) {
            self.core.stats.datagrams_from_ourselves += 1;
            return None;
        }
        self.reply.clear();
        let is_answered = if is_stop(payload) {
            if self.core.bindings[usize::from(binding.0)].stop == StopScope::Server {
                self.core.stop_requested = Some(self.core.limits.drain_timeout);
            }
            false
        } else {
            self.show_call(Some(binding), None, "on_datagram");
            let service = &mut self.services[self.core.service_of(binding)];
            let mut context = Context::new(&mut self.core, None);
            service.on_datagram(&mut context, from, payload, &mut self.reply)
        };
        let reply = is_answered.then_some(self.reply.as_slice());
        self.observer.see(binding, None, Sighting::Datagram { payload, reply });
        self.tell_closed();
        if is_answered && *from == PeerAddr::Unix(None) {
            self.core.stats.datagrams_unanswerable += 1;
            return None;
        }
        is_answered.then_some(self.reply.as_slice())
    }

    /// A datagram of `length` bytes that came of the last one has been sent from `endpoint`.
    pub fn sent_datagram(&mut self, endpoint: EndpointId, length: usize) {
        self.core.stats.datagram_replies += 1;
        if let Some(binding) = self.core.endpoints[usize::from(endpoint.0)].binding() {
            let line = self.core.books.of(binding);
            line.messages_sent += 1;
            line.bytes_sent += length as u64;
        }
    }

    /// Whether a datagram seems to come from one of our own sockets. One that listens on every
    /// address has them all: the one that was asked, and loopback.
    fn is_ourselves(&self, from: &PeerAddr) -> bool {
        let (remote, local) = match from {
            PeerAddr::Inet { remote, local } => (remote, local),
            PeerAddr::Unix(Some(name)) => return self.own_names.contains(name),
            PeerAddr::Unix(None) => return false,
        };
        self.own_addresses.iter().any(|own| {
            own.port() == remote.port()
                && (own.ip() == remote.ip()
                    || own.ip().is_unspecified()
                        && (remote.ip().is_loopback() || *local == Some(remote.ip())))
        })
    }
}

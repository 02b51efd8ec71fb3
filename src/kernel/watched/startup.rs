//! What is shown before the loop turns: where the sockets are, and how many descriptors there are.

use std::io;
use std::net::SocketAddr;

use super::super::tape::Call;
use super::super::{BindError, Bound, BoundSocket, DescriptorLimit, LocalAddr, Machine};
use super::{Answer, Carried, Numbered, Onlooker, Watched};
use crate::address::ListenAddress;

impl<K: Machine, W: Onlooker> Machine for Watched<K, W> {
    fn raise_descriptor_limit(&mut self) -> io::Result<DescriptorLimit> {
        let outcome = self.kernel.raise_descriptor_limit();
        self.show_outcome(Call::DescriptorLimit, &outcome, |limit| Answer::Limit(*limit));
        outcome
    }

    fn open_descriptors(&mut self, limit: u64) -> io::Result<u64> {
        let outcome = self.kernel.open_descriptors(limit);
        self.show_outcome(Call::OpenDescriptors { limit }, &outcome, |open| Answer::Count(*open));
        outcome
    }

    /// A server that cannot start has nothing to show, so an error is not shown.
    fn listen_on(&mut self, address: &ListenAddress) -> Result<Bound<Self>, BindError> {
        let Bound { socket, local, replaced_stale } = self.kernel.listen_on(address)?;
        let answer = Answer::Listening(&local, replaced_stale);
        self.show(Call::Listen, Carried::Listen(address), answer);
        let socket = match socket {
            BoundSocket::Listener(socket) => BoundSocket::Listener(Numbered::from(socket)),
            BoundSocket::Datagram(socket) => BoundSocket::Datagram(Numbered::from(socket)),
        };
        Ok(Bound { socket, local, replaced_stale })
    }

    fn own_addresses(&mut self, local: &LocalAddr) -> Vec<SocketAddr> {
        let addresses = self.kernel.own_addresses(local);
        self.show(Call::OwnAddresses, Carried::Nothing, Answer::Addresses(&addresses));
        addresses
    }

    fn catch_signals(&mut self) -> io::Result<Self::Signals> {
        let outcome = self.kernel.catch_signals();
        self.show_outcome(Call::CatchSignals, &outcome, |_| Answer::Done);
        outcome.map(Numbered::from)
    }
}

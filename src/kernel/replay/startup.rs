//! What a server is told before its loop turns.

use std::io;
use std::net::SocketAddr;

use super::super::tape::{Call, answer};
use super::super::{BindError, Bound, BoundSocket, DescriptorLimit, LocalAddr, Machine};
use super::{Replay, Replayed, Verdict, same};
use crate::address::ListenAddress;

impl Machine for Replay {
    fn raise_descriptor_limit(&mut self) -> io::Result<DescriptorLimit> {
        let limit = self.outcome(Call::DescriptorLimit, |reader| {
            let (soft, hard, before) = (reader.number()?, reader.number()?, reader.number()?);
            Some(DescriptorLimit { soft, hard, before })
        });
        self.or_why(limit)
    }

    fn open_descriptors(&mut self, limit: u64) -> io::Result<u64> {
        self.outcome(Call::OpenDescriptors { limit }, |reader| {
            let open = reader.number()?;
            Some(open)
        })
    }

    fn listen_on(&mut self, address: &ListenAddress) -> Result<Bound<Replay>, BindError> {
        let asked = address.to_string();
        let found = self.entry(Call::Listen, None, |reader| {
            answer::outcome(reader)?.ok()?;
            let (local, replaced_stale) = (answer::local(reader)?, reader.flag()?);
            Some(same(reader.bytes()?, asked.as_bytes()).map(|()| (local, replaced_stale)))
        });
        let found = found.ok_or_else(|| io::ErrorKind::Other.into());
        let (local, replaced_stale) =
            self.or_why(found).map_err(|error| BindError::System { address: asked, error })?;
        let socket = match address {
            ListenAddress::Udp(_) | ListenAddress::UnixDatagram(_) => {
                BoundSocket::Datagram(Replayed::default())
            }
            ListenAddress::Tcp(_) | ListenAddress::Unix(_) | ListenAddress::UnixPacket(_) => {
                BoundSocket::Listener(Replayed::default())
            }
        };
        Ok(Bound { socket, local, replaced_stale })
    }

    fn own_addresses(&mut self, _: &LocalAddr) -> Vec<SocketAddr> {
        let addresses = self.outcome(Call::OwnAddresses, |reader| {
            let mut addresses = Vec::new();
            for _ in 0..reader.number()? {
                addresses.push(answer::inet(reader)?);
            }
            Some(addresses)
        });
        addresses.unwrap_or_default()
    }

    fn catch_signals(&mut self) -> io::Result<Replayed> {
        let signals = self.outcome(Call::CatchSignals, |_| Some(Replayed::default()));
        self.or_why(signals)
    }
}

impl Replay {
    /// A server that does not start has no loop that could be asked for the verdict.
    fn or_why<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        match &self.verdict {
            Some(Verdict::BrokenOff | Verdict::Cut) => {
                Err(io::Error::other("the recording ends before the first turn"))
            }
            Some(verdict) => Err(io::Error::other(verdict.to_string())),
            None => outcome,
        }
    }
}

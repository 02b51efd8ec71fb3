//! Answering datagrams.

use std::io;

use log::debug;

use super::readiness::Readiness;
use super::source::Source;
use super::{Reactor, Rules};
use crate::engine::{ConnId, Observer};
use crate::kernel::Kernel;

/// How many datagrams of one socket are answered in a turn.
const DATAGRAMS_PER_TURN: usize = 64;

impl<K: Kernel, O: Observer, R: Rules> Reactor<K, O, R> {
    /// Receives and answers datagrams until there are none or the turn's budget is used up.
    pub(super) fn serve_datagrams(&mut self, id: ConnId) {
        let Some(Source::Datagram(source)) = self.sources.get_mut(id.index as usize) else {
            return;
        };
        for _ in 0..DATAGRAMS_PER_TURN {
            let (length, from) =
                match self.kernel.receive_from(&mut source.socket, &mut self.read_buffer) {
                    Ok(received) => received,
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => {
                            source.readiness.read_dry();
                            return;
                        }
                        io::ErrorKind::FileTooLarge => {
                            self.engine.stats_mut().oversize += 1;
                            continue;
                        }
                        // An error that an earlier reply came back with (ICMP); taking it has
                        // cleared it.
                        kind => {
                            debug!("receiving a datagram: {kind}");
                            continue;
                        }
                    },
                };
            let payload = &self.read_buffer[..length];
            let Some(reply) =
                self.engine.receive_datagram(source.endpoint, &from, payload, self.now)
            else {
                continue;
            };
            let length = reply.len();
            // A socket without room loses the reply, as the network may lose any datagram.
            match self.kernel.send_to(&mut source.socket, reply, &from) {
                Ok(()) => self.engine.sent_datagram(source.endpoint, length),
                Err(error) => {
                    debug!("answering {from}: {error}");
                    self.engine.stats_mut().datagrams_not_sent += 1;
                }
            }
        }
        if source.readiness.has(Readiness::READABLE) {
            self.enqueue(id);
        }
    }
}

//! Why a source is left alone for the rest of a turn, told from what was done to it in the turn.

use std::io;

use super::event::{What, Why};
use crate::engine::State;
use crate::kernel::tape::Call;
use crate::kernel::{SocketKind, StreamKind};

/// What a turn was for one connection.
#[derive(Debug, Default)]
pub(super) struct Served {
    was_readable: bool,
    has_read: bool,
    read: Option<Why>,
    write: Option<Why>,
    is_gone: bool,
}

impl Served {
    /// Takes what has happened next to a socket of this `kind`.
    pub(super) fn note(&mut self, what: &What, kind: SocketKind) {
        let is_packets = !matches!(kind, SocketKind::Stream(StreamKind::Tcp | StreamKind::Unix));
        match what {
            What::Ready { readable, .. } => self.was_readable |= readable,
            What::Read { is_full, .. } => {
                self.has_read = true;
                let more = *is_full || is_packets;
                self.read = Some(if more { Why::Budget } else { Why::ShortRead });
            }
            What::Received(..) | What::Oversize => {
                (self.has_read, self.read) = (true, Some(Why::Budget));
            }
            What::End => (self.has_read, self.read) = (true, Some(Why::End)),
            What::Failed(Call::Read { .. } | Call::ReceiveFrom { .. }, error, _) => {
                self.has_read = true;
                self.read = match (error, kind) {
                    (io::ErrorKind::WouldBlock, _) => Some(Why::WouldBlock),
                    // It was told of an answer that was lost, and that is one of its share.
                    (_, SocketKind::Datagram) => Some(Why::Budget),
                    _ => None,
                };
            }
            What::Wrote { bytes, asked } => {
                self.write = (bytes.length < *asked).then_some(Why::NoRoom);
            }
            What::Failed(Call::Write { .. }, error, _) => {
                self.write = (*error == io::ErrorKind::WouldBlock).then_some(Why::NoRoom);
            }
            What::Closed | What::Aborted => self.is_gone = true,
            _ => {}
        }
    }

    /// Why it is left alone then; `state` is what it is by now, if that is known.
    pub(super) fn why(self, state: Option<&State>) -> impl Iterator<Item = Why> + use<> {
        let is_wanted =
            state.is_none_or(|state| !(state.is_paused || state.is_held || state.is_parked));
        let not_wanted = self.was_readable && !self.has_read && !is_wanted;
        let read = if not_wanted { Some(Why::NotWanted) } else { self.read };
        let all = if self.is_gone { [None; 2] } else { [read, self.write] };
        all.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: SocketKind = SocketKind::Stream(StreamKind::Tcp);
    const PACKETS: SocketKind = SocketKind::Stream(StreamKind::Packet);

    fn why(kind: SocketKind, all: &[What]) -> Vec<Why> {
        let mut served = Served::default();
        all.iter().for_each(|what| served.note(what, kind));
        served.why(None).collect()
    }

    fn failed(call: Call, error: io::ErrorKind) -> What {
        What::Failed(call, error, error.to_string())
    }

    #[test]
    fn only_a_would_block_says_that_there_is_no_more_and_no_room() {
        use io::ErrorKind::{ConnectionRefused, Interrupted, WouldBlock};
        let read = |error| failed(Call::Read { stream: 1, length: 9 }, error);
        let write = |error| failed(Call::Write { stream: 1, length: 9 }, error);
        let receive = |error| failed(Call::ReceiveFrom { socket: 1, length: 9 }, error);
        let packet = || What::Read { bytes: b"hi"[..].into(), is_full: false };
        assert_eq!(why(TCP, &[read(WouldBlock)]), [Why::WouldBlock]);
        assert_eq!(why(TCP, &[read(Interrupted)]), []);
        assert_eq!(why(PACKETS, &[packet()]), [Why::Budget]);
        assert_eq!(why(PACKETS, &[packet(), read(Interrupted)]), []);
        assert_eq!(why(TCP, &[write(WouldBlock)]), [Why::NoRoom]);
        assert_eq!(why(TCP, &[write(Interrupted)]), []);
        let datagrams = SocketKind::Datagram;
        assert_eq!(why(datagrams, &[receive(ConnectionRefused)]), [Why::Budget]);
        assert_eq!(
            why(datagrams, &[receive(ConnectionRefused), receive(WouldBlock)]),
            [Why::WouldBlock]
        );
    }
}

//! A client that sends bytes in pieces and compares what comes back, at the same time.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::Outcome;
use crate::url::Url;

/// How long nothing may move.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connected socket that blocks.
pub(super) struct Client {
    socket: Socket,
}

/// When a client begins to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// At once.
    Eager,
    /// When the contender has had time to fill the socket, so that it has to wait in the middle of
    /// a write.
    Late,
}

impl Client {
    pub(super) fn connect(url: &Url) -> Result<Client, String> {
        let connect = || -> io::Result<Socket> {
            let address = match url {
                Url::Unix(path) => SockAddr::unix(path)?,
                Url::Tcp(address) | Url::Udp(address) | Url::Ws(address, _) => (*address).into(),
            };
            let socket =
                Socket::new(Domain::from(i32::from(address.family())), Type::STREAM, None)?;
            socket.connect(&address)?;
            if address.is_ipv4() || address.is_ipv6() {
                // Each piece is a segment.
                socket.set_tcp_nodelay(true)?;
            }
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.set_write_timeout(Some(PATIENCE))?;
            Ok(socket)
        };
        let socket = connect().map_err(|error| format!("cannot connect: {error}"))?;
        Ok(Client { socket })
    }

    /// Sends `bytes` at once.
    pub(super) fn send(&self, bytes: &[u8]) -> Outcome {
        (&self.socket).write_all(bytes).map_err(|error| format!("cannot send: {error}"))
    }

    /// Sends `bytes` cut into pieces of these lengths.
    pub(super) fn send_pieces(&self, bytes: &[u8], cuts: &[usize]) -> Outcome {
        let mut rest = bytes;
        for cut in cuts {
            let (piece, behind) = rest.split_at(*cut);
            self.send(piece)?;
            rest = behind;
        }
        Ok(())
    }

    /// Reads at most `buffer.len()` bytes.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Result<usize, String> {
        (&self.socket).read(buffer).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => "nothing comes back".to_owned(),
            _ => format!("cannot receive: {error}"),
        })
    }

    /// Reads what must come back, and not a byte less or otherwise.
    pub(super) fn expect(&self, expected: &[u8]) -> Outcome {
        let mut buffer = vec![0; 64 * 1024];
        let mut rest = expected;
        while !rest.is_empty() {
            let room = buffer.len().min(rest.len());
            let count = self
                .receive(&mut buffer[..room])
                .map_err(|error| format!("{error} at byte {}", expected.len() - rest.len()))?;
            let (now, later) = rest.split_at(count);
            if count == 0 || buffer[..count] != *now {
                let same = buffer[..count].iter().zip(now).take_while(|(a, b)| a == b).count();
                let at = expected.len() - rest.len() + same;
                let got = buffer[same..count.min(same + 16)].escape_ascii();
                let wanted = rest[same..rest.len().min(same + 16)].escape_ascii();
                let total = expected.len();
                return Err(format!("\"{got}\", not \"{wanted}\" at byte {at} of {total}"));
            }
            rest = later;
        }
        Ok(())
    }

    /// The contender must end its side, and say nothing before.
    pub(super) fn expect_end(&self) -> Outcome {
        let mut buffer = [0; 64];
        match self.receive(&mut buffer).map_err(|error| format!("{error}, and no end"))? {
            0 => Ok(()),
            count => Err(format!("\"{}\" behind the end", buffer[..count].escape_ascii())),
        }
    }

    /// Ends this side.
    pub(super) fn end(&self) -> Outcome {
        self.socket.shutdown(Shutdown::Write).map_err(|error| format!("cannot end: {error}"))
    }

    /// Sends `bytes` in pieces while `expected` comes back.
    pub(super) fn exchange(
        &self,
        bytes: &[u8],
        cuts: &[usize],
        reader: Reader,
        expected: &[u8],
    ) -> Outcome {
        thread::scope(|scope| {
            let sender = scope.spawn(|| self.send_pieces(bytes, cuts));
            if reader == Reader::Late {
                thread::sleep(Duration::from_millis(50));
            }
            let received = self.expect(expected);
            if received.is_err() {
                // Or the sender would wait for a contender that has stopped to read.
                let _ = self.socket.shutdown(Shutdown::Both);
            }
            let sent = sender.join().unwrap_or_else(|_| Err("a client has panicked".to_owned()));
            received.and(sent)
        })
    }
}

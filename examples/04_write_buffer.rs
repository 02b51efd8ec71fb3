//! Rung 4: partial writes, and a buffer for what could not be written.
//!
//! Shows what belongs to a connection beside its socket: an output queue. Everything goes through
//! it, and as much as the kernel takes is written at once. The rest waits until the socket is
//! *writable*, which is one more event. The end has to wait, too: a peer that has ended his side
//! (`nc -N`) may still read, and gets all that is his before we close.
//!
//! Try it; what comes back is what went in, however slowly it is read:
//!
//! ```text
//! cargo run --example 04_write_buffer
//! seq 1000000 | nc -N 127.0.0.1 7000 | (sleep 3; md5sum); seq 1000000 | md5sum
//! ```
//!
//! What goes wrong when somebody sends as fast as we read: `WouldBlock`, at which the loop below ends,
//! does not come for a long time, and everybody else waits for him as on rung 1.
//!
//! Still missing: a way to stop in the middle that forgets nothing. `05_drain_rule` has it.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct Connection {
    stream: TcpStream,
    /// What the peer is still to be sent: in at the back, out at the front.
    output: VecDeque<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: Slab<Connection> = Slab::new();
    let mut accept_in = None;
    loop {
        match poll.poll(&mut events, accept_in) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept_in = Some(Duration::ZERO),
                // Readable or writable: both are tried, and what cannot be done says so.
                Token(key) => {
                    if connections.get_mut(key).is_some_and(|peer| peer.echo().is_err()) {
                        connections.remove(key);
                    }
                }
            }
        }
        if accept_in.is_some() {
            accept_in = match listener.accept() {
                Ok((mut stream, _)) => {
                    let place = connections.vacant_entry();
                    if poll.registry().register(&mut stream, Token(place.key()), BOTH).is_ok() {
                        place.insert(Connection { stream, output: VecDeque::new() });
                    }
                    Some(Duration::ZERO)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                Err(_) => Some(Duration::from_millis(100)),
            };
        }
    }
}

impl Connection {
    /// Queues what has come, and writes as much as goes. An error is the end of the connection.
    fn echo(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        let mut ended = false;
        while !ended && let Some(count) = attempt(self.stream.read(&mut buffer))? {
            ended = count == 0;
            self.output.extend(&buffer[..count]);
        }
        while !self.output.is_empty()
            && let Some(count) = attempt(self.stream.write(self.output.as_slices().0))?
        {
            self.output.drain(..count);
        }
        if ended && self.output.is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// Takes `WouldBlock` out of the errors: it is `None`.
fn attempt(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}

/// Listens at the port that the first argument names, or 7000. Of port 0 the kernel makes one.
fn listen() -> Result<TcpListener, String> {
    let address = format!("127.0.0.1:{}", std::env::args().nth(1).unwrap_or("7000".into()));
    let at = address.parse().map_err(|_| format!("{address}: not an address"))?;
    TcpListener::bind(at).map_err(|error| format!("{address}: {error}"))
}

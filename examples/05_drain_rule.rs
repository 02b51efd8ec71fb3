//! Rung 5: edge-triggered events, the drain rule, and how not to drain all at once.
//!
//! Shows what an event means. mio's are *edge-triggered*: one says that something **has become**
//! ready, and is not repeated while it stays so. Who reads a part and then polls is not told of the
//! rest, and may sleep for ever on bytes that are there. So the rule is: **a socket counts as ready
//! until an operation has said `WouldBlock`.** It need not be drained at once, only remembered. Here
//! everybody who is ready gets one read a turn, and while there is anybody the poll does not wait.
//!
//! Try it; the lone client is answered at once, however much the other one sends:
//!
//! ```text
//! cargo run --example 05_drain_rule
//! yes | nc 127.0.0.1 7000 >/dev/null & nc 127.0.0.1 7000
//! ```
//!
//! What goes wrong with `Ok(true) => {}` in the loop below: `seq 10000 | nc -N 127.0.0.1 7000` hears
//! a part, and then both sides wait for ever.
//!
//! Still missing: messages. TCP cuts its bytes where it likes. `06_line_codec` finds the lines.

use std::collections::{BTreeSet, VecDeque};
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
    output: VecDeque<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: Slab<Connection> = Slab::new();
    // Who has not said `WouldBlock` since his last event.
    let mut ready: BTreeSet<usize> = BTreeSet::new();
    let mut accept_in = None;
    loop {
        let timeout = if ready.is_empty() { accept_in } else { Some(Duration::ZERO) };
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        // Mark: who has become ready.
        for event in &events {
            match event.token() {
                LISTENER => accept_in = Some(Duration::ZERO),
                Token(key) => _ = ready.insert(key),
            }
        }
        // Serve: everybody who is ready, once.
        for key in std::mem::take(&mut ready) {
            match connections[key].turn() {
                Ok(true) => _ = ready.insert(key),
                Ok(false) => {}
                Err(_) => _ = connections.remove(key),
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
    /// One read, and as much writing as goes. Returns whether there may be more to read at once;
    /// otherwise an event will come. An error is the end of the connection.
    fn turn(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let read = attempt(self.stream.read(&mut buffer))?;
        self.output.extend(&buffer[..read.unwrap_or(0)]);
        while !self.output.is_empty()
            && let Some(count) = attempt(self.stream.write(self.output.as_slices().0))?
        {
            self.output.drain(..count);
        }
        match read {
            Some(0) if self.output.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            read => Ok(read.is_some_and(|count| count > 0)),
        }
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

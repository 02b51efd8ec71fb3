//! Rung 6: a line codec that knows nothing of sockets.
//!
//! Shows how to find messages in a stream. TCP may cut a line into many reads, and put many lines into
//! one. `lines.rs` puts them together again, and is *sans-IO*: bytes go in, lines come out, and who
//! has read the bytes is none of its business. So its tests need no socket and can cut the bytes at
//! every place (`cargo test --example 06_line_codec`), and any loop can drive it. This is rung 5's.
//!
//! Try it; lines come back, and the half one at the end does not:
//!
//! ```text
//! cargo run --example 06_line_codec
//! (printf 'one\ntw'; sleep 1; printf 'o\nthr') | nc -N 127.0.0.1 7000
//! ```
//!
//! What goes wrong when a client says half a line and somebody pulls his cable: TCP has nothing to
//! tell us of, and we keep his place for ever.
//!
//! Still missing: a deadline. `07_timers` has them.

mod lines;

use std::collections::{BTreeSet, VecDeque};
use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use lines::Lines;

const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct Connection {
    stream: TcpStream,
    lines: Lines,
    output: VecDeque<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: Slab<Connection> = Slab::new();
    let mut ready: BTreeSet<usize> = BTreeSet::new();
    let mut accept_in = None;
    loop {
        let timeout = if ready.is_empty() { accept_in } else { Some(Duration::ZERO) };
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept_in = Some(Duration::ZERO),
                Token(key) => _ = ready.insert(key),
            }
        }
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
                        let (lines, output) = (Lines::default(), VecDeque::new());
                        place.insert(Connection { stream, lines, output });
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
    /// One read, and as much writing as goes. Returns whether there may be more to read at once.
    fn turn(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let read = attempt(self.stream.read(&mut buffer))?;
        let input = &buffer[..read.unwrap_or(0)];
        self.lines.receive(input, |line| self.output.extend(line))?;
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

//! Rung 7: timers in the loop.
//!
//! Shows that time needs no thread and no signal: `poll` waits for an event, but no longer than until
//! the next deadline. Each event of a client, bytes from him or room for more, is a sign of life; who
//! gives none for 10 seconds, or for as many milliseconds as the second argument says, has to go.
//!
//! Try it; `nc -d` says nothing, and ends when we hang up:
//!
//! ```text
//! cargo run --example 07_timers 7000 3000
//! time nc -d 127.0.0.1 7000
//! ```
//!
//! What goes wrong with 10,000 clients: each turn looks at all of them to find the next deadline. A
//! heap does not need to, nor does the wheel of `src/engine/timers.rs`.
//!
//! Still missing: a bound on what we keep for a client. `08_backpressure` has it.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct Connection {
    stream: TcpStream,
    output: VecDeque<u8>,
    heard: Instant,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: Slab<Connection> = Slab::new();
    let mut ready: BTreeSet<usize> = BTreeSet::new();
    let mut accept_in = None;
    let idle = std::env::args().nth(2).unwrap_or("10000".into());
    let idle = Duration::from_millis(idle.parse().map_err(|_| format!("{idle}: not a number"))?);
    loop {
        let at_once = (!ready.is_empty()).then_some(Duration::ZERO);
        let deadline = connections.iter().map(|(_, peer)| peer.heard + idle).min();
        let deadline_in = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = [at_once, accept_in, deadline_in].into_iter().flatten().min();
        match poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        let now = Instant::now();
        for event in &events {
            match event.token() {
                LISTENER => accept_in = Some(Duration::ZERO),
                Token(key) => _ = ready.insert(key),
            }
        }
        for key in std::mem::take(&mut ready) {
            connections[key].heard = now;
            match connections[key].turn() {
                Ok(true) => _ = ready.insert(key),
                Ok(false) => {}
                Err(_) => _ = connections.remove(key),
            }
        }
        // Nobody who is still ready: he has been heard of in this turn.
        connections.retain(|_, peer| now - peer.heard <= idle);
        if accept_in.is_some() {
            accept_in = match listener.accept() {
                Ok((mut stream, _)) => {
                    let place = connections.vacant_entry();
                    if poll.registry().register(&mut stream, Token(place.key()), BOTH).is_ok() {
                        place.insert(Connection { stream, output: VecDeque::new(), heard: now });
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

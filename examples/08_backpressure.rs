//! Rung 8: back-pressure.
//!
//! Shows a bound on what is kept for a client who does not read. Above *high water* of unsent output
//! he is not read from any more; what he sends fills the kernel's buffers, and then he has to wait, as
//! in front of a pipe. Below *low water* he is read from again. Nothing is lost, nobody hung up on.
//!
//! Try it, and look at RES in `top`; then the same with rung 5.
//!
//! ```text
//! cargo run --example 08_backpressure
//! yes | head -c 500M | nc 127.0.0.1 7000 | sleep 60
//! ```
//!
//! What goes wrong without `was_paused` below: the event for what he has sent meanwhile has been, no
//! other one comes, and both sides wait for ever.
//!
//! Still missing: something worth saying. `09_websocket` speaks what browsers speak.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
const HIGH_WATER_BYTES: usize = 64 * 1024;
const LOW_WATER_BYTES: usize = 16 * 1024;

struct Connection {
    stream: TcpStream,
    output: VecDeque<u8>,
    /// He is not read from until he has taken some of his output.
    paused: bool,
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
                        place.insert(Connection { stream, output: VecDeque::new(), paused: false });
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
    /// One read, unless paused, and as much writing as goes. Returns whether there may be more to
    /// read at once.
    fn turn(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let read = if self.paused { None } else { attempt(self.stream.read(&mut buffer))? };
        self.output.extend(&buffer[..read.unwrap_or(0)]);
        while !self.output.is_empty()
            && let Some(count) = attempt(self.stream.write(self.output.as_slices().0))?
        {
            self.output.drain(..count);
        }
        if read == Some(0) && self.output.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let limit = if self.paused { LOW_WATER_BYTES } else { HIGH_WATER_BYTES };
        let was_paused = std::mem::replace(&mut self.paused, self.output.len() > limit);
        // Who was paused has not said `WouldBlock`: there may be more.
        Ok(!self.paused && (was_paused || read.is_some_and(|count| count > 0)))
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

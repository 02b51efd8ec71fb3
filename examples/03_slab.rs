//! Rung 3: many connections, each in its place in a slab.
//!
//! Shows how an event finds its connection. A slab is a `Vec` with a list of free places: it gives a
//! newcomer an index, which is his until he leaves, and then somebody else's. That index is the
//! token, so that going from an event to its connection is one look into an array.
//!
//! Try it, with as many clients as you like:
//!
//! ```text
//! cargo run --example 03_slab
//! nc 127.0.0.1 7000
//! ```
//!
//! From here on nothing that a peer does ends the server: an error on his connection is the end of
//! his connection, and when there is no descriptor left for a newcomer, he waits. (So that this does not
//! hold up the others, newcomers are taken last, one a turn.)
//!
//! What goes wrong when you do not read what comes back, as `yes | nc 127.0.0.1 7000 | sleep 3` does
//! not: when the kernel's buffers are full, `write` takes only a part. The server has nowhere to keep
//! the rest. It cannot leave it out (the echo would have a hole), so it hangs up.
//!
//! Still missing: a place for what could not be written yet. `04_write_buffer` has it.

use std::error::Error;
use std::io::{ErrorKind, Read as _, Write as _};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

/// No index of the slab is as large.
const LISTENER: Token = Token(usize::MAX);

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: Slab<TcpStream> = Slab::new();
    // In how long to accept; `None` while nobody waits.
    let mut accept_in = None;
    loop {
        match poll.poll(&mut events, accept_in) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept_in = Some(Duration::ZERO),
                Token(key) => {
                    if connections.get_mut(key).is_some_and(|stream| !echo(stream)) {
                        connections.remove(key);
                    }
                }
            }
        }
        // Last: a newcomer may get the place of one who has just left, but not his events.
        if accept_in.is_some() {
            accept_in = match listener.accept() {
                Ok((mut stream, _)) => {
                    let place = connections.vacant_entry();
                    let token = Token(place.key());
                    if poll.registry().register(&mut stream, token, Interest::READABLE).is_ok() {
                        place.insert(stream);
                    }
                    Some(Duration::ZERO)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                // No descriptor is left, or he has gone already. No event will come for those who
                // wait behind him, and to try again at once would be to spin.
                Err(_) => Some(Duration::from_millis(100)),
            };
        }
    }
}

/// Gives back what has come. Returns whether the client is still there.
fn echo(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) if stream.write(&buffer[..count]).is_ok_and(|wrote| wrote == count) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            _ => return false,
        }
    }
}

/// Listens at the port that the first argument names, or 7000. Of port 0 the kernel makes one.
fn listen() -> Result<TcpListener, String> {
    let address = format!("127.0.0.1:{}", std::env::args().nth(1).unwrap_or("7000".into()));
    let at = address.parse().map_err(|_| format!("{address}: not an address"))?;
    TcpListener::bind(at).map_err(|error| format!("{address}: {error}"))
}

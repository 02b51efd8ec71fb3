//! Rung 2: one poll, and behind it one socket.
//!
//! Shows how a thread waits for whatever comes first. Sockets are in non-blocking mode (mio sees to
//! that): where a call would have to wait it says `WouldBlock` instead. All waiting is done in one
//! place, `poll`, which returns when any registered socket is *ready*: an event carries the token
//! under which its socket was registered, and nothing else is known of it.
//!
//! Try it, in two terminals:
//!
//! ```text
//! cargo run --example 02_one_poll
//! nc 127.0.0.1 7000
//! ```
//!
//! A second `nc` beside the first is noticed at once, and told `busy`: the loop was not asleep in
//! somebody's `read`. (Both loops below go on until `WouldBlock`. Why they must, rung 5 tells.)
//!
//! What goes wrong when you ask for more: there is a place for one client only.
//!
//! Still missing: a place for each client, and a token that says which. `03_slab` has them.

use std::error::Error;
use std::io::{self, ErrorKind, Read as _, Write as _};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);
const CLIENT: Token = Token(1);

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(16);
    let mut client = None;
    loop {
        match poll.poll(&mut events, None) {
            // A signal, such as Ctrl-Z and `fg`.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            match event.token() {
                LISTENER => accept(&listener, &poll, &mut client)?,
                _ => {
                    if let Some(stream) = &mut client
                        && !echo(stream)
                    {
                        // A socket that is dropped is closed, and the poll forgets it.
                        client = None;
                    }
                }
            }
        }
    }
}

/// Takes in everybody who waits: one gets the place, the others are told that it is taken.
fn accept(listener: &TcpListener, poll: &Poll, client: &mut Option<TcpStream>) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((mut stream, _)) if client.is_none() => {
                poll.registry().register(&mut stream, CLIENT, Interest::READABLE)?;
                *client = Some(stream);
            }
            // It is a courtesy: if he does not hear it, he sees that we hang up.
            Ok((mut stream, _)) => _ = stream.write(b"busy\n"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Gives back what has come. Returns whether the client is still there.
fn echo(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            // We may not wait for a peer who takes only a part, and have nowhere to keep the rest.
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

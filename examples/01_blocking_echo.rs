//! Rung 1: an echo server that waits for one thing at a time.
//!
//! Shows what everybody writes first: accept a client, read, write, until he leaves. The kernel lets
//! the thread sleep in `accept` and in `read` until there is something to do. Nothing else is needed
//! to be correct: `write_all` waits, too, until the peer has taken everything.
//!
//! Try it, in two terminals:
//!
//! ```text
//! cargo run --example 01_blocking_echo
//! nc 127.0.0.1 7000
//! ```
//!
//! What goes wrong when you start a second `nc` beside the first: it is connected (the kernel does
//! that, and keeps what it types), but hears nothing until the first one ends. The thread sleeps in
//! a `read` from the first and cannot know of the second.
//!
//! Still missing: a way to wait for *whatever comes first*. A thread for each client is one, and
//! costs a stack for each. `02_one_poll` is the other.

use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

fn main() -> Result<(), Box<dyn Error>> {
    let listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        // This is where everybody else waits.
        if let Err(error) = stream.and_then(echo) {
            eprintln!("a client has gone: {error}");
        }
    }
    Ok(())
}

/// Gives back what one client sends, until he has ended his side.
fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..count])?;
    }
}

/// Listens at the port that the first argument names, or 7000. Of port 0 the kernel makes one.
fn listen() -> Result<TcpListener, String> {
    let address = format!("127.0.0.1:{}", std::env::args().nth(1).unwrap_or("7000".into()));
    TcpListener::bind(&address).map_err(|error| format!("{address}: {error}"))
}

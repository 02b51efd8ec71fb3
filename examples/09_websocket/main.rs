//! Rung 9: WebSocket, on the codecs of this crate.
//!
//! Shows that a protocol changes nothing in the loop: what to answer is decided in `conversation.rs`.
//! Back-pressure has its smallest form, both marks are zero. And a close is a conversation, too: we
//! end our side, and read until the peer ends his; to close with input unread is to say RST.
//!
//! Try it, or `new WebSocket("ws://127.0.0.1:7000")` in a browser's console:
//!
//! ```text
//! cargo run --example 09_websocket
//! cargo run -- connect ws://127.0.0.1:7000
//! ```
//!
//! What goes wrong when a client sends no request, or never ends his side: he stays for ever.
//!
//! Still missing: deadlines, pings, a look at Origin, other transports. `custom_service` has them.

mod conversation;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use readily::buffer::{Buffer, BufferPool};
use slab::Slab;

use conversation::Conversation;

const LISTENER: Token = Token(usize::MAX);
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

struct Connection {
    stream: TcpStream,
    conversation: Conversation,
    output: Buffer,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut listener = listen()?;
    eprintln!("listening on {}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(256);
    let mut connections: Slab<Connection> = Slab::new();
    let mut ready: BTreeSet<usize> = BTreeSet::new();
    let (mut accept_in, mut pool) = (None, BufferPool::new());
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
            match connections[key].turn(&mut pool) {
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
                        let (conversation, output) = (Conversation::new(), Buffer::default());
                        place.insert(Connection { stream, conversation, output });
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
    /// One read, unless output waits, and as much writing as goes. Returns whether to come again.
    fn turn(&mut self, pool: &mut BufferPool) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let waited = !self.output.is_empty();
        let read = if waited { None } else { attempt(self.stream.read(&mut buffer))? };
        if read == Some(0) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.conversation.receive(&mut buffer[..read.unwrap_or(0)], self.output.tail(), pool);
        while !self.output.is_empty()
            && let Some(count) = attempt(self.stream.write(self.output.as_slice()))?
        {
            self.output.consume(count);
        }
        if self.output.is_empty() && self.conversation.is_over() {
            self.stream.shutdown(std::net::Shutdown::Write)?;
        }
        Ok(self.output.is_empty() && (waited || read.is_some()))
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

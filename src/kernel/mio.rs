//! The real kernel: [`Kernel`] over mio, which is epoll(7) on Linux.
//!
//! This file only translates: mio's events into [`Ready`], our interests into mio's, and each
//! operation to the socket that does it. mio registers everything edge-triggered (`EPOLLET`) and
//! asks for `EPOLLRDHUP`, so that an event says whether the peer has ended its side.

use std::io;
use std::time::Duration;

use mio::event::{Event, Source};
use mio::{Events, Poll};
use nix::libc;
use socket2::SockRef;

use super::bind::{self, Bound};
use super::bind_error::BindError;
use super::clock::Clock;
use super::connect::{self, ClientPath};
use super::datagram::MioDatagram;
use super::listener::MioListener;
use super::packet::CredentialsBuffer;
use super::reserve::Reserve;
use super::signals::MioSignals;
use super::stream::{MioStream, mio_interest};
use super::tape::MOST_EVENTS;
use super::{Interest, Kernel, Read, Ready, Signal, Socket, StreamKind, Token};
use crate::address::{ConnectAddress, ListenAddress, PeerAddr};
use crate::time::{Now, Time};

/// The kernel of the machine.
#[derive(Debug)]
pub struct Mio {
    poll: Poll,
    /// Reused by every turn.
    events: Events,
    clock: Clock,
    /// Reused by every packet that is received.
    credentials: CredentialsBuffer,
    /// Standard streams that cannot be watched because they are always ready, until the next poll
    /// has said so.
    always_ready: Vec<Token>,
    /// The paths that our own datagram sockets have while they are connected to a server's.
    client_paths: Vec<ClientPath>,
    /// Held from the first listener on.
    reserve: Reserve,
}

/// At most this many events are taken from the system at once. What does not fit is not lost: it
/// comes with the next poll, behind what is ready by then, so nobody is starved (epoll_wait(2)).
const EVENTS: usize = 1024;

const _: () = assert!(EVENTS < MOST_EVENTS, "what is ready can be recorded");

impl Mio {
    /// Opens an epoll instance and starts the clocks.
    pub fn new() -> io::Result<Mio> {
        Ok(Mio {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            clock: Clock::new(),
            credentials: CredentialsBuffer::new(),
            always_ready: Vec::new(),
            client_paths: Vec::new(),
            reserve: Reserve::default(),
        })
    }

    /// Makes a socket that listens on `address`; it is yet to be registered. This may wait for a
    /// name server, so it belongs to starting and not to the loop.
    pub fn listen(address: &ListenAddress) -> Result<Bound, BindError> {
        bind::listen(address)
    }

    /// Catches SIGINT, SIGTERM, SIGHUP and SIGUSR1 from here on; to be registered and asked for.
    pub fn signals() -> io::Result<MioSignals> {
        MioSignals::new()
    }
}

impl Kernel for Mio {
    type Listener = MioListener;
    type Stream = MioStream;
    type Datagram = MioDatagram;
    type Signals = MioSignals;

    fn now(&mut self) -> Now {
        self.clock.now()
    }

    fn time(&mut self) -> Time {
        self.clock.time()
    }

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = if self.always_ready.is_empty() { timeout } else { Some(Duration::ZERO) };
        ready.extend(self.always_ready.drain(..).map(always_ready));
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => ready.extend(self.events.iter().map(ready_of)),
            // A signal. Its own source is ready in the next poll, if it is one of ours.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn register(
        &mut self,
        socket: Socket<'_, Mio>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        if let Socket::Listener(_) = &socket {
            self.reserve.restore();
        }
        let is_standard = matches!(&socket, Socket::Stream(MioStream::Standard(_)));
        let (source, interest) = source_of(socket, interest);
        match self.poll.registry().register(source, mio::Token(token.0), interest) {
            // epoll_ctl(2) refuses files and devices that never make anybody wait.
            Err(error) if is_standard && error.kind() == io::ErrorKind::PermissionDenied => {
                self.always_ready.push(token);
                Ok(())
            }
            other => other,
        }
    }

    fn reregister(
        &mut self,
        socket: Socket<'_, Mio>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let is_standard = matches!(&socket, Socket::Stream(MioStream::Standard(_)));
        let (source, interest) = source_of(socket, interest);
        match self.poll.registry().reregister(source, mio::Token(token.0), interest) {
            // One of those that could not be registered.
            Err(error) if is_standard && error.kind() == io::ErrorKind::NotFound => {
                self.always_ready.push(token);
                Ok(())
            }
            other => other,
        }
    }

    fn accept(&mut self, listener: &mut MioListener) -> io::Result<(MioStream, PeerAddr)> {
        // It comes before any connection, or nobody could be turned away the next time.
        self.reserve.restore();
        listener.accept()
    }

    fn refuse(&mut self, listener: &mut MioListener) -> io::Result<PeerAddr> {
        if !self.reserve.give_up() {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        let refused = listener.accept().map(|(stream, peer)| {
            self.abort(stream);
            peer
        });
        self.reserve.restore();
        refused
    }

    fn abort(&mut self, stream: MioStream) {
        if let MioStream::Tcp(socket) = &stream {
            // Where this cannot be set the connection is broken already.
            let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
        }
        self.close(stream);
    }

    fn connect(&mut self, address: &ConnectAddress) -> io::Result<MioStream> {
        connect::connect(address, &mut self.client_paths)
    }

    fn is_connected(&mut self, stream: &mut MioStream) -> io::Result<bool> {
        connect::is_connected(stream)
    }

    fn kind(&self, stream: &MioStream) -> StreamKind {
        stream.kind()
    }

    #[inline]
    fn read(&mut self, stream: &mut MioStream, buffer: &mut [u8]) -> io::Result<Read> {
        stream.read(buffer, &mut self.credentials)
    }

    #[inline]
    fn write(&mut self, stream: &mut MioStream, bytes: &[u8]) -> io::Result<usize> {
        stream.write(bytes)
    }

    fn shutdown_write(&mut self, stream: &mut MioStream) -> io::Result<()> {
        stream.shutdown_write()
    }

    fn close(&mut self, mut stream: MioStream) {
        match &mut stream {
            // Its description is shared with others, so closing it does not end the watching.
            // Where it never was watched, there is nothing to end.
            MioStream::Standard(standard) => drop(self.poll.registry().deregister(standard)),
            MioStream::UnixDatagram(socket) => connect::forget(socket, &mut self.client_paths),
            _ => {}
        }
    }

    fn receive_from(
        &mut self,
        socket: &mut MioDatagram,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        socket.receive_from(buffer)
    }

    fn send_to(
        &mut self,
        socket: &mut MioDatagram,
        payload: &[u8],
        to: &PeerAddr,
    ) -> io::Result<()> {
        socket.send_to(payload, to)
    }

    fn next_signal(&mut self, signals: &mut MioSignals) -> Option<Signal> {
        signals.next()
    }
}

/// What mio registers, and for what.
fn source_of<'a>(
    socket: Socket<'a, Mio>,
    interest: Interest,
) -> (&'a mut dyn Source, mio::Interest) {
    match socket {
        Socket::Stream(stream) => {
            let interest = stream.interest(interest);
            (stream, interest)
        }
        Socket::Listener(listener) => (listener, mio_interest(interest)),
        Socket::Datagram(socket) => (socket, mio_interest(interest)),
        Socket::Signals(signals) => (&mut signals.source, mio_interest(interest)),
    }
}

/// What is always ready is so once and for all: readiness is remembered until an operation finds
/// the end of it, and "read on to the end" is what keeps a short read from passing for that.
fn always_ready(token: Token) -> Ready {
    Ready { token, readable: true, writable: true, read_closed: true, urgent: false }
}

/// An event in our words. An error or the end of the peer's side is found by reading, and by
/// writing if somebody wants to; urgent data also marks what can be read behind it.
fn ready_of(event: &Event) -> Ready {
    let broken = event.is_error();
    let read_closed = event.is_read_closed() || broken;
    let urgent = event.is_priority();
    Ready {
        token: Token(event.token().0),
        readable: event.is_readable() || read_closed || urgent,
        writable: event.is_writable() || event.is_write_closed() || broken,
        read_closed,
        urgent,
    }
}

//! A kernel one of whose calls fails.
//!
//! It counts calls and passes them on to the kernel behind it, but for one, which fails in a way
//! that its manual page knows. What the failure promises is kept: behind a `WouldBlock`, and behind a
//! write that fell short, comes an event.

use std::io;
use std::time::Duration;

use nix::libc;
use readily::address::{ConnectAddress, PeerAddr};
use readily::kernel::sim::{Handle, Sim};
use readily::kernel::{
    AcceptError, Interest, Kernel, Mio, Read, Ready, Signal, Socket, StreamKind, Token,
};
use readily::time::{Now, Time};

/// A call that may fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    Poll,
    Register,
    Reregister,
    Accept,
    Refuse,
    Connect,
    IsConnected,
    Read,
    Write,
    Shutdown,
    Receive,
    Send,
}

/// How it fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// With this error number.
    Error(i32),
    /// It does as little as it can: a byte.
    Short,
    /// It says that it is not decided yet.
    NotYet,
}

use Fault::{Error, NotYet, Short};

impl Call {
    /// The ways in which it may fail.
    pub(crate) fn faults(self) -> &'static [Fault] {
        match self {
            Call::Poll => &[Error(libc::EINTR), Error(libc::EBADF)],
            Call::Register => &[Error(libc::ENOMEM), Error(libc::ENOSPC)],
            Call::Reregister => &[Error(libc::ENOMEM)],
            Call::Accept => &[
                Error(libc::EINTR),
                Error(libc::EAGAIN),
                Error(libc::ECONNABORTED),
                Error(libc::EMFILE),
                Error(libc::ENFILE),
                Error(libc::ENOBUFS),
                Error(libc::ENOMEM),
                Error(libc::EPERM),
                Error(libc::EPROTO),
            ],
            Call::Refuse => &[
                Error(libc::EINTR),
                Error(libc::EAGAIN),
                Error(libc::ECONNABORTED),
                Error(libc::EMFILE),
                Error(libc::ENOMEM),
            ],
            Call::Connect => &[
                Error(libc::ECONNREFUSED),
                Error(libc::EADDRNOTAVAIL),
                Error(libc::ENETUNREACH),
                Error(libc::EMFILE),
                Error(libc::ENFILE),
                Error(libc::ENOBUFS),
                Error(libc::ENOMEM),
                Error(libc::EINTR),
            ],
            Call::IsConnected => &[NotYet, Error(libc::ECONNREFUSED), Error(libc::ETIMEDOUT)],
            Call::Read => &[
                Short,
                Error(libc::EINTR),
                Error(libc::EAGAIN),
                Error(libc::ECONNRESET),
                Error(libc::ETIMEDOUT),
                Error(libc::ENOMEM),
                Error(libc::EIO),
            ],
            Call::Write => &[
                Short,
                Error(libc::EINTR),
                Error(libc::EAGAIN),
                Error(libc::EPIPE),
                Error(libc::ECONNRESET),
                Error(libc::ENOBUFS),
                Error(libc::ENOMEM),
                Error(libc::EIO),
            ],
            Call::Shutdown => &[Error(libc::ENOTCONN), Error(libc::ENOBUFS)],
            Call::Receive => &[
                Error(libc::EINTR),
                Error(libc::EAGAIN),
                Error(libc::ECONNREFUSED),
                Error(libc::ENOMEM),
            ],
            Call::Send => &[
                Error(libc::EAGAIN),
                Error(libc::EINTR),
                Error(libc::ECONNREFUSED),
                Error(libc::ENOBUFS),
                Error(libc::ENOMEM),
                Error(libc::EPERM),
                Error(libc::EIO),
            ],
        }
    }
}

/// Which call fails, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    pub(crate) call: Call,
    /// So many calls of the kind go well before.
    pub(crate) nth: usize,
    pub(crate) fault: Fault,
}

impl Plan {
    /// Whether nobody may notice.
    pub(crate) fn is_harmless(self) -> bool {
        let waits = [Short, NotYet, Error(libc::EINTR), Error(libc::EAGAIN)];
        match self.call {
            // Nothing says when there would be a place.
            Call::Connect | Call::Send => false,
            // For want of memory the connection waits in the queue. It may be gone, or turned away.
            Call::Accept => {
                let takes = [libc::ECONNABORTED, libc::EPROTO, libc::EMFILE, libc::ENFILE];
                !takes.map(Error).contains(&self.fault)
            }
            Call::Refuse => self.fault != Error(libc::ECONNABORTED),
            Call::Receive => true,
            _ => waits.contains(&self.fault),
        }
    }

    /// Whether the loop cannot go on.
    pub(crate) fn is_the_end(self) -> bool {
        self.call == Call::Poll && self.fault == Error(libc::EBADF)
    }
}

/// What has gone through.
#[derive(Default, Debug)]
pub(crate) struct Tally {
    pub(crate) bytes_read: u64,
    pub(crate) bytes_written: u64,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) accepted: u64,
    pub(crate) dialed: u64,
    pub(crate) unwatched: u64,
    pub(crate) accept_failures: u64,
    pub(crate) aborted: u64,
    pub(crate) refused: u64,
}

/// A socket, and what it is watched as.
pub(crate) struct Watched<S> {
    pub(crate) socket: S,
    token: Option<Token>,
    is_dialed: bool,
    /// A write has said so: then reading says it, too.
    is_broken: bool,
}

impl<S> Watched<S> {
    pub(crate) fn new(socket: S) -> Watched<S> {
        Watched { socket, token: None, is_dialed: false, is_broken: false }
    }
}

/// A kernel that can be behind: it is told of errors that were made up.
pub(crate) trait Behind: Kernel {
    fn excuse(&mut self, _: &Self::Stream) {}
}

impl Behind for Mio {}

impl Behind for Sim {
    fn excuse(&mut self, stream: &Handle) {
        Sim::excuse(self, stream);
    }
}

/// The kernel.
pub(crate) struct Failing<K> {
    pub(crate) inner: K,
    plan: Option<Plan>,
    /// How many calls of the planned kind there were.
    calls: usize,
    /// The fault has happened.
    pub(crate) has_failed: bool,
    /// Turning away fails, too.
    is_reserve_lost: bool,
    /// Events that are owed.
    owed: Vec<Ready>,
    pub(crate) tally: Tally,
    has_done_something: bool,
    idle_turns: usize,
}

/// A loop may look for events again and again so often, with nothing done between.
const IDLE_TURNS: usize = 20;

/// No wait is longer: the world outside is this very thread.
const LONGEST_WAIT: Duration = Duration::from_millis(5);

impl<K: Behind> Failing<K> {
    pub(crate) fn new(inner: K) -> Failing<K> {
        Failing {
            inner,
            plan: None,
            calls: 0,
            has_failed: false,
            is_reserve_lost: false,
            owed: Vec::new(),
            tally: Tally::default(),
            has_done_something: false,
            idle_turns: 0,
        }
    }

    /// From here on one call is going to fail.
    pub(crate) fn set_plan(&mut self, plan: Option<Plan>) {
        self.plan = plan;
    }

    /// A call of this kind is made. Returns how it fails, if it does.
    fn call(&mut self, call: Call) -> Option<Fault> {
        self.has_done_something |= call != Call::Poll;
        let plan = self.plan.filter(|plan| plan.call == call)?;
        self.calls += 1;
        if self.calls != plan.nth + 1 {
            return None;
        }
        self.has_failed = true;
        Some(plan.fault)
    }

    /// Accepting fails with this error, and what it says is so.
    fn cannot_accept<T>(
        &mut self,
        listener: &mut Watched<K::Listener>,
        number: i32,
    ) -> io::Result<T> {
        let failure = io::Error::from_raw_os_error(number);
        match AcceptError::of(&failure) {
            AcceptError::Empty => self.owe(listener.token, true),
            AcceptError::Aborted => {
                let (stream, _) = self.inner.accept(&mut listener.socket)?;
                self.inner.close(stream);
                self.tally.aborted += 1;
            }
            AcceptError::Failed => self.tally.accept_failures += 1,
            AcceptError::NoDescriptor
                if self.plan.is_some_and(|plan| plan.call == Call::Refuse) =>
            {
                self.tally.accept_failures += 1;
            }
            AcceptError::Interrupted | AcceptError::NoDescriptor => {}
        }
        Err(failure)
    }

    /// An event that is to come. Nothing is owed to who is not watched.
    fn owe(&mut self, token: Option<Token>, readable: bool) {
        let Some(token) = token else { return };
        let event =
            Ready { token, readable, writable: !readable, read_closed: false, urgent: false };
        self.owed.push(event);
    }
}

fn error<T>(number: i32) -> io::Result<T> {
    Err(io::Error::from_raw_os_error(number))
}

/// The same socket for the kernel behind, and where its token is kept.
fn inner<'s, K: Behind>(
    socket: Socket<'s, Failing<K>>,
) -> (Socket<'s, K>, Option<&'s mut Option<Token>>, bool) {
    match socket {
        Socket::Listener(watched) => {
            (Socket::Listener(&mut watched.socket), Some(&mut watched.token), false)
        }
        Socket::Stream(watched) => {
            (Socket::Stream(&mut watched.socket), Some(&mut watched.token), watched.is_dialed)
        }
        Socket::Datagram(watched) => {
            (Socket::Datagram(&mut watched.socket), Some(&mut watched.token), false)
        }
        Socket::Signals(signals) => (Socket::Signals(signals), None, false),
    }
}

impl<K: Behind> Kernel for Failing<K> {
    type Listener = Watched<K::Listener>;
    type Stream = Watched<K::Stream>;
    type Datagram = Watched<K::Datagram>;
    type Signals = K::Signals;

    fn now(&mut self) -> Now {
        self.inner.now()
    }

    fn time(&mut self) -> Time {
        self.inner.time()
    }

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        let was_idle = !self.has_done_something && timeout == Some(Duration::ZERO);
        self.idle_turns = if was_idle { self.idle_turns + 1 } else { 0 };
        assert!(self.idle_turns < IDLE_TURNS, "the loop spins");
        self.has_done_something = false;
        match self.call(Call::Poll) {
            // A wait that was interrupted has no events (`Kernel::poll`): they come with the next.
            Some(Error(libc::EINTR)) => {
                return self.inner.poll(&mut self.owed, Some(Duration::ZERO));
            }
            Some(Error(number)) => return error(number),
            _ => {}
        }
        ready.append(&mut self.owed);
        let timeout = if ready.is_empty() { timeout } else { Some(Duration::ZERO) };
        let timeout = timeout.map_or(LONGEST_WAIT, |timeout| timeout.min(LONGEST_WAIT));
        self.inner.poll(ready, Some(timeout))
    }

    fn register(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let fault = self.call(Call::Register);
        let (socket, place, is_dialed) = inner(socket);
        if let Some(Error(number)) = fault {
            self.tally.unwatched += u64::from(!is_dialed);
            return error(number);
        }
        if let Some(place) = place {
            *place = Some(token);
        }
        self.inner.register(socket, token, interest)
    }

    fn reregister(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        if let Some(Error(number)) = self.call(Call::Reregister) {
            return error(number);
        }
        self.inner.reregister(inner(socket).0, token, interest)
    }

    fn accept(&mut self, listener: &mut Self::Listener) -> io::Result<(Self::Stream, PeerAddr)> {
        if self.call(Call::Refuse).is_some() {
            self.is_reserve_lost = true;
            return error(libc::EMFILE);
        }
        if let Some(Error(number)) = self.call(Call::Accept) {
            return self.cannot_accept(listener, number);
        }
        let (stream, peer) = self.inner.accept(&mut listener.socket)?;
        self.tally.accepted += 1;
        Ok((Watched::new(stream), peer))
    }

    /// Turns away whoever the made-up shortage is about.
    fn refuse(&mut self, listener: &mut Self::Listener) -> io::Result<PeerAddr> {
        if std::mem::take(&mut self.is_reserve_lost)
            && let Some(Plan { fault: Error(number), .. }) = self.plan
        {
            return self.cannot_accept(listener, number);
        }
        let (stream, peer) = self.inner.accept(&mut listener.socket)?;
        // A simulated kernel knows that there is room, and does not take it for turning away.
        self.inner.close(stream);
        self.tally.refused += 1;
        Ok(peer)
    }

    fn abort(&mut self, stream: Self::Stream) {
        self.inner.abort(stream.socket);
    }

    fn connect(&mut self, address: &ConnectAddress) -> io::Result<Self::Stream> {
        self.tally.dialed += 1;
        if let Some(Error(number)) = self.call(Call::Connect) {
            return error(number);
        }
        let stream = self.inner.connect(address)?;
        Ok(Watched { is_dialed: true, ..Watched::new(stream) })
    }

    fn is_connected(&mut self, stream: &mut Self::Stream) -> io::Result<bool> {
        match self.call(Call::IsConnected) {
            Some(Error(number)) => error(number),
            Some(_) => {
                self.owe(stream.token, false);
                Ok(false)
            }
            None => self.inner.is_connected(&mut stream.socket),
        }
    }

    fn kind(&self, stream: &Self::Stream) -> StreamKind {
        self.inner.kind(&stream.socket)
    }

    fn read(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<Read> {
        let is_packets = self.kind(stream) == StreamKind::Packet;
        let mut buffer = buffer;
        let fault = self.call(Call::Read);
        match fault {
            Some(Error(number)) => {
                if number == libc::EAGAIN {
                    self.owe(stream.token, true);
                }
                return error(number);
            }
            Some(Short) if !is_packets => buffer = &mut buffer[..1],
            _ => {}
        }
        let read = match self.inner.read(&mut stream.socket, buffer) {
            Err(none) if stream.is_broken && none.kind() == io::ErrorKind::WouldBlock => {
                return error(libc::ECONNRESET);
            }
            other => other?,
        };
        if let Read::Data(count) | Read::Part(count) = read {
            self.tally.bytes_read += count as u64;
        }
        Ok(match read {
            Read::Data(count) if fault == Some(Short) && !is_packets => Read::Part(count),
            other => other,
        })
    }

    fn write(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<usize> {
        let is_packets = self.kind(stream) == StreamKind::Packet;
        let mut bytes = bytes;
        match self.call(Call::Write) {
            Some(Error(number)) => {
                if number == libc::EAGAIN {
                    self.owe(stream.token, false);
                }
                stream.is_broken = [libc::EPIPE, libc::ECONNRESET].contains(&number);
                self.inner.excuse(&stream.socket);
                return error(number);
            }
            Some(Short) if !is_packets => {
                bytes = &bytes[..1];
                self.owe(stream.token, false);
            }
            _ => {}
        }
        let count = self.inner.write(&mut stream.socket, bytes)?;
        self.tally.bytes_written += count as u64;
        Ok(count)
    }

    fn shutdown_write(&mut self, stream: &mut Self::Stream) -> io::Result<()> {
        match self.call(Call::Shutdown) {
            Some(Error(number)) => {
                stream.is_broken = true;
                self.inner.excuse(&stream.socket);
                error(number)
            }
            _ => self.inner.shutdown_write(&mut stream.socket),
        }
    }

    fn close(&mut self, stream: Self::Stream) {
        self.has_done_something = true;
        self.inner.close(stream.socket);
    }

    fn receive_from(
        &mut self,
        socket: &mut Self::Datagram,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        if let Some(Error(number)) = self.call(Call::Receive) {
            if number == libc::EAGAIN {
                self.owe(socket.token, true);
            }
            return error(number);
        }
        let received = self.inner.receive_from(&mut socket.socket, buffer)?;
        self.tally.received += 1;
        Ok(received)
    }

    fn send_to(
        &mut self,
        socket: &mut Self::Datagram,
        payload: &[u8],
        to: &PeerAddr,
    ) -> io::Result<()> {
        if let Some(Error(number)) = self.call(Call::Send) {
            return error(number);
        }
        self.inner.send_to(&mut socket.socket, payload, to)?;
        self.tally.sent += 1;
        Ok(())
    }

    fn next_signal(&mut self, signals: &mut K::Signals) -> Option<Signal> {
        self.inner.next_signal(signals)
    }
}

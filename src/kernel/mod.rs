//! The only door to the operating system.
//!
//! [`Kernel`] is everything the [`Reactor`](crate::reactor::Reactor) asks of the world: what is
//! ready, the bytes that came, room for bytes that go, and the time. [`Mio`] is the real one. The
//! trait is a generic parameter of the reactor, so a test can run *the same reactor* over a kernel
//! that is simulated, and the real server pays nothing for that.
//!
//! Every operation is non-blocking: `WouldBlock` means "not now", and a later [`Ready`] event says
//! when to try again. Events are edge-triggered (epoll(7), `EPOLLET`): one event for each change
//! from "not ready" to "ready", so readiness has to be remembered until an operation says
//! `WouldBlock`, or proves in another way that nothing is left.

mod accept_error;
mod bind;
mod bind_error;
mod clock;
mod connect;
mod datagram;
mod directory_lock;
mod limits;
mod listener;
mod machine;
mod mio;
mod packet;
mod record;
mod replay;
mod reserve;
mod resolve;
mod signals;
pub mod sim;
mod standard;
mod stream;
pub mod tape;
mod udp;
mod unix_datagram;
mod unix_path;
mod watched;

pub use self::accept_error::AcceptError;
pub use self::bind::{Bound, BoundSocket, LocalAddr};
pub use self::bind_error::{BindError, Occupant};
pub use self::datagram::MioDatagram;
pub use self::limits::{DescriptorLimit, open_descriptors, raise_descriptor_limit};
pub use self::listener::MioListener;
pub use self::machine::Machine;
pub use self::mio::Mio;
pub use self::packet::PacketStream;
pub use self::record::{Recorder, Recording};
pub use self::replay::{Difference, Divergence, Replay, Replayed, ReplayedStream, Verdict};
pub use self::resolve::{ResolveError, resolve};
pub use self::signals::MioSignals;
pub use self::standard::StandardStream;
pub use self::stream::MioStream;
pub use self::watched::{Answer, Carried, Numbered, Onlooker, SocketKind, Step, Watched};

use std::io;
use std::time::Duration;

use crate::address::{ConnectAddress, PeerAddr};
use crate::time::{Now, Time};

/// What a [`Reactor`](crate::reactor::Reactor) needs of an operating system.
///
/// The sockets are associated types, owned by whoever holds the source; closing one is
/// [`close`](Kernel::close). No method blocks but [`poll`](Kernel::poll).
pub trait Kernel {
    /// Accepts streams.
    type Listener;
    /// The bytes, or the packets, of one connection.
    type Stream;
    /// Receives datagrams from anybody and answers them.
    type Datagram;
    /// Delivers the signals of the process as one more source of readiness.
    type Signals;

    /// Reads both clocks. Called once a turn.
    fn now(&mut self) -> Now;

    /// Reads the monotonic clock alone. Called at the end of a turn behind which the loop may sleep.
    fn time(&mut self) -> Time;

    /// Waits until something is ready or `timeout` has passed (`None`: for as long as it takes),
    /// and appends what is ready to `ready`. A signal may end the wait early with no event at all.
    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()>;

    /// Starts watching `socket`: its events carry `token`. Watching ends when it is closed.
    fn register(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()>;

    /// Changes what a watched `socket` is watched for; what is ready at that moment is reported
    /// again.
    fn reregister(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()>;

    /// Takes the next waiting connection. [`AcceptError`] says what an error means.
    fn accept(&mut self, listener: &mut Self::Listener) -> io::Result<(Self::Stream, PeerAddr)>;

    /// Turns the next waiting connection away although there is no descriptor for it: takes it with
    /// one that is held in reserve and [aborts](Kernel::abort) it. Returns who that was. To be called
    /// when [`accept`](Kernel::accept) has said [`AcceptError::NoDescriptor`]; errors are those of
    /// `accept`, and that one means that the reserve is lost or does not help.
    fn refuse(&mut self, listener: &mut Self::Listener) -> io::Result<PeerAddr>;

    /// Closes a stream on which nothing was read or written, without a word; over TCP with an RST.
    /// An orderly end would look like an answer, and the system would remember the connection for a
    /// minute (tcp(7), TIME-WAIT).
    fn abort(&mut self, stream: Self::Stream);

    /// Begins to connect to `address`. The stream is watched for room to write, and when there is
    /// some [`is_connected`](Kernel::is_connected) tells what has come of it.
    fn connect(&mut self, address: &ConnectAddress) -> io::Result<Self::Stream>;

    /// Whether a stream that was being connected is; the error where it cannot be.
    fn is_connected(&mut self, stream: &mut Self::Stream) -> io::Result<bool>;

    /// What is carried by a stream.
    fn kind(&self, stream: &Self::Stream) -> StreamKind;

    /// Reads what has arrived, up to the length of `buffer`; of a packet socket, one packet.
    fn read(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<Read>;

    /// Writes as much of `bytes` as there is room for and says how much that was; on a packet
    /// socket `bytes` is one packet and leaves whole or not at all.
    fn write(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<usize>;

    /// Ends our side of a stream (FIN); the other side may go on.
    fn shutdown_write(&mut self, stream: &mut Self::Stream) -> io::Result<()>;

    /// Closes a stream.
    fn close(&mut self, stream: Self::Stream);

    /// Receives one datagram; its length and who sent it. A datagram longer than `buffer` (it may be
    /// as long) is dropped whole and reported as [`io::ErrorKind::FileTooLarge`].
    fn receive_from(
        &mut self,
        socket: &mut Self::Datagram,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)>;

    /// Sends one datagram. Over a UNIX socket a receiver whose queue is full is not `WouldBlock`,
    /// since no event would ever follow, but an error like any other: the datagram is dropped.
    fn send_to(
        &mut self,
        socket: &mut Self::Datagram,
        payload: &[u8],
        to: &PeerAddr,
    ) -> io::Result<()>;

    /// The next signal that has arrived.
    fn next_signal(&mut self, signals: &mut Self::Signals) -> Option<Signal>;
}

/// Any of the things a kernel can watch.
pub enum Socket<'a, K: Kernel + ?Sized> {
    /// A listener.
    Listener(&'a mut K::Listener),
    /// A connection.
    Stream(&'a mut K::Stream),
    /// A datagram socket.
    Datagram(&'a mut K::Datagram),
    /// The signals.
    Signals(&'a mut K::Signals),
}

impl<K: Kernel + ?Sized> std::fmt::Debug for Socket<'_, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Socket::Listener(_) => "Listener",
            Socket::Stream(_) => "Stream",
            Socket::Datagram(_) => "Datagram",
            Socket::Signals(_) => "Signals",
        })
    }
}

/// What the reactor recognises a source by when its event arrives; opaque to the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Token(pub usize);

/// What a socket is watched for. Being told that the peer is gone is always part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interest {
    /// Something to read (or to accept).
    Readable,
    /// Something to read, and room to write.
    ReadableAndWritable,
}

/// One event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready {
    /// The token the socket was registered with.
    pub token: Token,
    /// There is something to read, or an end or error to be found by reading.
    pub readable: bool,
    /// There is room to write, or an error to be found by writing.
    pub writable: bool,
    /// The peer has ended its side, or the connection is broken: read on to the end.
    pub read_closed: bool,
    /// Urgent data is on the way: a short read may have stopped in front of it (tcp(7)).
    pub urgent: bool,
}

/// What one [`Kernel::read`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// This many bytes; zero only for an empty packet.
    Data(usize),
    /// This many bytes of a stream. The read ended behind them for a reason of its own, so however
    /// few they are, there may be more.
    Part(usize),
    /// A packet that is longer than the buffer; it was dropped whole.
    Oversize,
    /// The peer has ended its side and everything was read.
    End,
}

/// What a stream carries, which decides how it is registered and how it is read to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamKind {
    /// Bytes over TCP.
    Tcp,
    /// Bytes over a UNIX socket, or over a standard stream of the process.
    Unix,
    /// Packets over a UNIX socket, or datagrams of a client.
    Packet,
}

/// A signal that means something to a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGINT: a person pressed Ctrl-C.
    Interrupt,
    /// SIGTERM: a supervisor asks to stop.
    Terminate,
    /// SIGHUP: the terminal was closed.
    Hangup,
    /// SIGUSR1: log the counters.
    User1,
}

impl Signal {
    /// The name in signal(7).
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::Hangup => "SIGHUP",
            Signal::User1 => "SIGUSR1",
        }
    }

    /// The number in signal(7).
    pub fn number(self) -> u8 {
        match self {
            Signal::Interrupt => 2,
            Signal::Terminate => 15,
            Signal::Hangup => 1,
            Signal::User1 => 10,
        }
    }
}

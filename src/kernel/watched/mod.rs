//! A kernel that somebody looks on.
//!
//! [`Watched`] stands between the loop and a kernel and knows neither: each call goes through, and what
//! was asked and answered is shown to an [`Onlooker`]. One of them writes it down
//! ([`Recorder`](super::Recorder)). Since the kernel is a generic parameter of the loop, nothing is left of
//! this where nobody looks on.
//!
//! ```text
//!   Reactor ── read(connection 3) ──► Watched ── read ──► Mio, Sim or Replay
//!           ◄── "hello\n" ──────────     │    ◄── "hello\n"
//!                                        ▼
//!                          Step { Read { stream: 3, … }, "hello\n" }
//! ```

mod startup;
mod step;

pub use self::step::{Answer, Carried, Onlooker, SocketKind, Step};

use std::io;
use std::time::Duration;

use super::tape::Call;
use super::{Interest, Kernel, Read, Ready, Signal, Socket, StreamKind, Token};
use crate::address::{ConnectAddress, PeerAddr};
use crate::time::{Now, Time};

/// A kernel, and who looks on.
#[derive(Debug)]
pub struct Watched<K, W> {
    kernel: K,
    onlooker: W,
    /// How many sockets were registered.
    registered: u32,
    /// The longest that the loop may wait, whatever it asks for.
    most: Option<Duration>,
}

/// A socket of the kernel, and its number among those that were registered.
#[derive(Debug)]
pub struct Numbered<T> {
    socket: T,
    /// From 1 on; 0 until it is registered.
    number: u32,
}

impl<T> From<T> for Numbered<T> {
    fn from(socket: T) -> Numbered<T> {
        Numbered { socket, number: 0 }
    }
}

impl<K, W> Watched<K, W> {
    /// Has `onlooker` look at what happens on `kernel`.
    pub fn new(kernel: K, onlooker: W) -> Watched<K, W> {
        Watched { kernel, onlooker, registered: 0, most: None }
    }

    /// The kernel that is looked at.
    pub fn inner(&self) -> &K {
        &self.kernel
    }

    /// The same; nothing that the loop has opened is to be closed.
    pub fn inner_mut(&mut self) -> &mut K {
        &mut self.kernel
    }

    /// Who looks on.
    pub fn onlooker_mut(&mut self) -> &mut W {
        &mut self.onlooker
    }

    /// Lets the loop wait no longer than this, although it may ask for more and is seen to: for who
    /// has something to do soon that is none of the loop's business.
    pub fn wait_at_most(&mut self, most: Option<Duration>) {
        self.most = most;
    }
}

impl<K: Kernel, W: Onlooker> Watched<K, W> {
    #[inline]
    fn show(&mut self, call: Call, carried: Carried<'_>, answer: Answer<'_>) {
        self.onlooker.see(Step { call, carried, answer });
    }

    /// Shows a call that carries nothing; `answer` is that of one that went well.
    #[inline]
    fn show_outcome<'a, T>(
        &mut self,
        call: Call,
        outcome: &'a io::Result<T>,
        answer: impl FnOnce(&'a T) -> Answer<'a>,
    ) {
        self.show(call, Carried::Nothing, answer_of(outcome, answer));
    }

    fn kind_of(&self, socket: &Socket<'_, Watched<K, W>>) -> SocketKind {
        match socket {
            Socket::Listener(_) => SocketKind::Listener,
            Socket::Stream(stream) => SocketKind::Stream(self.kernel.kind(&stream.socket)),
            Socket::Datagram(_) => SocketKind::Datagram,
            Socket::Signals(_) => SocketKind::Signals,
        }
    }

    /// Numbers a socket that is to be registered.
    fn number(&mut self, socket: &mut Socket<'_, Watched<K, W>>) {
        let number = match socket {
            Socket::Listener(one) => &mut one.number,
            Socket::Stream(one) => &mut one.number,
            Socket::Datagram(one) => &mut one.number,
            Socket::Signals(one) => &mut one.number,
        };
        debug_assert_eq!(*number, 0, "a socket is registered once");
        self.registered += 1;
        *number = self.registered;
    }
}

#[inline]
fn answer_of<'a, T>(
    outcome: &'a io::Result<T>,
    answer: impl FnOnce(&'a T) -> Answer<'a>,
) -> Answer<'a> {
    match outcome {
        Ok(value) => answer(value),
        Err(error) => Answer::Failed(error),
    }
}

/// The number of a socket, and the kernel's own socket behind it.
fn inner<K: Kernel, W: Onlooker>(socket: Socket<'_, Watched<K, W>>) -> (u32, Socket<'_, K>) {
    match socket {
        Socket::Listener(one) => (one.number, Socket::Listener(&mut one.socket)),
        Socket::Stream(one) => (one.number, Socket::Stream(&mut one.socket)),
        Socket::Datagram(one) => (one.number, Socket::Datagram(&mut one.socket)),
        Socket::Signals(one) => (one.number, Socket::Signals(&mut one.socket)),
    }
}

impl<K: Kernel, W: Onlooker> Kernel for Watched<K, W> {
    type Listener = Numbered<K::Listener>;
    type Stream = Numbered<K::Stream>;
    type Datagram = Numbered<K::Datagram>;
    type Signals = Numbered<K::Signals>;

    fn now(&mut self) -> Now {
        let now = self.kernel.now();
        self.show(Call::Now, Carried::Nothing, Answer::Now(now));
        now
    }

    fn time(&mut self) -> Time {
        let time = self.kernel.time();
        self.show(Call::Time, Carried::Nothing, Answer::Time(time));
        time
    }

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        self.onlooker.before_wait(timeout);
        let before = ready.len();
        let most = [timeout, self.most].into_iter().flatten().min();
        let outcome = self.kernel.poll(ready, most);
        self.show_outcome(Call::Poll { timeout }, &outcome, |()| Answer::Ready(&ready[before..]));
        outcome
    }

    fn register(
        &mut self,
        mut socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.number(&mut socket);
        let carried = Carried::Socket(self.kind_of(&socket));
        let (source, socket) = inner(socket);
        let outcome = self.kernel.register(socket, token, interest);
        let call = Call::Register { source, token, interest };
        self.show(call, carried, answer_of(&outcome, |()| Answer::Done));
        outcome
    }

    fn reregister(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let carried = Carried::Socket(self.kind_of(&socket));
        let (source, socket) = inner(socket);
        let outcome = self.kernel.reregister(socket, token, interest);
        let call = Call::Reregister { source, token, interest };
        self.show(call, carried, answer_of(&outcome, |()| Answer::Done));
        outcome
    }

    fn accept(&mut self, listener: &mut Self::Listener) -> io::Result<(Self::Stream, PeerAddr)> {
        let outcome = self.kernel.accept(&mut listener.socket);
        let outcome = outcome.map(|(stream, peer)| (self.kernel.kind(&stream), stream, peer));
        let call = Call::Accept { listener: listener.number };
        self.show_outcome(call, &outcome, |(kind, _, peer)| Answer::Accepted(*kind, peer));
        outcome.map(|(_, stream, peer)| (stream.into(), peer))
    }

    fn refuse(&mut self, listener: &mut Self::Listener) -> io::Result<PeerAddr> {
        let outcome = self.kernel.refuse(&mut listener.socket);
        let call = Call::Refuse { listener: listener.number };
        self.show_outcome(call, &outcome, Answer::Refused);
        outcome
    }

    fn abort(&mut self, stream: Self::Stream) {
        self.kernel.abort(stream.socket);
        self.show(Call::Abort { stream: stream.number }, Carried::Nothing, Answer::Done);
    }

    fn connect(&mut self, address: &ConnectAddress) -> io::Result<Self::Stream> {
        let outcome = self.kernel.connect(address);
        let outcome = outcome.map(|stream| (self.kernel.kind(&stream), stream));
        let answer = answer_of(&outcome, |(kind, _)| Answer::Connecting(*kind));
        self.show(Call::Connect, Carried::Target(address), answer);
        outcome.map(|(_, stream)| stream.into())
    }

    fn is_connected(&mut self, stream: &mut Self::Stream) -> io::Result<bool> {
        let outcome = self.kernel.is_connected(&mut stream.socket);
        let call = Call::IsConnected { stream: stream.number };
        self.show_outcome(call, &outcome, |is_connected| Answer::Connected(*is_connected));
        outcome
    }

    fn kind(&self, stream: &Self::Stream) -> StreamKind {
        self.kernel.kind(&stream.socket)
    }

    #[inline]
    fn read(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<Read> {
        let outcome = self.kernel.read(&mut stream.socket, buffer);
        let call = Call::Read { stream: stream.number, length: buffer.len() };
        self.show_outcome(call, &outcome, |read| match *read {
            Read::Data(count) => Answer::Data(&buffer[..count]),
            Read::Part(count) => Answer::Part(&buffer[..count]),
            Read::Oversize => Answer::Oversize,
            Read::End => Answer::End,
        });
        outcome
    }

    #[inline]
    fn write(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.kernel.write(&mut stream.socket, bytes);
        let call = Call::Write { stream: stream.number, length: bytes.len() };
        let answer = answer_of(&outcome, |taken| Answer::Taken(*taken));
        self.show(call, Carried::Bytes(bytes), answer);
        outcome
    }

    fn shutdown_write(&mut self, stream: &mut Self::Stream) -> io::Result<()> {
        let outcome = self.kernel.shutdown_write(&mut stream.socket);
        let call = Call::ShutdownWrite { stream: stream.number };
        self.show_outcome(call, &outcome, |()| Answer::Done);
        outcome
    }

    fn close(&mut self, stream: Self::Stream) {
        self.kernel.close(stream.socket);
        self.show(Call::Close { stream: stream.number }, Carried::Nothing, Answer::Done);
    }

    fn receive_from(
        &mut self,
        socket: &mut Self::Datagram,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        let outcome = self.kernel.receive_from(&mut socket.socket, buffer);
        let call = Call::ReceiveFrom { socket: socket.number, length: buffer.len() };
        self.show_outcome(call, &outcome, |(length, from)| {
            Answer::Datagram(&buffer[..*length], from)
        });
        outcome
    }

    fn send_to(
        &mut self,
        socket: &mut Self::Datagram,
        payload: &[u8],
        to: &PeerAddr,
    ) -> io::Result<()> {
        let outcome = self.kernel.send_to(&mut socket.socket, payload, to);
        let call = Call::SendTo { socket: socket.number, length: payload.len() };
        let answer = answer_of(&outcome, |()| Answer::Done);
        self.show(call, Carried::Datagram(payload, to), answer);
        outcome
    }

    fn next_signal(&mut self, signals: &mut Self::Signals) -> Option<Signal> {
        let signal = self.kernel.next_signal(&mut signals.socket);
        let call = Call::NextSignal { signals: signals.number };
        self.show(call, Carried::Nothing, Answer::Signal(signal));
        signal
    }
}

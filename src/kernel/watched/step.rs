//! What the loop has asked and what it was told, for whoever looks on.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::address::{ConnectAddress, ListenAddress, PeerAddr};
use crate::kernel::tape::Call;
use crate::kernel::{DescriptorLimit, LocalAddr, Ready, Signal, StreamKind};
use crate::time::{Now, Time};

/// Is shown every step that a loop takes on a [`Watched`](super::Watched) kernel.
pub trait Onlooker {
    /// The loop is about to wait for at most `timeout`.
    fn before_wait(&mut self, timeout: Option<Duration>) {
        let _ = timeout;
    }

    /// The kernel has answered.
    fn see(&mut self, step: Step<'_>);
}

/// Looks on without doing anything.
impl Onlooker for () {
    fn see(&mut self, _: Step<'_>) {}
}

/// Looks on if there is one.
impl<W: Onlooker> Onlooker for Option<W> {
    fn before_wait(&mut self, timeout: Option<Duration>) {
        if let Some(onlooker) = self {
            onlooker.before_wait(timeout);
        }
    }

    fn see(&mut self, step: Step<'_>) {
        if let Some(onlooker) = self {
            onlooker.see(step);
        }
    }
}

/// One call and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What was asked.
    pub call: Call,
    /// What the call carried.
    pub carried: Carried<'a>,
    /// What the answer was.
    pub answer: Answer<'a>,
}

/// What a call takes to the kernel besides numbers.
#[derive(Clone, Copy, Debug)]
pub enum Carried<'a> {
    /// Nothing.
    Nothing,
    /// [`Call::Write`]: these bytes, of which the answer says how many were taken.
    Bytes(&'a [u8]),
    /// [`Call::SendTo`]: this datagram, to this peer.
    Datagram(&'a [u8], &'a PeerAddr),
    /// [`Call::Connect`]: to this address.
    Target(&'a ConnectAddress),
    /// [`Call::Listen`]: at this address.
    Listen(&'a ListenAddress),
    /// [`Call::Register`], [`Call::Reregister`]: a socket of this kind.
    Socket(SocketKind),
}

/// What a socket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SocketKind {
    /// Connections are accepted from it.
    Listener,
    /// A connection.
    Stream(StreamKind),
    /// Datagrams are received from it.
    Datagram,
    /// It delivers signals.
    Signals,
}

/// An answer of the kernel.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// It is done, and there is no more to say.
    Done,
    /// It could not be done.
    Failed(&'a io::Error),
    /// [`Call::Poll`]: what is ready.
    Ready(&'a [Ready]),
    /// [`Call::Now`]: both clocks.
    Now(Now),
    /// [`Call::Time`]: the monotonic clock.
    Time(Time),
    /// [`Call::Accept`]: who has come, and what the stream carries.
    Accepted(StreamKind, &'a PeerAddr),
    /// [`Call::Refuse`]: who was turned away.
    Refused(&'a PeerAddr),
    /// [`Call::Connect`]: what the stream carries.
    Connecting(StreamKind),
    /// [`Call::IsConnected`].
    Connected(bool),
    /// [`Call::Read`]: these bytes.
    Data(&'a [u8]),
    /// [`Call::Read`]: these bytes, and there may be more however few they are.
    Part(&'a [u8]),
    /// [`Call::Read`]: a packet that was too long.
    Oversize,
    /// [`Call::Read`]: the peer has ended its side.
    End,
    /// [`Call::Write`]: so many of the bytes were taken.
    Taken(usize),
    /// [`Call::ReceiveFrom`]: this datagram, from this peer.
    Datagram(&'a [u8], &'a PeerAddr),
    /// [`Call::NextSignal`].
    Signal(Option<Signal>),
    /// [`Call::DescriptorLimit`].
    Limit(DescriptorLimit),
    /// [`Call::OpenDescriptors`].
    Count(u64),
    /// [`Call::Listen`]: the real address, and whether a stale socket was replaced.
    Listening(&'a LocalAddr, bool),
    /// [`Call::OwnAddresses`].
    Addresses(&'a [SocketAddr]),
}

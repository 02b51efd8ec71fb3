//! What the loop asks of the kernel, as the tape holds it: which call, on what, with which numbers.
//!
//! Bytes and addresses that a call carries are not here: they stand behind its answer, where it is
//! known how many of them count.

use std::time::Duration;

use super::bytes::{Reader, put_number};
use crate::kernel::{Interest, Signal, Token};

/// One call. Sockets are named by the number they got when they were registered, from 1 on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// [`Machine::raise_descriptor_limit`](crate::kernel::Machine::raise_descriptor_limit).
    DescriptorLimit,
    /// [`Machine::open_descriptors`](crate::kernel::Machine::open_descriptors).
    OpenDescriptors {
        /// Below which number.
        limit: u64,
    },
    /// [`Machine::listen_on`](crate::kernel::Machine::listen_on).
    Listen,
    /// [`Machine::own_addresses`](crate::kernel::Machine::own_addresses).
    OwnAddresses,
    /// [`Machine::catch_signals`](crate::kernel::Machine::catch_signals).
    CatchSignals,
    /// [`Kernel::poll`](crate::kernel::Kernel::poll).
    Poll {
        /// For how long; `None`: as long as it takes.
        timeout: Option<Duration>,
    },
    /// [`Kernel::now`](crate::kernel::Kernel::now).
    Now,
    /// [`Kernel::time`](crate::kernel::Kernel::time).
    Time,
    /// [`Kernel::register`](crate::kernel::Kernel::register).
    Register {
        /// The number that the socket gets by it.
        source: u32,
        /// What its events carry.
        token: Token,
        /// What it is watched for.
        interest: Interest,
    },
    /// [`Kernel::reregister`](crate::kernel::Kernel::reregister).
    Reregister {
        /// The socket.
        source: u32,
        /// What its events carry.
        token: Token,
        /// What it is watched for.
        interest: Interest,
    },
    /// [`Kernel::accept`](crate::kernel::Kernel::accept).
    Accept {
        /// From which listener.
        listener: u32,
    },
    /// [`Kernel::refuse`](crate::kernel::Kernel::refuse).
    Refuse {
        /// Who waits at which listener.
        listener: u32,
    },
    /// [`Kernel::abort`](crate::kernel::Kernel::abort), of a stream that was accepted last.
    Abort {
        /// The stream; 0 if it was not registered.
        stream: u32,
    },
    /// [`Kernel::connect`](crate::kernel::Kernel::connect).
    Connect,
    /// [`Kernel::is_connected`](crate::kernel::Kernel::is_connected).
    IsConnected {
        /// The stream.
        stream: u32,
    },
    /// [`Kernel::read`](crate::kernel::Kernel::read).
    Read {
        /// The stream.
        stream: u32,
        /// Up to how many bytes.
        length: usize,
    },
    /// [`Kernel::write`](crate::kernel::Kernel::write).
    Write {
        /// The stream.
        stream: u32,
        /// How many bytes.
        length: usize,
    },
    /// [`Kernel::shutdown_write`](crate::kernel::Kernel::shutdown_write).
    ShutdownWrite {
        /// The stream.
        stream: u32,
    },
    /// [`Kernel::close`](crate::kernel::Kernel::close).
    Close {
        /// The stream; 0 if it was not registered.
        stream: u32,
    },
    /// [`Kernel::receive_from`](crate::kernel::Kernel::receive_from).
    ReceiveFrom {
        /// The datagram socket.
        socket: u32,
        /// Up to how many bytes.
        length: usize,
    },
    /// [`Kernel::send_to`](crate::kernel::Kernel::send_to).
    SendTo {
        /// The datagram socket.
        socket: u32,
        /// How many bytes.
        length: usize,
    },
    /// [`Kernel::next_signal`](crate::kernel::Kernel::next_signal).
    NextSignal {
        /// The source of signals.
        signals: u32,
    },
    /// The loop has ended; there is nothing behind it.
    Stop {
        /// The signal that asked for it, if it was one.
        by: Option<Signal>,
        /// It was a second signal.
        at_once: bool,
    },
    /// The recording has come to its limit; there is nothing behind it, and the server went on.
    Cut,
}

/// The numbers of the calls.
mod tag {
    pub(super) const DESCRIPTOR_LIMIT: u8 = 1;
    pub(super) const OPEN_DESCRIPTORS: u8 = 2;
    pub(super) const LISTEN: u8 = 3;
    pub(super) const OWN_ADDRESSES: u8 = 4;
    pub(super) const CATCH_SIGNALS: u8 = 5;
    pub(super) const POLL: u8 = 6;
    pub(super) const NOW: u8 = 7;
    pub(super) const REGISTER: u8 = 8;
    pub(super) const REREGISTER: u8 = 9;
    pub(super) const ACCEPT: u8 = 10;
    pub(super) const REFUSE: u8 = 11;
    pub(super) const ABORT: u8 = 12;
    pub(super) const CONNECT: u8 = 13;
    pub(super) const IS_CONNECTED: u8 = 14;
    pub(super) const READ: u8 = 15;
    pub(super) const WRITE: u8 = 16;
    pub(super) const SHUTDOWN_WRITE: u8 = 17;
    pub(super) const CLOSE: u8 = 18;
    pub(super) const RECEIVE_FROM: u8 = 19;
    pub(super) const SEND_TO: u8 = 20;
    pub(super) const NEXT_SIGNAL: u8 = 21;
    pub(super) const STOP: u8 = 22;
    pub(super) const CUT: u8 = 23;
    pub(super) const TIME: u8 = 24;
}

impl Call {
    /// Appends the call.
    #[inline]
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let (tag, numbers): (u8, &[u64]) = match self {
            Call::DescriptorLimit => (tag::DESCRIPTOR_LIMIT, &[]),
            Call::OpenDescriptors { limit } => (tag::OPEN_DESCRIPTORS, &[limit]),
            Call::Listen => (tag::LISTEN, &[]),
            Call::OwnAddresses => (tag::OWN_ADDRESSES, &[]),
            Call::CatchSignals => (tag::CATCH_SIGNALS, &[]),
            Call::Poll { timeout } => (tag::POLL, &[wait_number(timeout)]),
            Call::Now => (tag::NOW, &[]),
            Call::Time => (tag::TIME, &[]),
            Call::Register { source, token, interest } => {
                (tag::REGISTER, &watch_numbers(source, token, interest))
            }
            Call::Reregister { source, token, interest } => {
                (tag::REREGISTER, &watch_numbers(source, token, interest))
            }
            Call::Accept { listener } => (tag::ACCEPT, &[listener.into()]),
            Call::Refuse { listener } => (tag::REFUSE, &[listener.into()]),
            Call::Abort { stream } => (tag::ABORT, &[stream.into()]),
            Call::Connect => (tag::CONNECT, &[]),
            Call::IsConnected { stream } => (tag::IS_CONNECTED, &[stream.into()]),
            Call::Read { stream, length } => (tag::READ, &[stream.into(), length as u64]),
            Call::Write { stream, length } => (tag::WRITE, &[stream.into(), length as u64]),
            Call::ShutdownWrite { stream } => (tag::SHUTDOWN_WRITE, &[stream.into()]),
            Call::Close { stream } => (tag::CLOSE, &[stream.into()]),
            Call::ReceiveFrom { socket, length } => {
                (tag::RECEIVE_FROM, &[socket.into(), length as u64])
            }
            Call::SendTo { socket, length } => (tag::SEND_TO, &[socket.into(), length as u64]),
            Call::NextSignal { signals } => (tag::NEXT_SIGNAL, &[signals.into()]),
            Call::Stop { by, at_once } => (tag::STOP, &[signal_number(by), at_once.into()]),
            Call::Cut => (tag::CUT, &[]),
        };
        out.push(tag);
        for &number in numbers {
            put_number(out, number);
        }
    }

    /// Reads a call.
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Call> {
        Some(match reader.byte()? {
            tag::DESCRIPTOR_LIMIT => Call::DescriptorLimit,
            tag::OPEN_DESCRIPTORS => Call::OpenDescriptors { limit: reader.number()? },
            tag::LISTEN => Call::Listen,
            tag::OWN_ADDRESSES => Call::OwnAddresses,
            tag::CATCH_SIGNALS => Call::CatchSignals,
            tag::POLL => {
                Call::Poll { timeout: reader.number()?.checked_sub(1).map(Duration::from_nanos) }
            }
            tag::NOW => Call::Now,
            tag::TIME => Call::Time,
            tag::REGISTER => {
                let (source, token, interest) = watch_of(reader)?;
                Call::Register { source, token, interest }
            }
            tag::REREGISTER => {
                let (source, token, interest) = watch_of(reader)?;
                Call::Reregister { source, token, interest }
            }
            tag::ACCEPT => Call::Accept { listener: reader.small()? },
            tag::REFUSE => Call::Refuse { listener: reader.small()? },
            tag::ABORT => Call::Abort { stream: reader.small()? },
            tag::CONNECT => Call::Connect,
            tag::IS_CONNECTED => Call::IsConnected { stream: reader.small()? },
            tag::READ => Call::Read { stream: reader.small()?, length: reader.size()? },
            tag::WRITE => Call::Write { stream: reader.small()?, length: reader.size()? },
            tag::SHUTDOWN_WRITE => Call::ShutdownWrite { stream: reader.small()? },
            tag::CLOSE => Call::Close { stream: reader.small()? },
            tag::RECEIVE_FROM => {
                Call::ReceiveFrom { socket: reader.small()?, length: reader.size()? }
            }
            tag::SEND_TO => Call::SendTo { socket: reader.small()?, length: reader.size()? },
            tag::NEXT_SIGNAL => Call::NextSignal { signals: reader.small()? },
            tag::STOP => Call::Stop { by: signal_of(reader.number()?)?, at_once: reader.flag()? },
            tag::CUT => Call::Cut,
            _ => return None,
        })
    }
}

/// 0 for ever, else the nanoseconds and one.
fn wait_number(timeout: Option<Duration>) -> u64 {
    timeout.map_or(0, |timeout| {
        u64::try_from(timeout.as_nanos()).map_or(u64::MAX, |nanos| nanos.saturating_add(1))
    })
}

/// The halves of a token are small numbers, and all of it is not.
fn watch_numbers(source: u32, token: Token, interest: Interest) -> [u64; 4] {
    let (low, high) = halves(token);
    let interest = match interest {
        Interest::Readable => 0,
        Interest::ReadableAndWritable => 1,
    };
    [source.into(), low, high, interest]
}

fn watch_of(reader: &mut Reader<'_>) -> Option<(u32, Token, Interest)> {
    let source = reader.small()?;
    let token = token_of(reader)?;
    let interest = match reader.flag()? {
        false => Interest::Readable,
        true => Interest::ReadableAndWritable,
    };
    Some((source, token, interest))
}

/// The lower and the upper half of a token.
pub(crate) fn halves(token: Token) -> (u64, u64) {
    let all = token.0 as u64;
    (all & u64::from(u32::MAX), all >> 32)
}

/// A token of its two halves.
pub(crate) fn token_of(reader: &mut Reader<'_>) -> Option<Token> {
    let (low, high) = (reader.small()?, reader.small()?);
    usize::try_from(u64::from(high) << 32 | u64::from(low)).ok().map(Token)
}

/// A signal by its number in signal(7); 0 for none.
pub(crate) fn signal_number(signal: Option<Signal>) -> u64 {
    signal.map_or(0, |signal| signal.number().into())
}

pub(crate) fn signal_of(number: u64) -> Option<Option<Signal>> {
    if number == 0 {
        return Some(None);
    }
    let known = [Signal::Interrupt, Signal::Terminate, Signal::Hangup, Signal::User1];
    known.into_iter().find(|signal| u64::from(signal.number()) == number).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One call of every kind, some of them twice.
    fn every_call() -> Vec<Call> {
        let token = Token(0x7fff_ffff_0000_0003);
        vec![
            Call::DescriptorLimit,
            Call::OpenDescriptors { limit: 1024 },
            Call::Listen,
            Call::OwnAddresses,
            Call::CatchSignals,
            Call::Poll { timeout: None },
            Call::Poll { timeout: Some(Duration::ZERO) },
            Call::Poll { timeout: Some(Duration::from_millis(20)) },
            Call::Now,
            Call::Time,
            Call::Register { source: 1, token, interest: Interest::Readable },
            Call::Reregister { source: 300, token, interest: Interest::ReadableAndWritable },
            Call::Accept { listener: 2 },
            Call::Refuse { listener: 2 },
            Call::Abort { stream: 0 },
            Call::Connect,
            Call::IsConnected { stream: 4 },
            Call::Read { stream: u32::MAX, length: 524_288 },
            Call::Write { stream: 5, length: usize::MAX },
            Call::ShutdownWrite { stream: 5 },
            Call::Close { stream: 5 },
            Call::ReceiveFrom { socket: 6, length: 1 },
            Call::SendTo { socket: 6, length: 0 },
            Call::NextSignal { signals: 7 },
            Call::Stop { by: None, at_once: false },
            Call::Stop { by: Some(Signal::Hangup), at_once: false },
            Call::Stop { by: Some(Signal::Terminate), at_once: true },
            Call::Cut,
        ]
    }

    #[test]
    fn every_call_is_read_as_it_was_written_and_none_is_the_beginning_of_another() {
        let encoded = every_call().into_iter().map(|call| {
            let mut out = Vec::new();
            call.encode(&mut out);
            (call, out)
        });
        let encoded: Vec<_> = encoded.collect();
        for (call, bytes) in &encoded {
            let mut reader = Reader::new(bytes, 0, 0..0);
            assert_eq!(Call::decode(&mut reader), Some(*call));
            assert!(reader.rest().is_empty());
            for (other, longer) in &encoded {
                assert!(call == other || !longer.starts_with(bytes), "{call} and {other}");
            }
        }
    }
}

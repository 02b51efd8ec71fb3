//! What the loop asks, and what the tape says to that.

use std::io;
use std::time::Duration;

use super::super::tape::bytes::Reader;
use super::super::tape::{Call, MOST_EVENTS, answer, signal_of};
use super::super::{Interest, Kernel, Read, Ready, Signal, Socket, StreamKind, Token};
use super::{Difference, Replay, Replayed, ReplayedStream, nobody, same};
use crate::address::{ConnectAddress, PeerAddr};
use crate::time::{Now, Time, WallClock};

impl Kernel for Replay {
    type Listener = Replayed;
    type Stream = ReplayedStream;
    type Datagram = Replayed;
    type Signals = Replayed;

    fn now(&mut self) -> Now {
        let last = self.last.now;
        let now = self.outcome(Call::Now, |reader| {
            let (since, seconds, offset) = (reader.number()?, reader.signed()?, reader.signed()?);
            let offset_seconds = i64::from(last.wall.offset_seconds).checked_add(offset)?;
            let wall = WallClock {
                unix_seconds: last.wall.unix_seconds.checked_add(seconds)?,
                offset_seconds: offset_seconds.try_into().ok()?,
            };
            Some(Now { time: later(last.time, since)?, wall })
        });
        self.last.now = now.unwrap_or(last);
        self.last.now
    }

    fn time(&mut self) -> Time {
        let last = self.last.now.time;
        let time = self.outcome(Call::Time, |reader| later(last, reader.number()?));
        self.last.now.time = time.unwrap_or(last);
        self.last.now.time
    }

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        self.outcome(Call::Poll { timeout }, |reader| {
            let count = reader.size()?;
            if count > MOST_EVENTS {
                return None;
            }
            for _ in 0..count {
                ready.push(answer::ready(reader)?);
            }
            Some(())
        })
    }

    fn register(
        &mut self,
        socket: Socket<'_, Replay>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.registered += 1;
        let source = self.registered;
        *number(socket) = source;
        self.outcome(Call::Register { source, token, interest }, |_| Some(()))
    }

    fn reregister(
        &mut self,
        socket: Socket<'_, Replay>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let source = *number(socket);
        self.outcome(Call::Reregister { source, token, interest }, |_| Some(()))
    }

    fn accept(&mut self, listener: &mut Replayed) -> io::Result<(ReplayedStream, PeerAddr)> {
        self.outcome(Call::Accept { listener: listener.number }, |reader| {
            Some((stream(reader)?, answer::peer(reader)?))
        })
    }

    fn refuse(&mut self, listener: &mut Replayed) -> io::Result<PeerAddr> {
        self.outcome(Call::Refuse { listener: listener.number }, answer::peer)
    }

    fn abort(&mut self, stream: ReplayedStream) {
        let _ = self.outcome(Call::Abort { stream: stream.number }, |_| Some(()));
    }

    fn connect(&mut self, address: &ConnectAddress) -> io::Result<ReplayedStream> {
        let asked = address.to_string();
        let outcome = self.entry(Call::Connect, None, |reader| {
            let stream = match answer::outcome(reader)? {
                Ok(()) => Ok(stream(reader)?),
                Err(error) => Err(error),
            };
            Some(same(reader.bytes()?, asked.as_bytes()).map(|()| stream))
        });
        outcome.unwrap_or_else(nobody)
    }

    fn is_connected(&mut self, stream: &mut ReplayedStream) -> io::Result<bool> {
        let call = Call::IsConnected { stream: stream.number };
        let outcome = self.outcome(call, |reader| {
            let is_made = reader.flag()?;
            Some(is_made)
        });
        // Nothing is to come of a connection once the replay is over.
        if self.verdict.is_some() { Ok(false) } else { outcome }
    }

    fn kind(&self, stream: &ReplayedStream) -> StreamKind {
        stream.kind
    }

    fn read(&mut self, stream: &mut ReplayedStream, buffer: &mut [u8]) -> io::Result<Read> {
        let call = Call::Read { stream: stream.number, length: buffer.len() };
        let may_be_empty = stream.kind == StreamKind::Packet;
        self.outcome(call, |reader| {
            let read = match reader.number()? {
                0 => Read::Data(copy(reader, buffer)?),
                1 => Read::Part(copy(reader, buffer)?),
                2 => Read::Oversize,
                3 => Read::End,
                _ => return None,
            };
            let is_empty = matches!(read, Read::Data(0) | Read::Part(0));
            (may_be_empty || !is_empty).then_some(read)
        })
    }

    fn write(&mut self, stream: &mut ReplayedStream, bytes: &[u8]) -> io::Result<usize> {
        let call = Call::Write { stream: stream.number, length: bytes.len() };
        let is_packet = stream.kind == StreamKind::Packet;
        let outcome = self.entry(call, Some((bytes, stream.written)), |reader| {
            match answer::outcome(reader)? {
                Err(error) => Some(Ok(Err(error))),
                Ok(()) => {
                    let taken = reader.sent()?;
                    let made = bytes.get(..taken.len())?;
                    // No kernel sends a part of a packet.
                    if is_packet && made.len() < bytes.len() {
                        return None;
                    }
                    Some(match Difference::between(taken, made) {
                        None => Ok(Ok(taken.len())),
                        Some(difference) => Err(difference.behind(stream.written)),
                    })
                }
            }
        });
        let outcome = outcome.unwrap_or_else(nobody);
        stream.written += outcome.as_ref().map_or(0, |taken| *taken as u64);
        outcome
    }

    fn shutdown_write(&mut self, stream: &mut ReplayedStream) -> io::Result<()> {
        self.outcome(Call::ShutdownWrite { stream: stream.number }, |_| Some(()))
    }

    fn close(&mut self, stream: ReplayedStream) {
        let _ = self.outcome(Call::Close { stream: stream.number }, |_| Some(()));
    }

    fn receive_from(
        &mut self,
        socket: &mut Replayed,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        let call = Call::ReceiveFrom { socket: socket.number, length: buffer.len() };
        self.outcome(call, |reader| Some((copy(reader, buffer)?, answer::peer(reader)?)))
    }

    fn send_to(&mut self, socket: &mut Replayed, payload: &[u8], to: &PeerAddr) -> io::Result<()> {
        let call = Call::SendTo { socket: socket.number, length: payload.len() };
        let outcome = self.entry(call, Some((payload, 0)), |reader| {
            let outcome = answer::outcome(reader)?;
            // It goes to whom the datagram before it came from.
            let (recorded, made) = (answer::peer(reader)?.to_string(), to.to_string());
            match Difference::between(recorded.as_bytes(), made.as_bytes()) {
                Some(difference) => Some(Err(difference)),
                None => Some(same(reader.sent()?, payload).map(|()| outcome)),
            }
        });
        outcome.unwrap_or_else(nobody)
    }

    fn next_signal(&mut self, signals: &mut Replayed) -> Option<Signal> {
        let call = Call::NextSignal { signals: signals.number };
        self.outcome(call, |reader| signal_of(reader.number()?)).ok().flatten()
    }
}

/// The time so many nanoseconds after `last`. No clock of ours goes back, and none runs for 292 years:
/// whoever reckons with it has as much again before a number overflows.
fn later(last: Time, since: u64) -> Option<Time> {
    let nanos = last.as_nanos().checked_add(since)?;
    (nanos <= u64::MAX / 2).then(|| Time::from_nanos(nanos))
}

/// The number of a socket.
fn number(socket: Socket<'_, Replay>) -> &mut u32 {
    match socket {
        Socket::Listener(one) | Socket::Datagram(one) | Socket::Signals(one) => &mut one.number,
        Socket::Stream(one) => &mut one.number,
    }
}

/// Reads what a stream carries, which makes it one.
fn stream(reader: &mut Reader<'_>) -> Option<ReplayedStream> {
    Some(ReplayedStream { number: 0, kind: answer::kind(reader)?, written: 0 })
}

/// Copies received bytes of the tape into a buffer, if they fit.
fn copy(reader: &mut Reader<'_>, buffer: &mut [u8]) -> Option<usize> {
    let bytes = reader.received()?;
    buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::super::super::tape::{Last, entry, frame};
    use super::super::super::{Answer, Carried, SocketKind, Step};
    use super::super::Verdict;
    use super::*;

    /// A tape of these steps.
    fn tape(steps: &[Step<'_>]) -> Vec<u8> {
        let (mut entries, mut last) = (Vec::new(), Last::default());
        for step in steps {
            entry::put(&mut entries, step, &mut last);
        }
        [&frame::header(&entries)[..], &entries].concat()
    }

    #[test]
    fn more_events_than_a_poll_ever_has_are_damage() {
        let event = Ready {
            token: Token(1),
            readable: true,
            writable: false,
            read_closed: false,
            urgent: false,
        };
        for (count, is_damage) in [(MOST_EVENTS, false), (MOST_EVENTS + 1, true)] {
            let (call, carried) = (Call::Poll { timeout: None }, Carried::Nothing);
            let events = vec![event; count];
            let step = Step { call, carried, answer: Answer::Ready(&events) };
            let mut replay = Replay::new(tape(&[step]));
            let mut ready = Vec::new();
            assert_eq!(replay.poll(&mut ready, None).is_err(), is_damage, "{count} events");
            assert_eq!(ready.len(), if is_damage { 0 } else { count });
            let verdict = replay.verdict();
            assert_eq!(matches!(verdict, Some(Verdict::Damaged { .. })), is_damage, "{verdict:?}");
        }
    }

    #[test]
    fn a_clock_that_has_run_for_longer_than_any_machine_is_damage() {
        for (nanos, is_damage) in [(u64::MAX / 2, false), (u64::MAX / 2 + 1, true)] {
            let time = Time::from_nanos(nanos);
            let now = Now { time, ..Now::default() };
            let carried = Carried::Nothing;
            for (call, answer) in [(Call::Time, Answer::Time(time)), (Call::Now, Answer::Now(now))]
            {
                let mut replay = Replay::new(tape(&[Step { call, carried, answer }]));
                let read = if call == Call::Time { replay.time() } else { replay.now().time };
                assert_eq!(read, if is_damage { Time::ZERO } else { time });
                let verdict = replay.verdict();
                assert_eq!(
                    matches!(verdict, Some(Verdict::Damaged { .. })),
                    is_damage,
                    "{verdict:?}"
                );
            }
        }
    }

    #[test]
    fn a_part_of_a_packet_that_is_said_to_have_been_sent_is_damage() {
        let (token, interest) = (Token(1), Interest::Readable);
        let kind = SocketKind::Stream(StreamKind::Packet);
        let write = |taken| Step {
            call: Call::Write { stream: 1, length: 5 },
            carried: Carried::Bytes(b"hello"),
            answer: Answer::Taken(taken),
        };
        for (taken, is_damage) in [(5, false), (3, true), (0, true)] {
            let mut replay = Replay::new(tape(&[
                Step {
                    call: Call::Accept { listener: 0 },
                    carried: Carried::Nothing,
                    answer: Answer::Accepted(StreamKind::Packet, &PeerAddr::Unix(None)),
                },
                Step {
                    call: Call::Register { source: 1, token, interest },
                    carried: Carried::Socket(kind),
                    answer: Answer::Done,
                },
                write(taken),
            ]));
            let (mut stream, _) = replay.accept(&mut Replayed::default()).unwrap();
            replay.register(Socket::Stream(&mut stream), token, interest).unwrap();
            let outcome = replay.write(&mut stream, b"hello");
            assert_eq!(outcome.is_err(), is_damage, "{taken} bytes");
            let verdict = replay.verdict();
            assert_eq!(matches!(verdict, Some(Verdict::Damaged { .. })), is_damage, "{verdict:?}");
        }
    }
}

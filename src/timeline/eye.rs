//! Who looks on, from below and from within.

use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::event::{Excerpt, What};
use crate::engine::{BindingId, ConnId, Detail, Observer, Sighting, State};
use crate::kernel::tape::Call;
use crate::kernel::{Answer, Carried, Interest, Onlooker, SocketKind, Step, Token};
use crate::time::Time;

/// Looks on at the kernel and in the engine, and tells a [`Film`](super::Film).
#[derive(Clone, Debug)]
pub struct Eye(pub(super) Sender<Note>);

/// What an eye has seen, in order.
#[derive(Debug)]
pub(super) enum Note {
    /// The loop is about to wait.
    Wait(Option<Duration>),
    /// It begins to wait at this time, if it reads the clock then.
    Slept(Time),
    /// It is awake at this time.
    Woken(Time),
    /// What is registered next has this name.
    Next(String),
    /// A source is registered.
    Registered(u32, SocketKind, Token, Interest),
    /// A source has become ready.
    Ready(Token, What),
    /// Something at a source of the kernel.
    At(u32, What),
    /// Something of a connection of the engine.
    Of(ConnId, What),
    /// A connection is this by now.
    State(ConnId, State),
    /// A service was called.
    Called(Option<BindingId>, Option<ConnId>, &'static str),
}

impl Eye {
    fn note(&self, note: Note) {
        // A film that is gone has no use for it.
        let _ = self.0.send(note);
    }

    fn failed(&self, call: Call, error: &io::Error) {
        let words = match error.kind() {
            io::ErrorKind::WouldBlock => "WouldBlock".to_owned(),
            _ => error.to_string(),
        };
        self.note(Note::At(source_of(call), What::Failed(call, error.kind(), words)));
    }
}

impl Onlooker for Eye {
    fn before_wait(&mut self, timeout: Option<Duration>) {
        self.note(Note::Wait(timeout));
    }

    fn see(&mut self, step: Step<'_>) {
        let Step { call, carried, answer } = step;
        if let Answer::Failed(error) = answer {
            return self.failed(call, error);
        }
        let source = source_of(call);
        let what = match answer {
            Answer::Ready(events) => {
                for event in events {
                    let what = What::Ready {
                        readable: event.readable,
                        writable: event.writable,
                        read_closed: event.read_closed,
                        urgent: event.urgent,
                    };
                    self.note(Note::Ready(event.token, what));
                }
                return;
            }
            Answer::Now(now) => return self.note(Note::Woken(now.time)),
            Answer::Time(time) => return self.note(Note::Slept(time)),
            Answer::Listening(local, _) => return self.note(Note::Next(local.to_string())),
            Answer::Accepted(_, peer) => {
                self.note(Note::Next(peer.to_string()));
                What::Accepted(peer.to_string())
            }
            Answer::Refused(peer) => What::Refused(peer.to_string()),
            Answer::Connecting(_) => {
                let Carried::Target(address) = carried else { return };
                self.note(Note::Next(address.to_string()));
                What::Dialed(address.to_string())
            }
            Answer::Connected(is_made) => What::Made(is_made),
            Answer::Data(bytes) => {
                let is_full = matches!(call, Call::Read { length, .. } if length == bytes.len());
                What::Read { bytes: bytes.into(), is_full }
            }
            Answer::Part(bytes) => What::Read { bytes: bytes.into(), is_full: true },
            Answer::Oversize => What::Oversize,
            Answer::End => What::End,
            Answer::Taken(count) => {
                let Carried::Bytes(bytes) = carried else { return };
                What::Wrote { bytes: bytes[..count].into(), asked: bytes.len() }
            }
            Answer::Datagram(payload, from) => What::Received(payload.into(), from.to_string()),
            Answer::Signal(Some(signal)) => What::Signal(signal.name()),
            Answer::Done => match (call, carried) {
                (Call::Register { token, interest, .. }, Carried::Socket(kind)) => {
                    return self.note(Note::Registered(source, kind, token, interest));
                }
                (Call::Reregister { interest, .. }, _) => {
                    What::Watched { writable: interest == Interest::ReadableAndWritable }
                }
                (_, Carried::Datagram(payload, to)) => What::Sent(payload.into(), to.to_string()),
                (Call::Abort { .. }, _) => What::Aborted,
                (Call::ShutdownWrite { .. }, _) => What::ShutDown,
                (Call::Close { .. }, _) => What::Closed,
                _ => return,
            },
            Answer::Signal(None)
            | Answer::Limit(_)
            | Answer::Count(_)
            | Answer::Addresses(_)
            | Answer::Failed(_) => return,
        };
        self.note(Note::At(source, what));
    }
}

impl Observer for Eye {
    const LOOKS_CLOSELY: bool = true;

    fn see(&mut self, _: BindingId, peer: Option<ConnId>, what: Sighting<'_>) {
        let Some(peer) = peer else { return };
        let what = match what {
            Sighting::Opened { .. } => What::Opened,
            Sighting::Message(bytes) => What::Message(Excerpt::from(bytes)),
            Sighting::Stop => What::Stop,
            Sighting::Closed(reason) => What::Ended(reason.to_string()),
            Sighting::Datagram { .. } => return,
        };
        self.note(Note::Of(peer, what));
    }

    fn look(&mut self, detail: Detail) {
        self.note(match detail {
            Detail::Called { binding, peer, call } => Note::Called(binding, peer, call),
            Detail::State(id, state) => Note::State(id, state),
            Detail::Missed(id, deadline) => Note::Of(id, What::Missed(deadline)),
        });
    }
}

/// The source that a call is about; 0 for none.
fn source_of(call: Call) -> u32 {
    match call {
        Call::Register { source, .. }
        | Call::Reregister { source, .. }
        | Call::Accept { listener: source }
        | Call::Refuse { listener: source }
        | Call::Abort { stream: source }
        | Call::IsConnected { stream: source }
        | Call::Read { stream: source, .. }
        | Call::Write { stream: source, .. }
        | Call::ShutdownWrite { stream: source }
        | Call::Close { stream: source }
        | Call::ReceiveFrom { socket: source, .. }
        | Call::SendTo { socket: source, .. }
        | Call::NextSignal { signals: source } => source,
        Call::DescriptorLimit
        | Call::OpenDescriptors { .. }
        | Call::Listen
        | Call::OwnAddresses
        | Call::CatchSignals
        | Call::Poll { .. }
        | Call::Now
        | Call::Time
        | Call::Connect
        | Call::Stop { .. }
        | Call::Cut => 0,
    }
}

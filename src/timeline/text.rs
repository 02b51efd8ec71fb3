//! A turn in words, for a terminal.
//!
//! ```text
//! turn 5 at 0.001342 s, after 1.20ms (waits for as long as it takes)
//!   #3 tcp 127.0.0.1:40312
//!     ready    to read
//!     read     "hello\n" (6 bytes, and that was all)
//!     message  "hello"
//!     service  echo: on_message
//!     wrote    "hello\n" (all 6 bytes)
//!     stops    a short read: there is no more
//! ```

use std::fmt::{self, Write as _};
use std::time::Duration;

use super::event::{Excerpt, What, Why};
use super::film::{Lane, Turn};
use crate::address::Escaped;
use crate::kernel::tape::Call;
use crate::kernel::{SocketKind, StreamKind};

/// All of a turn: a line of its own, and a paragraph for each lane in which something happened.
pub fn turn(turn: &Turn, lanes: &[Lane]) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", Head(turn));
    for (lane, events) in turn.by_lane() {
        let _ = writeln!(text, "  {}", lanes[lane]);
        for event in events {
            let _ = writeln!(text, "    {:<8} {}", event.what.title(), Said(&event.what));
        }
    }
    text
}

/// The first line of a turn.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a>(pub &'a Turn);

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Turn { number, time, after, polls, .. } = self.0;
        let seconds = Duration::from_nanos(time.as_nanos()).as_secs_f64();
        write!(f, "turn {number} at {seconds:.6} s, after {} ({}", Span(*after), Wait(self.0))?;
        match polls {
            0 | 1 => f.write_str(")"),
            polls => write!(f, "; looked {polls} times)"),
        }
    }
}

/// How long a turn was to wait.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'a>(pub &'a Turn);

impl fmt::Display for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.timeout {
            Some(Duration::ZERO) => f.write_str("does not wait: somebody is still ready"),
            Some(timeout) => write!(f, "waits for at most {}", Span(timeout)),
            None => f.write_str("waits for as long as it takes"),
        }
    }
}

/// A span of time, with two decimals if it has any: no clock of ours tells parts of a nanosecond.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.0 < Duration::from_micros(1) { 0 } else { 2 };
        write!(f, "{:.decimals$?}", self.0)
    }
}

/// `#3 tcp 127.0.0.1:40312`.
impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            None => return f.write_str("the loop"),
            Some(SocketKind::Listener) => "listens at",
            Some(SocketKind::Stream(StreamKind::Tcp)) => "tcp",
            Some(SocketKind::Stream(StreamKind::Unix)) => "unix",
            Some(SocketKind::Stream(StreamKind::Packet)) => "packets",
            Some(SocketKind::Datagram) => "datagrams at",
            Some(SocketKind::Signals) => "signals",
        };
        let name = Escaped(self.name.as_bytes());
        write!(f, "#{} {kind}{}{name}", self.source, if self.name.is_empty() { "" } else { " " })
    }
}

impl What {
    /// One word for it.
    pub fn title(&self) -> &'static str {
        match self {
            What::Ready { .. } => "ready",
            What::Watched { .. } => "watched",
            What::Accepted(_) => "accepts",
            What::Refused(_) | What::Aborted => "refuses",
            What::Dialed(_) => "dials",
            What::Made(_) => "dialed",
            What::Read { .. } | What::Oversize | What::End => "read",
            What::Opened => "opened",
            What::Message(_) | What::Stop => "message",
            What::Ended(_) => "ended",
            What::Called(..) => "service",
            What::State(_) => "state",
            What::Missed(_) => "deadline",
            What::Wrote { .. } => "wrote",
            What::Received(..) => "received",
            What::Sent(..) => "sent",
            What::ShutDown => "FIN",
            What::Closed => "closed",
            What::Signal(_) => "signal",
            What::Failed(call, ..) => title_of(*call),
            What::Stopped(_) => "stops",
        }
    }
}

/// What was asked of the kernel, in a few words.
fn title_of(call: Call) -> &'static str {
    match call {
        Call::DescriptorLimit => "raise the descriptor limit",
        Call::OpenDescriptors { .. } => "count descriptors",
        Call::Listen => "listen",
        Call::OwnAddresses => "ask for addresses",
        Call::CatchSignals => "catch signals",
        Call::Poll { .. } => "poll",
        Call::Now | Call::Time => "read the clock",
        Call::Register { .. } => "register",
        Call::Reregister { .. } => "register anew",
        Call::Accept { .. } => "accept",
        Call::Refuse { .. } => "refuse",
        Call::Abort { .. } => "abort",
        Call::Connect | Call::IsConnected { .. } => "connect",
        Call::Read { .. } => "read",
        Call::Write { .. } => "write",
        Call::ShutdownWrite { .. } => "end our side",
        Call::Close { .. } => "close",
        Call::ReceiveFrom { .. } => "receive",
        Call::SendTo { .. } => "send",
        Call::NextSignal { .. } => "take a signal",
        Call::Stop { .. } | Call::Cut => "stop",
    }
}

/// The rest of what there is to say of it.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a>(pub &'a What);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            What::Ready { readable, writable, read_closed, urgent } => {
                let words = [
                    (*readable, "to read"),
                    (*writable, "to write"),
                    (*read_closed, "the peer has ended its side"),
                    (*urgent, "urgent data"),
                ];
                let words = words.into_iter().filter_map(|(is_so, word)| is_so.then_some(word));
                f.write_str(&words.collect::<Vec<_>>().join(", "))
            }
            What::Watched { writable: false } => f.write_str("for something to read"),
            What::Watched { writable: true } => f.write_str("for something to read, and for room"),
            What::Accepted(peer) => write!(f, "{}", Escaped(peer.as_bytes())),
            What::Refused(peer) => {
                write!(f, "{}, for there is no descriptor", Escaped(peer.as_bytes()))
            }
            What::Aborted => f.write_str("who has just come: there are enough"),
            What::Dialed(address) => write!(f, "{}", Escaped(address.as_bytes())),
            What::Made(true) => f.write_str("the connection is there"),
            What::Made(false) => f.write_str("nothing has come of it yet"),
            What::Read { bytes, is_full: false } => {
                write!(f, "{bytes} ({} bytes, and that was all)", bytes.length)
            }
            What::Read { bytes, is_full: true } => {
                write!(f, "{bytes} ({} bytes, and there may be more)", bytes.length)
            }
            What::Oversize => f.write_str("a packet that is too long, and dropped"),
            What::End => f.write_str("the end: the peer has ended its side"),
            What::Opened => f.write_str("a client of the service"),
            What::Message(bytes) => bytes.fmt(f),
            What::Stop => f.write_str("STOP"),
            What::Ended(reason) => f.write_str(reason),
            What::Called(service, call) => write!(f, "{service}: {call}"),
            What::State(state) => state.fmt(f),
            What::Missed(deadline) => write!(f, "{deadline:?}"),
            What::Wrote { bytes, asked } if bytes.length == *asked => {
                write!(f, "{bytes} (all {asked} bytes)")
            }
            What::Wrote { bytes, asked } => {
                write!(f, "{bytes} ({} of {asked} bytes)", bytes.length)
            }
            What::Received(bytes, from) => write!(f, "{bytes} from {}", Escaped(from.as_bytes())),
            What::Sent(bytes, to) => write!(f, "{bytes} to {}", Escaped(to.as_bytes())),
            What::ShutDown => f.write_str("our side has ended"),
            What::Closed => f.write_str("and forgotten"),
            What::Signal(name) => f.write_str(name),
            What::Failed(.., error) => f.write_str(error),
            What::Stopped(why) => why.fmt(f),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Why::ShortRead => "a short read: there is no more",
            Why::WouldBlock => "the kernel says that there is no more",
            Why::Budget => "its share of the turn is used up, and there may be more",
            Why::NoRoom => "there is no room; an event will say when there is",
            Why::End => "nothing follows the end",
            Why::NotWanted => "it is ready, and nobody wants to hear it for now",
        })
    }
}

/// In quotation marks, on one line.
impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.length > self.bytes.len() { "…" } else { "" };
        write!(f, "\"{}\"{more}", self.bytes.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_decimals_where_there_is_something_to_tell() {
        let told = [0, 528, 1_460, 20_000_000, 1_200_000_000].map(Duration::from_nanos);
        let told = told.map(|span| Span(span).to_string());
        assert_eq!(told, ["0ns", "528ns", "1.46µs", "20.00ms", "1.20s"]);
    }
}

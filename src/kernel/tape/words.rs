//! A call in words, as a divergence names it.

use std::fmt;

use super::Call;

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Call::DescriptorLimit => f.write_str("raise the descriptor limit"),
            Call::OpenDescriptors { limit } => write!(f, "count descriptors below {limit}"),
            Call::Listen => f.write_str("listen"),
            Call::OwnAddresses => f.write_str("ask for the machine's addresses"),
            Call::CatchSignals => f.write_str("catch signals"),
            Call::Poll { timeout: None } => f.write_str("poll, for as long as it takes"),
            Call::Poll { timeout: Some(timeout) } => write!(f, "poll, for at most {timeout:?}"),
            Call::Now => f.write_str("read both clocks"),
            Call::Time => f.write_str("read the monotonic clock"),
            Call::Register { source, token, interest } => {
                write!(f, "register source {source} as {:#x} for {interest:?}", token.0)
            }
            Call::Reregister { source, token, interest } => {
                write!(f, "register source {source} anew as {:#x} for {interest:?}", token.0)
            }
            Call::Accept { listener } => write!(f, "accept from listener {listener}"),
            Call::Refuse { listener } => write!(f, "refuse one at listener {listener}"),
            Call::Abort { stream: 0 } => f.write_str("abort the connection that was accepted last"),
            Call::Abort { stream } => write!(f, "abort connection {stream}"),
            Call::Connect => f.write_str("connect"),
            Call::IsConnected { stream } => {
                write!(f, "ask whether connection {stream} has been made")
            }
            Call::Read { stream, length } => {
                write!(f, "read up to {length} bytes from connection {stream}")
            }
            Call::Write { stream, length } => {
                write!(f, "write {length} bytes to connection {stream}")
            }
            Call::ShutdownWrite { stream } => write!(f, "end our side of connection {stream}"),
            Call::Close { stream } => write!(f, "close connection {stream}"),
            Call::ReceiveFrom { socket, .. } => write!(f, "receive from datagram socket {socket}"),
            Call::SendTo { socket, length } => {
                write!(f, "send {length} bytes from datagram socket {socket}")
            }
            Call::NextSignal { signals } => write!(f, "ask source {signals} for a signal"),
            Call::Stop { at_once: false, .. } => f.write_str("stop: drained"),
            Call::Stop { at_once: true, .. } => f.write_str("stop at once"),
            Call::Cut => f.write_str("nothing: the recording came to its limit here"),
        }
    }
}

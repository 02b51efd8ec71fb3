//! How the exchanges of a binding are shown.

use readily::address::ListenAddress;
use readily::config::{Binding, Framing, ServiceSpec, Transport};

/// One of the classic programs, or none of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// The date server over TCP.
    Time,
    /// The echo server over TCP.
    TcpEcho,
    /// The random server over UDP.
    Udp,
    /// The concurrent server that counts its clients.
    Count,
    /// The echo server on a UNIX socket.
    UnixEcho,
    /// The WebSocket server.
    WebSocketEcho,
    /// Any other combination.
    Other,
}

impl Style {
    /// The program that does what this binding does.
    pub(super) fn of(binding: &Binding) -> Style {
        let is_lines =
            matches!(binding.transport(), Transport::Stream { framing: Framing::Lines { .. } });
        let is_raw = matches!(binding.transport(), Transport::Stream { framing: Framing::Raw });
        let is_websocket = matches!(binding.transport(), Transport::WebSocket { .. });
        match (binding.service(), binding.listen()) {
            (ServiceSpec::Time, ListenAddress::Tcp(_)) if is_lines => Style::Time,
            (ServiceSpec::Echo, ListenAddress::Tcp(_)) if is_lines => Style::TcpEcho,
            (ServiceSpec::Count { .. }, ListenAddress::Tcp(_)) if is_lines => Style::Count,
            (ServiceSpec::Random { .. }, ListenAddress::Udp(_)) => Style::Udp,
            (ServiceSpec::Echo, ListenAddress::Unix(_)) if is_raw => Style::UnixEcho,
            (ServiceSpec::Echo, _) if is_websocket => Style::WebSocketEcho,
            _ => Style::Other,
        }
    }
}

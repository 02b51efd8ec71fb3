//! The schemes: which kind of socket a URL asks for, and what it carries.

use super::error::Problem;
use crate::address::Family;

/// Every scheme that is served, as error messages list them.
const NAMES: [&str; 13] = [
    "tcp",
    "tcp4",
    "tcp6",
    "udp",
    "udp4",
    "udp6",
    "unix",
    "unixgram",
    "unixpacket",
    "ws",
    "ws+unix",
    "http",
    "http+unix",
];

/// A scheme that is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scheme {
    /// `tcp`, `tcp4`, `tcp6`.
    Tcp(Family),
    /// `udp`, `udp4`, `udp6`.
    Udp(Family),
    /// `unix`: a stream.
    Unix,
    /// `unixgram`: datagrams.
    UnixDatagram,
    /// `unixpacket`: connections that keep packet boundaries.
    UnixPacket,
    /// `ws`: HTTP and WebSocket over TCP.
    Web,
    /// `ws+unix`: HTTP and WebSocket over a UNIX stream.
    WebUnix,
    /// `http`: HTTP alone, over TCP.
    Http,
    /// `http+unix`: HTTP alone, over a UNIX stream.
    HttpUnix,
}

/// What a socket carries, whichever family it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Carrier {
    /// Bytes.
    Stream,
    /// Packets of a connection.
    Packet,
    /// Datagrams.
    Datagram,
    /// WebSocket messages.
    Web,
    /// Requests and responses, and no messages.
    Http,
}

impl Scheme {
    /// Reads a scheme, in any case (RFC 3986 §3.1).
    pub(super) fn parse(text: &str) -> Result<Scheme, Problem> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "tcp" => Scheme::Tcp(Family::Any),
            "tcp4" => Scheme::Tcp(Family::V4),
            "tcp6" => Scheme::Tcp(Family::V6),
            "udp" => Scheme::Udp(Family::Any),
            "udp4" => Scheme::Udp(Family::V4),
            "udp6" => Scheme::Udp(Family::V6),
            "unix" => Scheme::Unix,
            "unixgram" => Scheme::UnixDatagram,
            "unixpacket" => Scheme::UnixPacket,
            "ws" => Scheme::Web,
            "ws+unix" => Scheme::WebUnix,
            "http" => Scheme::Http,
            "http+unix" => Scheme::HttpUnix,
            "wss" => return Err(Problem::NoTls("wss")),
            "https" => return Err(Problem::NoTls("https")),
            "tls" => return Err(Problem::NoTls("tls")),
            "ip" => return Err(Problem::RawSocket("ip")),
            "ip4" => return Err(Problem::RawSocket("ip4")),
            "ip6" => return Err(Problem::RawSocket("ip6")),
            _ => {
                return Err(Problem::UnknownScheme { name: text.to_owned(), known: &NAMES });
            }
        })
    }

    /// As it is written in a URL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Scheme::Tcp(Family::Any) => "tcp",
            Scheme::Tcp(Family::V4) => "tcp4",
            Scheme::Tcp(Family::V6) => "tcp6",
            Scheme::Udp(Family::Any) => "udp",
            Scheme::Udp(Family::V4) => "udp4",
            Scheme::Udp(Family::V6) => "udp6",
            Scheme::Unix => "unix",
            Scheme::UnixDatagram => "unixgram",
            Scheme::UnixPacket => "unixpacket",
            Scheme::Web => "ws",
            Scheme::WebUnix => "ws+unix",
            Scheme::Http => "http",
            Scheme::HttpUnix => "http+unix",
        }
    }

    /// What its sockets carry.
    pub(super) fn carrier(self) -> Carrier {
        match self {
            Scheme::Tcp(_) | Scheme::Unix => Carrier::Stream,
            Scheme::Udp(_) | Scheme::UnixDatagram => Carrier::Datagram,
            Scheme::UnixPacket => Carrier::Packet,
            Scheme::Web | Scheme::WebUnix => Carrier::Web,
            Scheme::Http | Scheme::HttpUnix => Carrier::Http,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_scheme_reads_back_as_its_name() {
        for name in NAMES {
            assert_eq!(Scheme::parse(name).map(Scheme::name), Ok(name));
        }
        assert_eq!(Scheme::parse("TCP4"), Ok(Scheme::Tcp(Family::V4)));
    }
}

//! Addresses as plain data: what to listen on, what to connect to, and who sent something.
//!
//! Nothing here touches a socket; [`kernel`](crate::kernel) resolves and binds.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Which of the two internet protocols an address may use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Family {
    /// Either; without a host, all addresses of both.
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// Whether an address of this kind may be used.
    pub fn admits(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }

    /// The digit behind the scheme: `tcp`, `tcp4`, `tcp6`.
    pub fn suffix(self) -> &'static str {
        match self {
            Family::Any => "",
            Family::V4 => "4",
            Family::V6 => "6",
        }
    }
}

/// The name of a UNIX socket (unix(7)).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum UnixName {
    /// A path in the file system.
    Path(PathBuf),
    /// A name in Linux's abstract namespace, written `@name`, without the leading NUL.
    Abstract(Vec<u8>),
}

impl fmt::Display for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnixName::Path(path) => write!(f, "{}", Escaped(path.as_os_str().as_encoded_bytes())),
            UnixName::Abstract(name) => write!(f, "@{}", Escaped(name)),
        }
    }
}

/// A host and a port to listen on, not yet resolved.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct InetAddress {
    /// Which protocols may be used.
    pub family: Family,
    /// A name or a literal without brackets; `None` means every address of this machine.
    pub host: Option<String>,
    /// A port number; 0 lets the system choose.
    pub port: u16,
}

impl fmt::Display for InetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{}:{}", Escaped(host.as_bytes()), self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

/// A UNIX socket to listen on.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct UnixAddress {
    /// Its name.
    pub name: UnixName,
    /// The permissions of the path; `None` leaves them to the umask.
    pub mode: Option<u32>,
}

/// Something a server can listen on.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ListenAddress {
    /// A TCP listener.
    Tcp(InetAddress),
    /// A UDP socket.
    Udp(InetAddress),
    /// A UNIX stream listener.
    Unix(UnixAddress),
    /// A UNIX datagram socket.
    UnixDatagram(UnixAddress),
    /// A UNIX listener whose connections keep packet boundaries (SOCK_SEQPACKET).
    UnixPacket(UnixAddress),
}

/// As a URL names it, without its scheme.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) | ListenAddress::Udp(address) => address.fmt(f),
            ListenAddress::Unix(address)
            | ListenAddress::UnixDatagram(address)
            | ListenAddress::UnixPacket(address) => address.name.fmt(f),
        }
    }
}

/// Something a client can connect to, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectAddress {
    /// A TCP listener.
    Tcp {
        /// Where it listens.
        to: SocketAddr,
        /// The address of ours to connect from, where it matters: each has some 28,000 ports.
        from: Option<IpAddr>,
    },
    /// A UDP socket.
    Udp(SocketAddr),
    /// A UNIX stream listener.
    Unix(UnixName),
    /// A UNIX datagram socket.
    UnixDatagram(UnixName),
    /// A UNIX listener whose connections keep packet boundaries (SOCK_SEQPACKET).
    UnixPacket(UnixName),
}

impl fmt::Display for ConnectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectAddress::Tcp { to: address, .. } | ConnectAddress::Udp(address) => {
                address.fmt(f)
            }
            ConnectAddress::Unix(name)
            | ConnectAddress::UnixDatagram(name)
            | ConnectAddress::UnixPacket(name) => name.fmt(f),
        }
    }
}

/// Where a connection or a datagram came from, and so where an answer goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PeerAddr {
    /// An internet address.
    Inet {
        /// The sender.
        remote: SocketAddr,
        /// Which of our addresses was asked, where the socket listens on all of them: an answer
        /// leaves from there.
        local: Option<IpAddr>,
    },
    /// A UNIX socket; `None` is one without a name, which cannot be answered by datagram.
    Unix(Option<UnixName>),
}

impl fmt::Display for PeerAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddr::Inet { remote, .. } => write!(f, "{remote}"),
            PeerAddr::Unix(Some(name)) => write!(f, "{name}"),
            PeerAddr::Unix(None) => f.write_str("(unnamed)"),
        }
    }
}

/// Bytes from outside, shown to people: control characters and invalid UTF-8 are escaped, so that
/// nobody's terminal does what a peer wants.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if is_unprintable(character) {
                    write!(f, "{}", character.escape_default())?;
                } else {
                    f.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Control characters, and the marks that make a terminal show text in another order.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_peer_sends_reaches_a_terminal_raw() {
        let hostile = b"a\x1b[2J\r\n\xff\xc2\x9b b\xc3\xa9";
        assert_eq!(Escaped(hostile).to_string(), "a\\u{1b}[2J\\r\\n\\xff\\u{9b} b\u{e9}");
        assert_eq!(Escaped("x\u{202e}y".as_bytes()).to_string(), "x\\u{202e}y");
    }

    #[test]
    fn addresses_print_as_they_are_written_in_urls() {
        let v6 = InetAddress { family: Family::V6, host: Some("::1".into()), port: 80 };
        assert_eq!(v6.to_string(), "[::1]:80");
        let any = InetAddress { family: Family::Any, host: None, port: 1234 };
        assert_eq!(any.to_string(), ":1234");
        assert_eq!(UnixName::Abstract(b"x".to_vec()).to_string(), "@x");
    }
}

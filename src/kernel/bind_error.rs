//! Why an address cannot be listened on, in one clear sentence each.
//!
//! These errors reach a person who has just started the server, so each says what stands in the
//! way and, where there is one, what to do about it. The caller puts the name of the binding in
//! front. None of them advises to run as root.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use nix::libc;

use super::resolve::ResolveError;
use crate::address::{Escaped, UnixName};

/// Why an address cannot be listened on.
#[derive(Debug)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else listens on the port.
    PortInUse {
        /// The address that was tried.
        address: SocketAddr,
    },
    /// The port is one of those that the system keeps for privileged processes.
    PrivilegedPort {
        /// The port.
        port: u16,
    },
    /// The address belongs to no interface of this machine.
    AddressNotAvailable {
        /// The address.
        address: SocketAddr,
    },
    /// The machine does not speak the protocol of the address: IPv6 is switched off.
    FamilyNotAvailable {
        /// The address.
        address: SocketAddr,
    },
    /// The host is unknown, or of the other family.
    Host(ResolveError),
    /// Somebody else listens at the path or under the abstract name.
    NameInUse {
        /// The name.
        name: UnixName,
    },
    /// Something is at the path that is not a socket. It is left alone.
    PathOccupied {
        /// The path.
        path: PathBuf,
        /// What it is.
        occupant: Occupant,
    },
    /// The name does not fit in a `sockaddr_un`, or is empty, or has a NUL in it.
    InvalidName {
        /// The name.
        name: UnixName,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no directory to make the socket in.
    NoDirectory {
        /// The path of the socket.
        path: PathBuf,
    },
    /// The permissions of the directory, or of the socket that is there, do not allow it.
    PathDenied {
        /// The path of the socket.
        path: PathBuf,
    },
    /// Anything else the system said.
    System {
        /// What was being listened on.
        address: String,
        /// What the system said.
        error: io::Error,
    },
}

/// What is in the way at the path of a UNIX socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occupant {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, wherever it leads: to follow it is to replace what somebody linked to.
    Symlink,
    /// A FIFO or a device.
    Other,
}

impl BindError {
    /// Sorts what the system said about an internet address.
    pub(super) fn inet(address: SocketAddr, error: io::Error) -> BindError {
        match error.kind() {
            io::ErrorKind::AddrInUse => BindError::PortInUse { address },
            io::ErrorKind::AddrNotAvailable => BindError::AddressNotAvailable { address },
            // EACCES: below `net.ipv4.ip_unprivileged_port_start`, see ip(7). For a port above what
            // that usually is, a security module may have said so as well.
            io::ErrorKind::PermissionDenied if (1..1024).contains(&address.port()) => {
                BindError::PrivilegedPort { port: address.port() }
            }
            _ if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                BindError::FamilyNotAvailable { address }
            }
            _ => BindError::System { address: address.to_string(), error },
        }
    }

    /// Sorts what the system said about a path.
    pub(super) fn path(path: &Path, error: io::Error) -> BindError {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                BindError::NoDirectory { path }
            }
            io::ErrorKind::PermissionDenied => BindError::PathDenied { path },
            _ => BindError::System { address: UnixName::Path(path).to_string(), error },
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::PortInUse { address } => {
                write!(f, "port {} is already in use ({address})", address.port())
            }
            BindError::PrivilegedPort { port } => {
                write!(f, "port {port} is privileged: choose a port from 1024 up")
            }
            BindError::AddressNotAvailable { address } => {
                write!(f, "{} is not an address of this machine", address.ip())
            }
            BindError::FamilyNotAvailable { address } => {
                let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
                write!(f, "{} cannot be used: this machine has no {family}", address.ip())
            }
            BindError::Host(error) => error.fmt(f),
            BindError::NameInUse { name } => write!(f, "{name} is already in use"),
            BindError::PathOccupied { path, occupant } => {
                let what = match occupant {
                    Occupant::File => "a file",
                    Occupant::Directory => "a directory",
                    Occupant::Symlink => "a symbolic link",
                    Occupant::Other => "neither a socket nor a file",
                };
                write!(f, "{} is {what} and is left alone: choose another path", shown(path))
            }
            BindError::InvalidName { name, reason } => {
                write!(f, "{name} is no name for a socket: it {reason}")
            }
            BindError::NoDirectory { path } => {
                write!(f, "the directory of {} does not exist", shown(path))
            }
            BindError::PathDenied { path } => {
                write!(f, "permission to make the socket {} is denied", shown(path))
            }
            BindError::System { address, error } => {
                write!(f, "cannot listen on {address}: {error}")
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BindError::System { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<ResolveError> for BindError {
    fn from(error: ResolveError) -> BindError {
        BindError::Host(error)
    }
}

/// A path for people: nothing in it reaches their terminal raw.
fn shown(path: &Path) -> Escaped<'_> {
    Escaped(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inet(address: &str, errno: i32) -> String {
        BindError::inet(address.parse().unwrap(), io::Error::from_raw_os_error(errno)).to_string()
    }

    #[test]
    fn a_privileged_port_says_so_and_nobody_is_told_to_be_root() {
        let text = inet("0.0.0.0:80", libc::EACCES);
        assert_eq!(text, "port 80 is privileged: choose a port from 1024 up");
        assert!(!text.contains("root") && !text.contains("sudo"));
    }

    #[test]
    fn a_port_from_1024_up_that_is_denied_is_not_called_privileged() {
        let text = inet("0.0.0.0:5000", libc::EACCES);
        assert!(text.starts_with("cannot listen on 0.0.0.0:5000: Permission denied"), "{text}");
    }

    #[test]
    fn each_refusal_is_one_sentence() {
        assert_eq!(inet("[::]:1234", libc::EADDRINUSE), "port 1234 is already in use ([::]:1234)");
        assert_eq!(
            inet("192.0.2.1:1", libc::EADDRNOTAVAIL),
            "192.0.2.1 is not an address of this machine"
        );
        assert_eq!(
            inet("[::1]:1", libc::EAFNOSUPPORT),
            "::1 cannot be used: this machine has no IPv6"
        );
        let path = |errno| {
            BindError::path(Path::new("/a/\x1bb"), io::Error::from_raw_os_error(errno)).to_string()
        };
        assert_eq!(path(libc::ENOENT), "the directory of /a/\\u{1b}b does not exist");
        assert_eq!(path(libc::EACCES), "permission to make the socket /a/\\u{1b}b is denied");
        assert!(path(libc::EROFS).starts_with("cannot listen on /a/\\u{1b}b: "));
    }
}

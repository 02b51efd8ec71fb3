//! Host names to addresses, for whoever listens or connects.
//!
//! This is the one place that may wait for a name server, so it is used while starting and never
//! from within the loop.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use crate::address::{Escaped, Family};

/// The addresses of `host`, in the order in which they should be tried; never none.
///
/// `scheme` is the network without its digit (`tcp`, `udp`), for error messages. A literal address
/// is taken as it is. Addresses of a family that `family` does not admit are left out, and where
/// that leaves nothing, that is an error.
pub fn resolve(
    scheme: &str,
    family: Family,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, ResolveError> {
    let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(literal) => vec![SocketAddr::new(literal, port)],
        Err(_) => (host, port)
            .to_socket_addrs()
            .map_err(|error| ResolveError::Unknown {
                host: host.to_owned(),
                reason: error.to_string(),
            })?
            .collect(),
    };
    if found.is_empty() {
        let reason = "it has no address".to_owned();
        return Err(ResolveError::Unknown { host: host.to_owned(), reason });
    }
    let admitted: Vec<SocketAddr> =
        found.into_iter().filter(|address| family.admits(address.ip())).collect();
    if admitted.is_empty() {
        let network = format!("{scheme}{}", family.suffix());
        return Err(ResolveError::OtherFamily { network, host: host.to_owned() });
    }
    Ok(admitted)
}

/// Why a host has no address to be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResolveError {
    /// Nobody knows the name.
    Unknown {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The host has addresses, and all are of the family that was ruled out.
    OtherFamily {
        /// The network that was asked for: `tcp4`.
        network: String,
        /// The name or the literal.
        host: String,
    },
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResolveError::Unknown { host, reason } => {
                let (host, reason) = (Escaped(host.as_bytes()), Escaped(reason.as_bytes()));
                write!(f, "the host {host} is unknown: {reason}")
            }
            ResolveError::OtherFamily { network, host } => {
                write!(f, "{network} cannot use {}", Escaped(host.as_bytes()))
            }
        }
    }
}

impl std::error::Error for ResolveError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_of_the_other_family_is_refused_by_name() {
        let error = resolve("tcp", Family::V4, "::1", 80).unwrap_err();
        assert_eq!(error.to_string(), "tcp4 cannot use ::1");
        let error = resolve("udp", Family::V6, "127.0.0.1", 80).unwrap_err();
        assert_eq!(error.to_string(), "udp6 cannot use 127.0.0.1");
    }

    #[test]
    fn a_literal_is_taken_as_it_is() {
        let one = resolve("tcp", Family::Any, "::1", 80).unwrap();
        assert_eq!(one, ["[::1]:80".parse::<SocketAddr>().unwrap()]);
    }

    #[test]
    fn a_name_is_filtered_by_family() {
        let v4 = resolve("tcp", Family::V4, "localhost", 80).unwrap();
        assert!(v4.iter().all(SocketAddr::is_ipv4));
        assert!(!v4.is_empty());
    }

    #[test]
    fn an_unknown_host_is_named_in_one_line() {
        // RFC 6761 section 6.4: names under "invalid" do not exist.
        let error =
            resolve("tcp", Family::Any, "no\u{1b}such.invalid", 80).unwrap_err().to_string();
        assert!(error.starts_with("the host no\\u{1b}such.invalid is unknown: "), "{error}");
        assert!(!error.contains('\n') && !error.contains('\u{1b}'));
    }
}

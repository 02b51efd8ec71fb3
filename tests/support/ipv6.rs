//! In a container there may be no IPv6, and what needs it is left out there.

use std::net::TcpListener;

/// Whether this machine has IPv6.
pub(crate) fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

//! The number of descriptors the process may open (getrlimit(2), `RLIMIT_NOFILE`).
//!
//! Every connection is a descriptor. The soft limit is often 1,024 for the sake of programs that
//! use select(2), whose sets end there; epoll has no such end, so a server may take all of the
//! hard limit. The caller prints both and derives how many connections it accepts.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What [`raise_descriptor_limit`] found and did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DescriptorLimit {
    /// The soft limit that is in force: descriptors that may be open at once.
    pub soft: u64,
    /// The hard limit, up to which a process may raise its own soft limit.
    pub hard: u64,
    /// The soft limit that was found.
    pub before: u64,
}

/// Raises the soft limit of open descriptors to the hard one. Asks for no privilege: a process may
/// always do that. Where the system refuses all the same (some cap "unlimited"), the soft limit
/// stays as it was, which is not an error.
pub fn raise_descriptor_limit() -> io::Result<DescriptorLimit> {
    let (before, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let soft = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => before,
    };
    Ok(DescriptorLimit { soft, hard, before })
}

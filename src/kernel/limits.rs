//! The number of descriptors the process may open (getrlimit(2), `RLIMIT_NOFILE`).
//!
//! Every connection is a descriptor. The soft limit is often 1,024 for the sake of programs that
//! use select(2), whose sets end there; epoll has no such end, so a server may take all of the
//! hard limit. The caller prints both and derives how many connections it accepts,
//! from the limit and from what is open already.

use std::fs;
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

/// How many descriptors below `limit` are open. The limit is one of their numbers: those above it, of
/// a process whose limit was lowered, take nobody's place.
///
/// # Errors
/// Where the system does not say (proc_pid_fd(5)).
pub fn open_descriptors(limit: u64) -> io::Result<u64> {
    let names = fs::read_dir("/dev/fd")?.map_while(Result::ok).map(|entry| entry.file_name());
    let numbers = names.filter_map(|name| name.to_str()?.parse().ok());
    let open = numbers.filter(|number: &u64| *number < limit).count() as u64;
    // One of them is the one that reads this.
    Ok(open.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_more_is_counted_as_one_more() {
        // Tests run side by side, and each has descriptors of its own.
        let is_counted = || {
            let before = open_descriptors(u64::MAX).unwrap();
            let files: Vec<_> = (0..50).map(|_| fs::File::open("/").unwrap()).collect();
            let after = open_descriptors(u64::MAX).unwrap();
            drop(files);
            (before + 25..before + 75).contains(&after)
        };
        assert!((0..100).any(|_| is_counted()));
        assert!(open_descriptors(3).unwrap() <= 3);
    }
}

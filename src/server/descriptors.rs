//! How many connections there can be.

use std::num::NonZeroUsize;

use crate::config::Config;

/// Descriptors that are not for clients, besides those that are open when the server starts: to look
/// at files with, and for what services dial.
const SPARE_DESCRIPTORS: u64 = 16;

/// Descriptors that are taken to be open, besides the listeners, where the system does not say: the
/// standard streams, epoll, the signals' pipe, the reserve.
const USUAL_DESCRIPTORS: u64 = 8;

/// How many connections there can be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptors {
    /// How many descriptors the process may have.
    pub limit: u64,
    /// How many connections that is enough for.
    pub possible: usize,
    /// How many connections are served at a time. Where more were asked for than are possible, others
    /// are turned away when the descriptors are used up.
    pub max_connections: usize,
    /// How many of one IP address, where that is limited.
    pub max_per_ip: Option<NonZeroUsize>,
}

impl Descriptors {
    /// What is left of `limit` when `open` are open: everything that a server needs. All of it counts,
    /// whoever opened it: a shell or a supervisor may have left us some of theirs.
    pub(super) fn with_open(limit: u64, open: Option<u64>, config: &Config) -> Descriptors {
        let open = open.unwrap_or(USUAL_DESCRIPTORS + config.listeners().len() as u64);
        let possible = limit.saturating_sub(open.saturating_add(SPARE_DESCRIPTORS));
        let possible = usize::try_from(possible).unwrap_or(usize::MAX).max(1);
        let max_connections = config.max_connections.map_or(possible, NonZeroUsize::get);
        Descriptors { limit, possible, max_connections, max_per_ip: config.max_per_ip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_least_one_connection_is_possible_however_much_is_said_to_be_open() {
        let config = Config::default();
        let possible = |open| Descriptors::with_open(1024, Some(open), &config).possible;
        assert_eq!(possible(100), 1024 - 100 - 16);
        assert_eq!(possible(1_000_000), 1);
        assert_eq!(possible(u64::MAX), 1);
    }
}

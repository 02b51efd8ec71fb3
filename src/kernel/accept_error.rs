//! What accept(2) says when there is no connection to return.
//!
//! | error | what it is about | what is to be done |
//! |---|---|---|
//! | `EAGAIN` | nobody waits | wait for an event |
//! | `EINTR` | a signal | ask again |
//! | `ECONNABORTED`, `EPROTO`, `ENETDOWN`, `EHOSTUNREACH` and their kin | the connection whose turn it was, which is gone | take the next one |
//! | `EMFILE`, `ENFILE` | no descriptor, in the process or the system | turn away who waits |
//! | `ENOBUFS`, `ENOMEM`, `EPERM` and whatever else | the system, for now | rest, and try again |
//!
//! None of them is a reason to stop listening. The third row is what Linux passes on of errors that
//! were pending on the new socket, which the man page asks to be treated "like `EAGAIN` by retrying".
//! `EPERM` is not among them: a security module that forbids to accept leaves the connection where
//! it is, so whoever tried again at once would do nothing else.

use std::io;

use nix::libc;

/// What an error of [`Kernel::accept`](super::Kernel::accept) means for the listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AcceptError {
    /// Nobody waits; an event tells when somebody does.
    Empty,
    /// The call was interrupted and says nothing.
    Interrupted,
    /// The connection whose turn it was is gone; there may be others behind it.
    Aborted,
    /// There is no descriptor for a connection.
    NoDescriptor,
    /// It does not work now, and who waits goes on waiting.
    Failed,
}

impl AcceptError {
    /// Which one it is.
    pub fn of(error: &io::Error) -> AcceptError {
        match error.kind() {
            io::ErrorKind::WouldBlock => return AcceptError::Empty,
            io::ErrorKind::Interrupted => return AcceptError::Interrupted,
            io::ErrorKind::ConnectionAborted => return AcceptError::Aborted,
            _ => {}
        }
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => AcceptError::NoDescriptor,
            Some(number) if OF_THE_CONNECTION.contains(&number) => AcceptError::Aborted,
            _ => AcceptError::Failed,
        }
    }
}

/// Errors that were pending on the new socket (accept(2), "Error handling").
const OF_THE_CONNECTION: &[i32] = &[
    libc::ECONNRESET,
    libc::EHOSTDOWN,
    libc::EHOSTUNREACH,
    libc::ENETDOWN,
    libc::ENETUNREACH,
    #[cfg(target_os = "linux")]
    libc::ENONET,
    libc::ENOPROTOOPT,
    libc::EOPNOTSUPP,
    libc::EPROTO,
    libc::ETIMEDOUT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_that_the_man_page_names_is_judged() {
        let judged = |number| AcceptError::of(&io::Error::from_raw_os_error(number));
        assert_eq!(judged(libc::EAGAIN), AcceptError::Empty);
        assert_eq!(judged(libc::EINTR), AcceptError::Interrupted);
        for number in [libc::ECONNABORTED, libc::EPROTO, libc::ENETDOWN, libc::ENOPROTOOPT] {
            assert_eq!(judged(number), AcceptError::Aborted, "{number}");
        }
        for number in [libc::EHOSTDOWN, libc::EHOSTUNREACH, libc::EOPNOTSUPP, libc::ENETUNREACH] {
            assert_eq!(judged(number), AcceptError::Aborted, "{number}");
        }
        assert_eq!(judged(libc::EMFILE), AcceptError::NoDescriptor);
        assert_eq!(judged(libc::ENFILE), AcceptError::NoDescriptor);
        for number in [libc::ENOBUFS, libc::ENOMEM, libc::EPERM, libc::EINVAL] {
            assert_eq!(judged(number), AcceptError::Failed, "{number}");
        }
        assert_eq!(AcceptError::of(&io::ErrorKind::WouldBlock.into()), AcceptError::Empty);
    }
}

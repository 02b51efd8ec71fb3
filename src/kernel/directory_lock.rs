//! A lock that servers hold while they make a socket in a directory.
//!
//! [`bind`](super::bind) holds it from bind(2) to listen(2), because in between nobody can tell a
//! socket from a stale one. It is a lock on the directory itself (flock(2)): it leaves no file
//! behind and ends with the process.
//!
//! It is advisory, so a server does not fail for want of it: a directory that cannot be opened, or
//! that somebody else keeps locked for a second, is used without.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc;
use nix::poll::poll;

use crate::address::UnixName;

/// How often a lock that somebody else holds is tried, and how long is waited in between.
const ATTEMPTS: u32 = 100;
const PAUSE_MS: u8 = 10;

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _directory: Option<File>,
}

impl DirectoryLock {
    /// Locks the directory of a path; an abstract name has none.
    pub(super) fn of(name: &UnixName) -> DirectoryLock {
        let directory = match name {
            UnixName::Path(path) => open_directory(path).filter(is_locked_in_time),
            UnixName::Abstract(_) => None,
        };
        DirectoryLock { _directory: directory }
    }
}

/// Opens the directory that `path` is in.
fn open_directory(path: &Path) -> Option<File> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Without the flag, a FIFO there would make us wait for somebody who writes to it.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_DIRECTORY);
    options.open(parent.unwrap_or(Path::new("."))).ok()
}

fn is_locked_in_time(directory: &File) -> bool {
    for _ in 0..ATTEMPTS {
        match directory.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => {
                // A poll of nothing is a pause (poll(2)).
                let _ = poll(&mut [], PAUSE_MS);
            }
            Err(TryLockError::Error(_)) => break,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_lock_excludes_another_for_a_while() {
        let directory = tempfile::tempdir().unwrap();
        let name = UnixName::Path(directory.path().join("socket"));
        let held = DirectoryLock::of(&name);
        assert!(held._directory.is_some());
        let start = Instant::now();
        assert!(DirectoryLock::of(&name)._directory.is_none());
        let longest = Duration::from_millis(u64::from(PAUSE_MS)) * ATTEMPTS;
        assert!(start.elapsed() >= longest);
        drop(held);
        assert!(DirectoryLock::of(&name)._directory.is_some());
    }
}

//! Names of UNIX sockets: making them, replacing stale ones, and unlinking them.
//!
//! [`bind`](super::bind) calls [`claim`] to give a socket its name. A path outlives the process
//! that made it, so a server that was killed leaves a *stale* socket behind, which stands in the
//! way of its successor: bind(2) says `EADDRINUSE` for anything that exists. What must hold:
//!
//! - A stale socket is replaced. Everything else (a file, a directory, a symbolic link, a socket
//!   somebody still answers on) is left alone.
//! - What we made is unlinked when we are done, and only if it is still what we made.
//! - A mode that was asked for is never looser than that, not even for a moment.
//!
//! Whether anybody answers is asked by connect(2) with a socket of the same type: `ECONNREFUSED`
//! is stale. Who has bound a path and does not listen yet looks the same, and there is no atomic
//! "unlink if it is this inode" (whose number the next socket may get). So servers that start at
//! the same moment exclude each other from bind(2) to listen(2) by a
//! [`DirectoryLock`](super::directory_lock). Other programs know nothing of it; against those, the
//! inode is compared right before the unlink, and after listen(2) the path must still be our own.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use socket2::{Domain, SockAddr, Socket, Type};

use super::bind_error::{BindError, Occupant};
use crate::address::{UnixAddress, UnixName};

/// What [`claim`] did.
#[derive(Debug)]
pub(super) struct Claim {
    /// Unlinks the path when dropped; an abstract name needs no unlinking.
    pub(super) guard: Option<PathGuard>,
    /// A stale socket was in the way and was removed.
    pub(super) replaced_stale: bool,
}

/// Binds `socket`, which is of type `kind` and does not listen yet, to its name.
pub(super) fn claim(
    socket: &Socket,
    kind: Type,
    address: &UnixAddress,
) -> Result<Claim, BindError> {
    let name = &address.name;
    let sockaddr = sockaddr(name)?;
    match name {
        UnixName::Abstract(_) => match socket.bind(&sockaddr) {
            Ok(()) => Ok(Claim { guard: None, replaced_stale: false }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(BindError::NameInUse { name: name.clone() })
            }
            Err(error) => Err(BindError::System { address: name.to_string(), error }),
        },
        UnixName::Path(path) => {
            let replaced_stale = bind_path(socket, kind, path, &sockaddr, address.mode)?;
            let guard = PathGuard::new(path).map_err(|error| BindError::path(path, error))?;
            if let Some(mode) = address.mode {
                // bind(2) has taken the umask away from the mode; this gives it back. Nobody can
                // connect yet, and a datagram socket was not open any wider than this either.
                fs::set_permissions(path, fs::Permissions::from_mode(mode & MODE_BITS))
                    .map_err(|error| BindError::path(path, error))?;
            }
            Ok(Claim { guard: Some(guard), replaced_stale })
        }
    }
}

/// The permissions chmod(2) knows.
const MODE_BITS: u32 = 0o7777;

/// How often a path that keeps changing under our hands is tried.
const ATTEMPTS: usize = 4;

/// Binds to a path, replacing what is stale, and says whether anything was.
fn bind_path(
    socket: &Socket,
    kind: Type,
    path: &Path,
    sockaddr: &SockAddr,
    mode: Option<u32>,
) -> Result<bool, BindError> {
    if let Some(mode) = mode {
        tighten(socket, mode).map_err(|error| BindError::path(path, error))?;
    }
    let mut replaced_stale = false;
    for _ in 0..ATTEMPTS {
        match socket.bind(sockaddr) {
            Ok(()) => return Ok(replaced_stale),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(BindError::path(path, error)),
        }
        let found = match fs::symlink_metadata(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(BindError::path(path, error)),
        };
        if let Some(occupant) = occupant(&found) {
            return Err(BindError::PathOccupied { path: path.to_owned(), occupant });
        }
        match probe(kind, sockaddr).map_err(|error| BindError::path(path, error))? {
            Liveness::Live => break,
            Liveness::Gone => {}
            Liveness::Stale => {
                if FileId::of(path).is_ok_and(|id| id == FileId::from(&found)) {
                    fs::remove_file(path).map_err(|error| BindError::path(path, error))?;
                    replaced_stale = true;
                }
            }
        }
    }
    Err(BindError::NameInUse { name: UnixName::Path(path.to_owned()) })
}

/// Takes away from the socket itself what its path must not allow. Linux makes the path with the
/// mode of the socket's inode, less the umask, so the path is never looser than `mode`. (Changing
/// the umask instead would change it for everything else in the process.)
#[cfg(target_os = "linux")]
fn tighten(socket: &Socket, mode: u32) -> io::Result<()> {
    use nix::sys::stat::{Mode, fchmod};
    Ok(fchmod(socket, Mode::from_bits_truncate(mode & MODE_BITS))?)
}

/// Elsewhere the mode of an unbound socket means nothing; the chmod after the bind has to do.
#[cfg(not(target_os = "linux"))]
fn tighten(_socket: &Socket, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// What is in the way, if it is not a socket.
fn occupant(found: &Metadata) -> Option<Occupant> {
    let kind = found.file_type();
    if kind.is_socket() {
        None
    } else if kind.is_file() {
        Some(Occupant::File)
    } else if kind.is_dir() {
        Some(Occupant::Directory)
    } else if kind.is_symlink() {
        Some(Occupant::Symlink)
    } else {
        Some(Occupant::Other)
    }
}

/// Whether anybody answers on a socket.
enum Liveness {
    Live,
    Stale,
    Gone,
}

/// Asks a socket whether anybody answers on it. The one who does sees a connection that is closed
/// at once, and a datagram socket sees nothing.
fn probe(kind: Type, sockaddr: &SockAddr) -> io::Result<Liveness> {
    let probe = Socket::new(Domain::UNIX, kind, None)?;
    // A listener whose backlog is full would make us wait for it to accept.
    probe.set_nonblocking(true)?;
    match probe.connect(sockaddr) {
        Ok(()) => Ok(Liveness::Live),
        Err(error) => match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => Ok(Liveness::Stale),
            Some(libc::ENOENT) => Ok(Liveness::Gone),
            // EAGAIN: its backlog is full. EPROTOTYPE: a live socket of another type. EPERM: a
            // datagram socket that is connected to somebody else.
            Some(libc::EAGAIN | libc::EPROTOTYPE | libc::EPERM) => Ok(Liveness::Live),
            // EACCES above all: who may not write to a socket cannot know.
            _ => Err(error),
        },
    }
}

/// A path that we made, unlinked on drop if it is still what we made.
///
/// It must be dropped *before* the socket is closed: a bound socket holds on to its inode, so no
/// other file can have the same number as long as the socket lives.
#[derive(Debug)]
pub(super) struct PathGuard {
    path: PathBuf,
    id: FileId,
}

impl PathGuard {
    /// Takes charge of the socket that was made at `path` a moment ago.
    pub(super) fn new(path: &Path) -> io::Result<PathGuard> {
        Ok(PathGuard { path: path.to_owned(), id: FileId::of(path)? })
    }

    /// Whether the path still leads to what we made.
    pub(super) fn is_ours(&self) -> bool {
        FileId::of(&self.path).is_ok_and(|id| id == self.id)
    }
}

impl Drop for PathGuard {
    fn drop(&mut self) {
        if self.is_ours() {
            // What cannot be unlinked stays behind as a stale socket, and is replaced next time.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What makes a file the same file: the device and the inode number (inode(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file at `path` itself, not what it links to.
    fn of(path: &Path) -> io::Result<FileId> {
        Ok(FileId::from(&fs::symlink_metadata(path)?))
    }
}

impl From<&Metadata> for FileId {
    fn from(metadata: &Metadata) -> FileId {
        FileId { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The address of a name, checked: what bind(2) would take for "choose a name for me" (unix(7),
/// autobind) or cut at a NUL is refused.
pub(super) fn sockaddr(name: &UnixName) -> Result<SockAddr, BindError> {
    let invalid = |reason| BindError::InvalidName { name: name.clone(), reason };
    match name {
        UnixName::Path(path) => {
            let bytes = path.as_os_str().as_bytes();
            if bytes.is_empty() {
                Err(invalid("is empty"))
            } else if bytes.contains(&0) {
                Err(invalid("has a NUL in it"))
            } else {
                SockAddr::unix(path).map_err(|_| invalid("is longer than 107 bytes"))
            }
        }
        UnixName::Abstract(_) if cfg!(not(target_os = "linux")) => {
            Err(invalid("is abstract, which only Linux knows"))
        }
        UnixName::Abstract(name) => {
            let bytes = [&[0], name.as_slice()].concat();
            SockAddr::unix(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
                .map_err(|_| invalid("is longer than 107 bytes"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_path_is_never_looser_than_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let socket = Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap();
        let name = UnixName::Path(path.clone());
        bind_path(&socket, Type::DGRAM, &path, &sockaddr(&name).unwrap(), Some(0o600)).unwrap();
        // This is the path between bind and chmod.
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o177, 0, "{mode:o}");
    }

    #[test]
    fn names_that_mean_something_else_to_the_system_are_refused() {
        let refused = |name: UnixName| sockaddr(&name).unwrap_err().to_string();
        let path = |text: &str| UnixName::Path(PathBuf::from(text));
        assert!(refused(path("")).ends_with("it is empty"));
        assert_eq!(refused(path("a\0b")), "a\\u{0}b is no name for a socket: it has a NUL in it");
        assert!(sockaddr(&path(&"x".repeat(107))).is_ok());
        assert!(refused(path(&"x".repeat(108))).ends_with("it is longer than 107 bytes"));
        assert!(sockaddr(&UnixName::Abstract(vec![b'x'; 107])).is_ok());
        let long = UnixName::Abstract(vec![b'x'; 108]);
        assert!(refused(long).ends_with("it is longer than 107 bytes"));
    }

    #[test]
    fn only_our_own_inode_is_unlinked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        fs::write(&path, "ours").unwrap();
        let guard = PathGuard::new(&path).unwrap();
        fs::rename(&path, directory.path().join("elsewhere")).unwrap();
        fs::write(&path, "somebody else's").unwrap();
        assert!(!guard.is_ours());
        drop(guard);
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
        drop(PathGuard::new(&path).unwrap());
        assert!(!path.exists());
    }
}

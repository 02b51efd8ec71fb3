//! UNIX datagram sockets.
//!
//! Datagrams over a UNIX socket are not lost on the way, but they can find no room: the queue of a
//! receiver is short (`net.unix.max_dgram_qlen`, often 10). A send then fails with `EAGAIN`, and
//! no event ever tells that there is room again, since it is somebody else's queue (unix(7)).
//! Waiting would let one client that does not read stall all others. So it is reported as
//! `ENOBUFS`, "dropped", and never as `WouldBlock`.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd;

use mio::event::Source;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{self, MsgFlags, SockaddrLike, UnixAddr};

use super::packet::NO_SIGNAL;
use super::unix_path::PathGuard;
use crate::address::{PeerAddr, UnixName};

/// A bound datagram socket and its path.
#[derive(Debug)]
pub(super) struct UnixDatagram {
    // Fields are dropped in order, and the guard has to go first: see `PathGuard`.
    _path: Option<PathGuard>,
    socket: mio::net::UnixDatagram,
}

impl UnixDatagram {
    pub(super) fn new(
        socket: std::os::unix::net::UnixDatagram,
        path: Option<PathGuard>,
    ) -> UnixDatagram {
        UnixDatagram { _path: path, socket: mio::net::UnixDatagram::from_std(socket) }
    }

    pub(super) fn receive_from(&mut self, buffer: &mut [u8]) -> io::Result<(usize, PeerAddr)> {
        let fd = self.socket.as_raw_fd();
        self.socket.try_io(|| {
            let mut parts = [IoSliceMut::new(buffer)];
            // No room for control messages: descriptors that are passed to us are dropped.
            let datagram = socket::recvmsg::<UnixAddr>(fd, &mut parts, None, MsgFlags::empty())?;
            if datagram.flags.contains(MsgFlags::MSG_TRUNC) {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            let sender = datagram.address.as_ref().and_then(name_of);
            Ok((datagram.bytes, PeerAddr::Unix(sender)))
        })
    }

    pub(super) fn send_to(&mut self, payload: &[u8], to: Option<&UnixName>) -> io::Result<()> {
        let to = match to {
            Some(UnixName::Path(path)) => UnixAddr::new(path)?,
            #[cfg(target_os = "linux")]
            Some(UnixName::Abstract(name)) => UnixAddr::new_abstract(name)?,
            _ => return Err(Errno::EDESTADDRREQ.into()),
        };
        let fd = self.socket.as_raw_fd();
        match socket::sendto(fd, payload, &to, NO_SIGNAL) {
            Ok(_) => Ok(()),
            Err(Errno::EAGAIN) => Err(Errno::ENOBUFS.into()),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn source(&mut self) -> &mut dyn Source {
        &mut self.socket
    }
}

/// Who sent a datagram, if it can be answered.
///
/// The length of the address is looked at first. It is 0 for a sender without a name; and for a
/// path that fills `sun_path` to the last byte Linux adds a NUL that is outside the structure
/// (unix(7), BUGS). Such a path cannot be sent to, either.
fn name_of(address: &UnixAddr) -> Option<UnixName> {
    let length = usize::try_from(address.len()).ok()?;
    let family = size_of::<libc::sa_family_t>();
    if length <= family || length > size_of::<libc::sockaddr_un>() {
        return None;
    }
    #[cfg(target_os = "linux")]
    if let Some(name) = address.as_abstract() {
        return Some(UnixName::Abstract(name.to_vec()));
    }
    address.path().map(|path| UnixName::Path(path.to_owned()))
}

//! Connections that keep packet boundaries: UNIX sockets of type SOCK_SEQPACKET (unix(7)).
//!
//! recv(2) says 0 for an empty packet, and 0 for the end of the connection as well. They are told
//! apart exactly by what comes with them: a socket with `SO_PASSCRED` gets an `SCM_CREDENTIALS`
//! control message with every packet, an empty one too, and with the end, which is no packet, it
//! gets none.
//!
//! ```text
//!   recvmsg(2) says    bytes  control message
//!   a packet           5      pid, uid, gid
//!   an empty packet    0      pid, uid, gid
//!   the end            0      –
//! ```
//!
//! Systems without `SO_PASSCRED` take an empty packet for the end.

use std::io::{self, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::AsRawFd;

use mio::event::Source;
use nix::sys::socket::{self, MsgFlags};
use socket2::Socket;

use super::Read;

/// Asks for credentials with every packet of the connections that `listener` will accept: they
/// inherit it, and even packets that were sent before the accept carry them.
#[cfg(target_os = "linux")]
pub(super) fn mark_packets(listener: &Socket) -> io::Result<()> {
    Ok(socket::setsockopt(listener, socket::sockopt::PassCred, &true)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn mark_packets(_listener: &Socket) -> io::Result<()> {
    Ok(())
}

/// One packet connection.
///
/// mio's `UnixStream` is a descriptor that can be watched, received from and shut down, and none
/// of that asks for the type of the socket, so it serves for packets as well. Only its methods
/// that read and write bytes are not used.
#[derive(Debug)]
pub struct PacketStream(mio::net::UnixStream);

impl PacketStream {
    /// Takes a connection that a listener prepared by [`mark_packets`] accepted.
    pub(super) fn new(connection: mio::net::UnixStream) -> PacketStream {
        PacketStream(connection)
    }

    /// Receives one packet.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        credentials: &mut CredentialsBuffer,
    ) -> io::Result<Read> {
        let fd = self.0.as_raw_fd();
        self.0.try_io(|| {
            let mut parts = [IoSliceMut::new(buffer)];
            let control = Some(credentials.0.as_mut_slice());
            let packet = socket::recvmsg::<()>(fd, &mut parts, control, MsgFlags::empty())?;
            Ok(if packet.flags.contains(MsgFlags::MSG_TRUNC) {
                Read::Oversize
            } else if packet.bytes > 0 || carries_control(&packet) {
                Read::Data(packet.bytes)
            } else {
                Read::End
            })
        })
    }

    /// Sends one packet, whole or not at all; an empty one, too.
    pub(super) fn send(&mut self, packet: &[u8]) -> io::Result<usize> {
        let fd = self.0.as_raw_fd();
        self.0.try_io(|| Ok(socket::send(fd, packet, NO_SIGNAL)?))
    }

    pub(super) fn shutdown_write(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }

    pub(super) fn source(&mut self) -> &mut dyn Source {
        &mut self.0
    }
}

/// A peer that is gone is `EPIPE`, not a SIGPIPE.
#[cfg(not(target_vendor = "apple"))]
pub(super) const NO_SIGNAL: MsgFlags = MsgFlags::MSG_NOSIGNAL;
#[cfg(target_vendor = "apple")]
pub(super) const NO_SIGNAL: MsgFlags = MsgFlags::empty();

/// Whether any control message came along. Too many for the buffer (`MSG_CTRUNC`) is also some.
fn carries_control<S>(packet: &socket::RecvMsg<'_, '_, S>) -> bool {
    match packet.cmsgs() {
        Ok(mut messages) => messages.next().is_some(),
        Err(_) => true,
    }
}

/// Room for one control message with credentials, and not for a byte more.
///
/// The size is what protects us: a peer may also pass descriptors (`SCM_RIGHTS`), which the system
/// would open in our process, and nobody would close them. Credentials are written first and fill
/// the buffer, so descriptors find no room and are dropped (cmsg(3), `MSG_CTRUNC`).
///
/// On the heap because control messages need the alignment of a `cmsghdr`, which the allocator
/// gives to everything and an array of bytes on the stack does not have.
#[derive(Debug)]
pub(super) struct CredentialsBuffer(Vec<u8>);

impl CredentialsBuffer {
    pub(super) fn new() -> CredentialsBuffer {
        #[cfg(target_os = "linux")]
        let bytes = nix::cmsg_space!(nix::libc::ucred);
        #[cfg(not(target_os = "linux"))]
        let bytes = Vec::new();
        CredentialsBuffer(bytes)
    }
}

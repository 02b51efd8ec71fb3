//! One connection: bytes over TCP or a UNIX socket, or packets.
//!
//! The reactor owns one of these in each of its sources and reads and writes through
//! [`Kernel`](super::Kernel). It is as small as a descriptor and a tag, because there are many.

use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;

use mio::event::Source;
use mio::{Registry, Token};
use nix::libc;
use nix::sys::socket::{self, MsgFlags};

use super::packet::{CredentialsBuffer, PacketStream};
use super::standard::StandardStream;
use super::{Interest, Read, StreamKind};

/// One connection. Dropping it closes it, which also ends its registration (epoll(7)).
#[derive(Debug)]
pub enum MioStream {
    /// Bytes over TCP.
    Tcp(mio::net::TcpStream),
    /// Bytes over a UNIX socket.
    Unix(mio::net::UnixStream),
    /// Packets over a UNIX socket.
    Packet(PacketStream),
    /// Datagrams to and from one server.
    Udp(mio::net::UdpSocket),
    /// The same over a UNIX socket.
    UnixDatagram(mio::net::UnixDatagram),
    /// A standard stream of the process.
    Standard(StandardStream),
}

// In debug builds mio adds to each socket which poll it belongs to.
#[cfg(not(debug_assertions))]
const _: () = assert!(size_of::<MioStream>() == 8);

impl From<StandardStream> for MioStream {
    fn from(stream: StandardStream) -> MioStream {
        MioStream::Standard(stream)
    }
}

impl MioStream {
    pub(super) fn kind(&self) -> StreamKind {
        match self {
            MioStream::Tcp(_) => StreamKind::Tcp,
            MioStream::Unix(_) | MioStream::Standard(_) => StreamKind::Unix,
            MioStream::Packet(_) | MioStream::Udp(_) | MioStream::UnixDatagram(_) => {
                StreamKind::Packet
            }
        }
    }

    /// Reads what has arrived. `buffer` is never empty: reading no bytes is how a stream ends.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        credentials: &mut CredentialsBuffer,
    ) -> io::Result<Read> {
        debug_assert!(!buffer.is_empty(), "a read into nothing looks like the end");
        let length = match self {
            MioStream::Tcp(stream) => stream.read(buffer)?,
            MioStream::Unix(stream) => return read_unix(stream, buffer),
            MioStream::Packet(stream) => return stream.receive(buffer, credentials),
            // The buffer is longer than any datagram, and an empty one is no end.
            MioStream::Udp(socket) => return socket.recv(buffer).map(Read::Data),
            MioStream::UnixDatagram(socket) => return socket.recv(buffer).map(Read::Data),
            MioStream::Standard(stream) => return stream.read(buffer),
        };
        Ok(if length == 0 { Read::End } else { Read::Data(length) })
    }

    /// Writes what there is room for. The standard library sends with `MSG_NOSIGNAL`, so a peer
    /// that is gone is an error and not a SIGPIPE.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            MioStream::Tcp(stream) => stream.write(bytes),
            MioStream::Unix(stream) => stream.write(bytes),
            MioStream::Packet(stream) => stream.send(bytes).map_err(name_oversize),
            MioStream::Udp(socket) => socket.send(bytes).map_err(name_oversize),
            MioStream::UnixDatagram(socket) => socket.send(bytes).map_err(name_oversize),
            MioStream::Standard(stream) => stream.write(bytes),
        }
    }

    pub(super) fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            MioStream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            MioStream::Unix(stream) => stream.shutdown(Shutdown::Write),
            MioStream::Packet(stream) => stream.shutdown_write(),
            // There is nothing to end, and nothing to wait for behind it.
            MioStream::Udp(_) | MioStream::UnixDatagram(_) | MioStream::Standard(_) => {
                Err(io::ErrorKind::NotConnected.into())
            }
        }
    }

    /// What to ask mio for.
    ///
    /// On a byte stream a read also stops in front of urgent data (tcp(7); unix(7) since Linux
    /// 5.15), and a short read then does not mean that the socket is empty. `EPOLLPRI` tells; it
    /// causes no event of its own as long as nobody sends urgent data.
    pub(super) fn interest(&self, interest: Interest) -> mio::Interest {
        let interest = mio_interest(interest);
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            MioStream::Tcp(_) | MioStream::Unix(_) => interest.add(mio::Interest::PRIORITY),
            _ => interest,
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            MioStream::Tcp(stream) => stream,
            MioStream::Unix(stream) => stream,
            MioStream::Packet(stream) => stream.source(),
            MioStream::Udp(socket) => socket,
            MioStream::UnixDatagram(socket) => socket,
            MioStream::Standard(stream) => stream,
        }
    }
}

/// Reads from a UNIX stream, and says whether the read stopped short.
///
/// A read ends behind bytes that descriptors came with (`SCM_RIGHTS`, unix(7)), whatever else has
/// arrived. We make no room for descriptors, so the system drops them and tells by `MSG_CTRUNC`.
fn read_unix(stream: &mio::net::UnixStream, buffer: &mut [u8]) -> io::Result<Read> {
    let fd = stream.as_raw_fd();
    stream.try_io(|| {
        let mut parts = [IoSliceMut::new(buffer)];
        let message = socket::recvmsg::<()>(fd, &mut parts, None, MsgFlags::empty())?;
        Ok(match message.bytes {
            0 => Read::End,
            length if message.flags.contains(MsgFlags::MSG_CTRUNC) => Read::Part(length),
            length => Read::Data(length),
        })
    })
}

/// Our words in mio's.
pub(super) fn mio_interest(interest: Interest) -> mio::Interest {
    match interest {
        Interest::Readable => mio::Interest::READABLE,
        Interest::ReadableAndWritable => mio::Interest::READABLE.add(mio::Interest::WRITABLE),
    }
}

impl Source for MioStream {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: mio::Interest,
    ) -> io::Result<()> {
        self.source().register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: mio::Interest,
    ) -> io::Result<()> {
        self.source().reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}

/// A packet that is longer than its socket takes. The standard library has no word for it but this.
fn name_oversize(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EMSGSIZE) => io::ErrorKind::FileTooLarge.into(),
        _ => error,
    }
}

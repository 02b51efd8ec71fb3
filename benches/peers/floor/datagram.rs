//! The loop for datagrams.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use socket2::Socket;

use super::READ_BUFFER_BYTES;

/// Echoes each datagram, until the loop itself fails. All clients share the one socket, so that
/// there is as much to read as there are clients: it is read until nothing is left, which asks the
/// kernel once too often but saves an epoll_wait(2) for all but the first.
pub(crate) fn serve_datagrams(socket: Socket) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
    let socket = UdpSocket::from(socket);
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    let mut events = [EpollEvent::empty()];
    loop {
        match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((count, from)) => {
                    // One that finds no room is lost, as datagrams are.
                    let _ = socket.send_to(&buffer[..count], from);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}

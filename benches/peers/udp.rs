//! UDP as users of tokio write it.

use std::io;

use tokio::net::UdpSocket;

use crate::door::Door;
use crate::runtime::{Flavour, block_on};

/// No datagram is longer (RFC 768: its length has 16 bits).
const LONGEST_DATAGRAM: usize = 65_535;

/// Echoes each datagram. One task serves the one socket, whichever runtime it is on.
pub(crate) fn serve(door: Door, flavour: Flavour) -> io::Result<()> {
    block_on(flavour, async {
        let socket = UdpSocket::from_std(door.socket.into())?;
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await?;
            // A peer that cannot be reached is not the end of the others.
            let _ = socket.send_to(&buffer[..length], from).await;
        }
    })
}

//! What a contender for datagrams has to get right.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::text::Text;
use super::{Outcome, Tally};

/// How many datagrams are under way at most. On loopback none is lost that finds room, and so many
/// do: the smallest buffer that Linux gives a socket holds them.
const WINDOW: usize = 16;

/// Datagrams longer than this go alone.
const LONG: usize = 2000;

/// The longest that IPv4 carries.
const LONGEST: usize = 65_507;

/// Exchanges datagrams of all lengths, the empty one too.
pub(super) fn check(address: SocketAddr, text: &mut Text, tally: &mut Tally) -> Outcome {
    let mut datagrams: Vec<Vec<u8>> =
        text.messages(1000).into_iter().map(String::into_bytes).collect();
    datagrams.extend(text.every_length().into_iter().map(String::into_bytes));
    datagrams.push(text.bytes(LONGEST));
    datagrams.retain(|datagram| datagram.len() <= LONGEST);
    let clients = [(); 2].map(|()| connect(address).map_err(|error| error.to_string()));
    for client in clients {
        let client = client?;
        for window in datagrams.chunks(WINDOW) {
            let is_long = window.iter().any(|datagram| datagram.len() > LONG);
            for together in window.chunks(if is_long { 1 } else { WINDOW }) {
                exchange(&client, together)?;
            }
        }
        tally.add(datagrams.len(), datagrams.iter().map(Vec::len).sum());
    }
    Ok(())
}

fn connect(address: SocketAddr) -> io::Result<UdpSocket> {
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.connect(address)?;
    client.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok(client)
}

/// Sends datagrams and receives them again, in the same order.
fn exchange(client: &UdpSocket, datagrams: &[Vec<u8>]) -> Outcome {
    for datagram in datagrams {
        client.send(datagram).map_err(|error| format!("cannot send: {error}"))?;
    }
    let mut buffer = [0; LONGEST + 1];
    for datagram in datagrams {
        let count = client.recv(&mut buffer).map_err(|error| format!("no answer: {error}"))?;
        if buffer[..count] != datagram[..] {
            let (sent, got) = (datagram.len(), count);
            return Err(format!("{got} bytes came back for {sent}, and not the same"));
        }
    }
    Ok(())
}

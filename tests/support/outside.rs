//! The world outside, simulated and real: peers that come, and one who is dialed. What is found in the one
//! is to be true of the other.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use readily::address::{
    ConnectAddress, Family, InetAddress, ListenAddress, PeerAddr, UnixAddress, UnixName,
};
use readily::kernel::sim::{Mailbox, Port, Received, Remote, Sim};
use readily::kernel::{BoundSocket, Kernel, LocalAddr, Mio, StreamKind};
use socket2::{Domain, SockAddr, Socket, Type};

/// What a server has to listen with.
pub(crate) struct Sockets<K: Kernel> {
    pub(crate) kernel: K,
    pub(crate) listeners: Vec<K::Listener>,
    pub(crate) datagram: K::Datagram,
}

/// Everybody but the server.
pub(crate) trait Outside: Sized {
    type Kernel: Kernel;
    type Peer;

    /// With listeners of these kinds, in this order.
    fn new(kinds: &[StreamKind]) -> (Sockets<Self::Kernel>, Self);
    /// Whom the server dials.
    fn address(&self) -> ConnectAddress;

    fn come(&mut self, kernel: &mut Self::Kernel, listener: usize) -> Self::Peer;
    /// Somebody whom the server has dialed.
    fn arrival(&mut self, kernel: &mut Self::Kernel) -> Option<Self::Peer>;
    /// Sends, and returns how much; `None` where nothing can be sent any more. Packets go whole.
    fn say(
        &mut self,
        kernel: &mut Self::Kernel,
        peer: &mut Self::Peer,
        bytes: &[u8],
    ) -> Option<usize>;
    fn hear(&mut self, kernel: &mut Self::Kernel, peer: &mut Self::Peer, most: usize) -> Received;
    fn finish(&mut self, kernel: &mut Self::Kernel, peer: &mut Self::Peer);
    fn reset(&mut self, kernel: &mut Self::Kernel, peer: Self::Peer);
    fn post(&mut self, kernel: &mut Self::Kernel, payload: &[u8]);
    fn answer(&mut self, kernel: &mut Self::Kernel) -> Option<Vec<u8>>;
    /// Everybody has looked at everything.
    fn look(&mut self, kernel: &mut Self::Kernel);
}

/// The simulated world, in calm weather: only what is planned goes wrong.
pub(crate) struct Simulated {
    ports: Vec<Port>,
    mailbox: Mailbox,
}

impl Outside for Simulated {
    type Kernel = Sim;
    type Peer = Remote;

    fn new(kinds: &[StreamKind]) -> (Sockets<Sim>, Simulated) {
        let mut sim = Sim::new(1);
        let (listeners, ports) = kinds.iter().map(|kind| sim.listen(*kind)).unzip();
        let (datagram, mailbox) = sim.datagram();
        let outside = Simulated { ports, mailbox };
        sim.open_server(outside.address());
        (Sockets { kernel: sim, listeners, datagram }, outside)
    }

    fn address(&self) -> ConnectAddress {
        ConnectAddress::Tcp { to: (Ipv4Addr::LOCALHOST, 7).into(), from: None }
    }

    fn come(&mut self, kernel: &mut Sim, listener: usize) -> Remote {
        kernel.dial(self.ports[listener])
    }

    fn arrival(&mut self, kernel: &mut Sim) -> Option<Remote> {
        kernel.next_arrival(&self.address())
    }

    fn say(&mut self, kernel: &mut Sim, peer: &mut Remote, bytes: &[u8]) -> Option<usize> {
        kernel.send(*peer, bytes)
    }

    fn hear(&mut self, kernel: &mut Sim, peer: &mut Remote, most: usize) -> Received {
        kernel.receive(*peer, most)
    }

    fn finish(&mut self, kernel: &mut Sim, peer: &mut Remote) {
        kernel.finish(*peer);
    }

    fn reset(&mut self, kernel: &mut Sim, peer: Remote) {
        kernel.reset(peer);
    }

    fn post(&mut self, kernel: &mut Sim, payload: &[u8]) {
        let remote = SocketAddr::from((Ipv4Addr::LOCALHOST, 5_000));
        kernel.post(self.mailbox, payload, PeerAddr::Inet { remote, local: None });
    }

    fn answer(&mut self, kernel: &mut Sim) -> Option<Vec<u8>> {
        kernel.next_answer(self.mailbox).map(|(payload, _)| payload)
    }

    fn look(&mut self, kernel: &mut Sim) {
        kernel.set_alarm(None);
    }
}

/// The real one.
pub(crate) struct Real {
    listeners: Vec<(StreamKind, SockAddr)>,
    upstream: TcpListener,
    datagrams: UdpSocket,
    _folder: tempfile::TempDir,
}

impl Outside for Real {
    type Kernel = Mio;
    type Peer = Socket;

    fn new(kinds: &[StreamKind]) -> (Sockets<Mio>, Real) {
        let folder = tempfile::tempdir().unwrap();
        let inet = || InetAddress { family: Family::V4, host: Some("127.0.0.1".into()), port: 0 };
        let (mut listeners, mut reached) = (Vec::new(), Vec::new());
        for (number, kind) in kinds.iter().enumerate() {
            let path = folder.path().join(number.to_string());
            let unix = UnixAddress { name: UnixName::Path(path), mode: None };
            let bound = Mio::listen(&match kind {
                StreamKind::Tcp => ListenAddress::Tcp(inet()),
                StreamKind::Unix => ListenAddress::Unix(unix),
                StreamKind::Packet => ListenAddress::UnixPacket(unix),
            });
            let bound = bound.unwrap();
            let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };
            listeners.push(listener);
            let address = match bound.local {
                LocalAddr::Inet(address) => address.into(),
                LocalAddr::Unix(UnixName::Path(path)) => SockAddr::unix(path).unwrap(),
                LocalAddr::Unix(UnixName::Abstract(_)) => panic!("a path was asked for"),
            };
            reached.push((*kind, address));
        }
        let bound = Mio::listen(&ListenAddress::Udp(inet())).unwrap();
        let BoundSocket::Datagram(datagram) = bound.socket else { panic!("a datagram socket") };
        let LocalAddr::Inet(address) = bound.local else { panic!("an internet address") };
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        datagrams.connect(address).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
        upstream.set_nonblocking(true).unwrap();
        let sockets = Sockets { kernel: Mio::new().unwrap(), listeners, datagram };
        (sockets, Real { listeners: reached, upstream, datagrams, _folder: folder })
    }

    fn address(&self) -> ConnectAddress {
        ConnectAddress::Tcp { to: self.upstream.local_addr().unwrap(), from: None }
    }

    fn come(&mut self, _: &mut Mio, listener: usize) -> Socket {
        let (kind, address) = &self.listeners[listener];
        let (domain, kind) = match kind {
            StreamKind::Tcp => (Domain::IPV4, Type::STREAM),
            StreamKind::Unix => (Domain::UNIX, Type::STREAM),
            StreamKind::Packet => (Domain::UNIX, Type::SEQPACKET),
        };
        let socket = Socket::new(domain, kind, None).unwrap();
        socket.connect(address).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    }

    fn arrival(&mut self, _: &mut Mio) -> Option<Socket> {
        let (stream, _) = self.upstream.accept().ok()?;
        stream.set_nonblocking(true).unwrap();
        Some(stream.into())
    }

    fn say(&mut self, _: &mut Mio, peer: &mut Socket, bytes: &[u8]) -> Option<usize> {
        match peer.write(bytes) {
            Ok(count) => Some(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Some(0),
            Err(_) => None,
        }
    }

    fn hear(&mut self, _: &mut Mio, peer: &mut Socket, most: usize) -> Received {
        let mut bytes = vec![0; most];
        match peer.read(&mut bytes) {
            Ok(0) => Received::End,
            Ok(count) => Received::Data(bytes[..count].to_vec()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Received::Nothing,
            Err(_) => Received::Reset,
        }
    }

    fn finish(&mut self, _: &mut Mio, peer: &mut Socket) {
        // It may be broken by then.
        let _ = peer.shutdown(Shutdown::Write);
    }

    fn reset(&mut self, _: &mut Mio, peer: Socket) {
        peer.set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn post(&mut self, _: &mut Mio, payload: &[u8]) {
        self.datagrams.send(payload).unwrap();
    }

    fn answer(&mut self, _: &mut Mio) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 2_000];
        let count = self.datagrams.recv(&mut bytes).ok()?;
        Some(bytes[..count].to_vec())
    }

    fn look(&mut self, _: &mut Mio) {}
}

//! The world outside, simulated and real: peers that come, and one who is dialed.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, UdpSocket};

use crate::kernel::Behind;
use readily::address::{
    ConnectAddress, Family, InetAddress, ListenAddress, PeerAddr, UnixAddress, UnixName,
};
use readily::kernel::sim::{Mailbox, Port, Received, Remote, Sim};
use readily::kernel::{BoundSocket, Kernel, LocalAddr, Mio, StreamKind};
use socket2::{Domain, SockAddr, Socket, Type};

/// Listeners, in this order.
pub(crate) const LINE: usize = 0;
pub(crate) const WEB: usize = 1;
pub(crate) const FRONT: usize = 2;
pub(crate) const UNIX: usize = 3;
pub(crate) const PACKET: usize = 4;
const KINDS: [StreamKind; 5] =
    [StreamKind::Tcp, StreamKind::Tcp, StreamKind::Tcp, StreamKind::Unix, StreamKind::Packet];

/// What a server has to listen with.
pub(crate) struct Sockets<K: Kernel> {
    pub(crate) kernel: K,
    pub(crate) listeners: Vec<K::Listener>,
    pub(crate) datagram: K::Datagram,
}

/// Everybody but the server.
pub(crate) trait Outside: Sized {
    type Kernel: Behind;
    type Peer;

    fn new() -> (Sockets<Self::Kernel>, Self);
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
    fn hear(&mut self, kernel: &mut Self::Kernel, peer: &mut Self::Peer) -> Received;
    fn finish(&mut self, kernel: &mut Self::Kernel, peer: &mut Self::Peer);
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

    fn new() -> (Sockets<Sim>, Simulated) {
        let mut sim = Sim::new(1);
        let (listeners, ports) = KINDS.iter().map(|kind| sim.listen(*kind)).unzip();
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

    fn hear(&mut self, kernel: &mut Sim, peer: &mut Remote) -> Received {
        kernel.receive(*peer, 65_536)
    }

    fn finish(&mut self, kernel: &mut Sim, peer: &mut Remote) {
        kernel.finish(*peer);
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
    addresses: Vec<SockAddr>,
    upstream: TcpListener,
    datagrams: UdpSocket,
    _folder: tempfile::TempDir,
}

impl Outside for Real {
    type Kernel = Mio;
    type Peer = Socket;

    fn new() -> (Sockets<Mio>, Real) {
        let folder = tempfile::tempdir().unwrap();
        let inet = || InetAddress { family: Family::V4, host: Some("127.0.0.1".into()), port: 0 };
        let unix =
            |name: &str| UnixAddress { name: UnixName::Path(folder.path().join(name)), mode: None };
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for address in [
            ListenAddress::Tcp(inet()),
            ListenAddress::Tcp(inet()),
            ListenAddress::Tcp(inet()),
            ListenAddress::Unix(unix("line")),
            ListenAddress::UnixPacket(unix("packet")),
        ] {
            let bound = Mio::listen(&address).unwrap();
            let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };
            listeners.push(listener);
            addresses.push(match bound.local {
                LocalAddr::Inet(address) => address.into(),
                LocalAddr::Unix(UnixName::Path(path)) => SockAddr::unix(path).unwrap(),
                LocalAddr::Unix(UnixName::Abstract(_)) => panic!("a path was asked for"),
            });
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
        (sockets, Real { addresses, upstream, datagrams, _folder: folder })
    }

    fn address(&self) -> ConnectAddress {
        ConnectAddress::Tcp { to: self.upstream.local_addr().unwrap(), from: None }
    }

    fn come(&mut self, _: &mut Mio, listener: usize) -> Socket {
        let (domain, kind) = match KINDS[listener] {
            StreamKind::Tcp => (Domain::IPV4, Type::STREAM),
            StreamKind::Unix => (Domain::UNIX, Type::STREAM),
            StreamKind::Packet => (Domain::UNIX, Type::SEQPACKET),
        };
        let socket = Socket::new(domain, kind, None).unwrap();
        socket.connect(&self.addresses[listener]).unwrap();
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

    fn hear(&mut self, _: &mut Mio, peer: &mut Socket) -> Received {
        let mut bytes = vec![0; 65_536];
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

//! How often the kernel is asked: one poll, one read and one write for a message on a stream, and
//! not more for sixteen messages in one segment; and of what is published to many, one write for each
//! of them.
//!
//! The reactor runs here, turn by turn, over a kernel that counts and passes everything on to the
//! real one. (The same numbers for the whole program: `strace -c readily serve …`.)

use std::cell::RefCell;
use std::io::{self, Read as _, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use readily::address::{
    ConnectAddress, Family, InetAddress, ListenAddress, PeerAddr, UnixAddress, UnixName,
};
use readily::codec::websocket::encode_binary;
use readily::engine::{BindingId, Endpoint, Engine, Limits, StopScope};
use readily::kernel::{
    BoundSocket, Interest, Kernel, LocalAddr, Mio, MioDatagram, MioListener, MioSignals, MioStream,
    Read, Ready, Signal, Socket, StreamKind, Token,
};
use readily::protocol::{Route, Site};
use readily::reactor::Reactor;
use readily::service::{Echo, Notify, NotifyMode, Role};
use readily::time::{Now, Time};

/// What was asked of the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Calls {
    poll: u32,
    read: u32,
    write: u32,
    register: u32,
    other: u32,
    /// Polls that would have slept for lack of events. They are not counted as polls: the one poll
    /// that sleeps until the next message is counted when it wakes.
    asleep: u32,
}

/// Counts, and passes on.
struct Counting<'a> {
    kernel: Mio,
    calls: &'a RefCell<Calls>,
}

impl Counting<'_> {
    fn count(&mut self, count: impl Fn(&mut Calls)) {
        count(&mut self.calls.borrow_mut());
    }
}

/// The same socket, for the kernel behind.
fn inner<'s>(socket: Socket<'s, Counting<'_>>) -> Socket<'s, Mio> {
    match socket {
        Socket::Listener(listener) => Socket::Listener(listener),
        Socket::Stream(stream) => Socket::Stream(stream),
        Socket::Datagram(datagram) => Socket::Datagram(datagram),
        Socket::Signals(signals) => Socket::Signals(signals),
    }
}

impl Kernel for Counting<'_> {
    type Listener = MioListener;
    type Stream = MioStream;
    type Datagram = MioDatagram;
    type Signals = MioSignals;

    fn now(&mut self) -> Now {
        self.kernel.now()
    }

    fn time(&mut self) -> Time {
        self.kernel.time()
    }

    fn poll(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        // The peer is this very thread, so to wait would be for ever.
        self.kernel.poll(ready, Some(Duration::ZERO))?;
        let would_sleep = ready.is_empty() && timeout != Some(Duration::ZERO);
        self.count(|calls| if would_sleep { calls.asleep += 1 } else { calls.poll += 1 });
        Ok(())
    }

    fn register(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.count(|calls| calls.register += 1);
        self.kernel.register(inner(socket), token, interest)
    }

    fn reregister(
        &mut self,
        socket: Socket<'_, Self>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.count(|calls| calls.register += 1);
        self.kernel.reregister(inner(socket), token, interest)
    }

    fn accept(&mut self, listener: &mut MioListener) -> io::Result<(MioStream, PeerAddr)> {
        self.count(|calls| calls.other += 1);
        self.kernel.accept(listener)
    }

    fn refuse(&mut self, listener: &mut MioListener) -> io::Result<PeerAddr> {
        self.count(|calls| calls.other += 1);
        self.kernel.refuse(listener)
    }

    fn abort(&mut self, stream: MioStream) {
        self.count(|calls| calls.other += 1);
        self.kernel.abort(stream);
    }

    fn connect(&mut self, address: &ConnectAddress) -> io::Result<MioStream> {
        self.count(|calls| calls.other += 1);
        self.kernel.connect(address)
    }

    fn is_connected(&mut self, stream: &mut MioStream) -> io::Result<bool> {
        self.count(|calls| calls.other += 1);
        self.kernel.is_connected(stream)
    }

    fn kind(&self, stream: &MioStream) -> StreamKind {
        self.kernel.kind(stream)
    }

    fn read(&mut self, stream: &mut MioStream, buffer: &mut [u8]) -> io::Result<Read> {
        self.count(|calls| calls.read += 1);
        self.kernel.read(stream, buffer)
    }

    fn write(&mut self, stream: &mut MioStream, bytes: &[u8]) -> io::Result<usize> {
        self.count(|calls| calls.write += 1);
        self.kernel.write(stream, bytes)
    }

    fn shutdown_write(&mut self, stream: &mut MioStream) -> io::Result<()> {
        self.count(|calls| calls.other += 1);
        self.kernel.shutdown_write(stream)
    }

    fn close(&mut self, stream: MioStream) {
        self.count(|calls| calls.other += 1);
        self.kernel.close(stream);
    }

    fn receive_from(
        &mut self,
        socket: &mut MioDatagram,
        buffer: &mut [u8],
    ) -> io::Result<(usize, PeerAddr)> {
        self.count(|calls| calls.read += 1);
        self.kernel.receive_from(socket, buffer)
    }

    fn send_to(
        &mut self,
        socket: &mut MioDatagram,
        payload: &[u8],
        to: &PeerAddr,
    ) -> io::Result<()> {
        self.count(|calls| calls.write += 1);
        self.kernel.send_to(socket, payload, to)
    }

    fn next_signal(&mut self, signals: &mut MioSignals) -> Option<Signal> {
        self.kernel.next_signal(signals)
    }
}

/// What it costs to have `request` answered `times` times with as much as `reply_len`, one answer
/// awaited before the next request, by an echo at `listen`.
fn cost(
    listen: &ListenAddress,
    is_web: bool,
    request: &[u8],
    reply_len: usize,
    times: u32,
) -> Calls {
    cost_with(Limits::default(), listen, is_web, request, reply_len, times)
}

/// The same, with other limits.
fn cost_with(
    limits: Limits,
    listen: &ListenAddress,
    is_web: bool,
    request: &[u8],
    reply_len: usize,
    times: u32,
) -> Calls {
    let calls = RefCell::new(Calls::default());
    let mut engine = Engine::new(limits, 1, ());
    let echo = engine.add_service(Box::new(Echo));
    let binding = engine.add_binding(echo, StopScope::Connection);
    let endpoint = engine.add_endpoint(if is_web {
        let route = Route { path: "/ws".to_owned(), binding: binding.index(), ..Route::default() };
        Endpoint::Web(Site { routes: vec![route], ..Site::default() })
    } else {
        Endpoint::Line(binding)
    });
    let kernel = Counting { kernel: Mio::new().expect("epoll"), calls: &calls };
    let mut reactor = Reactor::new(kernel, engine, 10);
    let bound = Mio::listen(listen).expect("binds");
    let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };
    reactor.add_listener(listener, endpoint).expect("registers");

    let mut peer: Box<dyn Peer> = match bound.local {
        LocalAddr::Inet(address) => {
            let stream = TcpStream::connect(address).expect("connects");
            stream.set_nonblocking(true).expect("sets");
            Box::new(stream)
        }
        LocalAddr::Unix(UnixName::Path(path)) => {
            let stream = UnixStream::connect(path).expect("connects");
            stream.set_nonblocking(true).expect("sets");
            Box::new(stream)
        }
        LocalAddr::Unix(UnixName::Abstract(_)) => panic!("a path was asked for"),
    };
    let mut ask = |request: &[u8], reply_len: Option<usize>| {
        peer.write_all(request).expect("writes");
        let mut got = Vec::new();
        let mut buffer = [0; 65_536];
        while reply_len.map_or(!got.ends_with(b"\r\n\r\n"), |length| got.len() < length) {
            reactor.turn().expect("turns");
            match peer.read(&mut buffer) {
                Ok(count) => got.extend_from_slice(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        // Whatever else the loop does before it sleeps belongs to this message, too.
        let asleep = calls.borrow().asleep;
        while calls.borrow().asleep == asleep {
            reactor.turn().expect("turns");
        }
    };
    if is_web {
        let handshake =
            b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        ask(handshake, None);
    }
    // The first exchange brings the accept with it.
    ask(request, Some(reply_len));
    *calls.borrow_mut() = Calls::default();
    for _ in 0..times {
        ask(request, Some(reply_len));
    }
    Calls { asleep: 0, ..*calls.borrow() }
}

/// What it costs when each of `publishers` says `said`, all before the loop turns, and each of
/// `subscribers` gets all of it.
fn cost_of_fan_out(publishers: usize, subscribers: usize, said: &[u8]) -> Calls {
    let calls = RefCell::new(Calls::default());
    let mut engine = Engine::new(Limits::default(), 1, ());
    let modes = [Role::Publish, Role::Subscribe].map(|role| {
        let topic = "topic".to_owned();
        NotifyMode::Fixed { topic, role }
    });
    let bindings = [0, 1].map(BindingId::nth);
    let notify = engine.add_service(Box::new(Notify::new(bindings.into_iter().zip(modes))));
    let kernel = Counting { kernel: Mio::new().expect("epoll"), calls: &calls };
    let endpoints = bindings.map(|binding| {
        assert_eq!(engine.add_binding(notify, StopScope::Connection), binding);
        engine.add_endpoint(Endpoint::Line(binding))
    });
    let mut reactor = Reactor::new(kernel, engine, publishers + subscribers);
    let [mut publishers, mut subscribers] =
        [(endpoints[0], publishers), (endpoints[1], subscribers)].map(|(endpoint, count)| {
            let bound = Mio::listen(&loopback()).expect("binds");
            let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };
            let LocalAddr::Inet(address) = bound.local else { panic!("an address") };
            reactor.add_listener(listener, endpoint).expect("registers");
            let connect = |_| TcpStream::connect(address).expect("connects");
            (0..count).map(connect).collect::<Vec<_>>()
        });
    let mut settle = || {
        let asleep = calls.borrow().asleep;
        while calls.borrow().asleep == asleep {
            reactor.turn().expect("turns");
        }
    };
    settle();
    *calls.borrow_mut() = Calls::default();
    for publisher in &mut publishers {
        publisher.write_all(said).expect("writes");
    }
    settle();
    let counted = Calls { asleep: 0, ..*calls.borrow() };
    let mut got = vec![0; said.len() * publishers.len()];
    for subscriber in &mut subscribers {
        subscriber.set_read_timeout(Some(Duration::from_secs(10))).expect("sets");
        subscriber.read_exact(&mut got).expect("all of it");
        assert_eq!(got, said.repeat(publishers.len()));
    }
    counted
}

trait Peer: io::Read + Write {}
impl<T: io::Read + Write> Peer for T {}

fn loopback() -> ListenAddress {
    let host = Some("127.0.0.1".to_owned());
    ListenAddress::Tcp(InetAddress { family: Family::V4, host, port: 0 })
}

/// One poll, one read and one write each, and nothing else.
fn once_each(times: u32) -> Calls {
    Calls { poll: times, read: times, write: times, ..Calls::default() }
}

#[test]
fn a_line_over_tcp_costs_one_poll_one_read_and_one_write() {
    let line = [vec![b'x'; 63], vec![b'\n']].concat();
    assert_eq!(cost(&loopback(), false, &line, 64, 100), once_each(100));
}

#[test]
fn sixteen_lines_in_one_segment_cost_no_more_than_one() {
    let lines = [vec![b'x'; 63], vec![b'\n']].concat().repeat(16);
    assert_eq!(cost(&loopback(), false, &lines, 1024, 100), once_each(100));
}

#[test]
fn a_websocket_message_costs_one_poll_one_read_and_one_write_and_so_do_sixteen() {
    let mut frame = Vec::new();
    encode_binary(&mut frame, &[b'x'; 64], Some([1, 2, 3, 4]));
    assert_eq!(cost(&loopback(), true, &frame, 66, 100), once_each(100));
    assert_eq!(cost(&loopback(), true, &frame.repeat(16), 16 * 66, 100), once_each(100));
}

#[test]
fn a_line_over_a_unix_socket_costs_one_poll_one_read_and_one_write() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = UnixName::Path(folder.path().join("echo.sock"));
    let listen = ListenAddress::Unix(UnixAddress { name, mode: None });
    // Were the socket registered for writing, the peer's reads would raise events of their own.
    assert_eq!(cost(&listen, false, b"hello\n", 6, 100), once_each(100));
}

/// What waits in a UNIX socket is read in one go, as far as the budget goes.
#[test]
fn a_connection_is_read_as_much_in_a_turn_as_the_budget_says() {
    let line = [&[b'x'; 150_000][..], b"\n"].concat();
    for (read_budget_bytes, reads) in [(Limits::LEAST_READ_BUDGET, 3), (Limits::READ_BUDGET, 1)] {
        let dir = tempfile::tempdir().expect("a directory");
        let name = UnixName::Path(dir.path().join("echo"));
        let listen = ListenAddress::Unix(UnixAddress { name, mode: None });
        let limits = Limits { read_budget_bytes, ..Limits::default() };
        let calls = cost_with(limits, &listen, false, &line, line.len(), 1);
        assert_eq!(calls.read, reads, "{calls:?}");
    }
}

#[test]
fn a_subscriber_costs_one_write_a_turn_however_many_messages_and_publishers_there_were() {
    let lines = b"something new\n".repeat(16);
    let calls = |publishers| Calls { poll: 1, read: publishers, write: 50, ..Calls::default() };
    assert_eq!(cost_of_fan_out(1, 50, b"something new\n"), calls(1));
    assert_eq!(cost_of_fan_out(1, 50, &lines), calls(1));
    assert_eq!(cost_of_fan_out(3, 50, &lines), calls(3));
}

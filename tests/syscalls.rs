//! How often the kernel is asked: one poll, one read and one write for a message on a stream, and
//! not more for sixteen messages in one segment; and of what is published to many, one write for each
//! of them.
//!
//! The reactor runs here, turn by turn, over the real kernel, and somebody looks on and counts. (The
//! same numbers for the whole program: `strace -c readily serve …`.)

use std::cell::RefCell;
use std::io::{self, Read as _, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use readily::address::{Family, InetAddress, ListenAddress, UnixAddress, UnixName};
use readily::codec::websocket::encode_binary;
use readily::engine::{BindingId, Endpoint, Engine, Limits, StopScope};
use readily::kernel::tape::Call;
use readily::kernel::{Answer, BoundSocket, LocalAddr, Mio, Onlooker, Step, Watched};
use readily::protocol::{Route, Site};
use readily::reactor::Reactor;
use readily::service::{Echo, Notify, NotifyMode, Role};

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

/// Counts what is asked of the kernel.
struct Counting<'a>(&'a RefCell<Calls>);

impl Onlooker for Counting<'_> {
    fn see(&mut self, step: Step<'_>) {
        let mut calls = self.0.borrow_mut();
        let count = match (step.call, step.answer) {
            (Call::Poll { timeout }, Answer::Ready([])) if timeout != Some(Duration::ZERO) => {
                &mut calls.asleep
            }
            (Call::Poll { .. }, _) => &mut calls.poll,
            (Call::Read { .. } | Call::ReceiveFrom { .. }, _) => &mut calls.read,
            (Call::Write { .. } | Call::SendTo { .. }, _) => &mut calls.write,
            (Call::Register { .. } | Call::Reregister { .. }, _) => &mut calls.register,
            (Call::Now | Call::Time | Call::NextSignal { .. }, _) => return,
            _ => &mut calls.other,
        };
        *count += 1;
    }
}

/// The real kernel, whose calls are counted.
fn counted(calls: &RefCell<Calls>) -> Watched<Mio, Counting<'_>> {
    let mut kernel = Watched::new(Mio::new().expect("epoll"), Counting(calls));
    // The peer is this very thread, so to wait would be for ever.
    kernel.wait_at_most(Some(Duration::ZERO));
    kernel
}

const HANDSHAKE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Where the peers of a binding come to: with lines, or with WebSockets at `/ws`.
fn endpoint(binding: BindingId, is_web: bool) -> Endpoint {
    if !is_web {
        return Endpoint::Line(binding);
    }
    let route = Route { path: "/ws".to_owned(), binding: binding.index(), ..Route::default() };
    Endpoint::Web(Site { routes: vec![route], ..Site::default() })
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
    let endpoint = engine.add_endpoint(endpoint(binding, is_web));
    let mut reactor = Reactor::new(counted(&calls), engine, 10);
    let bound = Mio::listen(listen).expect("binds");
    let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };
    reactor.add_listener(listener.into(), endpoint).expect("registers");

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
        ask(HANDSHAKE, None);
    }
    // The first exchange brings the accept with it.
    ask(request, Some(reply_len));
    *calls.borrow_mut() = Calls::default();
    for _ in 0..times {
        ask(request, Some(reply_len));
    }
    Calls { asleep: 0, ..*calls.borrow() }
}

/// What is published.
const NEWS: &[u8] = b"something new";

/// What it costs when each of `publishers` says so many lines, all before the loop turns, and each of
/// `subscribers` gets all of them: as lines, or as WebSocket messages.
fn cost_of_fan_out(publishers: usize, subscribers: usize, lines: usize, is_web: bool) -> Calls {
    let calls = RefCell::new(Calls::default());
    let mut engine = Engine::new(Limits::default(), 1, ());
    let modes = [Role::Publish, Role::Subscribe].map(|role| {
        let topic = "topic".to_owned();
        NotifyMode::Fixed { topic, role }
    });
    let bindings = [0, 1].map(BindingId::nth);
    let notify = engine.add_service(Box::new(Notify::new(bindings.into_iter().zip(modes))));
    let endpoints = [(bindings[0], false), (bindings[1], is_web)].map(|(binding, is_web)| {
        assert_eq!(engine.add_binding(notify, StopScope::Connection), binding);
        engine.add_endpoint(endpoint(binding, is_web))
    });
    let mut reactor = Reactor::new(counted(&calls), engine, publishers + subscribers);
    let [mut publishers, mut subscribers] =
        [(endpoints[0], publishers), (endpoints[1], subscribers)].map(|(endpoint, count)| {
            let bound = Mio::listen(&loopback()).expect("binds");
            let BoundSocket::Listener(listener) = bound.socket else { panic!("a listener") };
            let LocalAddr::Inet(address) = bound.local else { panic!("an address") };
            reactor.add_listener(listener.into(), endpoint).expect("registers");
            let connect = |_| {
                let stream = TcpStream::connect(address).expect("connects");
                stream.set_read_timeout(Some(Duration::from_secs(10))).expect("sets");
                stream
            };
            (0..count).map(connect).collect::<Vec<_>>()
        });
    let mut settle = || {
        let asleep = calls.borrow().asleep;
        while calls.borrow().asleep == asleep {
            reactor.turn().expect("turns");
        }
    };
    if is_web {
        for subscriber in &mut subscribers {
            subscriber.write_all(HANDSHAKE).expect("writes");
        }
    }
    settle();
    if is_web {
        for subscriber in &mut subscribers {
            let mut head = [0; 1_000];
            let length = subscriber.read(&mut head).expect("an answer");
            assert!(head[..length].ends_with(b"\r\n\r\n"), "all of it, and nothing else");
        }
    }
    *calls.borrow_mut() = Calls::default();
    let line = [NEWS, b"\n"].concat();
    for publisher in &mut publishers {
        publisher.write_all(&line.repeat(lines)).expect("writes");
    }
    settle();
    let counted = Calls { asleep: 0, ..*calls.borrow() };
    let length = u8::try_from(NEWS.len()).expect("short");
    let heard = if is_web { [&[0x81, length], NEWS].concat() } else { line };
    let heard = heard.repeat(lines * publishers.len());
    let mut got = vec![0; heard.len()];
    for subscriber in &mut subscribers {
        subscriber.read_exact(&mut got).expect("all of it");
        assert_eq!(got, heard);
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
    let calls = |publishers| Calls { poll: 1, read: publishers, write: 50, ..Calls::default() };
    for is_web in [false, true] {
        assert_eq!(cost_of_fan_out(1, 50, 1, is_web), calls(1));
        assert_eq!(cost_of_fan_out(1, 50, 16, is_web), calls(1));
        assert_eq!(cost_of_fan_out(3, 50, 16, is_web), calls(3));
    }
}

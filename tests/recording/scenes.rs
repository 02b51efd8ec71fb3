//! Runs that are worth recording: what is served, and what clients do with it.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use socket2::SockRef;
use tungstenite::Message;

use crate::client::Client;
use crate::support::{Server, UPGRADE, exchange, expect, is_served, line, rest};

/// What is served, and to whom.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) options: &'static [&'static str],
    /// `DIR` stands for a directory of its own.
    pub(crate) bindings: &'static [&'static str],
    pub(crate) play: fn(&Server, &Path),
    /// It is small enough to be in `tests/recordings`, too.
    pub(crate) is_kept: bool,
}

/// All of them.
pub(crate) const SCENES: &[Scene] = &[
    Scene {
        name: "lines",
        options: &[],
        bindings: &["echo=tcp://127.0.0.1:0", "count=unix://DIR/count", "time=tcp://127.0.0.1:0"],
        play: lines,
        is_kept: true,
    },
    Scene {
        name: "websocket",
        options: &["--max-message", "1KiB"],
        bindings: &["echo=ws://127.0.0.1:0/ws", "random=ws://127.0.0.1:0/random"],
        play: websocket,
        is_kept: true,
    },
    Scene {
        name: "datagrams",
        options: &[],
        bindings: &["random=udp://:0", "echo=unixgram://DIR/gram", "time=unixpacket://DIR/packet"],
        play: datagrams,
        is_kept: true,
    },
    Scene {
        name: "rooms",
        options: &[],
        bindings: &[
            "chat=tcp://127.0.0.1:0",
            "chat=ws+unix://DIR/web:/chat",
            "notify=tcp://127.0.0.1:0?history=2",
            "stream=tcp://127.0.0.1:0",
        ],
        play: rooms,
        is_kept: true,
    },
    Scene {
        name: "crowded",
        options: &["--max-connections", "3", "--max-per-ip", "2"],
        bindings: &["echo=tcp://127.0.0.1:0", "echo=unix://DIR/echo"],
        play: crowded,
        is_kept: true,
    },
    Scene {
        name: "late",
        options: &["--handshake-timeout", "50ms"],
        bindings: &["echo=ws://127.0.0.1:0/ws", "stream=tcp://127.0.0.1:0"],
        play: late,
        is_kept: true,
    },
    Scene {
        name: "pressure",
        options: &["--max-queued", "64KiB", "--spin", "50us"],
        bindings: &["echo=tcp://127.0.0.1:0?framing=raw", "random=ws://127.0.0.1:0/r?burst=true"],
        play: pressure,
        is_kept: false,
    },
];

fn lines(server: &Server, _: &Path) {
    let mut one = server.connect(0);
    exchange(&mut one, b"hello\n", b"hello\n");
    exchange(&mut one, b"a\nb\nhalf of", b"a\nb\n");
    let mut two = server.unix(1);
    two.write_all(b"how many?\n").expect("writes");
    assert!(line(&mut two).contains('1'));
    exchange(&mut one, b" a line\n", b"half of a line\n");
    one.shutdown(Shutdown::Write).expect("connected");
    assert_eq!(rest(&mut one), b"");
    two.write_all(b"STOP\n").expect("writes");
    rest(&mut two);
    let mut three = server.connect(2);
    three.write_all(b"what time is it?\n").expect("writes");
    assert!(line(&mut three).starts_with("20"));
    // An RST.
    SockRef::from(&three).set_linger(Some(Duration::ZERO)).expect("a socket");
}

fn websocket(server: &Server, _: &Path) {
    let mut page = server.connect(0);
    page.write_all(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("writes");
    assert!(rest(&mut page).starts_with(b"HTTP/1.1 404"));
    let mut echo = Client::connect(&server.urls[0]);
    assert_eq!(echo.ask(b"hello"), b"hello");
    echo.web().send(Message::Ping("are you there?".into())).expect("sends");
    assert_eq!(echo.web().read().expect("a pong"), Message::Pong("are you there?".into()));
    let mut random = Client::connect(&server.urls[1]);
    for _ in 0..3 {
        random.ask(b"");
    }
    random.web().close(None).expect("closes");
    assert_eq!(random.expect_end(), None);
    echo.send(&[b'x'; 1_025]);
    assert_eq!(echo.expect_end(), Some(1009));
    // A frame without a mask.
    let mut bad = server.connect(0);
    exchange(&mut bad, UPGRADE.as_bytes(), crate::support::SWITCHING);
    exchange(&mut bad, b"\x81\x01x", b"\x88");
    rest(&mut bad);
}

fn datagrams(server: &Server, dir: &Path) {
    let udp = server.udp(0);
    let mut reply = [0; 100];
    for question in [&b"roll\n"[..], b"again\n"] {
        udp.send(question).expect("sends");
        udp.recv(&mut reply).expect("a reply");
    }
    let own = UnixDatagram::bind(dir.join("own")).expect("binds");
    own.connect(dir.join("gram")).expect("connects");
    own.set_read_timeout(Some(crate::support::PATIENCE)).expect("a timeout");
    own.send(b"to and fro").expect("sends");
    assert_eq!(own.recv(&mut reply).expect("a reply"), 10);
    let mut packets = Client::connect(&server.urls[2]);
    for _ in 0..2 {
        assert!(packets.ask(b"what time is it?").starts_with(b"20"));
    }
}

fn rooms(server: &Server, _: &Path) {
    let mut nc = server.connect(0);
    exchange(&mut nc, b"/who\n", b"* lobby: guest-1\n");
    let mut web = Client::connect(&server.urls[1]);
    expect(&mut nc, b"* guest-2 joined\n");
    nc.write_all(b"hello\n/name ada\n").expect("writes");
    web.expect(b"guest-1: hello");
    web.expect(b"* guest-1 is now ada");
    web.send(b"/quit");
    expect(&mut nc, b"* guest-1 is now ada\n* guest-2 left\n");

    let mut publisher = server.connect(2);
    publisher.write_all(b"PUB t 1\nPUB t 2\nPUB t 3\nSUB t SINCE 1\nnonsense\n").expect("writes");
    let mut heard = Vec::new();
    while !heard.ends_with(b"3\n") {
        heard.extend_from_slice(line(&mut publisher).as_bytes());
    }
    let mut samples = server.connect(3);
    samples.write_all(b"START 100\n").expect("writes");
    for _ in 0..5 {
        line(&mut samples);
    }
}

fn crowded(server: &Server, _: &Path) {
    let mut clients: Vec<_> = (0..2).map(|_| server.connect(0)).collect();
    assert!(clients.iter_mut().all(is_served));
    // One more of this address, and one more of all.
    assert!(!is_served(&mut server.connect(0)));
    let mut third = server.unix(1);
    exchange(&mut third, b"hi\n", b"hi\n");
    let mut fourth = server.unix(1);
    assert_eq!(fourth.read(&mut [0; 1]).unwrap_or(0), 0);
    drop(clients.pop());
    drop(third);
    exchange(&mut clients[0], b"still here\n", b"still here\n");
}

fn late(server: &Server, _: &Path) {
    // Says nothing, and is not waited for for ever.
    rest(&mut server.connect(0));
    let mut samples = server.connect(1);
    samples.write_all(b"START 100 3\n").expect("writes");
    for _ in 0..3 {
        line(&mut samples);
    }
}

fn pressure(server: &Server, _: &Path) {
    const BYTES: usize = 3_000_000;
    let mut slow = server.connect(0);
    let mut sender = slow.try_clone().expect("clones");
    let writer = std::thread::spawn(move || {
        sender.write_all(&vec![b'x'; BYTES]).expect("writes");
        sender.shutdown(Shutdown::Write).expect("connected");
    });
    let mut burst = Client::connect(&server.urls[1]);
    burst.send(b"20000");
    for _ in 0..100 {
        burst.receive();
    }
    let mut echoed = vec![0; BYTES];
    slow.read_exact(&mut echoed).expect("all of it");
    writer.join().expect("it has written");
}

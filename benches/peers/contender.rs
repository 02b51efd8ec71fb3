//! The table of contenders.

use std::io;

use crate::door::Door;
use crate::runtime::Flavour::{self, CurrentThread, Epoll, MultiThread};
use crate::runtime::serve_streams;
use crate::url::Scheme::{self, Tcp, Udp, Unix, Ws};
use crate::websocket::{Broadcast, FastWebSockets, Tungstenite};
use crate::{floor, line, readily_tokio, udp};

/// A server to be measured against.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// What it is, in a line.
    pub(crate) about: &'static str,
    pub(crate) schemes: &'static [Scheme],
    pub(crate) flavours: &'static [Flavour],
    pub(crate) does: Does,
    /// Serves whoever comes to the door, for ever.
    pub(crate) serve: fn(Door, Flavour) -> io::Result<()>,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Does {
    /// It goes back to who sent it.
    Echo,
    /// It goes to everybody.
    Fanout,
}

/// A contender that listens on a stream socket runs over both kinds of it, and a user of tokio has
/// the choice of two runtimes.
const LINES: &[Scheme] = &[Tcp, Unix];
const TOKIO: &[Flavour] = &[CurrentThread, MultiThread];

/// All of them: the floor first, since everything else is a ratio to it.
pub(crate) const CONTENDERS: &[Contender] = &[
    Contender {
        name: "floor-line",
        about: "the smallest epoll echo: writes what it read, and looks for no lines",
        schemes: LINES,
        flavours: &[Epoll],
        does: Does::Echo,
        serve: |door, _| floor::serve(door, floor::Line),
    },
    Contender {
        name: "floor-ws",
        about: "the smallest epoll echo of frames: unmasks, checks nothing",
        schemes: &[Ws],
        flavours: &[Epoll],
        does: Does::Echo,
        serve: |door, _| floor::serve(door, floor::WebSocket::default()),
    },
    Contender {
        name: "floor-udp",
        about: "the smallest epoll echo of datagrams",
        schemes: &[Udp],
        flavours: &[Epoll],
        does: Does::Echo,
        serve: |door, _| floor::serve_datagrams(door.socket),
    },
    Contender {
        name: "floor-fanout",
        about: "the smallest epoll loop that hands frames to everybody: one write each a turn",
        schemes: &[Ws],
        flavours: &[Epoll],
        does: Does::Fanout,
        serve: |door, _| floor::serve(door, floor::Broadcast::default()),
    },
    Contender {
        name: "line-linescodec",
        about: "tokio-util's LinesCodec, a send for each line",
        schemes: LINES,
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, line::LinesCodecSend),
    },
    Contender {
        name: "line-linescodec-forward",
        about: "tokio-util's LinesCodec, the stream forwarded into the sink",
        schemes: LINES,
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, line::LinesCodecForward),
    },
    Contender {
        name: "line-bufreader",
        about: "BufReader and read_line, a write_all for each line",
        schemes: LINES,
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, line::BufReaderEcho),
    },
    Contender {
        name: "line-bufwriter",
        about: "BufReader and read_until, BufWriter flushed when no whole line is left",
        schemes: LINES,
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, line::BufWriterEcho),
    },
    Contender {
        name: "line-raw",
        about: "tuned by hand: one large read, memchr, one write",
        schemes: LINES,
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, line::Raw),
    },
    Contender {
        name: "ws-tungstenite",
        about: "tokio-tungstenite, buffers as it makes them (128 KiB to read)",
        schemes: &[Ws],
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, Tungstenite::default()),
    },
    Contender {
        name: "ws-tungstenite-4k",
        about: "tokio-tungstenite with a read buffer of 4 KiB",
        schemes: &[Ws],
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, Tungstenite::with_read_buffer(4096)),
    },
    Contender {
        name: "ws-fastwebsockets",
        about: "fastwebsockets on the bare TcpStream",
        schemes: &[Ws],
        flavours: TOKIO,
        does: Does::Echo,
        serve: |door, flavour| serve_streams(door, flavour, FastWebSockets),
    },
    Contender {
        name: "ws-broadcast",
        about: "tokio-tungstenite, and tokio's broadcast channel to everybody",
        schemes: &[Ws],
        flavours: TOKIO,
        does: Does::Fanout,
        serve: |door, flavour| serve_streams(door, flavour, Broadcast::new()),
    },
    Contender {
        name: "udp-tokio",
        about: "tokio's UdpSocket, recv_from and send_to",
        schemes: &[Udp],
        flavours: TOKIO,
        does: Does::Echo,
        serve: udp::serve,
    },
    Contender {
        name: "readily-tokio",
        about: "readily's engine under tokio, a task for each connection",
        schemes: &[Tcp, Unix, Ws],
        flavours: &[CurrentThread],
        does: Does::Echo,
        serve: |door, _| readily_tokio::serve(door),
    },
];

impl Contender {
    /// Whether it speaks this, on this; if not, what it does.
    pub(crate) fn accepts(&self, scheme: Scheme, flavour: Flavour) -> Result<(), String> {
        if !self.schemes.contains(&scheme) {
            let schemes = names(self.schemes, Scheme::name);
            return Err(format!("{} serves {schemes}, not {}", self.name, scheme.name()));
        }
        if !self.flavours.contains(&flavour) {
            let flavours = names(self.flavours, Flavour::name);
            return Err(format!("{} runs on {flavours}, not {}", self.name, flavour.name()));
        }
        Ok(())
    }
}

/// The table for people.
pub(crate) fn list() -> String {
    let row = |name: &str, schemes: &str, flavours: &str, about: &str| {
        format!("{name:<24} {schemes:<12} {flavours:<28} {about}\n")
    };
    let mut text = row("CONTENDER", "URL", "RUNTIME", "WHAT IT IS");
    for contender in CONTENDERS {
        let schemes = names(contender.schemes, Scheme::name);
        let flavours = names(contender.flavours, Flavour::name);
        text += &row(contender.name, &schemes, &flavours, contender.about);
    }
    text
}

fn names<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> String {
    all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(",")
}

//! What is measured: how many connections say how much how fast, and who answers.

/// One row of the comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) scheme: Scheme,
    pub(crate) size: usize,
    pub(crate) connections: usize,
    pub(crate) depth: usize,
    pub(crate) is_unicode: bool,
    pub(crate) load: Load,
    /// The floor first.
    pub(crate) contenders: &'static [&'static str],
    /// What readily has to reach, as a ratio to the floor.
    pub(crate) goal: Option<f64>,
    /// Whether it is one of the few that take a minute.
    pub(crate) is_quick: bool,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    /// It goes back.
    Echo,
    /// It goes to everybody, and what is counted is each delivery.
    Fanout,
}

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scheme {
    Tcp,
    Unix,
    Udp,
    Ws,
}

const WS: &[&str] = &[
    "floor-ws",
    "readily",
    "readily-tokio",
    "ws-tungstenite-4k",
    "ws-tungstenite-4k/multi_thread",
    "ws-tungstenite",
    "ws-tungstenite/multi_thread",
    "ws-fastwebsockets",
    "ws-fastwebsockets/multi_thread",
];
const WS_FEW: &[&str] =
    &["floor-ws", "readily", "readily-tokio", "ws-tungstenite-4k", "ws-fastwebsockets"];
const LONE: &[&str] =
    &["floor-ws", "readily", "readily --spin 50us", "ws-tungstenite-4k", "ws-fastwebsockets"];
const LINES: &[&str] = &[
    "floor-line",
    "readily",
    "readily-tokio",
    "line-raw",
    "line-raw/multi_thread",
    "line-bufwriter",
    "line-bufreader",
    "line-linescodec-forward",
    "line-linescodec",
    "line-linescodec/multi_thread",
];
const UNIX: &[&str] = &["floor-line", "readily", "readily-tokio", "line-raw", "line-linescodec"];
const FANOUT: &[&str] = &["floor-fanout", "readily", "ws-broadcast", "ws-broadcast/multi_thread"];
const UDP: &[&str] = &["floor-udp", "readily", "udp-tokio", "udp-tokio/multi_thread"];

const fn row(
    name: &'static str,
    scheme: Scheme,
    (size, connections, depth): (usize, usize, usize),
    contenders: &'static [&'static str],
    goal: Option<f64>,
) -> Scenario {
    Scenario {
        name,
        scheme,
        size,
        connections,
        depth,
        is_unicode: false,
        load: Load::Echo,
        contenders,
        goal,
        is_quick: false,
    }
}

const fn quick(scenario: Scenario) -> Scenario {
    Scenario { is_quick: true, ..scenario }
}

/// To so many connections, with so many messages on their way.
const fn fanout(name: &'static str, connections: usize, depth: usize) -> Scenario {
    let echo = row(name, Scheme::Ws, (64, connections, depth), FANOUT, None);
    Scenario { load: Load::Fanout, ..echo }
}

const fn unicode(scenario: Scenario) -> Scenario {
    Scenario { is_unicode: true, ..scenario }
}

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    quick(row("ws, 64 B, 1,000 connections, depth 1", Scheme::Ws, (64, 1_000, 1), WS, Some(1.05))),
    row("ws, 64 B, 10,000 connections, depth 1", Scheme::Ws, (64, 10_000, 1), WS_FEW, Some(1.05)),
    quick(row("ws, 64 B, 64 connections, depth 16", Scheme::Ws, (64, 64, 16), WS, Some(1.10))),
    row("ws, 64 B, 1,000 connections, depth 16", Scheme::Ws, (64, 1_000, 16), WS_FEW, Some(1.10)),
    row("ws, 4 KiB, 64 connections, depth 16", Scheme::Ws, (4096, 64, 16), WS, Some(1.15)),
    row("ws, 4 KiB, 1,000 connections, depth 1", Scheme::Ws, (4096, 1_000, 1), WS_FEW, None),
    row("ws, 64 KiB, 64 connections, depth 1", Scheme::Ws, (65_536, 64, 1), WS_FEW, Some(1.10)),
    row("ws, 64 KiB, 64 connections, depth 16", Scheme::Ws, (65_536, 64, 16), WS, Some(0.95)),
    row("ws, 64 B, 1 connection, depth 1", Scheme::Ws, (64, 1, 1), LONE, None),
    unicode(row(
        "ws, 64 B not ASCII, 64 connections, depth 16",
        Scheme::Ws,
        (64, 64, 16),
        WS_FEW,
        None,
    )),
    unicode(row(
        "ws, 4 KiB not ASCII, 64 connections, depth 16",
        Scheme::Ws,
        (4096, 64, 16),
        WS_FEW,
        None,
    )),
    row(
        "tcp lines, 64 B, 1,000 connections, depth 1",
        Scheme::Tcp,
        (63, 1_000, 1),
        LINES,
        Some(1.05),
    ),
    quick(row(
        "tcp lines, 64 B, 64 connections, depth 16",
        Scheme::Tcp,
        (63, 64, 16),
        LINES,
        Some(1.10),
    )),
    row("unix lines, 64 B, 64 connections, depth 1", Scheme::Unix, (63, 64, 1), UNIX, Some(1.05)),
    row("unix lines, 64 B, 64 connections, depth 16", Scheme::Unix, (63, 64, 16), UNIX, Some(1.10)),
    quick(row("udp, 64 B, 64 clients, depth 1", Scheme::Udp, (64, 64, 1), UDP, None)),
    row("udp, 64 B, 16 clients, depth 8", Scheme::Udp, (64, 16, 8), UDP, None),
    quick(fanout("fan-out, 64 B, to 1,000 ws connections, 16 on their way", 1_000, 16)),
    fanout("fan-out, 64 B, to 10,000 ws connections, 16 on their way", 10_000, 16),
    fanout("fan-out, 64 B, to 1,000 ws connections, 1 on its way", 1_000, 1),
];

/// Who serves short messages beside long ones.
pub(crate) const MIXED_CONTENDERS: &[&str] =
    &["floor-ws", "readily", "readily-tokio", "ws-tungstenite-4k", "ws-fastwebsockets"];

/// Who holds idle connections.
pub(crate) const IDLE_CONTENDERS: &[&str] =
    &["readily", "ws-tungstenite-4k", "ws-tungstenite", "ws-fastwebsockets"];

/// How many.
pub(crate) const IDLE_CONNECTIONS: usize = 15_000;

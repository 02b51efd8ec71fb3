//! `stats`: how the server is, a snapshot a second.
//!
//! Whoever comes is sent one JSON object at once, and from then on one each second, the same as everybody else:
//!
//! ```json
//! {"uptime_ms":73000,"lag_us":320,"longest_turn_us":85,"queued_bytes":0,"memory_bytes":40960,
//!  "transports":{"ws":{"connections":12,"messages_received":1234,"messages_sent":5678,
//!                      "bytes_received":98765,"bytes_sent":43210}}}
//! ```
//!
//! Lag and turns are the worst of the last second or two (see [`Pace`](crate::engine::Pace)). What has gone through a transport
//! is counted from the start on: a rate is the difference of two snapshots, and who misses one loses
//! nothing. That makes it easy to be bounded: a peer that has not read all that was sent to it is not sent the
//! next, so it never has two waiting and is never closed for being slow. What is sent is put together once and
//! encoded once for each format on the wire, however many look on; with nobody looking on there is nothing to
//! do. Messages to it mean nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::{CloseReason, ConnId, Context, Message, Service};
use crate::engine::Report;
use crate::json::Quoted;
use crate::time::Time;

/// The time between two snapshots.
const PERIOD: Duration = Duration::from_secs(1);

/// Tells whoever comes how the server is: totals, and nothing of any one client. See the [module](self).
#[derive(Debug, Default)]
pub struct ServerStats {
    /// Who looks on.
    peers: BTreeSet<ConnId>,
    /// When they are sent the next snapshot; `None` while nobody is there.
    due: Option<Time>,
}

impl Service for ServerStats {
    fn on_open(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        self.peers.insert(peer);
        self.due.get_or_insert(cx.now() + PERIOD);
        let snapshot = snapshot(&cx.report());
        cx.send(peer, Message::text(&snapshot));
    }

    fn on_message(&mut self, _: &mut Context<'_>, _: ConnId, _: Message<'_>) {}

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.peers.remove(&peer);
        if self.peers.is_empty() {
            self.due = None;
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.due
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.due = Some(cx.now() + PERIOD);
        let snapshot = snapshot(&cx.report());
        let mut readers: Vec<ConnId> = self.peers.iter().copied().collect();
        readers.retain(|&peer| cx.queued(peer) == 0);
        // Not pushed: nobody is closed for it, not even where hardly anything may be queued.
        cx.offer(readers, Message::text(&snapshot), &mut Vec::new());
    }
}

/// A report as JSON, without what is of single services.
fn snapshot(report: &Report) -> String {
    let Report { pace, memory, started, now, .. } = report;
    let mut out = format!(
        "{{\"uptime_ms\":{},\"lag_us\":{},\"longest_turn_us\":{},\"queued_bytes\":{},\
         \"memory_bytes\":{},\"transports\":",
        (now.time - started.time).as_millis(),
        pace.lag.longest(now.time).as_micros(),
        pace.turns.longest(now.time).as_micros(),
        memory.output_bytes,
        memory.total_bytes(),
    );
    let mut separator = '{';
    for (transport, traffic) in report.by_transport() {
        write!(
            out,
            "{separator}{}:{{\"connections\":{},\"messages_received\":{},\"messages_sent\":{},\
             \"bytes_received\":{},\"bytes_sent\":{}}}",
            Quoted(transport),
            traffic.connections,
            traffic.messages_received,
            traffic.messages_sent,
            traffic.bytes_received,
            traffic.bytes_sent,
        )
        .expect("a String takes everything");
        separator = ',';
    }
    out.push_str("}}");
    out
}

//! What the counters of the engine must be, counted from the outside.

use super::peer::Peer;
use super::script::Kind;
use crate::engine::Stats;
use crate::engine::tests::world::Socket;
use crate::protocol::CloseReason;

/// What only the shell can have seen.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Seen {
    /// Connections that it broke while they were open.
    pub(super) lost: u64,
    /// Reads of which a part was parked.
    pub(super) parked: u64,
    /// Whether the server was drained.
    pub(super) drain: bool,
}

/// The counters as they must be when all is over. How many requests of a web peer were refused
/// cannot be known if it was cut short, so then what was `found` is taken for right.
pub(super) fn expected(peers: &[Peer], seen: Seen, found: &Stats) -> Stats {
    let count = |is_counted: &dyn Fn(&Peer) -> bool| {
        peers.iter().filter(|peer| is_counted(peer)).count() as u64
    };
    let total = |amount: &dyn Fn(&Peer) -> usize| peers.iter().map(amount).sum::<usize>() as u64;
    let is_all_answered = peers
        .iter()
        .filter(|peer| peer.script.refusals > 0)
        .all(|peer| !peer.was_lost && !peer.was_shed && (!seen.drain || peer.is_known));
    let refused: u64 = peers.iter().map(|peer| peer.script.refusals).sum();
    Stats {
        opened: peers.len() as u64,
        closed: count(&|peer| peer.socket == Socket::Closed),
        upgraded: count(&|peer| peer.script.kind == Kind::WebSocket && peer.is_known),
        messages: total(&|peer| peer.heard.len()),
        bytes_received: total(&|peer| peer.sent),
        bytes_sent: total(&|peer| peer.bytes_taken),
        requests_refused: if is_all_answered { refused } else { found.requests_refused },
        protocol_errors: count(&|peer| matches!(peer.reason, Some(CloseReason::Refused(_)))),
        abnormal: count(&|peer| peer.reason == Some(CloseReason::Abnormal)),
        slow_consumers: count(&|peer| peer.reason == Some(CloseReason::SlowConsumer)),
        shed: count(&|peer| peer.was_shed),
        close_timeouts: count(&leaves_our_close_unanswered),
        lost: seen.lost,
        parked: seen.parked,
        ..Stats::default()
    }
}

/// Whether the peer never answers a Close frame that it was sent.
fn leaves_our_close_unanswered(peer: &Peer) -> bool {
    peer.script.kind == Kind::WebSocket
        && matches!(peer.reason, Some(CloseReason::Closed(_) | CloseReason::Draining))
        && !(peer.was_lost || peer.was_shed || peer.script.answers_close || peer.script.has_fin)
}

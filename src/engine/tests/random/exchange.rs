//! HTTP requests, and what an engine answers that has nothing else to do.
//!
//! What HTTP should say is tested elsewhere; here it must say the same whatever else goes on.

use std::sync::LazyLock;

use crate::engine::tests::world::{REQUEST, World};
use crate::service::Echo;

/// A request and the answer to it.
pub(super) struct Exchange {
    pub(super) request: &'static [u8],
    pub(super) answer: Vec<u8>,
    /// How many errors were answered: one or none.
    pub(super) refusals: u64,
}

const REQUESTS: [&[u8]; 5] = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n",
    b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
];

/// Requests after which the connection stays, with their answers.
pub(super) static EXCHANGES: LazyLock<[Exchange; REQUESTS.len()]> =
    LazyLock::new(|| REQUESTS.map(Exchange::new));

/// The request that makes a WebSocket of the connection.
pub(super) static UPGRADE: LazyLock<Exchange> = LazyLock::new(|| Exchange::new(REQUEST));

/// The response to this is the last one, because the client has asked for that.
pub(super) static FAREWELL: LazyLock<Exchange> =
    LazyLock::new(|| Exchange::new(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));

/// The response to this is the last one, because nobody knows where the next request begins.
pub(super) static NONSENSE: LazyLock<Exchange> =
    LazyLock::new(|| Exchange::new(b"no request\r\n\r\n"));

impl Exchange {
    /// Asks a server of its own.
    fn new(request: &'static [u8]) -> Exchange {
        let mut world = World::new();
        let web = world.web(Echo);
        let id = world.open(web);
        let answer = world.send(id, request);
        Exchange { request, answer, refusals: world.engine.stats().requests_refused }
    }
}

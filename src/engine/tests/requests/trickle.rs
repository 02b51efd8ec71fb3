//! Requests that take their time.

use std::time::Duration;

use super::{GET, HEAD, answers};
use crate::engine::tests::world::{Socket, World};
use crate::service::Echo;

/// However a peer spreads its bytes, a request is complete in time or is not: 10 seconds from accept,
/// or from the first byte behind an answer, and in that time at the latest.
#[test]
fn what_trickles_in_is_closed_at_the_deadline() {
    let line = format!("GET /?{}", "x".repeat(1000));
    let field = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(1000));
    let fields = format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "X: y\r\n".repeat(60));
    let empty = "\r\n".repeat(500);
    let body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n".to_owned();
    let body = body + &"x".repeat(900);
    for (name, begins, trickles, status) in [
        ("a request line", 0, &line, Some(408)),
        ("a HEAD", 0, &line.replace("GET", "HEAD"), Some(HEAD + 408)),
        ("a field", 0, &field, Some(408)),
        ("fields", 0, &fields, Some(408)),
        ("empty lines", 0, &empty, Some(408)),
        ("a body", body.len() - 900, &body, None),
    ] {
        for is_first in [true, false] {
            if !is_first && name == "empty lines" {
                // They are no request yet: it is the time between requests that ends.
                continue;
            }
            let mut world = World::new();
            let echo = world.web(Echo);
            let id = world.open(echo);
            if !is_first {
                world.send(id, GET.as_bytes());
                // The time between two requests is not a part of the second.
                world.pass(Duration::from_secs(5));
            }
            let (begun, rest) = trickles.as_bytes().split_at(begins);
            world.send(id, begun);
            let mut time = Duration::ZERO;
            let mut output = Vec::new();
            for byte in rest {
                output.extend(world.send(id, &[*byte]));
                if world.socket(id) != Socket::Open {
                    break;
                }
                world.pass(Duration::from_millis(50));
                time += Duration::from_millis(50);
            }
            let expected = Duration::from_millis(9_900)..=Duration::from_millis(10_100);
            assert!(expected.contains(&time), "{name}, first: {is_first}: {time:?}");
            let got = answers(&output).0;
            assert_eq!(got.first().map(|answer| answer.status), status, "{name}: {output:?}");
            assert!(got.len() < 2);
        }
    }
}

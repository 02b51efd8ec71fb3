//! Compressed messages: how they are cut makes no difference, none is longer than allowed, and no more
//! than a block is inflated behind what is; and what was understood is understood again when it is
//! compressed by us.
#![no_main]

use std::ops::Range;

use libfuzzer_sys::fuzz_target;
use readily::buffer::BufferPool;
use readily::codec::websocket::deflate::Policy;
use readily::codec::websocket::deflate::negotiation::accept;
use readily::codec::websocket::deflate::{Context, Inbound, Outbound, Pool, WindowBits};
use readily::codec::websocket::{Decoder, Event, Limits, Opcode, ProtocolError, Role};
use readily_fuzz::{Input, at_once, one_by_one};

const LIMITS: Limits = Limits { max_message: 3_000, max_fragments: 20 };

fuzz_target!(|input: Input| {
    let Input { choice, bytes, .. } = input;
    let (takeover, bits) = (choice & 1 == 1, choice >> 1);
    let whole = hear(takeover, bytes, &at_once(bytes.len()));
    assert_eq!(hear(takeover, bytes, &input.reads()), whole, "cut");
    assert_eq!(hear(takeover, bytes, &one_by_one(bytes.len())), whole, "byte by byte");

    // Said again by the other side.
    let window = WindowBits::new(9 + bits % 7).expect("one of the seven");
    let mut outbound = Outbound::new(Context { window, takeover });
    let (mut pool, mut wire) = (Pool::new(0), Vec::new());
    for message in &whole.0 {
        outbound.encode(&mut wire, Opcode::Binary, message, None, &mut pool);
    }
    assert_eq!(hear(takeover, &wire, &at_once(wire.len())), (whole.0, None));

    // And as the value of a field.
    let policy = if takeover { Policy::Takeover } else { Policy::NoTakeover };
    if let Some(accepted) = accept(policy, [bytes]) {
        assert!(takeover || !accepted.agreement.outbound().takeover);
        assert!(accepted.response.starts_with("permessage-deflate"));
    }
});

/// The messages that are heard in the reads, and what is wrong behind them.
fn hear(
    takeover: bool,
    bytes: &[u8],
    reads: &[Range<usize>],
) -> (Vec<Vec<u8>>, Option<ProtocolError>) {
    let (mut decoder, mut inbound) = (Decoder::new(Role::Client), Inbound::new(takeover));
    let (mut buffers, mut pool, mut heard) = (BufferPool::new(), Pool::default(), Vec::new());
    let mut length = 0;
    for read in reads {
        let mut piece = bytes[read.clone()].to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            let next =
                decoder.next_inflating(&mut input, &LIMITS, &mut buffers, &mut inbound, &mut pool);
            match next {
                Ok(Some(Event::Text(message) | Event::Binary(message))) => {
                    assert!(message.len() <= LIMITS.max_message);
                    assert!(takeover || !inbound.holds_inflater());
                    length += message.len();
                    heard.push(message.to_vec());
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return (heard, Some(error)),
            }
            // A message that is not finished, and a block more than it may have.
            let inflated = usize::try_from(pool.inflated_bytes()).expect("it was in memory");
            assert!(inflated <= length + LIMITS.max_message + 16 * 1024);
        }
        assert!(input.is_empty(), "all of a read is used up");
    }
    (heard, None)
}

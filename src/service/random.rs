//! `random`: integers, one by one or in a burst.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::{CloseReason, ConnId, Context, Message, PeerAddr, Service};

/// A peer's first message is a count, and that many integers are its answer, followed by Close.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Burst {
    /// The largest count that is served.
    pub limit: u64,
}

impl Default for Burst {
    fn default() -> Self {
        Burst { limit: 1_000_000 }
    }
}

/// Answers each message with a decimal integer from a range, both ends included.
///
/// A message of two integers, `MIN MAX`, asks for that range for this one reply. Two fields that
/// are not two integers in order get `ERR` and a reason; any other message gets the default range.
#[derive(Debug)]
pub struct Random {
    range: RangeInclusive<i64>,
    burst: Option<Burst>,
    /// How many integers a peer is still to get; peers between the first message and the last
    /// integer only. Looked up, never iterated.
    owed: HashMap<ConnId, u64>,
    reply: String,
}

impl Random {
    /// Integers from `range`, which must not be empty.
    pub fn new(range: RangeInclusive<i64>, burst: Option<Burst>) -> Random {
        assert!(!range.is_empty(), "no integer to choose from");
        Random { range, burst, owed: HashMap::new(), reply: String::new() }
    }

    /// Puts the answer to `message` into `self.reply`.
    fn answer(&mut self, rng: &mut StdRng, message: &[u8]) {
        self.reply.clear();
        let written = match requested_range(message) {
            Ok(range) => {
                write!(self.reply, "{}", rng.random_range(range.unwrap_or(self.range.clone())))
            }
            Err(reason) => write!(self.reply, "ERR {reason}"),
        };
        written.expect("a String takes everything");
    }

    /// Sends what is owed to `peer` until there is no room, and Close behind the last.
    fn pay(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        let Some(mut owed) = self.owed.remove(&peer) else { return };
        while owed > 0 && cx.room(peer) > 0 {
            self.reply.clear();
            let number = cx.rng().random_range(self.range.clone());
            write!(self.reply, "{number}").expect("a String takes everything");
            if !cx.send(peer, Message::text(&self.reply)) {
                return;
            }
            owed -= 1;
        }
        if owed > 0 {
            self.owed.insert(peer, owed);
        } else {
            cx.close(peer, NORMAL, "");
        }
    }
}

/// Status codes of Close (RFC 6455 section 7.4.1).
const NORMAL: u16 = 1000;
const POLICY_VIOLATION: u16 = 1008;

impl Default for Random {
    /// 1 to 1000, one by one.
    fn default() -> Self {
        Random::new(1..=1000, None)
    }
}

impl Service for Random {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        let Some(burst) = self.burst else {
            self.answer(cx.rng(), message.as_bytes());
            cx.send(from, Message::text(&self.reply));
            return;
        };
        if self.owed.contains_key(&from) {
            // Only the first message is a count.
            return;
        }
        match burst_count(message.as_bytes(), burst) {
            Ok(count) => {
                self.owed.insert(from, count);
                self.pay(cx, from);
            }
            Err(reason) => cx.close(from, POLICY_VIOLATION, &reason),
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        self.pay(cx, peer);
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.owed.remove(&peer);
    }

    fn on_datagram(
        &mut self,
        cx: &mut Context<'_>,
        _: &PeerAddr,
        payload: &[u8],
        reply: &mut Vec<u8>,
    ) -> bool {
        self.answer(cx.rng(), payload);
        reply.extend_from_slice(self.reply.as_bytes());
        true
    }
}

/// The range that a message asks for, if it asks for one.
fn requested_range(message: &[u8]) -> Result<Option<RangeInclusive<i64>>, &'static str> {
    let mut fields = message.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let (Some(min), Some(max), None) = (fields.next(), fields.next(), fields.next()) else {
        return Ok(None);
    };
    let (Some(min), Some(max)) = (integer(min), integer(max)) else {
        return Err("MIN and MAX must be integers of 64 bits");
    };
    if min > max { Err("MIN is greater than MAX") } else { Ok(Some(min..=max)) }
}

/// The count that begins a burst.
fn burst_count(message: &[u8], burst: Burst) -> Result<u64, String> {
    let Some(count) = integer::<i128>(message.trim_ascii()) else {
        return Err("the first message must be a count".to_owned());
    };
    if count < 0 {
        return Err("the count must not be negative".to_owned());
    }
    // What does not fit into 64 bits is above every limit.
    match u64::try_from(count) {
        Ok(count) if count <= burst.limit => Ok(count),
        _ => Err(format!("the count must not be above {}", burst.limit)),
    }
}

fn integer<T: std::str::FromStr>(field: &[u8]) -> Option<T> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fields_ask_for_a_range() {
        assert_eq!(requested_range(b"5 7"), Ok(Some(5..=7)));
        assert_eq!(requested_range(b" -3\t 3\r"), Ok(Some(-3..=3)));
        let all = format!("{} {}", i64::MIN, i64::MAX);
        assert_eq!(requested_range(all.as_bytes()), Ok(Some(i64::MIN..=i64::MAX)));
        assert!(requested_range(b"7 5").is_err());
        assert!(requested_range(b"1 x").is_err());
        assert!(requested_range(b"1 9223372036854775808").is_err());
        assert!(requested_range(b"\xff \xfe").is_err());
    }

    #[test]
    fn anything_else_asks_for_the_default() {
        for message in [&b""[..], b"7", b"1 2 3", b"hello", b" ", b"\xff"] {
            assert_eq!(requested_range(message), Ok(None), "{message:?}");
        }
    }

    #[test]
    fn the_whole_range_of_64_bits_does_not_overflow() {
        let mut random = Random::default();
        let mut rng = rand::SeedableRng::seed_from_u64(1);
        let message = format!("{} {}", i64::MIN, i64::MAX);
        let mut signs = [0, 0];
        for _ in 0..64 {
            random.answer(&mut rng, message.as_bytes());
            let number: i64 = random.reply.parse().unwrap();
            signs[usize::from(number < 0)] += 1;
        }
        assert!(signs[0] > 0 && signs[1] > 0);
        random.answer(&mut rng, b"9223372036854775807 9223372036854775807");
        assert_eq!(random.reply, "9223372036854775807");
    }

    #[test]
    fn a_count_has_to_be_a_number_in_its_limit() {
        let burst = Burst { limit: 10 };
        assert_eq!(burst_count(b"10", burst), Ok(10));
        assert_eq!(burst_count(b" 0\n", burst), Ok(0));
        for bad in [&b"11"[..], b"-1", b"x", b"", b"1 2", b"99999999999999999999999"] {
            assert!(burst_count(bad, burst).is_err(), "{bad:?}");
        }
    }
}

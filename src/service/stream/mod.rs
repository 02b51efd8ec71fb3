//! `stream`: samples at a rate, until they are enough.
//!
//! | a client sends | |
//! |---|---|
//! | `START RATE [COUNT]` | it gets `SEQ VALUE`, RATE times a second (0.001 to 1000000), COUNT times or for ever |
//! | `STOP` | that ends; where it closes the connection (on lines and packets), the connection, too |
//!
//! SEQ is 1, 2, 3 and so on. A second START takes the place of the first, and begins at 1. Anything else
//! is answered with `ERR reason`. VALUE is by the [`Source`] of the binding.
//!
//! **Time.** The first sample is sent at once, and each has its moment, reckoned from the first; nothing
//! adds up. Streams are looked at when their next sample is due, at most once a millisecond: what has
//! become due by then is sent together. Who is due next is the first of an ordered set, so streams that
//! are not due cost nothing, however many there are.
//!
//! **Slow readers.** A stream whose reader has no room pauses, and goes on from there when there is: no
//! sample is left out, and those that would have come meanwhile come later. A stream that is
//! [pushed](Stream::pushing) does not wait: by what the binding says of
//! [slow consumers](crate::engine::SlowConsumers), its reader misses samples, as their numbers show, or is
//! closed.

mod rate;

use std::collections::{BTreeSet, HashMap};
use std::io::Write as _;
use std::time::Duration;

use rand::RngExt as _;

use self::rate::Rate;
use super::{CloseReason, ConnId, Context, Message, MessageKind, Service};
use crate::decimal;
use crate::time::Time;

/// The values of samples.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Source {
    /// The number of the sample.
    #[default]
    Counter,
    /// An integer that begins at 0 and goes up or down by one, by chance.
    Walk,
    /// The time, in seconds since 1970.
    Clock,
}

/// Streams are looked at no more often than this, unless one has more to send than is sent at once.
const TICK: Duration = Duration::from_millis(1);

/// The most samples that one stream is sent before it is the turn of the next.
const SAMPLES_AT_ONCE: u64 = 1_024;

/// When so many have been sent in one turn of the loop, the rest waits for the next.
const SAMPLES_PER_TURN: u64 = 16_384;

/// Sends samples to whoever asks for them. See the [module](self).
#[derive(Debug, Default)]
pub struct Stream {
    source: Source,
    /// Whether samples are sent to those, too, who have no room.
    is_pushed: bool,
    running: HashMap<ConnId, Running>,
    /// When those that do not wait for room are to be looked at.
    due: BTreeSet<(Wake, ConnId)>,
    /// How many moments were given.
    wakes: u64,
    /// What is sent, as it is put together.
    text: Vec<u8>,
}

/// When a stream is to be looked at; of those with one moment, first come, first served.
type Wake = (Time, u64);

/// One stream.
#[derive(Debug)]
struct Running {
    rate: Rate,
    /// How many samples are still to be sent.
    left: u64,
    /// The number of the next.
    seq: u64,
    value: i64,
    /// When the sample had its moment from which the others are reckoned, and how many are since then.
    origin: Time,
    since_origin: u64,
    /// Its place in `due`; `None` while it waits for room.
    wake: Option<Wake>,
}

impl Stream {
    /// Streams with values from `source`.
    pub fn new(source: Source) -> Stream {
        Stream { source, ..Stream::default() }
    }

    /// Has samples pushed, so that no stream waits for its reader.
    pub fn pushing(self, is_pushed: bool) -> Stream {
        Stream { is_pushed, ..self }
    }

    fn start(&mut self, cx: &mut Context<'_>, peer: ConnId, rate: Rate, count: Option<u64>) {
        self.stop(peer);
        let running = Running {
            rate,
            left: count.unwrap_or(u64::MAX),
            seq: 1,
            value: 0,
            origin: cx.now(),
            since_origin: 0,
            wake: None,
        };
        self.running.insert(peer, running);
        self.serve(cx, peer);
    }

    fn stop(&mut self, peer: ConnId) {
        if let Some(Running { wake: Some(wake), .. }) = self.running.remove(&peer) {
            self.due.remove(&(wake, peer));
        }
    }

    /// Sends a peer what is due, and sees to it that the stream goes on when there is more. Returns how
    /// many samples that were.
    fn serve(&mut self, cx: &mut Context<'_>, peer: ConnId) -> u64 {
        let Some(running) = self.running.get_mut(&peer) else { return 0 };
        if let Some(wake) = running.wake.take() {
            self.due.remove(&(wake, peer));
        }
        let now = cx.now();
        let due = running.rate.due(now - running.origin) - running.since_origin;
        let most = due.min(running.left).min(SAMPLES_AT_ONCE);
        let mut sent = 0;
        while sent < most {
            running.write(self.source, cx, &mut self.text);
            let sample = Message::decoded(MessageKind::Text, &self.text);
            let is_sent = if self.is_pushed {
                // Who is slow misses it and stays, or is closed by it.
                cx.push(peer, sample) || cx.is_open(peer)
            } else {
                cx.try_send(peer, sample)
            };
            if !is_sent {
                break;
            }
            if self.source == Source::Walk {
                running.value += if cx.rng().random_bool(0.5) { 1 } else { -1 };
            }
            running.seq += 1;
            running.left -= 1;
            running.since_origin += 1;
            sent += 1;
        }
        if running.left == 0 {
            self.running.remove(&peer);
        } else if sent == most {
            let next = running.origin + running.rate.moment(running.since_origin);
            // Who has more to send goes behind all that are due.
            let wake = (if next <= now { now } else { tick_at(next) }, self.wakes);
            self.wakes += 1;
            running.wake = Some(wake);
            self.due.insert((wake, peer));
        }
        sent
    }
}

impl Running {
    /// Puts the next sample together in `out`.
    fn write(&self, source: Source, cx: &Context<'_>, out: &mut Vec<u8>) {
        let seq = self.seq;
        out.clear();
        match source {
            Source::Counter => write!(out, "{seq} {seq}"),
            Source::Walk => write!(out, "{seq} {}", self.value),
            Source::Clock => write!(out, "{seq} {}", cx.wall_clock().unix_seconds),
        }
        .expect("a Vec takes everything");
    }
}

/// The first moment at or after `moment` at which streams are looked at. They are the same for all, so that
/// those that are due at about the same time are served in the same turn.
fn tick_at(moment: Time) -> Time {
    let tick = u64::try_from(TICK.as_nanos()).expect("it is short");
    Time::from_nanos(moment.as_nanos().div_ceil(tick).saturating_mul(tick))
}

impl Service for Stream {
    fn on_message(&mut self, cx: &mut Context<'_>, from: ConnId, message: Message<'_>) {
        match Command::read(message.as_bytes()) {
            Ok(Command::Start { rate, count }) => self.start(cx, from, rate, count),
            Ok(Command::Stop) => self.stop(from),
            Err(reason) => {
                cx.send(from, Message::text(&format!("ERR {reason}")));
            }
        }
    }

    fn on_drained(&mut self, cx: &mut Context<'_>, peer: ConnId) {
        if let Some(running) = self.running.get_mut(&peer)
            && running.wake.is_none()
        {
            // The sample that had no room has its moment now.
            running.origin = cx.now();
            running.since_origin = 0;
            self.serve(cx, peer);
        }
    }

    fn on_close(&mut self, _: &mut Context<'_>, peer: ConnId, _: CloseReason) {
        self.stop(peer);
        if self.running.is_empty() {
            self.running = HashMap::new();
        }
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.due.first().map(|&((moment, _), _)| moment)
    }

    fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let mut sent = 0;
        while sent < SAMPLES_PER_TURN
            && let Some(&((moment, _), peer)) = self.due.first()
            && moment <= cx.now()
        {
            sent += self.serve(cx, peer);
        }
    }
}

/// What a client wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Command {
    Start { rate: Rate, count: Option<u64> },
    Stop,
}

impl Command {
    fn read(message: &[u8]) -> Result<Command, &'static str> {
        const USAGE: &str = "START RATE [COUNT] or STOP is expected";
        let text = std::str::from_utf8(message).map_err(|_| USAGE)?;
        let mut words = text.split_ascii_whitespace();
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("STOP"), None, None, None) => Ok(Command::Stop),
            (Some("START"), Some(rate), count, None) => {
                let rate = Rate::parse(rate).ok_or("RATE is a number from 0.001 to 1000000")?;
                let count = count.map(read_count).transpose()?;
                Ok(Command::Start { rate, count })
            }
            _ => Err(USAGE),
        }
    }
}

fn read_count(digits: &str) -> Result<u64, &'static str> {
    decimal::parse(digits).ok_or("COUNT is a number")
}
